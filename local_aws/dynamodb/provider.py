"""Registers DynamoDB as an emulator service.

LocalStack's own DynamoDB service would download a jar at run time.
"""

import threading
from typing import Any

from local_aws import emulator
from local_aws.dynamodb import tables

plugins = emulator.part("services.plugins")

# moto reads, compares and writes without a lock, and the emulator answers in many threads. Without
# this lock, two conditional writes of one item could both succeed. moto returns its answer as
# serialised text, which shares nothing with the tables, so it is parsed after the lock is released.
ONE_AT_A_TIME = threading.Lock()


@plugins.aws_provider(api="dynamodb", name="moto")  # type: ignore[untyped-decorator]
def dynamodb() -> Any:
    """Return the service that the emulator loads for PROVIDER_OVERRIDE_DYNAMODB=moto."""
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
