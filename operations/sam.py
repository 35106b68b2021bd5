"""Build and deploy the functions with AWS SAM."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from operations import ROOT, releases, stack
from operations.commands import run
from operations.environment import Environment
from operations.errors import OperationError
from operations.fingerprints import files_under, fingerprint
from operations.terraform import Terraform

TEMPLATE = ROOT / "sam" / "template.yaml"
_BIN = ROOT / ".venvs" / "sam" / "bin"
_UNKNOWN_YET = "s3://scripts/are/published/later/"
LAYER = "SharedLayer"
_LAYER, _FUNCTION = "/opt", "/var/task"  # where Lambda puts them: what tracebacks name
_EVENT = re.compile(r"^(CREATE|UPDATE|DELETE)_COMPLETE\s+\S+\s+(?P<name>\S+)")


def resource_complete(line: str) -> str | None:
    """Return the resource that a line of `sam deploy` says is done."""
    found = _EVENT.match(line)
    return found["name"] if found else None


def parameters_file(environment: Environment) -> Path:
    """Return the file of the environment's own template parameters; it may be missing."""
    return ROOT / "sam" / "parameters" / f"{environment.name}.toml"


def parameters(environment: Environment, scripts: str, file: Path | None = None) -> dict[str, str]:
    """Return the template's parameters: the environment, the scripts, and what its file says."""
    file = file or parameters_file(environment)
    try:
        own = tomllib.loads(file.read_text()) if file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise OperationError(f"{file} is not TOML: {error}") from error
    if wrong := [name for name, value in own.items() if not isinstance(value, str | int | float)]:
        raise OperationError(f"{file}: {wrong[0]} is neither a text nor a number.")
    given = {name: str(value) for name, value in own.items()}
    return {**given, "Environment": environment.name, "StepsPrefix": scripts}


def resolved_values(environment: Environment) -> dict[str, str]:
    """Return the template's parameters that depend on what Terraform published.

    The digest makes CloudFormation look the published values up again: it resolves them only where
    it updates a resource, and a new cluster alone changes no template. The WAF's ARN is passed as a
    value, because the condition on it cannot look a parameter up.
    """
    return {
        "ParametersDigest": environment.parameters_digest,
        "WebAclArn": environment.parameters.get("web-acl-arn", ""),
    }


def build(environment: Environment, template: Path = TEMPLATE) -> None:
    """Build a template's functions and its layer into the environment's state folder."""
    _run(
        environment,
        "build",
        *("--template-file", str(template)),
        *("--build-dir", str(build_folder(environment))),
        *("--cache-dir", str(build_folder(environment).with_name("cache"))),
        # The processor among them decides which wheels go into the layer.
        *("--parameter-overrides", *_overrides(parameters(environment, _UNKNOWN_YET))),
        "--parallel",
        "--cached",
    )
    compile_modules(environment)


def compile_modules(environment: Environment) -> None:
    """Put bytecode beside the modules of the built functions and of the layer.

    A function's file system is read-only, so that Python could keep none and would compile all
    that it imports at every cold start: more than half of its time. `unchecked-hash` is bytecode
    that is not compared with its module's time, which packing changes.
    """
    for part in sorted(build_folder(environment).iterdir()):
        if part.is_dir():
            run(
                [
                    *(str(_BIN / "python"), "-m", "compileall", "-q"),
                    *("--invalidation-mode", "unchecked-hash"),
                    *("-s", str(part), "-p", _LAYER if part.name == LAYER else _FUNCTION),
                    str(part),
                ],
                log=environment.state / "logs" / f"compile-{part.name}.log",
                what=f"compiling {part.name}",
            )


def deploy(
    environment: Environment, scripts: str, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Deploy the built template as the stack; `progress` hears each resource as it is done.

    A stack that cannot be updated is deleted first. The release comes into use for all functions,
    also where a rollback had taken it out of use; where it fails, the one in use stays.
    """
    stack.make_deployable(environment)
    before = releases.in_use(environment)
    releases.forget_unfinished(environment)
    try:
        _deploy_stack(environment, scripts, progress)
    except OperationError:
        releases.go_back(environment, before)
        raise
    releases.go_forward(environment)
    releases.prune(environment, before)


def _deploy_stack(environment: Environment, scripts: str, progress: Callable[[str], None]) -> None:
    def heard(line: str) -> None:
        if name := resource_complete(line):
            progress(name)

    given = parameters(environment, scripts) | resolved_values(environment)
    built = build_folder(environment)
    tags = Terraform(environment).outputs()["tags"]
    _run(
        environment,
        "deploy",
        *("--template-file", str(built / "template.yaml")),
        *("--stack-name", environment.prefix),
        *("--s3-bucket", environment.parameter("artifacts-bucket")),
        *("--s3-prefix", "sam"),
        *("--region", environment.region),
        *("--capabilities", "CAPABILITY_IAM"),
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        *("--parameter-overrides", *_overrides({**given, "Release": release(built, given)})),
        # CloudFormation hands them on to every resource of the stack that takes tags.
        *(["--tags", *_overrides(tags)] if tags else []),
        each_line=heard,
    )


def release(built: Path, given: Mapping[str, str]) -> str:
    """Return the name of a release: 16 hexadecimal digits of all that the functions are made of.

    Args:
        built: folder of the built functions, the layer and the template; bytecode does not count.
        given: the template's parameters; a changed one is a new release.
    """
    words = (f"{name}={value}" for name, value in sorted(given.items()))
    return fingerprint(files_under(built), *words, root=built)


def _overrides(given: Mapping[str, str]) -> list[str]:
    # Quoted, since sam splits an override at spaces: rate(1 minute).
    return [f'{name}="{value}"' for name, value in given.items()]


def build_folder(environment: Environment) -> Path:
    # sam keeps a note beside the folder it builds into.
    return environment.state / "sam" / "build"


def _run(
    environment: Environment,
    command: str,
    *arguments: str,
    each_line: Callable[[str], None] = lambda _: None,
) -> None:
    run(
        [str(_BIN / "sam"), command, *arguments],
        log=environment.state / "logs" / f"sam-{command}.log",
        what=f"sam {command}",
        # sam keeps dependencies below the folder it is started in; two deployments must not share.
        folder=environment.state,
        variables={
            "SAM_CLI_TELEMETRY": "0",
            # Builds with pip of the Python 3.13 that comes first on PATH: its own environment's.
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
        },
        each_line=each_line,
    )
