"""What a local invocation reads from the machine: network, Debian mirror, image."""

from pathlib import Path

import pytest

from operations.console import Phases
from operations.errors import OperationError
from operations.invoke import debian, engine, images

TARGETS = [
    "http://mirror.example/debian/ bookworm",
    "http://mirror.example/debian/ bookworm-updates",
    "http://mirror.example/debian-security/ bookworm-security",
]


@pytest.fixture
def ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a user who may not install packages."""
    monkeypatch.setattr(debian, "may_install", lambda: False)


def test_the_gateway_is_the_one_the_engine_names() -> None:
    ipam = '[{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.9"}]'

    assert engine.gateway(ipam) == "172.17.0.9"


def test_a_bridge_that_never_had_a_container_has_the_first_address_of_its_network() -> None:
    assert engine.gateway('[{"Subnet": "172.18.0.0/16"}]') == "172.18.0.1"


def test_the_ipv4_gateway_is_preferred_where_there_are_both() -> None:
    ipam = '[{"Subnet": "fd00::/64", "Gateway": "fd00::1"}, {"Subnet": "10.5.0.0/24"}]'

    assert engine.gateway(ipam) == "10.5.0.1"


def test_a_bridge_without_addresses_is_rejected() -> None:
    with pytest.raises(OperationError, match="no IPv4 address"):
        engine.gateway("null")


def test_the_mirror_is_that_of_the_suite() -> None:
    assert debian.mirror_of(TARGETS, "bookworm") == "http://mirror.example/debian/"


def test_the_error_without_a_debian_mirror_names_the_fix() -> None:
    with pytest.raises(OperationError, match=r"no Debian mirror with the suite 'trixie'.*apt-get"):
        debian.mirror_of(TARGETS, "trixie")


def test_the_error_without_an_engine_says_what_an_ordinary_user_must_install(
    monkeypatch: pytest.MonkeyPatch, ordinary_user: None, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "engine_answers", lambda: False)

    with (
        pytest.raises(OperationError, match=r"needs a container engine.* install Docker"),
        engine.provide_engine(tmp_path / "log", Phases()),
    ):
        pass


def test_a_running_engine_is_used_and_not_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "engine_answers", lambda: True)
    monkeypatch.setattr(engine, "_start", lambda log: pytest.fail("it runs already"))
    monkeypatch.setattr(engine, "_stop", lambda daemon: pytest.fail("it is not ours"))

    with engine.provide_engine(tmp_path / "log", Phases()):
        pass


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_image_of_aws_is_preferred_to_the_stand_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, architecture: str
) -> None:
    monkeypatch.setattr(images, "_held", lambda name: True)
    monkeypatch.setattr(images, "_remove_outgrown", lambda: None)

    image = images.obtain(architecture, tmp_path / "log", Phases())

    assert image.name == f"public.ecr.aws/lambda/python:3.13-{architecture}"
    assert not image.is_stand_in


def test_the_error_without_an_image_names_the_command_that_gets_it(
    monkeypatch: pytest.MonkeyPatch, ordinary_user: None, tmp_path: Path
) -> None:
    monkeypatch.setattr(images, "_held", lambda name: False)
    monkeypatch.setattr(images, "_pull", lambda name, phases: "docker pull failed: no such host.")

    sentence = r"no such host.*docker pull public.ecr.aws/lambda/python:3.13-x86_64"
    with pytest.raises(OperationError, match=sentence):
        images.obtain("x86_64", tmp_path / "log", Phases())


def test_the_name_of_a_stand_in_depends_on_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    before = images.stand_in_image("x86_64")

    monkeypatch.setattr(images, "_PACKAGES", images._PACKAGES + ",less")

    assert images.stand_in_image("x86_64") != before
