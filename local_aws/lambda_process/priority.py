"""Decides which functions run at a lower priority when this machine is short of processor time.

On AWS every function has its own processors. Here a drain of thousands of messages and a Spark step
share two cores with the API, whose callers wait. So functions that no caller waits for run at a
lower priority.
"""

from typing import Any

from local_aws import emulator
from local_aws.child_processes import BACKGROUND

CALLED_BY_THE_API = "apigateway.amazonaws.com"


def niceness(function: Any) -> int:
    """Return the niceness of a function's process: 0 if API Gateway may call it, else BACKGROUND.

    A function that API Gateway calls has a statement in its policy that permits the call.

    Args:
        function: the emulator's identifier of the function version.
    """
    stores = emulator.part("services.lambda_.invocation.models").lambda_stores
    known = stores[function.account][function.region].functions.get(function.function_name)
    statements = [
        statement
        for permission in (known.permissions.values() if known else ())
        for statement in permission.policy.Statement
    ]
    return 0 if any(is_waited_for(statement) for statement in statements) else BACKGROUND


def is_waited_for(statement: dict[str, Any]) -> bool:
    """Return whether a statement of a function's policy permits API Gateway to call it."""
    principal = statement.get("Principal")
    return isinstance(principal, dict) and principal.get("Service") == CALLED_BY_THE_API
