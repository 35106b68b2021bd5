"""The ledger of added steps: Powertools Idempotency with the idempotency table."""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from marquee.requests.ports import AddSteps

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

# Longer than a message can stay in its queue (4 days) and then in its dead-letter queue (14 days).
_REMEMBERED_SECONDS = 20 * 24 * 3600


class IdempotencyLedger:
    """Implements `requests.ports.StepLedger`.

    Keys contain the cluster's id, because a new cluster has none of the old cluster's steps. The
    record of a run that failed is deleted immediately. The record of a run that died stops counting
    when the time of its invocation is up (see `register`).
    """

    def __init__(self, dynamodb: "DynamoDBClient", table: str, cluster_id: str) -> None:
        self._cluster_id = cluster_id
        self._config = IdempotencyConfig(
            hash_function="sha256", expires_after_seconds=_REMEMBERED_SECONDS
        )
        self._store = DynamoDBPersistenceLayer(table_name=table, boto3_client=dynamodb)

    def register(self, context: "LambdaContext") -> None:
        """Set the invocation whose remaining time limits how long a dead run blocks its key."""
        self._config.register_lambda_context(context)

    def once(self, key: str, add: AddSteps) -> None:
        """Run `add` under the idempotency key `<cluster id>/<key>`, which is kept for 20 days.

        Raises:
            IdempotencyAlreadyInProgressError: if `add` is running for this key right now.
        """

        @idempotent_function(
            data_keyword_argument="key",
            persistence_store=self._store,
            config=self._config,
            key_prefix="steps",
        )
        def run(*, key: str) -> dict[str, Any]:
            add()
            return {"added": key}

        run(key=f"{self._cluster_id}/{key}")
