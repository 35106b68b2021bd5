"""DynamoDB by the moto inside LocalStack (LocalStack's own needs a jar fetched at run time)."""

import threading
from typing import Any

from localstack.services.plugins import Service, aws_provider

# moto reads, compares and writes without a lock, and LocalStack answers in many threads: without
# this one, two conditional writes of one item could both succeed.
ONE_AT_A_TIME = threading.Lock()


@aws_provider(api="dynamodb", name="moto")  # type: ignore[untyped-decorator]
def dynamodb() -> Any:
    """The service LocalStack loads as PROVIDER_OVERRIDE_DYNAMODB=moto."""
    from localstack.aws.skeleton import Skeleton  # noqa: PLC0415
    from localstack.aws.spec import load_service  # noqa: PLC0415
    from localstack.services.moto import call_moto  # noqa: PLC0415

    def answer(context: Any, _request: Any) -> Any:
        with ONE_AT_A_TIME:
            return call_moto(context)

    model = load_service("dynamodb")
    return Service(
        "dynamodb", skeleton=Skeleton(model, dict.fromkeys(model.operation_names, answer))
    )
