"""Count the taps from opening the page to ten picks, for visitors who know only some movies.

Trains on nine tenths of a data set's users. Each of the others then answers the questionnaire from
their own ratings: a movie that they rated takes a tap on a star, any other a tap on "Haven't seen
it". A visitor who knows only some kinds of movies has only their ratings of these. They answer
twice, without and with the choice of genres and decades; making that choice counts as taps as well.
"""

import argparse
import csv
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from learning.data import titles_of
from learning.fitting import Fitting, size_for
from learning.likely_seen import count_seen
from learning.prepared import PreparedMovie, RatingRows
from learning.raw_blocks import RawBlock, number_in_driver
from learning.splits import NEW
from marquee.contracts import MIN_RATINGS
from marquee.recommender.model import Movie
from marquee.recommender.questionnaire import Questioner, Topics
from operations.dataset.archives import Archives
from operations.dataset.convert import read_data_set
from operations.dataset.output import MOVIES, RATINGS
from operations.dataset.recognise import sources_of

NEW_SHARE = 10  # every tenth user is not in training
LEAST_KNOWN = 8  # ratings of known movies; whoever has fewer cannot be questioned sensibly
DIALOG_TAPS = 2  # to open the choice of genres and decades, and to confirm it
GOAL = 12  # taps
GIVE_UP = 100  # taps
YEAR = re.compile(r"\((\d{4})[^)]*\)\s*$")  # at the end of a title

console = Console(width=110)


@dataclass(frozen=True, slots=True)
class Taste:
    """A kind of visitor: the movies that they know, and the topics that they choose."""

    name: str
    topics: Topics
    first_year: int = 0

    def knows(self, movie: Movie) -> bool:
        """Return whether a movie is of the kind that these visitors know."""
        return self.topics.include(movie) and (movie.year or 0) >= self.first_year


TASTES = (
    Taste("everything", Topics()),
    Taste("from 2005 on", Topics(decades=frozenset({2000, 2010})), 2005),
    Taste("from 2010 on", Topics(decades=frozenset({2010})), 2010),
    Taste("before 1980", Topics(decades=frozenset({1950, 1960, 1970}))),
    *(
        Taste(f"only {genre.lower()}", Topics(frozenset({genre})))
        for genre in ("Horror", "Animation", "Documentary", "Musical", "War")
    ),
)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A questionnaire, its movies, and the stars of the users who are not in training."""

    questioner: Questioner
    movies: Mapping[int, Movie]
    new_users: Sequence[Mapping[int, float]]


def main() -> None:
    """Print a row for each kind of visitor, without and with a choice of topics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder or file of a data set")
    options = parser.parse_args()
    with movielens_folder(options.data) as folder:
        catalogue = trained(folder)
    table = Table(title=f"Taps until ten picks; {options.data.name}; {machine()}")
    for heading in ("who knows", "chose", "people", "median", "p90", f"within {GOAL}"):
        table.add_column(heading, justify="left" if heading in ("who knows", "chose") else "right")
    for taste in TASTES:
        for row in rows_of(taste, catalogue):
            table.add_row(*row)
    console.print(table)


@contextmanager
def movielens_folder(data: Path) -> Iterator[Path]:
    """Yield a temporary folder with the data set in MovieLens' form."""
    with tempfile.TemporaryDirectory() as folder:
        with Archives(Path(folder)) as archives:
            read_data_set(sources_of(data, archives), Path(folder))
        yield Path(folder)


def trained(folder: Path) -> Catalogue:
    """Train on nine tenths of the users of a MovieLens folder."""
    rows = rating_rows_in(folder / RATINGS)
    is_new = rows.user_ids % NEW_SHARE == 0
    movies = movies_in(folder / MOVIES)
    ratings, totals = number_in_driver(RawBlock.of(rows, np.where(is_new, NEW, 0).astype(np.uint8)))
    training = ratings.without(NEW)
    fitting = Fitting(training_without_session, training, seed=1)
    titles = titles_of(movies, fitting.movie_ids)
    rating = fitting.fit(size_for(totals.ratings), totals.scale, titles).rating
    users = len(np.unique(rows.user_ids[~is_new]))
    stars: dict[int, dict[int, float]] = defaultdict(dict)
    new = rows.chosen(is_new)
    for user, movie_id, given in zip(*(each.tolist() for each in new), strict=True):
        if movie_id in titles:
            stars[user][movie_id] = given
    questioner = Questioner(rating, count_seen(training, rating, users), titles)
    return Catalogue(questioner, titles, [*stars.values()])


def training_without_session() -> SparkSession:
    """Refuse to open a session, as data of the sizes of these benchmarks are fitted without."""
    raise RuntimeError("this data set is too large for the benchmark; take at most a million")


def rating_rows_in(file: Path) -> RatingRows:
    """Read ratings.csv, whose first columns are user, movie and stars."""
    columns = np.loadtxt(file, delimiter=",", skiprows=1, usecols=(0, 1, 2), ndmin=2)
    return RatingRows(
        columns[:, 0].astype(np.int64),
        columns[:, 1].astype(np.int32),
        columns[:, 2].astype(np.float32),
    )


def movies_in(file: Path) -> list[PreparedMovie]:
    """Read movies.csv, whose columns are id, title with year, and genres."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    return [
        PreparedMovie(
            int(movie_id),
            title,
            int(year[1]) if (year := YEAR.search(title)) else None,
            tuple(genres.split("|")),
        )
        for movie_id, title, genres in rows
    ]


def rows_of(taste: Taste, catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    """Return the cells of a taste's rows."""
    known = [
        {movie_id for movie_id in stars if taste.knows(catalogue.movies[movie_id])}
        for stars in catalogue.new_users
    ]
    people = [movie_ids for movie_ids in known if len(movie_ids) >= LEAST_KNOWN]
    for topics in dict.fromkeys((Topics(), taste.topics)):
        counts = np.array([taps(catalogue, movie_ids, topics) for movie_ids in people])
        chose = ", ".join(
            [*sorted(topics.genres), *(f"{each}s" for each in sorted(topics.decades))]
        )
        yield (
            taste.name if not topics else "",
            chose or "nothing",
            str(len(people)),
            *(_shown(float(np.quantile(counts, share))) for share in (0.5, 0.9) if len(counts)),
            f"{np.mean(counts <= GOAL):.0%}" if len(counts) else "",
        )


def taps(catalogue: Catalogue, known: set[int], topics: Topics) -> int:
    """Return the taps until a visitor has rated enough movies for picks; at most GIVE_UP."""
    first = {id_ for id_, movie in catalogue.movies.items() if topics and topics.include(movie)}
    rated: list[int] = []
    unseen: list[int] = []
    chosen = len(topics.genres) + len(topics.decades)
    total = chosen + DIALOG_TAPS if topics else 0
    while len(rated) < MIN_RATINGS and total < GIVE_UP:
        asked = catalogue.questioner.next(rated, unseen, count=1, first=first)
        if not asked:
            return GIVE_UP
        (rated if asked[0] in known else unseen).append(asked[0])
        total += 1
    return total


def _shown(count: float) -> str:
    return f"{count:.0f}" if count < GIVE_UP else f"over {GIVE_UP - 1}"


if __name__ == "__main__":
    main()
