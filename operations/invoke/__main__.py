"""Run one function in a container against the local AWS and print its answer as JSON on stdout."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from operations import local, sam
from operations.console import Phases, out
from operations.deployment import Deployment, choose_deployment
from operations.errors import OperationError, exit_with_one_sentence
from operations.fingerprints import PhaseRecord
from operations.invoke import deployed, engine, images, sam_local
from operations.invoke.forwarder import forwarding


def invoke(deployment: Deployment, name: str, event: Path) -> Any:
    """Run a deployed function on an event and return the function's answer.

    Builds the functions first, and starts a container engine or builds an image where needed.

    Args:
        deployment: the local deployment.
        name: the function's name, as its folder is named.
        event: a JSON file with the event.
    """
    function = deployed.find_function(deployment, name)
    logs = deployment.state / "logs"
    with ExitStack() as for_the_invocation:
        for_the_invocation.enter_context(engine.one_at_a_time())
        with Phases() as phases:
            engine_log = logs / "container-engine.log"
            for_the_invocation.enter_context(engine.provide_engine(engine_log, phases))
            done = PhaseRecord(deployment.state / "done.json", local.running_instance(deployment))
            local.build_functions(deployment, phases, done)
            image = images.obtain(function.architecture, logs / "lambda-image.log", phases)
        _say_what_runs(name, image)
        return asyncio.run(_in_container(deployment, function, event, image))


async def _in_container(
    deployment: Deployment,
    function: deployed.DeployedFunction,
    event: Path,
    image: images.Image,
) -> Any:
    async with _way_to_the_local_aws(deployment.port) as endpoint:
        return await sam_local.invoke_in_container(
            sam_local.ContainerInvocation(
                template=sam.build_folder(deployment) / "template.yaml",
                logical_id=function.logical_id,
                variables=deployed.container_variables(function, endpoint),
                parameters={
                    "Environment": deployment.name,
                    "Architecture": function.architecture,
                },
                event=event,
                image=image.name,
            )
        )


@asynccontextmanager
async def _way_to_the_local_aws(port: int) -> AsyncIterator[str]:
    """Yield the local AWS's URL as a container reaches it, valid while the context lasts."""
    bridge = engine.bridge_address()
    if bridge is None:
        yield f"http://{sam_local.HOST}:{port}"
        return
    async with AsyncExitStack() as open_way:
        try:
            forwarded = await open_way.enter_async_context(forwarding(bridge, port))
        except OSError as error:
            raise OperationError(
                f"The containers' bridge {bridge} is not an address of this machine ({error}):"
                " use Docker Desktop, or an engine that runs on this machine and is not rootless."
            ) from error
        yield f"http://{sam_local.HOST}:{forwarded}"


def _say_what_runs(name: str, image: images.Image) -> None:
    kind = "a stand-in for AWS's image" if image.is_stand_in else "AWS's image"
    out.print(f"{name} in {image.name}, {kind}")


def _event_file(path: str) -> Path:
    event = Path(path)
    try:
        json.loads(event.read_text())
    except OSError as error:
        raise OperationError(f"The event {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise OperationError(f"The event {path} is not JSON: {error}.") from error
    return event.resolve()


@exit_with_one_sentence
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the function that the command line names on the given event."""
    parser = argparse.ArgumentParser(prog="python -m operations.invoke", description=__doc__)
    parser.add_argument("function", choices=deployed.FUNCTIONS, metavar="FUNCTION")
    parser.add_argument("event", help="the JSON file of its event (see events/)")
    options = parser.parse_args(arguments)
    out.stderr = True  # stdout carries the answer only
    deployment = choose_deployment()
    if not deployment.is_local:
        raise OperationError(
            f"ENV is {deployment.name!r}: 'make invoke' runs functions against the local AWS only."
        )
    answer = invoke(deployment, options.function, _event_file(options.event))
    print(json.dumps(answer, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
