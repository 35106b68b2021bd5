"""Which functions give way to others when this machine has too little processor time.

On AWS every function has processors of its own. Here a drain of thousands of messages and a Spark
step share two cores with the API, whose callers wait. So what no caller waits for runs with a
lower priority.
"""

from typing import Any

from local_aws import emulator
from local_aws.child_processes import BACKGROUND

CALLED_BY_THE_API = "apigateway.amazonaws.com"


def niceness(function: Any) -> int:
    """Return the niceness of a function's process, by the function's identifier.

    API Gateway needs a statement in the function's policy to call it: who has one is waited for.
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
    """Whether a statement of a function's policy lets API Gateway call it."""
    principal = statement.get("Principal")
    return isinstance(principal, dict) and principal.get("Service") == CALLED_BY_THE_API
