"""Measure the processor time of a title search at each letter typed, among 62,000 titles.

MovieLens has as many titles. These come from a movies file (by default the embedded catalogue's):
their words are shuffled, and some letters changed, until there are as many different words as in
real titles. The searches are the beginnings of titles, letter by letter; every third title has a
typing error.
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from catalogue import MOVIES
from marquee.recommender.model import Model, Movie
from marquee.recommender.title_index import build_titles
from marquee.recommender.title_words import words_of
from marquee.serving.title_search import TitleSearch
from tests.models import FIRST, random_model

TITLES, WORDS, SEED = 62_000, 36_000, 1
MOST_RATINGS = 80_000  # as many as the most popular movie of MovieLens 25M has
SHOWN = 8
LETTERS = "abcdefghijklmnopqrstuvwxyz"

console = Console(width=110)


def main() -> None:
    """Print the times and the size of the index; exits with 0 whatever they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movies", type=Path, default=MOVIES, help="CSV file with a column title")
    parser.add_argument("--visitors", type=int, default=100, help="visitors, who each type a title")
    options = parser.parse_args()
    chance = np.random.default_rng(SEED)
    with options.movies.open(encoding="utf-8") as file:
        titles = _many([row["title"] for row in csv.DictReader(file)], chance)
    model = _model(titles)
    begun = time.process_time()
    index = build_titles(model)
    built = time.process_time() - begun
    begun = time.process_time()
    search = TitleSearch(model, index).search
    opened = time.process_time() - begun
    queries = [query for title in titles[: options.visitors] for query in _typed(title, chance)]
    table = Table(title=f"Title search: {len(titles):,} titles, {machine()}")
    for heading in ("", "p50 ms", "p99 ms", "longest ms", "of the scan"):
        table.add_column(heading, justify="right" if heading else "left")
    scanned = _milliseconds(_scan_of(titles), queries[:: len(queries) // 50])
    found = _milliseconds(lambda query: search(query, SHOWN), queries)
    for name, taken in (("comparing with every title", scanned), ("search", found)):
        table.add_row(name, *_cells(taken, scanned))
    console.print(table)
    console.print(
        f"{len(queries):,} searches; the index: {len(index) / 1e6:.1f} MB, "
        f"built in {built:.1f} s (training), opened in {opened * 1000:.0f} ms (the first search)"
    )


def _many(titles: Sequence[str], chance: np.random.Generator) -> list[str]:
    """Make titles from the words of these titles and from misspelled ones."""
    lengths = np.array([len(words_of(title)) for title in titles])
    words = [word for title in titles for word in words_of(title)]
    known = [*words, *(_slipped(words[i], chance) for i in chance.integers(len(words), size=WORDS))]
    made = []
    for length in chance.choice(lengths, TITLES - len(titles)):
        common = chance.integers(2, size=length)  # half of all words are unchanged
        drawn = chance.integers(len(known), size=length)
        chosen = (
            known[i % len(words) if each else i] for i, each in zip(drawn, common, strict=True)
        )
        made.append(" ".join(chosen).title())
    return [*titles, *made]


def _slipped(word: str, chance: np.random.Generator) -> str:
    """Make one or two typing errors: replace, insert, leave out or swap letters."""
    letters = list(word)
    for _ in range(int(chance.integers(1, 3))):
        place = int(chance.integers(len(letters)))
        letter = LETTERS[int(chance.integers(len(LETTERS)))]
        change = int(chance.integers(4))
        if change == 0:
            letters[place] = letter
        elif change == 1:
            letters.insert(place, letter)
        elif change == 2 and len(letters) > 1:  # noqa: PLR2004
            del letters[place]
        else:
            letters[place : place + 2] = letters[place : place + 2][::-1]
    return "".join(letters)


def _model(titles: Sequence[str]) -> Model:
    """Return a model of movies with these titles; a few movies have half of all ratings."""
    base = random_model(len(titles), 2)
    support = (MOST_RATINGS / np.arange(1, len(titles) + 1)).astype(np.int32) + 1
    movies = {FIRST + i: Movie(FIRST + i, title, 1950, ()) for i, title in enumerate(titles)}
    return replace(base, rating=replace(base.rating, support=support), movies=movies)


def _typed(title: str, chance: np.random.Generator) -> Iterator[str]:
    wanted = title.partition(" (")[0].lower()
    if chance.random() < 1 / 3:
        wanted = _slipped(wanted, chance)
    for letters in range(1, len(wanted) + 1):
        yield wanted[:letters]


def _scan_of(titles: Sequence[str]) -> Callable[[str], object]:
    plain = [" ".join(words_of(title)) for title in titles]
    return lambda query: process.extract(query, plain, scorer=OSA.distance, limit=SHOWN)


def _milliseconds(run: Callable[[str], object], queries: Sequence[str]) -> list[float]:
    taken = []
    for query in queries:
        begun = time.process_time()
        run(query)
        taken.append((time.process_time() - begun) * 1000)
    return taken


def _cells(taken: Sequence[float], scanned: Sequence[float]) -> tuple[str, str, str, str]:
    middle, late = np.percentile(taken, [50, 99])
    ratio = f"{middle / np.median(scanned):.2f} x"
    return f"{middle:.2f}", f"{late:.2f}", f"{max(taken):.2f}", ratio


if __name__ == "__main__":
    main()
