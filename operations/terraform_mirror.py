"""Find Terraform's AWS provider on machines without access to a provider registry.

Terraform itself searches `~/.terraform.d/plugins` and `terraform/plugins` in the XDG data folders
(its implied mirrors), before it asks the registry. This module finds mirrors elsewhere.
"""

import os
import platform
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from operations import ROOT
from operations.errors import OperationError

CHOSEN_MIRROR = "MARQUEE_TERRAFORM_MIRROR"
_PROVIDER = Path("registry.terraform.io", "hashicorp", "aws")
_LOCK_FILE = ROOT / "terraform" / ".terraform.lock.hcl"
_FOLDERS_OF_MIRRORS = (
    Path("/opt"),
    Path("/srv"),
    Path("/usr/share"),
    Path("/usr/local/share"),
)


def provider_options() -> list[str]:
    """Return the options of `terraform init` for the mirror; none if Terraform is to search.

    Raises:
        OperationError: as `provider_mirror` does.
    """
    mirror = provider_mirror()
    # A mirror has no checksums for other platforms: keep the committed ones.
    return [f"-plugin-dir={mirror}", "-lockfile=readonly"] if mirror else []


def provider_mirror() -> Path | None:
    """Return the mirror to take the provider from, or None to let Terraform search.

    The variable `MARQUEE_TERRAFORM_MIRROR` may name the folder; without it, folders are searched
    that Terraform does not search. A mirror counts only if it contains the locked version for this
    machine.

    Raises:
        OperationError: if the folder that the variable names does not contain that version.
    """
    version, system = locked_version(_LOCK_FILE.read_text()), this_platform()
    chosen = os.environ.get(CHOSEN_MIRROR)
    if chosen:
        if not holds_provider(Path(chosen), version, system):
            raise OperationError(
                f"{CHOSEN_MIRROR} is {chosen}, which contains no {_PROVIDER} {version} for"
                f" {system}: set it to the folder that contains {_PROVIDER}, or unset it to use the"
                " registry."
            )
        return Path(chosen)
    return first_mirror(_FOLDERS_OF_MIRRORS, version, system)


def first_mirror(folders: Iterable[Path], version: str, system: str) -> Path | None:
    """Return the first direct subfolder of these folders that contains the provider."""
    for candidate in _below(folders):
        if holds_provider(candidate, version, system):
            return candidate
    return None


def holds_provider(mirror: Path, version: str, system: str) -> bool:
    """Return whether a mirror contains the provider, unpacked or as HashiCorp's archive."""
    provider = mirror / _PROVIDER
    archive = provider / f"terraform-provider-aws_{version}_{system}.zip"
    return any((provider / version / system).glob("terraform-provider-aws_*")) or archive.is_file()


def locked_version(lock: str) -> str:
    """Return the AWS provider's version from the text of a dependency lock file."""
    block = re.search(r'provider "[^"]*/hashicorp/aws" \{(.*?)^\}', lock, re.DOTALL | re.MULTILINE)
    version = re.search(r'^\s*version\s*=\s*"([^"]+)"', block[1], re.MULTILINE) if block else None
    if not version:
        raise OperationError(
            f"{_LOCK_FILE.name} locks no hashicorp/aws provider: restore it from the repository."
        )
    return version[1]


def this_platform() -> str:
    """Return this machine's platform as Terraform names it, e.g. `linux_amd64`."""
    machine = platform.machine().lower()
    processor = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"{platform.system().lower()}_{processor}"


def _below(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir() and os.access(folder, os.R_OK):
            yield from sorted(path for path in folder.iterdir() if path.is_dir())
