"""Background work has a low priority: functions that API Gateway does not call, and steps."""

from typing import Any

from local_aws.child_processes import BACKGROUND
from tests.local_aws import functions
from tests.local_aws.conftest import LocalAws

TELLS_ITS_NICENESS = """
import os
def handler(event, context):
    return os.nice(0)
"""


def niceness(aws: LocalAws, name: str) -> Any:
    """Return the niceness of a function's process."""
    answer, error = functions.invoke(aws, name)
    assert error is None
    return answer


def test_the_function_of_the_api_goes_before_every_other(aws: LocalAws) -> None:
    functions.create(aws, "nice-behind-the-api", TELLS_ITS_NICENESS)
    aws.client("lambda").add_permission(
        FunctionName="nice-behind-the-api",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    functions.create(aws, "nice-in-the-background", TELLS_ITS_NICENESS)

    waited_for = niceness(aws, "nice-behind-the-api")
    background = niceness(aws, "nice-in-the-background")

    # 19 is the maximum, and these tests may themselves run at a high niceness.
    assert background == min(waited_for + BACKGROUND, 19)
