"""`make benchmark NAME=…`: every benchmark is listed, and its modules exist."""

import pytest

from benchmarks.__main__ import BENCHMARKS, main
from operations import ROOT
from operations.tools import REQUIRED


def test_without_a_name_all_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    listed = capsys.readouterr().out
    assert [name for name in BENCHMARKS if f"  {name} " not in listed] == []


def test_an_unknown_name_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serach"])
    assert "search" in capsys.readouterr().err


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_a_benchmark_names_exists(name: str) -> None:
    benchmark = BENCHMARKS[name]
    assert all((ROOT / "benchmarks" / f"{each}.py").is_file() for each in benchmark.modules)
    locks = {file.stem for file in (ROOT / "requirements").glob("*.lock")}
    assert {benchmark.environment, *benchmark.also} <= locks
    assert set(benchmark.tools) <= set(REQUIRED)


def test_every_script_that_can_be_run_belongs_to_a_benchmark() -> None:
    scripts = {
        file.stem
        for file in (ROOT / "benchmarks").glob("*.py")
        if 'if __name__ == "__main__"' in file.read_text() and file.stem != "__main__"
    }
    assert scripts == {each for benchmark in BENCHMARKS.values() for each in benchmark.modules}
