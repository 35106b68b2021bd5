"""Fixtures of the unit tests: a fake AWS account, with no access to a real one."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.unit.aws import Aws, create


@pytest.fixture(scope="module")
def account() -> Iterator[Aws]:
    """Yield a fake account with Marquee's resources, and set the functions' variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with mock_aws():
            made = create()
            for name, value in made.environment.items():
                patch.setenv(name, value)
            yield made


@pytest.fixture
def aws(account: Aws) -> Aws:
    """Return the fake account, emptied for each test."""
    account.wipe()
    return account
