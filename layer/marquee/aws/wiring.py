"""Builds the objects that each function needs from its settings."""

from datetime import timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from marquee.aws.bookmarks import BookmarksTable
from marquee.aws.buckets import ModelsBucket, RatingsBucket, ResultsBucket
from marquee.aws.cluster import EmrCluster
from marquee.aws.forgotten_ids import ForgottenIdsTable
from marquee.aws.ledger import IdempotencyLedger
from marquee.aws.lists_table import SharedListsTable
from marquee.aws.locks import LockTable
from marquee.aws.movies_table import MoviesTable
from marquee.aws.observability import token_secret
from marquee.aws.queues import ResultsQueue, TextsQueue, VisitorsQueue
from marquee.aws.settings import (
    ClaimSettings,
    CollectSettings,
    IngestSettings,
    QueueResultsSettings,
    ReconcileSettings,
    SendTextSettings,
    StepSettings,
    SubmitStepSettings,
)
from marquee.aws.sms import SnsSms
from marquee.aws.tallies import Counters, Tallies
from marquee.aws.visitors_table import VisitorsTable
from marquee.requests.collect import Collector
from marquee.requests.discard import Discarder
from marquee.requests.forget import Forgetter
from marquee.requests.identity import token_for
from marquee.requests.limits import Cap, Limit, LimitedAction, NetworkLimits
from marquee.requests.reconcile import Reconciler
from marquee.requests.register import FormRecogniser, Registrar
from marquee.requests.revise import Reviser
from marquee.requests.send_text import Claims, Texter
from marquee.requests.share import Sharer
from marquee.requests.submit import StepAdder, Submitter
from marquee.requests.sweep import Sweeper
from marquee.requests.text_message import link_to
from marquee.requests.tokens import Tokens
from marquee.serving.challenges import Challenges

# In seconds. A call that hangs must time out well before its function does.
_TIMEOUTS: dict[str, Any] = {"connect_timeout": 2, "read_timeout": 5}
_PATIENT = Config(**_TIMEOUTS, retries={"mode": "standard", "total_max_attempts": 3})
# For adding steps to EMR: a retry could add the same steps again, and they would run twice.
_ONCE = Config(**_TIMEOUTS, retries={"total_max_attempts": 1})
# For SNS: a publish that timed out may have been sent, so the client must not retry. The time-outs
# are within `marquee.requests.send_text.SECONDS_TO_SEND`.
_TEXT_ONCE = Config(connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 1})
# EMR allows a burst of ten ListSteps calls, then one every two seconds. Looking up many steps can
# use up the burst. Six attempts wait about 15 seconds in total.
# https://docs.aws.amazon.com/general/latest/gr/emr.html
_PATIENT_WITH_EMR = Config(**_TIMEOUTS, retries={"mode": "standard", "total_max_attempts": 6})


@cache
def client(service: str, config: Config = _PATIENT) -> Any:
    """Return the boto3 client of a service; it is created once per service and configuration."""
    return boto3.client(service, config=config)  # type: ignore[call-overload]


@cache
def _dynamodb() -> Any:
    # botocore's validation takes 8 ms for an item with 500 ratings. DynamoDB validates it as well.
    return boto3.resource("dynamodb", config=_PATIENT.merge(Config(parameter_validation=False)))


def visitors(
    settings: IngestSettings | StepSettings | CollectSettings | ClaimSettings,
) -> VisitorsTable:
    """Return the store of visitors in the table that the settings name."""
    return VisitorsTable(_dynamodb(), settings.visitors_table)


def registrar(settings: IngestSettings) -> Registrar:
    """Return the registrar, which writes to the visitors table and the ratings bucket."""
    return Registrar(visitors(settings), RatingsBucket(client("s3"), settings.ratings_bucket))


def reviser(settings: IngestSettings) -> Reviser:
    """Return the reviser, which writes to the visitors table and the ratings bucket."""
    return Reviser(visitors(settings), RatingsBucket(client("s3"), settings.ratings_bucket))


def forgetter(settings: IngestSettings) -> Forgetter:
    """Return the forgetter, which deletes from the visitors table and the ratings bucket."""
    return Forgetter(visitors(settings), RatingsBucket(client("s3"), settings.ratings_bucket))


def forgotten_ids(settings: IngestSettings) -> ForgottenIdsTable:
    """Return the ids of recently forgotten visitors, in the idempotency table."""
    return ForgottenIdsTable(_dynamodb(), settings.idempotency_table)


def form_recogniser(settings: IngestSettings) -> FormRecogniser:
    """Return the recogniser of repeated forms; reads the token secret."""
    secret = token_secret(settings.token_secret_name)
    return FormRecogniser(registrar(settings), forgotten_ids(settings), secret)


def tokens(settings: IngestSettings) -> Tokens:
    """Return the object that checks and replaces visitors' tokens; reads the token secret."""
    return Tokens(visitors(settings), token_secret(settings.token_secret_name))


def sharer(settings: IngestSettings) -> Sharer:
    """Return the object that publishes lists and takes them back; reads the token secret."""
    return Sharer(
        SharedListsTable(_dynamodb(), settings.lists_table),
        token_secret(settings.token_secret_name),
    )


def change_limit(settings: IngestSettings) -> Limit:
    """Return the limit of changes per visitor and hour, counted in the idempotency table."""
    tallies = Tallies(_dynamodb(), settings.idempotency_table)
    return Limit(LimitedAction.CHANGES, settings.changes_an_hour, timedelta(hours=1), tallies)


