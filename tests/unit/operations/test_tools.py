"""Tools that no lock file installs are found, installed if allowed, or reported as missing."""

import shutil

import pytest

from operations import tools
from operations.errors import OperationError


def test_the_version_of_terraform_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = '{"terraform_version": "1.11.4", "platform": "linux_amd64"}'
    monkeypatch.setattr(tools, "_words_of", lambda *_: printed)

    assert tools.terraform_version() == "1.11.4"
    assert tools.installed_terraform() == (1, 11)


def test_terraform_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_words_of", lambda *_: "")

    assert tools.installed_terraform() is None


def without_debian(monkeypatch: pytest.MonkeyPatch, version: str, npm: str | None) -> None:
    monkeypatch.setattr(tools, "_words_of", lambda *_: version)
    monkeypatch.setattr(shutil, "which", lambda _: npm)
    monkeypatch.setattr(tools, "_install_on_debian", lambda *_: False)


def test_a_new_enough_node_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    without_debian(monkeypatch, "v20.20.2\n", "/usr/bin/npm")
    tools.require_node()


@pytest.mark.parametrize(
    ("version", "npm"), [("", None), ("v18.19.0\n", "/usr/bin/npm"), ("v22.1.0\n", None)]
)
def test_a_missing_or_old_node_fails_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, version: str, npm: str | None
) -> None:
    without_debian(monkeypatch, version, npm)
    with pytest.raises(OperationError, match="need Node 20 or newer with npm"):
        tools.require_node()
