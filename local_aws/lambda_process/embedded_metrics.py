"""Turns log lines in the embedded metric format into metrics of CloudWatch, as AWS does.

Functions print their metrics; CloudWatch reads them from the log
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
The emulators do not. AWS needs a minute or so for it. Here one thread writes what was printed since
its last write, equal values as one entry, because each write takes a transaction of the emulator's
database.

The emulators also know no percentiles, which `percentiles_too` adds.
"""

import json
import logging
import math
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_aws import emulator

LOG = logging.getLogger(__name__)
PAUSE = 1.0  # seconds between two writes
MOST_VALUES = 150  # of one metric in one call: quota of PutMetricData
MOST_METRICS = 1000  # in one call: quota of PutMetricData


@dataclass(frozen=True, slots=True)
class PrintedMetric:
    """A metric as a log line names it; `at` is in whole seconds since 1970."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    at: int


def printed_metrics(line: str) -> Iterator[tuple[PrintedMetric, float]]:
    """Yield the metrics of a log line with their values; none if it is not in the format."""
    if '"_aws"' not in line:
        return
    try:
        printed = json.loads(line)
        about = printed["_aws"]
        for directive in about["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = tuple(sorted((name, str(printed[name])) for name in names))
                for metric in directive["Metrics"]:
                    unit = metric.get("Unit", "None")
                    what = PrintedMetric(
                        directive["Namespace"],
                        metric["Name"],
                        unit,
                        dimensions,
                        int(about["Timestamp"]) // 1000,
                    )
                    values = printed[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        yield what, float(value)
    except (ValueError, KeyError, TypeError) as error:  # AWS stores such a line as text only
        LOG.debug("not in the embedded metric format: %s", error)


def metric_data(
    counted: Mapping[PrintedMetric, Counter[float]],
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the namespace and the MetricData of each PutMetricData call that these values need."""
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for metric, values in counted.items():
        pairs = list(values.items())
        for begin in range(0, len(pairs), MOST_VALUES):
            some = pairs[begin : begin + MOST_VALUES]
            by_namespace.setdefault(metric.namespace, []).append(
                {
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in metric.dimensions],
                    "Timestamp": datetime.fromtimestamp(metric.at, UTC),
                    "Unit": metric.unit,
                    "Values": [value for value, _ in some],
                    "Counts": [float(count) for _, count in some],
                }
            )
    for namespace, data in by_namespace.items():
        for begin in range(0, len(data), MOST_METRICS):
            yield namespace, data[begin : begin + MOST_METRICS]


class MetricsWriter:
    """Writes printed metrics to the emulator's CloudWatch, in a thread that starts on first use."""

    def __init__(self) -> None:
        self._lock, self._waiting = threading.Lock(), threading.Event()
        self._counted: dict[str, dict[PrintedMetric, Counter[float]]] = {}
        self._thread: threading.Thread | None = None

    def note(self, region: str, text: str) -> None:
        """Take the metrics from what a function of this region printed."""
        found = [each for line in text.split("\n") for each in printed_metrics(line)]
        if not found:
            return
        with self._lock:
            counted = self._counted.setdefault(region, {})
            for metric, value in found:
                counted.setdefault(metric, Counter())[value] += 1
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="embedded-metrics", daemon=True
                )
                self._thread.start()
        self._waiting.set()

    def _run(self) -> None:
        while self._waiting.wait():
            self._waiting.clear()
            self.write()
            time.sleep(PAUSE)

    def write(self) -> None:
        """Write what was noted since the last write; log an error instead of raising it."""
        with self._lock:
            noted, self._counted = self._counted, {}
        for region, counted in noted.items():
            client = emulator.part("aws.connect").connect_to(region_name=region).cloudwatch
            for namespace, data in metric_data(counted):
                try:
                    client.put_metric_data(Namespace=namespace, MetricData=data)
                except Exception:
                    LOG.warning("metrics of %s not stored", namespace, exc_info=True)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def percentiles_of(
    rows: Iterable[tuple[int, float]], begin: int, period: int, percent: float
) -> dict[int, float]:
    """Return a percentile of the values of each period that has any, by the period's begin.

    Args:
        rows: the time of each value, in seconds since 1970, and the value.
        begin: when the first period begins.
        period: its length in seconds.
        percent: from 0 to 100.
    """
    by_period: dict[int, list[float]] = {}
    for at, value in rows:
        by_period.setdefault(begin + (at - begin) // period * period, []).append(value)
    return {at: percentile(values, percent) for at, values in sorted(by_period.items())}


def percentiles_too() -> None:
    """Make the emulator's GetMetricData answer statistics such as p95."""
    database = emulator.part("services.cloudwatch.cloudwatch_database_helper").CloudwatchDatabase

    @emulator.part("utils.patch").patch(database.get_metric_data_stat)  # type: ignore[untyped-decorator]
    def get_metric_data_stat(original: Any, self: Any, **named: Any) -> Any:
        asked = named["query"]["MetricStat"]
        stat, metric = asked["Stat"], asked["Metric"]
        if not stat.startswith("p"):
            return original(self, **named)
        begin, end = (int(named[name].timestamp()) for name in ("start_time", "end_time"))
        dimensions = self._get_ordered_dimensions_with_separator(metric.get("Dimensions"))
        with (
            self.DATABASE_LOCK,
            sqlite3.connect(self.METRICS_DB_READ_ONLY, uri=True) as connection,
        ):
            rows = connection.execute(
                "SELECT timestamp, value FROM SINGLE_METRICS WHERE account_id = ? AND region = ?"
                " AND namespace = ? AND metric_name = ? AND dimensions IS ?"
                " AND timestamp >= ? AND timestamp < ?",
                (
                    *(named["account_id"], named["region"]),
                    *(metric["Namespace"], metric["MetricName"], dimensions, begin, end),
                ),
            ).fetchall()
        found = percentiles_of(rows, begin, asked["Period"], float(stat[1:]))
        newest_first = named["scan_by"] in (None, "TimestampDescending")
        times = sorted(found, reverse=newest_first)
        return {"timestamps": times, "values": [found[at] for at in times]}
