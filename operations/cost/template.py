"""What the SAM template makes that AWS charges for."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from operations.errors import OperationError
from operations.sam import TEMPLATE

# What API Gateway counts of each method whose detailed metrics are on, without a cache: AWS, API
# Gateway Developer Guide, "Amazon API Gateway dimensions and metrics".
METHOD_METRICS = ("4XXError", "5XXError", "Count", "IntegrationLatency", "Latency")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_FUNCTION, _API = "AWS::Serverless::Function", "AWS::Serverless::Api"


@dataclass(frozen=True)
class Template:
    """The SAM template with its parameters' values."""

    resources: dict[str, dict[str, Any]]
    parameters: dict[str, Any]

    def value(self, given: Any) -> Any:
        """Return a property's value, a parameter's where it refers to one."""
        if isinstance(given, dict) and "Ref" in given:
            return self.parameters.get(given["Ref"], given)
        return given

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of the resources of a type, by their logical ids."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        return self.of_type(_FUNCTION)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the properties of all functions' events of one kind."""
        return [
            event["Properties"]
            for function in self.functions.values()
            for event in function.get("Events", {}).values()
            if event["Type"] == kind
        ]

    @property
    def is_arm(self) -> bool:
        return bool(self.parameters.get("Architecture") == "arm64")

    def scheduled_calls_a_month(self, hours: float) -> float:
        """Return how often schedules call functions; raises OperationError for a cron line."""
        return sum(
            hours * 3600 / _seconds_of(str(self.value(event["Schedule"])))
            for event in self.events("Schedule")
        )

    def methods_with_metrics(self) -> list[tuple[str, str]]:
        """Return (path, method) of each method with detailed metrics, charged as custom ones."""
        settings = [
            setting
            for api in self.of_type(_API).values()
            for setting in api.get("MethodSettings", [])
        ]
        methods = {
            (str(event["Path"]), str(event["Method"]).upper()) for event in self.events("Api")
        }
        return sorted(method for method in methods if _has_metrics(method, settings))


def _has_metrics(method: tuple[str, str], settings: list[dict[str, Any]]) -> bool:
    """Tell whether the most specific setting of a method turns its detailed metrics on."""
    chosen = {(str(each["ResourcePath"]), str(each["HttpMethod"])): each for each in settings}
    setting = chosen.get(method) or chosen.get(("/*", "*")) or {}
    return bool(setting.get("MetricsEnabled"))


def _seconds_of(schedule: str) -> int:
    found = _RATE.fullmatch(schedule)
    if not found:
        raise OperationError(f"make cost cannot count the schedule {schedule!r}: it knows rate(…).")
    return int(found[1]) * _SECONDS[found[2]]


def load_template(given: dict[str, str], file: Path = TEMPLATE) -> Template:
    """Read the template; `given` are the environment's own parameters over the defaults."""
    loaded = cfn_yaml.load(str(file))
    defaults = {
        name: parameter["Default"]
        for name, parameter in loaded["Parameters"].items()
        if "Default" in parameter
    }
    return Template(dict(loaded["Resources"]), {**defaults, **given})
