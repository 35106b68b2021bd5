"""The order of the tests, and the deployment that integration and browser tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.deployment import RunningDeployment, aws_deployment, local_deployment, running_locally

# No deadline per example: it would measure the machine.
settings.register_profile("marquee", parent=settings(), deadline=None)
settings.load_profile("marquee")

TESTS = Path(__file__).parent
# The fastest tests run first. Browser tests run last: Playwright keeps an event loop running in
# this thread until the session ends, and later tests could not run their own.
ORDER = ("unit", "infrastructure", "local_aws", "spark", "integration", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ORDER.index(item.path.relative_to(TESTS).parts[0]))


@pytest.fixture(scope="session", autouse=True)
def no_account_by_accident() -> Iterator[None]:
    """Remove the shell's AWS variables, unless ENV names a deployment on AWS.

    For example, AWS_ENDPOINT_URL would redirect every client: localstack-client prefers it to the
    host in its arguments.
    """
    with pytest.MonkeyPatch.context() as patch:
        if _environment() == "local":
            for name in list(os.environ):
                if name.startswith("AWS_") and name != "AWS_XRAY_DAEMON_ADDRESS":
                    patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    """Restore environment variables after each test, because operations depend on them."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDeployment]:
    """Yield a new deployment or a running one; see tests/README.md."""
    running_port = os.environ.get("MARQUEE_TEST_PORT")
    if _environment() != "local":
        yield aws_deployment(_environment())
    elif running_port:
        yield running_locally(int(running_port))
    else:
        with local_deployment(tmp_path_factory.mktemp("marquee")) as running:
            yield running


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets: MARQUEE_DATA, or shared/data next to the repository."""
    beside = TESTS.parents[1] / "shared" / "data"
    folder = Path(os.environ.get("MARQUEE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; MARQUEE_DATA names another folder")
    return folder


@pytest.fixture
def local(deployment: RunningDeployment) -> RunningDeployment:
    """Return the local deployment; tests that inject faults are skipped on AWS."""
    if not deployment.is_local:
        pytest.skip("faults are injected into the local AWS only")
    return deployment


def _environment() -> str:
    return os.environ.get("ENV", "local")
