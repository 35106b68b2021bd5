"""Reading once: rows as numbers on disk, pairs that are counted on disk, whatever the batches."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.dataset.archives import Archives
from operations.dataset.convert import read_data_set
from operations.dataset.pair_counts import PairCounts
from operations.dataset.recognise import DatasetFiles, sources_of
from operations.dataset.report import EXAMPLES_OF_A_REASON
from operations.dataset.rows import RatingRow
from operations.dataset.spool import RatingSpool
from tests.unit.operations.dataset.made import (
    GOOD,
    HEADER,
    MOVIES_HEADER,
    put,
    read_files,
    sample,
)

PEOPLE = 20
# Rows of every kind, in an order in which good and bad ones alternate.
DATES = [f"{1 + n % 28}/{1 + n % 12}/2004" for n in range(60)]
ROWS = [
    row
    for n, date in enumerate(DATES)
    for row in (
        f"u{n % PEOPLE},{1 + n % 25},{1 + n % 5},{date}",
        f"u{n % PEOPLE},{1 + n % 25},x,{date}",
        f"u{n % PEOPLE},99,{1 + n % 5},13/1/2004",
        f",{1 + n % 25},{1 + n % 5},",
        f"u{n % PEOPLE},too few" if n % 3 else f"u{n % PEOPLE},2,4,soon",
    )
]
TITLES = "".join(f"{movie},Made Up {movie} (1990),\n" for movie in range(1, 26))
FILES = {
    "ratings.csv": "\n".join([HEADER, *ROWS, ""]),
    "movies.csv": f"{MOVIES_HEADER}\n{TITLES}",
}


@pytest.mark.parametrize("batch", [1, 2, 7, 300])
def test_the_size_of_batches_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    expected = read_files(tmp_path, FILES)
    monkeypatch.setattr("operations.dataset.spool.BATCH", batch)
    monkeypatch.setattr("operations.dataset.pair_counts._IN_MEMORY", batch)

    found = read_files(tmp_path, FILES)

    assert found.files == expected.files
    assert found.report.to_json() == expected.report.to_json()


def test_times_with_slashes_keep_to_their_rows_where_others_are_left_out(tmp_path: Path) -> None:
    found = read_files(tmp_path, FILES)

    seconds = [time for *_, time in found.ratings if time]
    assert len(seconds) == len(DATES)
    assert seconds[:2] == ["1072915200", "1075680000"]  # 1 January and 2 February 2004


def test_the_first_rows_of_each_reason_are_shown_as_they_are_written(tmp_path: Path) -> None:
    report = read_files(tmp_path, FILES).report

    shown = [each for each in report.examples if each.reason == "rating is not a number"]
    assert [(each.line, each.text) for each in shown] == [
        (line, row) for line, row in enumerate(ROWS, start=2) if ",x," in row
    ][:EXAMPLES_OF_A_REASON]


class Source:
    """Counts how often a file is opened."""

    def __init__(self, sources: DatasetFiles) -> None:
        self.opened: Counter[str] = Counter()
        self.sources = replace(
            sources,
            ratings=tuple(
                replace(each, file=replace(each.file, opened=partial(self._open, each.file.opened)))
                for each in sources.ratings
            ),
        )

    def _open(self, really: Callable[[], BinaryIO]) -> BinaryIO:
        self.opened["ratings"] += 1
        return really()


@pytest.mark.parametrize("movie_first", [False, True])
def test_a_file_of_ratings_is_read_once(tmp_path: Path, *, movie_first: bool) -> None:
    rows = "".join(
        f"{m + 500},{u},{r},{t}\n" if movie_first else f"{u},{m + 500},{r},{t}\n"
        for u, m, r, t in sample()
    )
    titles = "".join(f"{movie + 500},Made Up {movie},\n" for movie in range(1, 21))
    put(tmp_path, {**GOOD, "ratings.csv": rows, "movies.csv": f"{MOVIES_HEADER}\n{titles}"})
    with Archives(tmp_path) as archives:
        source = Source(sources_of(tmp_path, archives))

        report = read_data_set(source.sources, None)

    assert (report.users, report.movies_rated) == (25, 20)
    assert source.opened == {"ratings": 1}


def test_rows_go_to_the_disk_before_the_next_batch_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.dataset.spool.BATCH", 10)
    written: list[int] = []
    waiting: list[int] = []

    def rows() -> Iterator[RatingRow]:
        for number in range(1000):
            waiting.append(number - (written[-1] if written else 0))
            yield number + 1, "a line", f"u{number % 7}", "1", "4", "1100000000"

    with closing(RatingSpool(tmp_path)) as spool:
        spool.add(rows(), written.append)

        assert max(waiting) < 10
        assert [len(batch) for batch in spool.batches()] == [10] * 100
        assert (len(spool.users), len(spool.movies), len(spool.ratings)) == (7, 1, 1)
    assert list(tmp_path.iterdir()) == []


@given(
    st.lists(st.tuples(st.integers(0, 2**63 - 1) | st.integers(0, 5), st.integers(0, 5))),
    st.integers(1, 8),
)
def test_pairs_on_disk_are_counted_as_pairs_in_memory(
    pairs: list[tuple[int, int]], in_memory: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, closing(PairCounts()) as counts:
        patch.setattr("operations.dataset.pair_counts._IN_MEMORY", in_memory)
        half = len(pairs) // 2
        for user, movie in pairs[:half]:
            counts.add(user, movie)
        counts.add_all((user for user, _ in pairs[half:]), (movie for _, movie in pairs[half:]))

        different = set(pairs)
        support = Counter(movie for _, movie in different)
        assert counts.ratings == len(pairs)
        assert counts.repeated() == len(pairs) - len(different)
        assert counts.movies_rated_by(2) == sum(users >= 2 for users in support.values())
        assert (counts.users, counts.movies) == (len({u for u, _ in pairs}), len(support))
