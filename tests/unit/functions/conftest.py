"""Fixtures: the API, loaded once per module, on an account that holds only a model."""

import pytest

from tests.unit.api import Api
from tests.unit.aws import Aws, put_model


@pytest.fixture(scope="module")
def warm(account: Aws) -> Api:
    return Api(account)


@pytest.fixture
def api(aws: Aws, warm: Api) -> Api:
    put_model(aws)
    return warm
