"""The local mirror of Terraform's provider, for a machine without access to a registry."""

from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.terraform_mirror import (
    CHOSEN_MIRROR,
    first_mirror,
    holds_provider,
    locked_version,
    provider_mirror,
    this_platform,
)

LOCK = """
provider "registry.terraform.io/hashicorp/other" {
  version     = "9.9.9"
}

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = "~> 5.100"
  hashes = ["h1:x"]
}
"""


def an_unpacked_mirror(folder: Path, version: str = "5.100.0", system: str = "linux_amd64") -> Path:
    provider = folder / "registry.terraform.io/hashicorp/aws" / version / system
    provider.mkdir(parents=True)
    (provider / f"terraform-provider-aws_v{version}_x5").touch()
    return folder


def test_given_an_unpacked_provider_then_the_mirror_holds_it(tmp_path: Path) -> None:
    assert holds_provider(an_unpacked_mirror(tmp_path), "5.100.0", "linux_amd64")


def test_given_the_shipped_archive_then_the_mirror_holds_it(tmp_path: Path) -> None:
    provider = tmp_path / "registry.terraform.io/hashicorp/aws"
    provider.mkdir(parents=True)
    (provider / "terraform-provider-aws_5.100.0_darwin_arm64.zip").touch()
    assert holds_provider(tmp_path, "5.100.0", "darwin_arm64")


@pytest.mark.parametrize(("version", "system"), [("5.99.0", "linux_amd64"), ("5.100.0", "x_y")])
def test_given_another_version_or_platform_then_the_mirror_does_not_count(
    tmp_path: Path, version: str, system: str
) -> None:
    an_unpacked_mirror(tmp_path, version, system)
    assert not holds_provider(tmp_path, "5.100.0", "linux_amd64")


def test_given_several_folders_then_the_one_below_which_the_provider_lies_is_found(
    tmp_path: Path,
) -> None:
    (tmp_path / "opt" / "browser").mkdir(parents=True)
    mirror = an_unpacked_mirror(tmp_path / "opt" / "plugins")
    folders = [tmp_path / "not-there", tmp_path / "opt"]
    assert first_mirror(folders, "5.100.0", "linux_amd64") == mirror


def test_given_no_mirror_anywhere_then_the_search_is_left_to_terraform(tmp_path: Path) -> None:
    assert first_mirror([tmp_path], "5.100.0", "linux_amd64") is None


def test_given_a_named_mirror_then_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_unpacked_mirror(tmp_path, system=this_platform())
    monkeypatch.setenv(CHOSEN_MIRROR, str(tmp_path))
    assert provider_mirror() == tmp_path


def test_given_a_named_mirror_without_the_provider_then_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHOSEN_MIRROR, str(tmp_path))
    with pytest.raises(OperationError, match=f"{CHOSEN_MIRROR} is {tmp_path}, which contains no"):
        provider_mirror()


def test_the_locked_version_is_the_aws_providers() -> None:
    assert locked_version(LOCK) == "5.100.0"


def test_given_a_lock_file_without_the_provider_then_one_sentence_says_so() -> None:
    with pytest.raises(OperationError, match="locks no hashicorp/aws provider"):
        locked_version("# nothing")
