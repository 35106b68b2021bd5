"""Run a benchmark: `python -m benchmarks NAME [options]`; `NAME --help` shows its options.

Builds the environment and installs the tools that the benchmark needs. Without a name, lists all
benchmarks. benchmarks/README.md describes what each measures.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass

from operations import ROOT, addresses, tools
from operations.deployment import choose_deployment
from operations.errors import OperationError, exit_with_one_sentence


@dataclass(frozen=True)
class Benchmark:
    """How to run a benchmark.

    Attributes:
        measures: what it measures, for the list.
        modules: the modules to run, one after the other.
        environment: the Python environment to run them in.
        also: other environments that must have been built.
        tools: what must be installed (names of `operations.tools`).
        wants_site: whether the modules' first argument is the address of a deployment's site.
    """

    measures: str
    modules: tuple[str, ...]
    environment: str = "development"
    also: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    wants_site: bool = False


_LOCAL_AWS = ("localemu", "lambda", "emr", "sam")
_SPARK = ("java", "openblas")
BENCHMARKS = {
    "flow": Benchmark(
        "seconds from form to picks and to text, and a burst; needs a running deployment",
        ("flow",),
    ),
    "visitors": Benchmark(
        "fifty concurrent visitors for a minute; needs a running deployment", ("visitors",)
    ),
    "load": Benchmark(
        "ten thousand forms with every fault, twice, on a local AWS of its own",
        ("load",),
        also=_LOCAL_AWS,
        tools=("java", "terraform"),
    ),
    "api": Benchmark(
        "picks through the API on a model of Netflix size; needs a running deployment", ("api",)
    ),
    "bodies": Benchmark(
        "processor time of the most expensive bodies, and 20,000 random ones", ("bodies",)
    ),
    "model": Benchmark(
        "processor time of picks for a visitor, and of the recommend step",
        ("picks", "batch"),
        tools=("java",),
    ),
    "taps": Benchmark(
        "taps from opening the page to ten picks, by what a visitor knows: DATA=<folder>",
        ("taps",),
        tools=_SPARK,
    ),
    "series": Benchmark(
        "quality of the picks with and without series in order: DATA=<folder>",
        ("series",),
        tools=_SPARK,
    ),
    "search": Benchmark("processor time of a title search at each letter typed", ("search",)),
    "site": Benchmark(
        "weight of the site's first view, and seconds to it; needs a running deployment",
        ("first_view",),
        tools=("chromium",),
        wants_site=True,
    ),
    "journey": Benchmark(
        "visitors on a slow phone, from opening the page to ten picks; needs a running deployment",
        ("journey",),
        tools=("chromium",),
        wants_site=True,
    ),
    "quality": Benchmark(
        "Marquee and other recommenders on the same splits: DATA=<folder>",
        ("quality",),
        environment="benchmarks",
        tools=_SPARK,
    ),
    "training": Benchmark(
        "seconds of an iteration of ALS: Marquee, plain MLlib, implicit",
        ("training",),
        environment="benchmarks",
        tools=_SPARK,
    ),
    "sizes": Benchmark(
        "quality of the size chosen for a million ratings and of its neighbours",
        ("sizes",),
        environment="benchmarks",
        tools=_SPARK,
    ),
    "scale": Benchmark(
        "a simulated deployment on AWS under up to 1,000 forms a second; deploys nothing",
        ("scale",),
    ),
    "upload": Benchmark(
        "reading made-up ratings once, and uploading them with an interruption",
        ("upload",),
        also=_LOCAL_AWS,
    ),
    "growth": Benchmark(
        "seconds from form to text with 20 million ratings and with 100,000",
        ("growth",),
        also=_LOCAL_AWS,
        tools=("java", "terraform", "openblas"),
    ),
}


def listing() -> str:
    """Return a line for each benchmark."""
    return "\n".join(f"  {name:<10} {each.measures}" for name, each in BENCHMARKS.items())


def benchmark_command(benchmark: Benchmark, module: str, options: list[str]) -> list[str]:
    """Return the command that runs a module of a benchmark."""
    python = ROOT / ".venvs" / benchmark.environment / "bin" / "python"
    site = [addresses.site_url(choose_deployment())] if benchmark.wants_site else []
    return [str(python), "-m", f"benchmarks.{module}", *site, *options]


def build_environments(names: list[str]) -> None:
    """Build those of the named Python environments that do not match their lock files.

    Raises:
        OperationError: if one cannot be built.
    """
    targets = [f"environment-{name}" for name in names]
    if subprocess.run(["make", "--silent", *targets], cwd=ROOT, check=False).returncode:
        raise OperationError(f"The Python environments could not be built: {', '.join(names)}.")


@exit_with_one_sentence
def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{listing()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, metavar="NAME")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="passed to the benchmark")
    asked = parser.parse_args(arguments)
    if asked.name is None:
        print(f"Name a benchmark, as in make benchmark NAME=search:\n{listing()}")
        return
    benchmark = BENCHMARKS[asked.name]
    build_environments([benchmark.environment, *benchmark.also])
    for name in benchmark.tools:
        tools.require(name)
    for module in benchmark.modules:
        ran = subprocess.run(
            benchmark_command(benchmark, module, asked.options),
            cwd=ROOT,
            env=os.environ
            | {
                "PYTHONPATH": "layer:emr_steps:.",
                "PYSPARK_PYTHON": str(ROOT / ".venvs" / benchmark.environment / "bin" / "python"),
            },
            check=False,
        )
        if ran.returncode:
            sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
