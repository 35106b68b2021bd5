"""The deployment that integration and browser tests share."""

import os
from collections.abc import Iterator

import pytest

from tests.deployment import Deployment, aws_deployment, local_deployment


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Give a Marquee of the tests' own, or with ENV=<name> the one in an AWS account."""
    environment = os.environ.get("ENV", "local")
    if environment != "local":
        yield aws_deployment(environment)
        return
    state = tmp_path_factory.mktemp("marquee")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):  # what is set while it runs ends with it
            if name.startswith("AWS_"):
                patch.delenv(name)
        with local_deployment(state) as running:
            yield running


@pytest.fixture
def local(deployment: Deployment) -> Deployment:
    """Give the local deployment; tests that inject faults have no business in an account."""
    if not deployment.is_local:
        pytest.skip("faults are injected into the local AWS only")
    return deployment
