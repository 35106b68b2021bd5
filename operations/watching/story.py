"""Collect what the report says about a deployment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.contracts import CurrentModel
from operations.cost.bill import price
from operations.cost.billed_deployment import MONTH_HOURS
from operations.cost.report import planned_deployment
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.models import current_model, model_json
from operations.rollback_model import kept_model_ids
from operations.tools import require
from operations.watching.metrics import Asked, CoveredTime, Measures, asked_of, read_measures

# In the order of a visitor's story: the metric of each part, and its name in the report.
PARTS = {
    "SecondsFromFormToSubmission": "form to submission",
    "SecondsFromSubmissionToPicks": "submission to picks",
    "SecondsFromPicksToText": "picks to text",
    "SecondsFromFormToText": "form to text, in all",
}
AT_ONCE = "SecondsToPicksAtOnce"
COUNTS = (
    *("VisitorsReceived", "VisitorsRevised", "VisitorsForgotten"),
    *("VisitorsSubmitted", "VisitorsRecommended", "VisitorsTexted", "VisitorsFailed"),
    *("TextsWithheld", "TextsOverTheCap", "DeliveryUnknown"),
    *("StepsFailed", "TrainingsFailed", "PicksDismissed"),
)
PREDICTED, GIVEN, ERROR = "PickStarsPredicted", "PickStarsGiven", "PickStarsError"
REFUSED = "refused"  # subfolder of a model folder with the model that was rejected
MOST_MODELS = 30
MOST_STEPS = 10
DAYS, LOCAL_DAYS = 14, 1


@dataclass(frozen=True)
class KeptTraining:
    """A training's model and its measures on held-out ratings; None where none were held out."""

    model_id: str
    trained_at: str
    dataset: str
    ratings: int
    test_rmse: float | None
    ndcg: float | None
    popularity_ndcg: float | None
    is_refused: bool = False


@dataclass(frozen=True)
class AlarmInState:
    """An alarm that is on: its name, since when, and its description."""

    name: str
    since: datetime
    description: str


@dataclass(frozen=True)
class StepInReport:
    """A step: its name, its state in EMR's words, when it was added, and its seconds if it ran."""

    name: str
    state: str
    added_at: datetime
    seconds: float | None


@dataclass(frozen=True)
class CostOfDay:
    """US dollars since midnight UTC: what runs anyway, and what today's visitors add."""

    idle: float
    visitors: float


@dataclass(frozen=True)
class VisitorStory:
    """Everything that the report shows.

    Attributes:
        written_at: when it was collected.
        current: the active model; None before the first import.
        stored: the number of visitors' items, which DynamoDB counts every six hours.
        cost: None if it could not be estimated; `cost_note` then says why.
        models: oldest first.
        steps: newest first.
    """

    environment: str
    written_at: datetime
    covered: CoveredTime
    measures: Measures
    current: CurrentModel | None = None
    stored: int | None = None
    cost: CostOfDay | None = None
    cost_note: str = ""
    models: Sequence[KeptTraining] = field(default_factory=tuple)
    alarms: Sequence[AlarmInState] = field(default_factory=tuple)
    steps: Sequence[StepInReport] = field(default_factory=tuple)

    @property
    def midnight(self) -> datetime:
        """The beginning of the day (UTC) on which the report was written."""
        return self.written_at.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def refused_share(self) -> float | None:
        """The share of the kept trainings whose model was refused; None without trainings."""
        return _share([each.is_refused for each in self.models])

    def of_ingest(self, metric: str, stat: str) -> float | None:
        """Return a statistic of the whole time covered, of a metric that ingest counts."""
        return self.measures.whole.get(Asked(metric, "ingest", stat))

    @property
    def dismissed_share(self) -> float | None:
        """The share of the answered picks that were dismissed; None if none was answered."""
        dismissed = self.measures.sums("PicksDismissed")
        answered = dismissed + (self.of_ingest(ERROR, "SampleCount") or 0.0)
        return dismissed / answered if answered else None


def _share(each: Sequence[bool]) -> float | None:
    return sum(each) / len(each) if each else None


def statistics() -> list[Asked]:
    """Return all statistics that the report reads."""
    asked = [each for metric in COUNTS for each in asked_of(metric, "Sum")]
    for metric in (AT_ONCE, *PARTS):
        asked += asked_of(metric, "SampleCount", "p50", "p95")
    for metric in (PREDICTED, GIVEN, ERROR):
        asked += asked_of(metric, "SampleCount", "Average")
    return asked


