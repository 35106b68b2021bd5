"""`make rollback` on the tests' deployment: to the former release and forward again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deployment import RunningDeployment

# What `make local` does after a build. The tests change the built functions, not the work tree.
DEPLOY = """
from operations import sam
from operations.deployment import choose_deployment
from operations.scripts import scripts_prefix

environment = choose_deployment()
sam.compile_modules(environment)
sam.deploy_stack(environment, scripts_prefix(environment))
"""
CHANGE = """

_unchanged = handler


def handler(event, context):
    answer = _unchanged(event, context)
    return {**answer, "statusCode": 299} if event.get("path") == "/health" else answer
"""
CHANGED, UNCHANGED = 299, 200


def operate(deployment: RunningDeployment, *arguments: str) -> str:
    done = deployment.python(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def health(deployment: RunningDeployment) -> int:
    return deployment.http.get(f"{deployment.api_url}/health").status_code


@contextmanager
def changed(local: RunningDeployment) -> Iterator[None]:
    """Deploy a changed ingest function, and restore the original at the end."""
    state = Path(local.variables["MARQUEE_STATE"])
    module = state / "sam" / "build" / "IngestFunction" / "app.py"
    before = module.read_text()
    module.write_text(before + CHANGE)
    try:
        operate(local, "-c", DEPLOY)
        yield
    finally:
        module.write_text(before)
        operate(local, "-c", DEPLOY)


def test_a_changed_function_can_be_rolled_back_and_deployed_again(local: RunningDeployment) -> None:
    if "MARQUEE_STATE" not in local.variables:
        pytest.skip("a user's own deployment is not changed")
    assert health(local) == UNCHANGED
    with changed(local):
        assert health(local) == CHANGED

        said = operate(local, "-m", "operations", "rollback")

        assert "marquee-local-ingest" in said
        assert "The functions are back at release" in said
        assert health(local) == UNCHANGED

        operate(local, "-c", DEPLOY)  # moves the aliases although nothing has changed
        assert health(local) == CHANGED
    assert health(local) == UNCHANGED
