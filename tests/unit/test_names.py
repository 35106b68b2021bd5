"""Each public name of the product stands for one thing, so that a search finds that thing alone."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("layer", "functions", "emr_steps", "operations", "local_aws", "catalogue", "benchmarks")
# Functions that modules of one kind have under the same name, because they do the same there.
SAME_IN_EACH = {
    "main",  # scripts and commands
    "handler",  # Lambda functions
    "arguments_from",  # EMR steps
    "run",  # EMR steps
    "measure",  # benchmarks
    "report",  # benchmarks; Lambda functions, for metrics and logs
    "install",  # parts of the local AWS
    "serve_endpoint",  # parts of the local AWS that tests control
}


def types_of(module: ast.Module) -> Iterator[str]:
    """Yield the names of a module's classes and type aliases."""
    for statement in module.body:
        match statement:
            case ast.ClassDef(name=name) | ast.TypeAlias(name=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) if (
                name[0].isupper() and not name.isupper()
            ):
                yield name


def functions_of(module: ast.Module) -> Iterator[str]:
    """Yield the names of a module's functions."""
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement.name


def shared_names(names_of: Callable[[ast.Module], Iterator[str]]) -> dict[str, list[str]]:
    """Return the public names that more than one module defines, and those modules."""
    modules: dict[str, list[str]] = defaultdict(list)
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            for name in names_of(ast.parse(file.read_bytes())):
                if not name.startswith("_"):
                    modules[name].append(str(file.relative_to(ROOT)))
    assert modules, "no module was read"
    return {name: files for name, files in modules.items() if len(files) > 1}


def test_no_two_public_types_have_the_same_name() -> None:
    assert shared_names(types_of) == {}


def test_no_two_public_functions_have_the_same_name() -> None:
    shared = shared_names(functions_of)
    assert {name: files for name, files in shared.items() if name not in SAME_IN_EACH} == {}


def test_each_exception_is_still_needed() -> None:
    assert shared_names(functions_of).keys() >= SAME_IN_EACH
