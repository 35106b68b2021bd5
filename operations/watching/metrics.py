"""Read the functions' metrics from CloudWatch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from operations.cost.custom_metrics import custom_metrics

NAMESPACE = "Marquee"
HOUR, DAY = 3600, 86400
MOST_HOURLY_DAYS = 3  # a report on more days has one point a day
_A_CALL = 500  # queries that GetMetricData answers in one call
_A_MINUTE = 60


@dataclass(frozen=True)
class CoveredTime:
    """The time that a report covers, in buckets of an hour or a day (UTC)."""

    begin: datetime
    end: datetime
    bucket: int

    @classmethod
    def of_days(cls, now: datetime, days: int) -> "CoveredTime":
        """Return the last days until `now`, in whole buckets."""
        bucket = HOUR if days <= MOST_HOURLY_DAYS else DAY
        end = (int(now.timestamp()) // bucket + 1) * bucket
        return cls(
            datetime.fromtimestamp(end - days * DAY, UTC), datetime.fromtimestamp(end, UTC), bucket
        )

    @property
    def seconds(self) -> int:
        """The whole time in seconds."""
        return round((self.end - self.begin).total_seconds())

    @property
    def buckets(self) -> list[datetime]:
        """The beginning of each bucket."""
        count = self.seconds // self.bucket
        return [self.begin + timedelta(seconds=self.bucket * number) for number in range(count)]


@dataclass(frozen=True)
class Asked:
    """A statistic of a metric: `Sum`, `SampleCount`, `Average` or a percentile such as `p95`.

    `service` is the function that counts the metric, without its prefix.
    """

    metric: str
    service: str
    stat: str


type Values = Mapping[datetime, float]


@dataclass(frozen=True)
class Measures:
    """What was counted in the time that a report covers.

    Attributes:
        by_bucket: the statistic of each bucket that has one.
        whole: the statistic of the whole time, of those that have one.
    """

    by_bucket: Mapping[Asked, Values] = field(default_factory=dict)
    whole: Mapping[Asked, float] = field(default_factory=dict)

    def sums(self, metric: str, since: datetime | None = None) -> float:
        """Return how often something was counted, by all functions and since a moment."""
        return sum(
            value
            for asked, values in self.by_bucket.items()
            if (asked.metric, asked.stat) == (metric, "Sum")
            for at, value in values.items()
            if since is None or at >= since
        )

    def sums_by_bucket(self, metric: str) -> Values:
        """Return the sum over all functions for each bucket that has one."""
        found: dict[datetime, float] = {}
        for asked, values in self.by_bucket.items():
            if (asked.metric, asked.stat) == (metric, "Sum"):
                for at, value in values.items():
                    found[at] = found.get(at, 0.0) + value
        return found


def services_of(metric: str) -> list[str]:
    """Return the functions that count a metric, as CloudWatch names them."""
    return sorted(folder.replace("_", "-") for name, folder in custom_metrics() if name == metric)


def asked_of(metric: str, *stats: str) -> list[Asked]:
    """Return these statistics of a metric, for each function that counts it."""
    return [Asked(metric, service, stat) for service in services_of(metric) for stat in stats]


def read_measures(
    cloudwatch: Any, environment: str, covered: CoveredTime, everything: Iterable[Asked]
) -> Measures:
    """Read statistics of the functions' metrics, by bucket and for the whole time.

    Args:
        cloudwatch: a boto3 client of CloudWatch.
        environment: the deployment's name, a dimension of each metric.
        covered: the time to read.
        everything: the statistics.
    """
    asked = list(dict.fromkeys(everything))
    by_bucket = _read(cloudwatch, environment, covered, asked, covered.bucket)
    whole = _read(cloudwatch, environment, covered, asked, covered.seconds // _A_MINUTE * _A_MINUTE)
    return Measures(
        by_bucket,
        {each: next(iter(values.values())) for each, values in whole.items() if values},
    )


def _read(
    cloudwatch: Any,
    environment: str,
    covered: CoveredTime,
    everything: Sequence[Asked],
    period: int,
) -> dict[Asked, Values]:
    found: dict[Asked, dict[datetime, float]] = {each: {} for each in everything}
    pages = cloudwatch.get_paginator("get_metric_data")
    for some in batched(everything, _A_CALL, strict=False):
        by_id = {f"m{number}": each for number, each in enumerate(some)}
        for page in pages.paginate(
            MetricDataQueries=[
                _query(name, each, environment, period) for name, each in by_id.items()
            ],
            StartTime=covered.begin,
            EndTime=covered.end,
        ):
            for result in page["MetricDataResults"]:
                times = [at.astimezone(UTC) for at in result["Timestamps"]]
                found[by_id[result["Id"]]] |= dict(zip(times, result["Values"], strict=True))
    return {each: dict(sorted(values.items())) for each, values in found.items()}


def _query(name: str, asked: Asked, environment: str, period: int) -> dict[str, Any]:
    dimensions = [
        {"Name": "environment", "Value": environment},
        {"Name": "service", "Value": asked.service},
    ]
    metric = {"Namespace": NAMESPACE, "MetricName": asked.metric, "Dimensions": dimensions}
    return {
        "Id": name,
        "MetricStat": {"Metric": metric, "Period": period, "Stat": asked.stat},
        "ReturnData": True,
    }
