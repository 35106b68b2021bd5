"""What functions count: the metrics in the lines that they print (embedded metric format)."""

import json
from collections import defaultdict

import pytest


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """Return the values of each metric that was printed since the last call, by name."""
    found: dict[str, list[float]] = defaultdict(list)
    for line in capsys.readouterr().out.splitlines():
        if '"_aws"' not in line:
            continue
        printed = json.loads(line)
        for directive in printed["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                value = printed[metric["Name"]]
                found[metric["Name"]] += value if isinstance(value, list) else [value]
    return dict(found)
