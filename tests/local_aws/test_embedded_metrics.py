"""Functions print metrics; the local AWS makes metrics of CloudWatch from them, as AWS does."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_aws.lambda_process.embedded_metrics import (
    MOST_VALUES,
    PrintedMetric,
    metric_data,
    percentiles_of,
    printed_metrics,
)
from tests.local_aws import functions
from tests.local_aws.conftest import LocalAws, until

PRINTED = {
    "_aws": {
        "Timestamp": 1_795_291_200_412,
        "CloudWatchMetrics": [
            {
                "Namespace": "Marquee",
                "Dimensions": [["service", "environment"]],
                "Metrics": [{"Name": "Seconds", "Unit": "Seconds"}, {"Name": "Visitors"}],
            }
        ],
    },
    "service": "ingest",
    "environment": "local",
    "Seconds": [1.5, 2],
    "Visitors": 3.0,
}
DIMENSIONS = (("environment", "local"), ("service", "ingest"))
SECONDS = PrintedMetric("Marquee", "Seconds", "Seconds", DIMENSIONS, 1_795_291_200)
PRINTS = """
import json

def handler(event, context):
    print(json.dumps(event))
"""


def test_every_value_of_every_metric_in_a_line_is_read() -> None:
    visitors = PrintedMetric("Marquee", "Visitors", "None", DIMENSIONS, 1_795_291_200)
    found = list(printed_metrics(json.dumps(PRINTED)))
    assert found == [(SECONDS, 1.5), (SECONDS, 2.0), (visitors, 3.0)]


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 1",
        '{"level":"INFO","message":"text: texted"}',
        '{"_aws": 1}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Dimensions": [["gone"]]}]}}',
        'not json, but "_aws"',
    ],
)
def test_a_line_in_no_such_format_has_no_metrics(line: str) -> None:
    assert list(printed_metrics(line)) == []


def test_equal_values_are_one_entry_and_a_call_keeps_to_the_quotas() -> None:
    values = Counter({float(number): 2 for number in range(MOST_VALUES + 1)})
    ((namespace, data),) = metric_data({SECONDS: values})
    assert (namespace, [len(each["Values"]) for each in data]) == ("Marquee", [MOST_VALUES, 1])
    assert data[1]["Counts"] == [2.0]


def test_a_percentile_is_that_of_its_period() -> None:
    rows = [(60 + number, float(number)) for number in range(20)] + [(130, 7.0)]
    assert percentiles_of(rows, 60, 60, 95) == {60: 18.0, 120: 7.0}
    assert percentiles_of(rows, 60, 60, 50) == {60: 9.0, 120: 7.0}
    assert percentiles_of([], 60, 60, 50) == {}


def test_what_a_function_prints_can_be_asked_for_as_sum_count_and_percentile(aws: LocalAws) -> None:
    functions.create(aws, "embedded", PRINTS)
    now = datetime.now(UTC)
    about = PRINTED["_aws"] | {"Timestamp": int(now.timestamp() * 1000)}  # type: ignore[operator]
    functions.invoke(aws, "embedded", PRINTED | {"_aws": about})
    asked = {
        "Namespace": "Marquee",
        "MetricName": "Seconds",
        "Dimensions": [{"Name": name, "Value": value} for name, value in DIMENSIONS],
    }

    def values() -> dict[str, list[float]]:
        answer: dict[str, Any] = aws.client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                {"Id": stat.lower(), "MetricStat": {"Metric": asked, "Period": 600, "Stat": stat}}
                for stat in ("Sum", "SampleCount", "p50", "p95")
            ],
            StartTime=now - timedelta(seconds=300),
            EndTime=now + timedelta(seconds=300),
        )
        return {each["Id"]: each["Values"] for each in answer["MetricDataResults"]}

    found = until(lambda: (got := values()) and got["sum"] and got, "the metric")
    assert found == {"sum": [3.5], "samplecount": [2.0], "p50": [1.5], "p95": [2.0]}
