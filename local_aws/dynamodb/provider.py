"""DynamoDB as an emulator's service (LocalStack's own needs a jar fetched at run time)."""

import threading
from typing import Any

from local_aws import emulator
from local_aws.dynamodb import tables

plugins = emulator.part("services.plugins")

# moto reads, compares and writes without a lock, and the emulator answers in many threads: without
# this one, two conditional writes of one item could both succeed. moto's answer is a text of its
# own by then, so that it is parsed without the lock.
ONE_AT_A_TIME = threading.Lock()


@plugins.aws_provider(api="dynamodb", name="moto")  # type: ignore[untyped-decorator]
def dynamodb() -> Any:
    """The service that the emulator loads as PROVIDER_OVERRIDE_DYNAMODB=moto."""
    dispatch_to_moto = emulator.part("services.moto").dispatch_to_moto
    dispatch_to_backend = emulator.part("aws.forwarder").dispatch_to_backend
    tables.install()

    def one_at_a_time(context: Any) -> Any:
        with ONE_AT_A_TIME:
            return dispatch_to_moto(context)

    def answer(context: Any, _request: Any) -> Any:
        return dispatch_to_backend(context, one_at_a_time)

    model = emulator.part("aws.spec").load_service("dynamodb")
    answers = dict.fromkeys(model.operation_names, answer)
    return plugins.Service(
        "dynamodb", skeleton=emulator.part("aws.skeleton").Skeleton(model, answers)
    )