def collect_story(
    deployment: Deployment,
    days: int | None = None,
    now: datetime | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> VisitorStory:
    """Collect the report of the last days; only reads.

    Args:
        deployment: the deployment.
        days: how many days; by default 14, and one on the local AWS.
        now: the current time; by default the time of the call.
        progress: called with what is read next.

    Raises:
        OperationError: if `days` is not from 1 to 400, or nothing is deployed.
    """
    days = days if days is not None else LOCAL_DAYS if deployment.is_local else DAYS
    if not 1 <= days <= 400:  # noqa: PLR2004  CloudWatch keeps metrics for 455 days
        raise OperationError(f"DAYS is {days}: use a whole number from 1 to 400.")
    moment = now or datetime.now(UTC)
    covered = CoveredTime.of_days(moment, days)
    progress("metrics")
    measures = read_measures(boto3.client("cloudwatch"), deployment.name, covered, statistics())
    progress("models")
    models = trained_models(deployment)
    progress("alarms, steps, visitors")
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    forms = measures.sums("VisitorsReceived", since=midnight)
    alarms, steps = alarms_on(deployment), last_steps(deployment)
    stored = stored_visitors(deployment)
    progress("the day's cost")
    cost, note = cost_of_day(deployment, (moment - midnight).total_seconds() / 3600, forms)
    return VisitorStory(
        environment=deployment.name,
        written_at=moment,
        covered=covered,
        measures=measures,
        current=current_model(deployment),
        stored=stored,
        cost=cost,
        cost_note=note,
        models=models,
        alarms=alarms,
        steps=steps,
    )


def trained_models(deployment: Deployment) -> list[KeptTraining]:
    """Return the kept models, oldest first, with those that the regression check refused.

    The folder of a refused model holds a copy of the model that was active then. The copy is left
    out, because it is no training of its own.
    """
    found = []
    for model_id in kept_model_ids(deployment)[:MOST_MODELS]:
        refused = _trained_model(deployment, model_id, f"{model_id}/{REFUSED}", is_refused=True)
        found.append(refused or _trained_model(deployment, model_id, model_id, is_refused=False))
    return [each for each in reversed(found) if each is not None]


def _trained_model(
    deployment: Deployment, model_id: str, folder: str, *, is_refused: bool
) -> KeptTraining | None:
    manifest = model_json(deployment, folder, "manifest.json")
    metrics = model_json(deployment, folder, "metrics.json")
    if not isinstance(manifest, dict) or not isinstance(metrics, dict):
        return None
    return KeptTraining(
        model_id=model_id,
        trained_at=str(manifest.get("trained_at", "")),
        dataset=str(manifest.get("dataset", "")),
        ratings=int(manifest.get("counts", {}).get("ratings", 0)),
        test_rmse=metrics.get("test_rmse"),
        ndcg=metrics.get("ndcg@10"),
        popularity_ndcg=metrics.get("popularity_ndcg@10"),
        is_refused=is_refused,
    )


def alarms_on(deployment: Deployment) -> list[AlarmInState]:
    """Return the deployment's alarms that are on, the newest first."""
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms")
    prefix = f"{deployment.prefix}-"
    found = [
        AlarmInState(
            alarm["AlarmName"],
            alarm["StateUpdatedTimestamp"].astimezone(UTC),
            alarm.get("AlarmDescription", ""),
        )
        for page in pages.paginate(AlarmNamePrefix=prefix, StateValue="ALARM")
        for alarm in page["MetricAlarms"]
        # Emulators filter by only one of the two.
        if alarm["AlarmName"].startswith(prefix) and alarm["StateValue"] == "ALARM"
    ]
    return sorted(found, key=lambda alarm: alarm.since, reverse=True)


def last_steps(deployment: Deployment) -> list[StepInReport]:
    """Return the cluster's last steps; none if the cluster is gone."""
    try:
        listed = boto3.client("emr").list_steps(ClusterId=deployment.parameter("cluster-id"))
    except ClientError:
        return []
    return [_step_in_report(step) for step in listed["Steps"][:MOST_STEPS]]


def _step_in_report(step: Any) -> StepInReport:
    timeline = step["Status"].get("Timeline", {})
    began, ended = timeline.get("StartDateTime"), timeline.get("EndDateTime")
    return StepInReport(
        name=step["Name"],
        state=step["Status"]["State"],
        added_at=timeline["CreationDateTime"].astimezone(UTC),
        seconds=(ended - began).total_seconds() if began and ended else None,
    )


def stored_visitors(deployment: Deployment) -> int | None:
    """Return the number of stored visitors; None if the credentials may not describe the table."""
    try:
        table = boto3.client("dynamodb").describe_table(
            TableName=deployment.parameter("visitors-table")
        )
    except ClientError:
        return None
    return int(table["Table"].get("ItemCount", 0))


def cost_of_day(deployment: Deployment, hours: float, forms: float) -> tuple[CostOfDay | None, str]:
    """Estimate the cost since midnight from the price table, as `make cost` does.

    Args:
        deployment: the deployment.
        hours: hours since midnight.
        forms: forms since midnight.

    Returns:
        The cost and a note on it. The cost is None if Terraform, whose plan is priced, is missing
        or fails; the note then says so.
    """
    try:
        require("terraform")
        planned = planned_deployment(deployment)
    except OperationError as error:
        return None, f"Not estimated: {error}"
    bill = price(planned)
    note = f"At the list prices of {planned.prices.region} on {planned.prices.dated}, before tax."
    if deployment.is_local:
        note += " The local AWS costs nothing; this is what AWS would charge with example.tfvars."
    return CostOfDay(bill.idle / MONTH_HOURS * hours, bill.thousand * forms / 1000), note
