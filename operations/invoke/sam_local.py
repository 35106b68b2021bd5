"""Runs `sam local invoke` and interprets its output.

The output is needed because sam exits with code 0 even if the function failed.
"""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from operations import ROOT
from operations.errors import OperationError

INTERRUPT_SECONDS = 5
# The host name by which a container reaches the machine that it runs on.
HOST = "host.docker.internal"
_SAM = ROOT / ".venvs" / "sam" / "bin" / "sam"
# The members of a Lambda runtime's answer if the function raised: required and optional ones.
_ERROR = {"errorType", "errorMessage"}
_ERROR_DETAILS = {"stackTrace", "requestId", "cause"}


class FunctionError(OperationError):
    """The function raised, timed out or crashed; the message contains the error."""


@dataclass(frozen=True)
class ContainerInvocation:
    """A function to run once.

    Args:
        template: the built SAM template.
        logical_id: the function's logical id in the template.
        variables: the function's environment variables.
        parameters: the template's parameters.
        event: a JSON file with the event.
        image: the name of the runtime image.
    """

    template: Path
    logical_id: str
    variables: Mapping[str, str]
    parameters: Mapping[str, str]
    event: Path
    image: str


def answer_of(printed: str) -> Any:
    """Return the function's answer, given what sam printed on stdout.

    Raises:
        FunctionError: if there is no answer, or if it is the runtime's report of a failure.
    """
    if not printed.strip():
        raise FunctionError("The function returned no answer: see the log above.")
    try:
        answer = json.loads(printed)
    except json.JSONDecodeError:  # the runtime emulator reports a timeout as plain text
        raise FunctionError(f"The function failed: {printed.strip()}") from None
    if isinstance(answer, dict) and _ERROR <= answer.keys() <= _ERROR | _ERROR_DETAILS:
        raise FunctionError(
            f"The function failed with {answer['errorType']}: {answer['errorMessage']}"
        )
    return answer


def declaring(template: dict[str, Any], logical_id: str, names: Sequence[str]) -> dict[str, Any]:
    """Return the template with the named variables declared for the function.

    sam passes only declared variables to a function.
    """
    function = template["Resources"][logical_id]
    properties = function["Properties"]
    declared = properties.get("Environment", {}).get("Variables", {})
    variables = {**dict.fromkeys(names, ""), **declared}
    given = {**properties, "Environment": {"Variables": variables}}
    resources = {**template["Resources"], logical_id: {**function, "Properties": given}}
    return {**template, "Resources": resources}


def env_vars(logical_id: str, variables: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the content of the `--env-vars` file, which overrides the shell and the template."""
    return {logical_id: dict(variables)}


async def invoke_in_container(invocation: ContainerInvocation) -> Any:
    """Run the function once and return its answer; its log streams to stderr.

    Raises:
        FunctionError: if the function failed.
        OperationError: if sam itself failed.
    """
    with _files(invocation) as (template, variables):
        sam = await asyncio.create_subprocess_exec(
            *_command(invocation, template, variables),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_MAX_ATTEMPTS": "1"},
            start_new_session=True,
        )
        try:
            printed, _ = await sam.communicate()
        except asyncio.CancelledError:
            await _interrupt(sam)
            raise
    if sam.returncode:
        raise OperationError("sam local invoke failed: see the log above.")
    return answer_of(printed.decode())


async def _interrupt(sam: asyncio.subprocess.Process) -> None:
    """Interrupt sam, so that it removes its container, and kill sam if it does not end in time.

    After removing the container, sam would wait until the function's timeout.
    """
    sam.send_signal(signal.SIGINT)
    with suppress(TimeoutError):
        await asyncio.wait_for(sam.wait(), INTERRUPT_SECONDS)
    if sam.returncode is None:
        sam.kill()
        await sam.wait()


@contextmanager
def _files(invocation: ContainerInvocation) -> Iterator[tuple[Path, Path]]:
    """Write a template and a variables file for sam, and yield their paths.

    They lie next to the built template because its code paths are relative. The template is written
    as JSON: JSON is valid YAML, and no writer that knows CloudFormation's tags is needed.
    """
    template = yaml.safe_load(invocation.template.read_text())
    declared = declaring(template, invocation.logical_id, list(invocation.variables))
    given = env_vars(invocation.logical_id, invocation.variables)
    folder = invocation.template.parent
    with (
        tempfile.NamedTemporaryFile("w", dir=folder, suffix=".template.json") as template_file,
        tempfile.NamedTemporaryFile("w", dir=folder, suffix=".env-vars.json") as variables_file,
    ):
        for file, content in ((template_file, declared), (variables_file, given)):
            json.dump(content, file)
            file.flush()
        yield Path(template_file.name), Path(variables_file.name)


def _command(invocation: ContainerInvocation, template: Path, variables: Path) -> list[str]:
    overrides = [f'{name}="{value}"' for name, value in invocation.parameters.items()]
    return [
        *(str(_SAM), "local", "invoke", invocation.logical_id),
        *("--template-file", str(template)),
        *("--event", str(invocation.event)),
        *("--env-vars", str(variables)),
        *("--invoke-image", invocation.image, "--skip-pull-image"),
        *("--add-host", f"{HOST}:host-gateway"),
        *("--parameter-overrides", *overrides),
    ]
