"""Find the custom metrics of the functions; AWS charges for each pair of name and function."""

import ast
from pathlib import Path

from operations import ROOT
from operations.errors import OperationError

FUNCTIONS = ROOT / "functions"
COLD_START = "ColdStart"


def custom_metrics(functions: Path = FUNCTIONS) -> set[tuple[str, str]]:
    """Return a pair (metric name, function folder) for each metric in the functions' code.

    Every metric has the dimensions environment and service, so a name that two functions use
    makes two metrics. `capture_cold_start_metric` of Powertools adds the metric `ColdStart`.

    Raises:
        OperationError: if a metric's name is not a literal in the code.
    """
    return {
        (name, folder.name)
        for folder in functions.iterdir()
        if folder.is_dir()
        for file in folder.rglob("*.py")
        for name in _counted(file)
    }


def _counted(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if node.func.attr == "add_metric":
            given = node.args[0] if node.args else keywords.get("name")
            if not isinstance(given, ast.Constant):
                raise OperationError(
                    f"{file}:{node.lineno}: write the metric's name out, so that it can be counted."
                )
            names.add(str(given.value))
        elif node.func.attr == "log_metrics" and "capture_cold_start_metric" in keywords:
            names.add(COLD_START)
    return names