def network_limits(settings: IngestSettings) -> NetworkLimits:
    """Return the hourly limits of one network, counted in the idempotency table."""
    return NetworkLimits(
        {
            LimitedAction.NETWORK_FORMS: settings.network_forms_an_hour,
            LimitedAction.NETWORK_PHONES: settings.network_phones_an_hour,
            LimitedAction.NETWORK_CHANGES: settings.network_changes_an_hour,
            LimitedAction.NETWORK_LISTS: settings.network_lists_an_hour,
        },
        timedelta(hours=1),
        Counters(_dynamodb(), settings.idempotency_table),
    )


def challenges(settings: IngestSettings) -> Challenges:
    """Return the object that issues challenges and accepts proofs; reads the token secret.

    Used proofs are recorded in the idempotency table.
    """
    return Challenges(
        secret=token_secret(settings.token_secret_name),
        tries=settings.phone_work_tries,
        spent=Tallies(_dynamodb(), settings.idempotency_table),
    )


def locks(settings: StepSettings) -> LockTable:
    """Return the locks in the idempotency table, which all functions with this table share."""
    return LockTable(_dynamodb(), settings.idempotency_table)


def ledger(settings: StepSettings) -> IdempotencyLedger:
    """Return the ledger of steps on the current cluster.

    The function must call its `register` at each invocation.
    """
    return IdempotencyLedger(client("dynamodb"), settings.idempotency_table, settings.cluster_id)


def step_adder(settings: StepSettings, ledger: IdempotencyLedger) -> StepAdder:
    """Return the object that adds steps to the cluster.

    Its EMR client for adding does not retry; the one for reading states retries up to five times.
    """
    return StepAdder(
        cluster=EmrCluster(
            client("emr", _ONCE),
            settings.cluster_id,
            reader=client("emr", _PATIENT_WITH_EMR),
            former=settings.former_clusters,
        ),
        ledger=ledger,
        models=ModelsBucket(client("s3"), settings.models_bucket),
        ratings_log=RatingsBucket(client("s3"), settings.ratings_bucket),
        locations=settings.locations,
        staleness=settings.staleness,
        locks=locks(settings),
    )


def submitter(settings: SubmitStepSettings, ledger: IdempotencyLedger) -> Submitter:
    """Return the submitter, which sends waiting visitors back to the visitors queue."""
    return Submitter(
        visitors=visitors(settings),
        submissions=RatingsBucket(client("s3"), settings.ratings_bucket),
        models=ModelsBucket(client("s3"), settings.models_bucket),
        adder=step_adder(settings, ledger),
        waiting_line=VisitorsQueue(
            client("sqs"), settings.visitors_queue_url, settings.busy_delay_seconds
        ),
    )


def discarder(settings: CollectSettings) -> Discarder:
    """Return the object that deletes settled submissions and their results."""
    return Discarder(
        visitors=visitors(settings),
        submissions=RatingsBucket(client("s3"), settings.ratings_bucket),
        results=ResultsBucket(client("s3"), settings.results_bucket),
    )


def collector(settings: CollectSettings) -> Collector:
    """Return the collector, which reads results and fills the texts queue."""
    return Collector(
        visitors=visitors(settings),
        results=ResultsBucket(client("s3"), settings.results_bucket),
        texts=TextsQueue(client("sqs"), settings.texts_queue_url),
        discarder=discarder(settings),
    )


def rest_of_results(settings: QueueResultsSettings) -> ResultsQueue:
    """Return the queue to which `queue_results` hands on remaining results."""
    return ResultsQueue(client("sqs"), settings.results_queue_url)


def claims(settings: ClaimSettings) -> Claims:
    """Return the object that gives up unfinished claims after the lease in the settings."""
    return Claims(visitors(settings), timedelta(seconds=settings.text_claim_lease_seconds))


def texter(settings: SendTextSettings) -> Texter:
    """Return the sender of texts; both of its caps are per day.

    Its SNS client does not retry. Each link to a visitor's page contains the visitor's token.
    """

    def link(visitor_id: str, generation: int) -> str:
        token = token_for(visitor_id, token_secret(settings.token_secret_name), generation)
        return link_to(settings.site_url, visitor_id, token)

    def cap(limited: LimitedAction, most: int) -> Cap:
        counters = Counters(_dynamodb(), settings.idempotency_table)
        return Cap(limited, most, timedelta(days=1), counters)

    return Texter(
        visitors=visitors(settings),
        titles=MoviesTable(_dynamodb(), settings.movies_table),
        sms=SnsSms(client("sns", _TEXT_ONCE)),
        link=link,
        claims=claims(settings),
        cap=cap(LimitedAction.TEXTS_IN_ALL, settings.texts_a_day_in_all),
        phone_cap=cap(LimitedAction.TEXTS, settings.texts_a_day),
    )


def reconciler(settings: ReconcileSettings, ledger: IdempotencyLedger) -> Reconciler:
    """Return the reconciler; all execution environments share one lock for the sweep."""
    ratings = RatingsBucket(client("s3"), settings.ratings_bucket)
    adder = step_adder(settings, ledger)
    return Reconciler(
        visitors=visitors(settings),
        ratings_log=ratings,
        submissions=ratings,
        results=ResultsBucket(client("s3"), settings.results_bucket),
        texts=TextsQueue(client("sqs"), settings.texts_queue_url),
        cluster=adder.cluster,
        adder=adder,
        collector=collector(settings),
        discarder=discarder(settings),
        claims=claims(settings),
        patience=settings.patience,
        sweeper=Sweeper(
            "sweep",
            locks(settings),
            BookmarksTable(_dynamodb(), settings.idempotency_table),
        ),
    )
