"""The operator's report: what is read from CloudWatch and the models bucket, and the page."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from marquee.contracts import CurrentModel
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.watching import page as page_module
from operations.watching import story as story_module
from operations.watching.metrics import DAY, HOUR, Asked, CoveredTime, Measures, read_measures
from operations.watching.page import page_of, write_report
from operations.watching.story import (
    PARTS,
    AlarmInState,
    CostOfDay,
    KeptTraining,
    StepInReport,
    VisitorStory,
    alarms_on,
    collect_story,
    cost_of_day,
    last_steps,
    statistics,
    stored_visitors,
    trained_models,
)
from tests.unit.aws import create_cluster

NOW = datetime(2026, 11, 29, 14, 30, tzinfo=UTC)
COVERED = CoveredTime.of_days(NOW, 1)
HOURS = COVERED.buckets
SECTIONS = (
    *("forms", "at-once", "requests", "seconds", "cost", "models", "live-error"),
    *("alarms", "steps"),
)


def measured(values: dict[Asked, dict[int, float]], whole: dict[Asked, float]) -> Measures:
    return Measures(
        {asked: {HOURS[n]: value for n, value in found.items()} for asked, found in values.items()},
        whole,
    )


def full_story() -> VisitorStory:
    """Return a report with something in every section."""
    counts = {
        Asked("VisitorsReceived", "ingest", "Sum"): {0: 4.0, 20: 5.0, 23: 2.0},
        Asked("VisitorsRevised", "ingest", "Sum"): {21: 3.0},
        Asked("VisitorsSubmitted", "submit-step", "Sum"): {20: 6.0, 23: 2.0},
        Asked("VisitorsRecommended", "queue-results", "Sum"): {20: 5.0},
        Asked("VisitorsRecommended", "reconcile", "Sum"): {20: 1.0},
        Asked("VisitorsTexted", "send-text", "Sum"): {20: 4.0},
        Asked("VisitorsFailed", "reconcile", "Sum"): {22: 1.0},
        Asked("PicksDismissed", "ingest", "Sum"): {21: 1.0},
    }
    seconds = {
        Asked("SecondsToPicksAtOnce", "ingest", "p50"): {20: 0.02, 23: 0.03},
        Asked("SecondsToPicksAtOnce", "ingest", "p95"): {20: 0.05, 23: 0.2},
        Asked("SecondsFromFormToText", "send-text", "p50"): {20: 19.0, 22: 21.0},
        Asked("SecondsFromFormToText", "send-text", "p95"): {20: 31.0, 22: 40.0},
        Asked("PickStarsPredicted", "ingest", "Average"): {21: 4.2},
        Asked("PickStarsGiven", "ingest", "Average"): {21: 3.5},
        Asked("PickStarsError", "ingest", "Average"): {21: 0.9},
    }
    whole = {
        Asked("SecondsToPicksAtOnce", "ingest", "SampleCount"): 40.0,
        Asked("SecondsToPicksAtOnce", "ingest", "p50"): 0.021,
        Asked("SecondsToPicksAtOnce", "ingest", "p95"): 0.18,
        Asked("SecondsFromFormToText", "send-text", "SampleCount"): 4.0,
        Asked("SecondsFromFormToText", "send-text", "p50"): 20.0,
        Asked("SecondsFromFormToText", "send-text", "p95"): 38.0,
        Asked("PickStarsError", "ingest", "SampleCount"): 3.0,
        Asked("PickStarsError", "ingest", "Average"): 0.9,
        Asked("PickStarsPredicted", "ingest", "Average"): 4.2,
        Asked("PickStarsGiven", "ingest", "Average"): 3.5,
    }
    models = [
        KeptTraining(
            model_id=f"2026112{day}t060000z-0a1b2c",
            trained_at=f"2026-11-2{day}T06:00:00.000Z",
            dataset="ml",
            ratings=100_000,
            test_rmse=rmse,
            ndcg=ndcg,
            popularity_ndcg=0.21,
            is_refused=day == 2,
        )
        for day, (rmse, ndcg) in enumerate([(0.91, 0.30), (0.90, 0.31), (0.97, 0.25), (0.89, 0.32)])
    ]
    alarm = "Requests failed. First: see the reasons. Runbook: docs/runbook.md#visitors-failed"
    return VisitorStory(
        environment="prod",
        written_at=NOW,
        covered=COVERED,
        measures=measured(counts | seconds, whole),
        current=CurrentModel(models[-1].model_id, "ml", "2026-11-23T06:00:00.000Z", 943, 100_000),
        stored=31,
        cost=CostOfDay(9.41, 0.68),
        cost_note="At the list prices of us-east-1.",
        models=models,
        alarms=[AlarmInState("marquee-prod-visitors-failed-reconcile", NOW, alarm)],
        steps=[
            StepInReport("recommend-9f2b", "COMPLETED", NOW, 12.5),
            StepInReport("<script>alert(1)</script>", "RUNNING", NOW, None),
        ],
    )


class Page(HTMLParser):
    """The elements of a page, checked while they are read."""

    VOID = frozenset({"meta", "link", "br", "img", "path", "use", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written() -> str:
    return page_of(full_story())


def words(written: str) -> str:
    """Return the text of a page outside its plots, with single spaces."""
    without = re.sub(r"<(svg|style)\b.*?</\1>", " ", written, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", without).split())


# The written


def test_the_sections_tell_the_story_in_order(written: str) -> None:
    assert tuple(re.findall(r'<section aria-labelledby="([a-z-]+)"', written)) == SECTIONS
    assert re.findall(r'<a href="#([a-z-]+)">', written.partition("<nav")[2]) == list(SECTIONS)


def test_the_page_is_whole_and_its_ids_are_unique(written: str) -> None:
    read = Page(written)
    assert read.tags.count("h1") == 1
    assert len(read.ids) == len(set(read.ids))


def test_the_page_asks_for_nothing_else(written: str) -> None:
    read = Page(written)
    assert not {"script", "link", "img", "iframe", "object", "image"} & set(read.tags)
    fetched = [v for name, v in read.attributes if name in {"src", "href", "xlink:href", "action"}]
    assert fetched
    assert [value for value in fetched if not value.startswith("#")] == []
    assert "@import" not in written
    assert re.findall(r"url\((?!#)", written) == []
    assert "default-src 'none'" in written


def test_every_plot_has_a_table_of_its_values(written: str) -> None:
    figures = re.findall(r"<figure>.*?</figure>", written, re.DOTALL)
    assert len(figures) == 7
    for figure in figures:
        assert re.search(r'role="img" aria-label="[^"]{10,}"', figure)
        assert "<table>" in figure
        assert "<caption>" in figure


def test_what_others_named_is_escaped(written: str) -> None:
    assert "<script>" not in written
    assert "&lt;script&gt;alert(1)" in written


def test_the_page_names_the_numbers(written: str) -> None:
    said = words(written)
    assert "new 7 11" in said  # today, in all: the day begins at midnight UTC
    assert "recommended 6 6" in said
    assert "form to text, in all 4 20.0 38.0" in said
    assert "10.09" in said  # dollars today
    assert "share refused 25%" in said
    assert "share dismissed 25%" in said
    assert "live error (stars) 0.90" in said
    assert "1 alarm is on." in said
    assert "docs/runbook.md#visitors-failed" in said


def test_a_report_on_nothing_says_so() -> None:
    empty = VisitorStory("prod", NOW, COVERED, Measures(), cost_note="Not estimated: no Terraform.")
    page = page_of(empty)
    Page(page)
    said = words(page)
    assert "<svg" not in page
    assert "No alarm is on." in said
    assert "No model is active yet" in said
    assert "Not estimated: no Terraform." in said
    assert "nan" not in said


# Reading


class FakeCloudWatch:
    """Answers each query with one value for each bucket, in pages of one result."""

    def __init__(self) -> None:
        self.queries: list[dict[str, Any]] = []

    def get_paginator(self, name: str) -> "FakeCloudWatch":
        assert name == "get_metric_data"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        for query in asked["MetricDataQueries"]:
            self.queries.append(query)
            begin, end = asked["StartTime"], asked["EndTime"]
            period = query["MetricStat"]["Period"]
            count = int((end - begin).total_seconds()) // period
            times = [begin + timedelta(seconds=period * n) for n in range(count)]
            yield {
                "MetricDataResults": [
                    {"Id": query["Id"], "Timestamps": times[::-1], "Values": [1.0] * count}
                ]
            }


def test_each_statistic_is_read_by_bucket_and_for_the_whole_time() -> None:
    cloudwatch, asked = FakeCloudWatch(), Asked("VisitorsFailed", "reconcile", "Sum")
    found = read_measures(cloudwatch, "prod", COVERED, [asked, asked])
    assert list(found.by_bucket[asked]) == HOURS
    assert found.whole == {asked: 1.0}
    assert [query["MetricStat"]["Period"] for query in cloudwatch.queries] == [HOUR, DAY]
    assert cloudwatch.queries[0]["MetricStat"]["Metric"] == {
        "Namespace": "Marquee",
        "MetricName": "VisitorsFailed",
        "Dimensions": [
            {"Name": "environment", "Value": "prod"},
            {"Name": "service", "Value": "reconcile"},
        ],
    }


def test_every_statistic_belongs_to_a_metric_that_a_function_counts() -> None:
    asked = statistics()
    assert {each.metric for each in asked} >= {*PARTS, "VisitorsReceived", "PickStarsError"}
    assert {each.service for each in asked if each.metric == "VisitorsFailed"} == {
        *("submit-step", "queue-results", "send-text", "reconcile")
    }


@pytest.mark.parametrize(("days", "bucket"), [(1, HOUR), (3, HOUR), (4, DAY), (14, DAY)])
def test_a_report_ends_with_the_bucket_of_now(days: int, bucket: int) -> None:
    covered = CoveredTime.of_days(NOW, days)
    assert (covered.bucket, covered.seconds) == (bucket, days * DAY)
    assert covered.end - timedelta(seconds=bucket) <= NOW < covered.end
    assert len(covered.buckets) == days * DAY // bucket


@pytest.mark.parametrize("days", [0, -1, 401])
def test_a_wrong_number_of_days_is_refused(days: int) -> None:
    with pytest.raises(OperationError, match=f"DAYS is {days}: use a whole number from 1 to 400"):
        collect_story(Deployment("prod"), days)


def test_a_refused_model_stands_in_place_of_the_copy_in_its_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = {"trained_at": "2026-11-22T06:00:00.000Z", "dataset": "ml", "counts": {"ratings": 9}}
    files = {
        "m1/manifest.json": manifest,
        "m1/metrics.json": {"test_rmse": 0.9, "ndcg@10": None},
        "m2/manifest.json": manifest,
        "m2/metrics.json": {"test_rmse": 0.9},
        "m2/refused/manifest.json": manifest,
        "m2/refused/metrics.json": {"test_rmse": 1.2},
        "m3/metrics.json": {"test_rmse": 0.8},  # half-written
    }
    monkeypatch.setattr(story_module, "kept_model_ids", lambda _: ["m3", "m2", "m1"])
    monkeypatch.setattr(
        story_module, "model_json", lambda _, folder, name: files.get(f"{folder}/{name}")
    )
    found = trained_models(Deployment("prod"))
    assert [(each.model_id, each.test_rmse, each.is_refused) for each in found] == [
        ("m1", 0.9, False),
        ("m2", 1.2, True),
    ]
    assert replace(full_story(), models=found).refused_share == 0.5


# The account


@pytest.fixture
def deployed(mocked_aws: None) -> Deployment:
    """Return a deployment whose account has a cluster and the table of visitors."""
    deployment = Deployment("prod")
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="marquee-prod-visitors",
        KeySchema=[{"AttributeName": "visitor_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "visitor_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="marquee-prod-visitors", Item={"visitor_id": {"S": "a"}})
    deployment.__dict__["parameters"] = {
        "visitors-table": "marquee-prod-visitors",
        "cluster-id": create_cluster(boto3.client("emr")),
    }
    return deployment


def test_only_alarms_of_this_deployment_that_are_on_are_shown(deployed: Deployment) -> None:
    cloudwatch = boto3.client("cloudwatch")
    for name in ("marquee-prod-api-errors", "marquee-prod-quiet", "marquee-prodtwo-api-errors"):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription="It broke. First: look. Runbook: docs/runbook.md#api-errors",
            MetricName="Errors",
            Namespace="Marquee",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(
            AlarmName=name,
            StateValue="OK" if name.endswith("quiet") else "ALARM",
            StateReason="test",
        )
    assert [alarm.name for alarm in alarms_on(deployed)] == ["marquee-prod-api-errors"]


def test_the_last_steps_and_the_number_of_visitors_are_read(deployed: Deployment) -> None:
    step = {"Name": "train-m1", "HadoopJarStep": {"Jar": "command-runner.jar"}}
    boto3.client("emr").add_job_flow_steps(
        JobFlowId=deployed.parameter("cluster-id"),
        Steps=[step],  # type: ignore[list-item]
    )
    assert "train-m1" in [each.name for each in last_steps(deployed)]
    assert stored_visitors(deployed) == 1


def test_a_table_that_cannot_be_described_leaves_the_report_without_its_count(
    deployed: Deployment,
) -> None:
    deployed.parameters["visitors-table"] = "gone"
    assert stored_visitors(deployed) is None


def test_without_terraform_the_report_says_why_there_is_no_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_: str) -> None:
        raise OperationError("Terraform 1.11 or newer is needed, and none is on PATH.")

    monkeypatch.setattr(story_module, "require", missing)
    cost, note = cost_of_day(Deployment("prod"), 12, 3)
    assert (cost, note) == (
        None,
        "Not estimated: Terraform 1.11 or newer is needed, and none is on PATH.",
    )


def test_the_cost_of_the_day_is_its_share_of_the_month_and_its_forms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bill = SimpleNamespace(idle=730.0, thousand=30.0)
    prices = SimpleNamespace(region="us-east-1", dated="2026-11-27")
    monkeypatch.setattr(story_module, "require", lambda _: None)
    monkeypatch.setattr(
        story_module, "planned_deployment", lambda _: SimpleNamespace(prices=prices)
    )
    monkeypatch.setattr(story_module, "price", lambda _: bill)
    cost, note = cost_of_day(Deployment("prod"), 12, 100)
    assert cost == CostOfDay(idle=12.0, visitors=3.0)
    assert "us-east-1 on 2026-11-27" in note


def test_the_page_is_written_where_the_operator_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "collect_story", lambda *_, **__: full_story())
    chosen = tmp_path / "new" / "page.html"
    with Phases() as phases:
        assert write_report(Deployment("prod"), phases, chosen) == chosen
        assert "<h1>Marquee prod: report</h1>" in chosen.read_text()
        with pytest.raises(OperationError, match=r"FILE is .*, which cannot be written"):
            write_report(Deployment("prod"), phases, chosen / "below-a-file.html")
