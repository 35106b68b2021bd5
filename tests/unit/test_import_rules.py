"""What runs on EMR needs only what an EMR node has; `make lint` checks the other import rules."""

import sys

import grimp
import pytest

SHIPPED = ("marquee.contracts", "marquee.datasets", "marquee.recommender")


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("marquee", "learning", include_external_packages=True)


def with_parts(imports: grimp.ImportGraph, module: str) -> set[str]:
    return {module} | imports.find_descendants(module)


def other_imports(imports: grimp.ImportGraph, modules: set[str]) -> set[str]:
    """Return what modules import besides each other and the standard library."""
    imported = {
        other for each in modules for other in imports.find_modules_directly_imported_by(each)
    }
    return {each for each in imported - modules if each not in sys.stdlib_module_names}


def test_the_recommender_imports_numpy_and_the_standard_library_only(
    imports: grimp.ImportGraph,
) -> None:
    shipped = set[str]().union(*(with_parts(imports, module) for module in SHIPPED))
    assert other_imports(imports, shipped) == {"numpy"}


def test_steps_import_only_what_is_shipped_with_them(imports: grimp.ImportGraph) -> None:
    shipped = set[str]().union(*(with_parts(imports, module) for module in SHIPPED))
    learning = with_parts(imports, "learning")
    assert other_imports(imports, learning) - shipped <= {"numpy", "pyarrow", "pyspark", "py4j"}
