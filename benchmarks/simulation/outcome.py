"""What a simulated load did: waits, depths, calls and dollars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.simulation.api import FormsAtTheApi
from benchmarks.simulation.flow import SimulatedFlow
from benchmarks.simulation.quotas import (
    API_CALLS,
    DYNAMODB_PARTITION,
    EMR_ADD,
    EMR_LIST,
    LAMBDA,
    SNS_TEXTS,
    SQS_IN_FLIGHT,
    Quota,
)
from marquee.requests.emr_step_requests import parse_recommend_step_name
from marquee.requests.text_message import MAX_PARTS
from marquee.requests.visitor import Status
from operations.cost.prices import load_prices, load_usage

_HOUR = 3600.0
_MINUTE = 60.0
_SIX_HOURS = 6 * _HOUR
_GB_IN_KB = 1e6
_INGEST_GIGABYTES = 1.0
_BROWSER_CALLS = load_usage()["visitor"]["api_calls"]


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """The most that a load used of a quota, and how many calls were refused because of it."""

    quota: Quota
    used: float
    limit: float
    refused: int = 0


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What a load did.

    Attributes:
        title: the scenario.
        hours: hours that were simulated.
        offered: forms that visitors sent.
        accepted: forms that were accepted.
        refused: forms whose visitors gave up after being refused.
        api_wait: the longest time until a form was accepted, in seconds.
        texted: visitors who were texted.
        within_six_hours: texts within six hours of the form.
        twice: visitors who were texted more than once.
        failed: failed requests.
        over_the_cap: those of them that were over the day's cap of texts.
        open: requests that have not ended, by status.
        p50: median of the seconds from form to text; nan if there are none.
        p99: the 99th percentile.
        picks_p50: median of the seconds from form to the batch's picks; nan if there are none.
        picks_p99: the 99th percentile.
        depths: the most messages that waited in each queue.
        in_flight: the most messages that were in flight in each queue.
        dead: dead letters of all queues and of reconcile.
        steps: recommend steps.
        trainings: train steps that began.
        requeued: requests that sweeps queued again.
        uses: use of quotas.
        dollars: cost of the simulated hours, by what it is for.
    """

    title: str
    hours: float
    offered: int
    accepted: int
    refused: int
    api_wait: float
    texted: int
    within_six_hours: int
    twice: int
    failed: int
    over_the_cap: int
    open: Mapping[Status, int]
    p50: float
    p99: float
    picks_p50: float
    picks_p99: float
    depths: Mapping[str, int]
    in_flight: Mapping[str, int]
    dead: int
    steps: int
    trainings: int
    requeued: int
    uses: tuple[QuotaUse, ...]
    dollars: Mapping[str, float]


def outcome_of(
    title: str, flow: SimulatedFlow, forms: FormsAtTheApi, seconds: float
) -> LoadOutcome:
    """Describe what happened until now."""
    crowd = flow.crowd
    queues = (flow.visitors_queue, flow.results_queue, flow.texts_queue)
    recommend = [s for s in flow.cluster.steps if parse_recommend_step_name(s.name)]
    return LoadOutcome(
        title=title,
        hours=seconds / _HOUR,
        offered=forms.offered,
        accepted=crowd.size,
        refused=forms.refused,
        api_wait=forms.waited,
        texted=crowd.count(Status.TEXTED),
        within_six_hours=sum(count for wait, count in crowd.waits if wait <= _SIX_HOURS),
        twice=int((crowd.texts > 1).sum()),
        failed=crowd.count(Status.FAILED),
        over_the_cap=flow.failed["over the day's cap of texts"],
        open={
            status: crowd.count(status)
            for status in (Status.RECEIVED, Status.SUBMITTED, Status.RECOMMENDED)
        },
        p50=_weighted(crowd.waits, 0.50),
        p99=_weighted(crowd.waits, 0.99),
        picks_p50=_weighted(crowd.picked, 0.50),
        picks_p99=_weighted(crowd.picked, 0.99),
        depths={queue.name: queue.deepest for queue in queues},
        in_flight={queue.name: queue.flown for queue in queues},
        dead=sum(letter.count for queue in queues for letter in queue.dead) + flow.reconcile_dead,
        steps=len(recommend),
        trainings=flow.trainings,
        requeued=flow.calls["requeued by sweeps"],
        uses=_uses(flow, forms),
        dollars=_dollars(flow, seconds),
    )


