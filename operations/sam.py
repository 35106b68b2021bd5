"""Build and deploy the functions with AWS SAM."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from operations import ROOT, releases, stack
from operations.commands import run_command
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.fingerprints import files_under, fingerprint
from operations.terraform import Terraform

TEMPLATE = ROOT / "sam" / "template.yaml"
_BIN = ROOT / ".venvs" / "sam" / "bin"
_UNKNOWN_YET = "s3://scripts/are/published/later/"
LAYER = "SharedLayer"
_LAYER, _FUNCTION = "/opt", "/var/task"  # where Lambda puts them: the paths in tracebacks
_EVENT = re.compile(r"^(CREATE|UPDATE|DELETE)_COMPLETE\s+\S+\s+(?P<name>\S+)")


def resource_complete(line: str) -> str | None:
    """Return the resource that a line of `sam deploy` reports as complete, else None."""
    found = _EVENT.match(line)
    return found["name"] if found else None


def parameters_file(deployment: Deployment) -> Path:
    """Return the path of the deployment's own template parameters; the file may not exist."""
    return ROOT / "sam" / "parameters" / f"{deployment.name}.toml"


def parameters(deployment: Deployment, scripts: str, file: Path | None = None) -> dict[str, str]:
    """Return the template's parameters: deployment, scripts prefix, and those in its file."""
    file = file or parameters_file(deployment)
    try:
        own = tomllib.loads(file.read_text()) if file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise OperationError(f"{file} is not TOML: {error}") from error
    if wrong := [name for name, value in own.items() if not isinstance(value, str | int | float)]:
        raise OperationError(f"{file}: {wrong[0]} is neither a text nor a number.")
    given = {name: str(value) for name, value in own.items()}
    return {**given, "Environment": deployment.name, "StepsPrefix": scripts}


def resolved_values(deployment: Deployment) -> dict[str, str]:
    """Return the template's parameters that depend on the values that Terraform published.

    The digest makes CloudFormation resolve the published values again. It resolves them only when
    it updates a resource, and a new cluster alone does not change the template. The WAF's ARN is
    passed as a value, because the condition on it cannot resolve an SSM parameter.
    """
    return {
        "ParametersDigest": deployment.parameters_digest,
        "WebAclArn": deployment.parameters.get("web-acl-arn", ""),
    }


def build_template(deployment: Deployment, template: Path = TEMPLATE) -> None:
    """Build a template's functions and layer into the deployment's state folder."""
    _run(
        deployment,
        "build",
        *("--template-file", str(template)),
        *("--build-dir", str(build_folder(deployment))),
        *("--cache-dir", str(build_folder(deployment).with_name("cache"))),
        # The processor among them decides which wheels go into the layer.
        *("--parameter-overrides", *_overrides(parameters(deployment, _UNKNOWN_YET))),
        "--parallel",
        "--cached",
    )
    compile_modules(deployment)


def compile_modules(deployment: Deployment) -> None:
    """Compile the modules of the built functions and the layer to bytecode.

    A function's file system is read-only, so Python cannot cache bytecode there and would compile
    every import at each cold start: more than half of its time. Bytecode of mode `unchecked-hash`
    is not checked against its module's modification time, which packing changes.
    """
    for part in sorted(build_folder(deployment).iterdir()):
        if part.is_dir():
            run_command(
                [
                    *(str(_BIN / "python"), "-m", "compileall", "-q"),
                    *("--invalidation-mode", "unchecked-hash"),
                    *("-s", str(part), "-p", _LAYER if part.name == LAYER else _FUNCTION),
                    str(part),
                ],
                log=deployment.state / "logs" / f"compile-{part.name}.log",
                what=f"compiling {part.name}",
            )


def deploy_stack(
    deployment: Deployment, scripts: str, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Deploy the built template as the stack; call `progress` with each completed resource.

    A stack that cannot be updated is deleted first. All aliases then point at this release, even
    if a rollback had moved them off it. If the deployment fails, they stay at the current one.
    """
    stack.make_deployable(deployment)
    before = releases.in_use(deployment)
    releases.forget_unfinished(deployment)
    try:
        _deploy_stack(deployment, scripts, progress)
    except OperationError:
        releases.restore_aliases(deployment, before)
        raise
    releases.advance_aliases(deployment)
    releases.prune(deployment, before)


def _deploy_stack(deployment: Deployment, scripts: str, progress: Callable[[str], None]) -> None:
    def heard(line: str) -> None:
        if name := resource_complete(line):
            progress(name)

    given = parameters(deployment, scripts) | resolved_values(deployment)
    built = build_folder(deployment)
    tags = Terraform(deployment).outputs()["tags"]
    _run(
        deployment,
        "deploy",
        *("--template-file", str(built / "template.yaml")),
        *("--stack-name", deployment.prefix),
        *("--s3-bucket", deployment.parameter("artifacts-bucket")),
        *("--s3-prefix", "sam"),
        *("--region", deployment.region),
        *("--capabilities", "CAPABILITY_IAM"),
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        *("--parameter-overrides", *_overrides({**given, "Release": release_name(built, given)})),
        # CloudFormation applies them to every resource of the stack that supports tags.
        *(["--tags", *_overrides(tags)] if tags else []),
        each_line=heard,
    )


def release_name(built: Path, given: Mapping[str, str]) -> str:
    """Return the name of a release: 16 hexadecimal digits that identify its content.

    Args:
        built: folder of the built functions, the layer and the template; bytecode is ignored.
        given: the template's parameters; a changed one makes a new release.
    """
    words = (f"{name}={value}" for name, value in sorted(given.items()))
    return fingerprint(files_under(built), *words, root=built)


def _overrides(given: Mapping[str, str]) -> list[str]:
    # Quoted because sam splits overrides at spaces, for example in rate(1 minute).
    return [f'{name}="{value}"' for name, value in given.items()]


def build_folder(deployment: Deployment) -> Path:
    """Return the folder of the deployment's built functions, layer and template."""
    # sam writes a file next to its build folder.
    return deployment.state / "sam" / "build"


# There is no samconfig.toml: only six of the arguments are the same for every deployment, and sam
# looks for the file beside the template, which at the deployment is the built one.
def _run(
    deployment: Deployment,
    command: str,
    *arguments: str,
    each_line: Callable[[str], None] = lambda _: None,
) -> None:
    run_command(
        [str(_BIN / "sam"), command, *arguments],
        log=deployment.state / "logs" / f"sam-{command}.log",
        what=f"sam {command}",
        # sam keeps dependencies under its working directory, which deployments must not share.
        folder=deployment.state,
        variables={
            "SAM_CLI_TELEMETRY": "0",
            # sam builds with the pip of the first Python 3.13 on PATH: make it that of sam's venv.
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
        },
        each_line=each_line,
    )
