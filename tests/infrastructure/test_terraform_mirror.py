"""The local mirror of Terraform's provider, for a machine without access to a registry."""

import os
import subprocess
from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.terraform_mirror import (
    CHOSEN_MIRROR,
    first_mirror,
    holds_provider,
    locked_version,
    provider_mirror,
    provider_options,
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


def test_a_mirror_may_hold_an_unpacked_provider(tmp_path: Path) -> None:
    assert holds_provider(an_unpacked_mirror(tmp_path), "5.100.0", "linux_amd64")


def test_a_mirror_may_hold_the_shipped_archive(tmp_path: Path) -> None:
    provider = tmp_path / "registry.terraform.io/hashicorp/aws"
    provider.mkdir(parents=True)
    (provider / "terraform-provider-aws_5.100.0_darwin_arm64.zip").touch()
    assert holds_provider(tmp_path, "5.100.0", "darwin_arm64")


@pytest.mark.parametrize(("version", "system"), [("5.99.0", "linux_amd64"), ("5.100.0", "x_y")])
def test_a_mirror_of_another_version_or_platform_does_not_count(
    tmp_path: Path, version: str, system: str
) -> None:
    an_unpacked_mirror(tmp_path, version, system)
    assert not holds_provider(tmp_path, "5.100.0", "linux_amd64")


def test_the_mirror_is_the_folder_that_contains_the_provider(
    tmp_path: Path,
) -> None:
    (tmp_path / "opt" / "browser").mkdir(parents=True)
    mirror = an_unpacked_mirror(tmp_path / "opt" / "plugins")
    folders = [tmp_path / "not-there", tmp_path / "opt"]
    assert first_mirror(folders, "5.100.0", "linux_amd64") == mirror


def test_without_a_mirror_terraform_searches_itself(tmp_path: Path) -> None:
    assert first_mirror([tmp_path], "5.100.0", "linux_amd64") is None


def test_the_named_mirror_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    an_unpacked_mirror(tmp_path, system=this_platform())
    monkeypatch.setenv(CHOSEN_MIRROR, str(tmp_path))
    assert provider_mirror() == tmp_path
    assert provider_options() == [f"-plugin-dir={tmp_path}", "-lockfile=readonly"]


def test_a_named_mirror_without_the_provider_fails_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHOSEN_MIRROR, str(tmp_path))
    with pytest.raises(OperationError, match=f"{CHOSEN_MIRROR} is {tmp_path}, which contains no"):
        provider_mirror()


def test_the_locked_version_is_that_of_the_aws_provider() -> None:
    assert locked_version(LOCK) == "5.100.0"


def test_a_lock_file_without_the_provider_fails_with_one_sentence() -> None:
    with pytest.raises(OperationError, match="locks no hashicorp/aws provider"):
        locked_version("# nothing")


@pytest.mark.parametrize(
    ("mirror", "variables"),
    [
        (".terraform.d/plugins", {}),
        (".local/share/terraform/plugins", {}),
        ("data/terraform/plugins", {"XDG_DATA_HOME": "data"}),
        ("shared/terraform/plugins", {"XDG_DATA_DIRS": "shared"}),
    ],
)
def test_terraform_finds_a_provider_in_its_implied_mirrors(
    tmp_path: Path, mirror: str, variables: dict[str, str]
) -> None:
    """So operations/terraform_mirror.py need not search these folders."""
    package = tmp_path / mirror / "registry.terraform.io/hashicorp/fake/1.0.0" / this_platform()
    package.mkdir(parents=True)
    provider = package / "terraform-provider-fake_v1.0.0"
    provider.touch(0o755)
    configuration = tmp_path / "configuration"
    configuration.mkdir()
    required = 'required_providers {\nfake = { source = "hashicorp/fake" }\n}'
    (configuration / "main.tf").write_text(f"terraform {{\n{required}\n}}\n")
    environment = {name: str(tmp_path / folder) for name, folder in variables.items()}

    done = subprocess.run(
        ["terraform", "init", "-no-color", "-input=false"],
        cwd=configuration,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Installed hashicorp/fake v1.0.0" in done.stdout