def _weighted(values: Sequence[tuple[float, int]], share: float) -> float:
    """Return the value below which this share of the counts lies; nan if there are none."""
    if not values:
        return float("nan")
    pairs = np.array(values)
    pairs = pairs[np.argsort(pairs[:, 0])]
    counted = np.cumsum(pairs[:, 1])
    return float(pairs[np.searchsorted(counted, share * counted[-1]), 0])


def _uses(flow: SimulatedFlow, forms: FormsAtTheApi) -> tuple[QuotaUse, ...]:
    cluster = flow.cluster
    queues = (flow.visitors_queue, flow.results_queue, flow.texts_queue)
    emr = [
        QuotaUse(
            quota,
            cluster.peak_a_minute(quota.name) / _MINUTE,
            quota.rate,
            cluster.throttled[quota.name],
        )
        for quota in (EMR_ADD, EMR_LIST)
    ]
    return (
        QuotaUse(API_CALLS, forms.peak * _BROWSER_CALLS, API_CALLS.rate),
        QuotaUse(LAMBDA, forms.peak * _BROWSER_CALLS * flow.times.form, LAMBDA.most),
        QuotaUse(DYNAMODB_PARTITION, forms.peak, DYNAMODB_PARTITION.rate),
        *emr,
        QuotaUse(SQS_IN_FLIGHT, max(queue.flown for queue in queues), SQS_IN_FLIGHT.most),
        QuotaUse(
            SNS_TEXTS,
            flow.peak_texts_a_second,
            flow.sns_rate,
            flow.calls["SNS publishes refused"],
        ),
    )


def _dollars(flow: SimulatedFlow, seconds: float) -> dict[str, float]:
    """Price what was used by the project's price file.

    What the browser causes (calls of the API, pages, logs) comes from the assumptions of
    `make cost`; what the batch causes was counted.
    """
    prices, visitor = load_prices(), load_usage()["visitor"]
    kind, nodes = flow.shipped.nodes
    hour = prices.instance_hour(kind) or (0.0, 0.0)
    accepted, crowd = flow.crowd.size, flow.crowd
    second = prices.usd("lambda_gb_second_x86")
    calls = accepted * visitor["api_calls"]
    browser = calls * (prices.usd("api_call") + prices.usd("lambda_call") + prices.usd("trace"))
    browser += calls * visitor["api_seconds"] * _INGEST_GIGABYTES * second
    browser += accepted * visitor["api_answer_kb"] / _GB_IN_KB * prices.usd("internet_gb")
    browser += accepted * visitor["page_requests"] * prices.usd("cloudfront_request")
    browser += accepted * visitor["page_kb"] / _GB_IN_KB * prices.usd("cloudfront_gb")
    browser += accepted * visitor["log_kb"] / _GB_IN_KB * prices.usd("log_gb")
    batch = flow.gigabyte_seconds * second + flow.calls["Lambda calls"] * prices.usd("lambda_call")
    queues = (flow.visitors_queue, flow.results_queue, flow.texts_queue)
    batch += sum(queue.requests for queue in queues) * prices.usd("sqs_request")
    batch += accepted * visitor["dynamodb_writes"] * prices.usd("dynamodb_write")
    reads = accepted * visitor["dynamodb_reads"] + flow.calls["DynamoDB reads"]
    batch += reads * prices.usd("dynamodb_read")
    batch += flow.calls["S3 writes"] * prices.usd("s3_put")
    part = prices.usd("sms_part") + prices.usd("sms_carrier_fee")
    return {
        "cluster": nodes * sum(hour) * seconds / _HOUR,
        "browser": browser,
        "batch": batch,
        "texts": int(crowd.texts.sum(dtype=np.int64)) * MAX_PARTS * part,
    }
