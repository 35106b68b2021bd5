"""The order of the tests, and the deployment that integration and browser tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.deployment import Deployment, aws_deployment, local_deployment, running_locally

# No example fails for being slow: that would time the machine.
settings.register_profile("marquee", parent=settings(), deadline=None)
settings.load_profile("marquee")

TESTS = Path(__file__).parent
# The quickest answer first. Browser tests last: Playwright keeps an event loop running in this
# thread until the session ends, and no test after it could run one of its own.
ORDER = ("unit", "infrastructure", "local_aws", "spark", "integration", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ORDER.index(item.path.relative_to(TESTS).parts[0]))


@pytest.fixture(scope="session", autouse=True)
def no_account_by_accident() -> Iterator[None]:
    """Forget what the shell says of AWS, unless ENV names a deployment there.

    An AWS_ENDPOINT_URL, say, would lead every client elsewhere: localstack-client prefers it to
    the host that it is told.
    """
    with pytest.MonkeyPatch.context() as patch:
        if _environment() == "local":
            for name in list(os.environ):
                if name.startswith("AWS_") and name != "AWS_XRAY_DAEMON_ADDRESS":
                    patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    """End what a test does to the environment with the test: operations act by it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Give a Marquee of the tests' own, or one that is up: see tests/README.md."""
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
    """The real data sets, where they lie beside the repository or where MARQUEE_DATA says."""
    beside = TESTS.parents[1] / "shared" / "data"
    folder = Path(os.environ.get("MARQUEE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; MARQUEE_DATA names another folder")
    return folder


@pytest.fixture
def local(deployment: Deployment) -> Deployment:
    """Give the local deployment; tests that inject faults have no business in an account."""
    if not deployment.is_local:
        pytest.skip("faults are injected into the local AWS only")
    return deployment


def _environment() -> str:
    return os.environ.get("ENV", "local")
