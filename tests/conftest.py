"""The deployment that integration and browser tests share."""

import os
from collections.abc import Iterator

import pytest

from tests.deployment import Deployment, aws_deployment, local_deployment, running_locally


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Give a Marquee of the tests' own, or one that is up: see tests/README.md."""
    environment = os.environ.get("ENV", "local")
    if environment != "local":
        yield aws_deployment(environment)
        return
    running_port = os.environ.get("MARQUEE_TEST_PORT")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):  # what is set while it runs ends with it
            if name.startswith("AWS_") and name != "AWS_XRAY_DAEMON_ADDRESS":
                patch.delenv(name)
        if running_port:
            yield running_locally(int(running_port))
            return
        with local_deployment(tmp_path_factory.mktemp("marquee")) as running:
            yield running


@pytest.fixture
def local(deployment: Deployment) -> Deployment:
    """Give the local deployment; tests that inject faults have no business in an account."""
    if not deployment.is_local:
        pytest.skip("faults are injected into the local AWS only")
    return deployment
