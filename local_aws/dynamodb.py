"""DynamoDB by the moto inside the emulator (LocalStack's own needs a jar fetched at run time)."""

import threading
from typing import Any

from local_aws import emulator

plugins = emulator.part("services.plugins")

# moto reads, compares and writes without a lock, and the emulator answers in many threads: without
# this one, two conditional writes of one item could both succeed.
ONE_AT_A_TIME = threading.Lock()


@plugins.aws_provider(api="dynamodb", name="moto")  # type: ignore[untyped-decorator]
def dynamodb() -> Any:
    """The service that the emulator loads as PROVIDER_OVERRIDE_DYNAMODB=moto."""
    call_moto = emulator.part("services.moto").call_moto

    def answer(context: Any, _request: Any) -> Any:
        with ONE_AT_A_TIME:
            return call_moto(context)

    model = emulator.part("aws.spec").load_service("dynamodb")
    answers = dict.fromkeys(model.operation_names, answer)
    return plugins.Service(
        "dynamodb", skeleton=emulator.part("aws.skeleton").Skeleton(model, answers)
    )
