"""The container image that a function runs in: AWS's own, or a stand-in if it is unavailable."""

import hashlib
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from operations import ROOT
from operations.commands import run_command
from operations.console import Phases
from operations.errors import OperationError
from operations.invoke import debian
from operations.invoke.engine import docker, docker_answer

RUNTIME = "python3.13"
_AWS_IMAGES = "public.ecr.aws/lambda/python"
_STAND_INS = "marquee-lambda-python"
_NAME = "{{.Repository}}:{{.Tag}}"
_LABEL = "marquee.stand-in"  # images built on top of the stand-in inherit it
_LOCK = ROOT / "requirements" / "lambda.lock"
_RECIPE = Path(__file__).parent / "stand_in"
# The Debian release with Python 3.13, and the packages that a function and SAM's own layer need:
# among them a shell, mv and chmod, and the C++ library that numpy and the runtime client use.
_SUITE = "trixie"
_PACKAGES = "base-files,coreutils,dash,libc-bin,libstdc++6,python3.13,tzdata"
_DEBIAN_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
_WHEEL_ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Image:
    """An image that the engine has locally; `is_stand_in` is False for AWS's own image."""

    name: str
    is_stand_in: bool


def aws_image(architecture: str) -> str:
    """Return the name of AWS's runtime image for the architecture `x86_64` or `arm64`."""
    return f"{_AWS_IMAGES}:{RUNTIME.removeprefix('python')}-{architecture}"


def stand_in_image(architecture: str) -> str:
    """Return the name of the stand-in image, which contains a digest of everything it is made of.

    Args:
        architecture: `x86_64` or `arm64`.
    """
    digest = hashlib.sha256(f"{_SUITE} {_PACKAGES}".encode())
    for file in (*sorted(_RECIPE.iterdir()), _LOCK):
        digest.update(file.read_bytes())
    return f"{_STAND_INS}:{architecture}-{digest.hexdigest()[:12]}"


def obtain(architecture: str, log: Path, phases: Phases) -> Image:
    """Return a runtime image: one that the engine has, else AWS's pulled, else a stand-in built.

    Args:
        architecture: `x86_64` or `arm64`.
        log: the file for the output of a build.
        phases: reports the progress.

    Raises:
        OperationError: if none of these works.
    """
    for image in (
        Image(aws_image(architecture), is_stand_in=False),
        Image(stand_in_image(architecture), is_stand_in=True),
    ):
        if _held(image.name):
            _remove_outgrown()
            return image
    refusal = _pull(aws_image(architecture), phases)
    if refusal is None:
        return Image(aws_image(architecture), is_stand_in=False)
    _refuse_where_no_stand_in_can_be_built(architecture, refusal)
    _build_stand_in(architecture, log, phases)
    return Image(stand_in_image(architecture), is_stand_in=True)


def _held(name: str) -> bool:
    return docker("image", "inspect", name).returncode == 0


def _remove_outgrown() -> None:
    """Remove outdated images that sam built on a stand-in; a rebuild leaves them untagged."""
    docker("image", "prune", "--force", "--filter", f"label={_LABEL}")


def _pull(name: str, phases: Phases) -> str | None:
    """Pull an image and return None, or the reason why that failed.

    The engine itself gives up after fifteen seconds if the registry does not answer.
    """
    with phases.phase("pull the runtime's image") as phase:
        try:
            docker_answer("pull", "--quiet", name)
        except OperationError as error:
            phase.result = "failed; trying a stand-in"
            return str(error)
        phase.result = name
        return None


def _refuse_where_no_stand_in_can_be_built(architecture: str, refusal: str) -> None:
    why = ""
    if not debian.may_install():
        why = "Only root on Debian can build a stand-in"
    elif architecture not in (platform.machine(), platform.machine().replace("aarch64", "arm64")):
        why = f"This {platform.machine()} machine cannot build a stand-in for {architecture}"
    if why:
        raise OperationError(
            f"'make invoke' needs the image {aws_image(architecture)}: {refusal} {why}."
            f" Run 'docker pull {aws_image(architecture)}' where its registry can be reached."
        )


def _build_stand_in(architecture: str, log: Path, phases: Phases) -> None:
    name = stand_in_image(architecture)
    with tempfile.TemporaryDirectory(prefix="marquee-stand-in-") as made:
        context = Path(shutil.copytree(_RECIPE, made, dirs_exist_ok=True))
        with phases.phase("stand-in: Debian's Python 3.13"):
            _make_root(architecture, context / "root.tar", log)
        with phases.phase("stand-in: the runtime's client"):
            _install_runtime(architecture, context / "runtime", log)
        with phases.phase("stand-in: image") as phase:
            for older in docker_answer("image", "ls", "--format", _NAME, _STAND_INS).split():
                docker("image", "rm", older)
            labelled = ["--label", _LABEL, "--tag", name]
            run_command(["docker", "build", *labelled, str(context)], log=log, what="docker build")
            phase.result = name


def _make_root(architecture: str, archive: Path, log: Path) -> None:
    """Pack a minimal Debian from this machine's mirror; packages are extracted, nothing is run."""
    if not shutil.which("mmdebstrap"):
        debian.install_packages("mmdebstrap")
    run_command(
        [
            *("mmdebstrap", "--variant=extract", f"--include={_PACKAGES}"),
            f"--architectures={_DEBIAN_ARCHITECTURES[architecture]}",
            *(_SUITE, str(archive), debian.mirror()),
        ],
        log=log,
        what=f"Making a Debian {_SUITE} root file system",
    )


def _install_runtime(architecture: str, folder: Path, log: Path) -> None:
    """Install the packages that the Lambda runtime itself provides, from the hashed lock."""
    machine = _WHEEL_ARCHITECTURES[architecture]
    run_command(
        [
            *(sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:"),
            *("--platform", f"manylinux_2_28_{machine}", "--platform", f"manylinux2014_{machine}"),
            *("--implementation", "cp", "--python-version", RUNTIME.removeprefix("python")),
            *("--no-compile", "--target", str(folder), "--requirement", str(_LOCK)),
        ],
        log=log,
        what="Installing the runtime's client",
    )
