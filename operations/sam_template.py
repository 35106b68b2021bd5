"""Read the SAM template: functions, their settings, and what AWS charges for."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from operations.errors import OperationError
from operations.sam import TEMPLATE

# API Gateway's metrics of each method with detailed metrics and without a cache: AWS, API Gateway
# Developer Guide, "Amazon API Gateway dimensions and metrics".
METHOD_METRICS = ("4XXError", "5XXError", "Count", "IntegrationLatency", "Latency")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_FUNCTION, _API = "AWS::Serverless::Function", "AWS::Serverless::Api"


@dataclass(frozen=True)
class Template:
    """The SAM template and the values of its parameters."""

    resources: dict[str, dict[str, Any]]
    parameters: dict[str, Any]

    def value(self, given: Any) -> Any:
        """Return a property's value, with a reference to a parameter replaced by its value."""
        if isinstance(given, dict) and "Ref" in given:
            return self.parameters.get(given["Ref"], given)
        return given

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """Return the properties of all functions, by logical id."""
        return self.of_type(_FUNCTION)

    def settings(self, function: str) -> dict[str, str]:
        """Return a function's environment variables whose values are parameters, with the values.

        Args:
            function: the function's folder, for example `submit_step`.
        """
        variables = self.variables(function)
        values = {name: self.value(given) for name, given in variables.items()}
        return {
            name: str(value) for name, value in values.items() if not isinstance(value, dict | list)
        }

    def variables(self, function: str) -> dict[str, Any]:
        """Return a function's own environment variables, as the template gives them."""
        properties = self.functions[f"{function.title().replace('_', '')}Function"]
        variables: dict[str, Any] = properties["Environment"]["Variables"]
        return variables

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the properties of all functions' events of one type, such as `SQS`."""
        return [
            event["Properties"]
            for function in self.functions.values()
            for event in function.get("Events", {}).values()
            if event["Type"] == kind
        ]

    @property
    def is_arm(self) -> bool:
        """Return whether the functions run on arm64."""
        return bool(self.parameters.get("Architecture") == "arm64")

    def scheduled_calls_a_month(self, hours: float) -> float:
        """Return how many times schedules call functions in a month of this many hours.

        Raises:
            OperationError: if a schedule is not a `rate(…)`.
        """
        return sum(
            hours * 3600 / _seconds_of(str(self.value(event["Schedule"])))
            for event in self.events("Schedule")
        )

    def methods_with_metrics(self) -> list[tuple[str, str]]:
        """Return (path, method) of each method with detailed metrics; AWS bills them as custom."""
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
    """Return whether the most specific setting of a method enables its detailed metrics."""
    chosen = {(str(each["ResourcePath"]), str(each["HttpMethod"])): each for each in settings}
    setting = chosen.get(method) or chosen.get(("/*", "*")) or {}
    return bool(setting.get("MetricsEnabled"))


def _seconds_of(schedule: str) -> int:
    found = _RATE.fullmatch(schedule)
    if not found:
        raise OperationError(
            f"make cost cannot price the schedule {schedule!r}: write it as rate(…)."
        )
    return int(found[1]) * _SECONDS[found[2]]


def load_template(given: dict[str, str], file: Path = TEMPLATE) -> Template:
    """Read the template; parameters in `given` override the template's defaults."""
    loaded = cfn_yaml.load(str(file))
    defaults = {
        name: parameter["Default"]
        for name, parameter in loaded["Parameters"].items()
        if "Default" in parameter
    }
    return Template(dict(loaded["Resources"]), {**defaults, **given})
