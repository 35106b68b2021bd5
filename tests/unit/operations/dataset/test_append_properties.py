"""Any sequence of appends and deletions gives the ratings that a dictionary would hold."""

import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.operations.dataset.made import HEADER, MOVIES_HEADER, add_to, put, read_into

USERS, MOVIES = range(1, 7), range(1, 7)
WRITTEN: dict[str, Callable[[int], str]] = {
    "number": str,
    "text": lambda number: f"x{number}",
    "uuid": lambda number: f"6f1c2b3a-0000-4000-8000-{number:012d}",
    "quoted": lambda number: f'a, "{number}"',
}

type Pair = tuple[int, int]
type Rating = tuple[int, int | None]  # stars, and seconds since 1970 if there is a time


@dataclass(frozen=True)
class Drop:
    """Files that are added: ratings, and deletions (of a user where there is no movie)."""

    ratings: Sequence[tuple[Pair, Rating]]
    deletions: Sequence[tuple[int, int | None]] = ()


@dataclass
class Model:
    """The ratings as a dictionary."""

    ratings: dict[Pair, Rating] = field(default_factory=dict)

    def add(self, drop: Drop) -> None:
        for pair, new in latest(drop.ratings).items():
            old = self.ratings.get(pair)
            timed = old is not None and old[1] is not None and new[1] is not None
            if not (timed and old and old[1] > new[1]):  # type: ignore[operator]
                self.ratings[pair] = new
        for user, movie in drop.deletions:
            for pair in list(self.ratings):
                if pair[0] == user and movie in {None, pair[1]}:
                    del self.ratings[pair]


def latest(rows: Sequence[tuple[Pair, Rating]]) -> dict[Pair, Rating]:
    """Return one rating of each pair, as the prepare step chooses it."""
    found: dict[Pair, Rating] = {}
    for pair, new in rows:
        old = found.get(pair)
        if old is None or (new[1] or 0) >= (old[1] or 0):
            found[pair] = new
    return found


def files_of(drop: Drop, user: Callable[[int], str], movie: Callable[[int], str]) -> dict[str, str]:
    rated = sorted({pair[1] for pair, _ in drop.ratings})
    rows = [
        [user(pair[0]), movie(pair[1]), stars, "" if time is None else time]
        for pair, (stars, time) in drop.ratings
    ]
    movies = [[movie(number), f"Made Up {number} (1995)", "Drama"] for number in rated]
    deleted = [
        [user(person), "" if number is None else movie(number)] for person, number in drop.deletions
    ]
    files = {
        "ratings.csv": written(HEADER, rows),
        "movies.csv": written(MOVIES_HEADER, movies),
        "deleted.csv": written("userId,movieId", deleted),
    }
    if not rows:
        del files["ratings.csv"], files["movies.csv"]
    return files


def written(header: str, rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header.split(","), *rows])
    return text.getvalue()


def ids_in(folder: Path) -> dict[str, list[str] | None]:
    kept: dict[str, list[str] | None] = json.loads((folder / "ids.json").read_bytes())
    return kept


def ratings_in(folder: Path) -> dict[tuple[str, str], Rating]:
    """Return the ratings of canonical files by user and movie as they were written."""
    kept = ids_in(folder)
    users, movies = kept["users"], kept["movies"]
    with (folder / "ratings.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            ((int(user), int(movie)), (int(float(stars)), int(time) if time else None))
            for user, movie, stars, time in list(csv.reader(file))[1:]
        ]
    return {
        (users[user - 1] if users else str(user), movies[movie - 1] if movies else str(movie)): each
        for (user, movie), each in latest(rows).items()
    }


def digest(folder: Path) -> Mapping[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix == ".csv"
    }


pairs = st.tuples(st.sampled_from(USERS), st.sampled_from(MOVIES))
# Few times, so that some are the same.
times = st.none() | st.integers(1_100_000_000, 1_100_000_004)
rows = st.lists(st.tuples(pairs, st.tuples(st.integers(1, 5), times)), max_size=12)
deletions = st.lists(
    st.tuples(st.sampled_from(USERS), st.none() | st.sampled_from(MOVIES)), max_size=3
)
drops = st.builds(Drop, rows, deletions).filter(lambda drop: drop.ratings or drop.deletions)
first_drops = st.builds(
    Drop, st.lists(st.tuples(pairs, st.tuples(st.integers(1, 5), times)), min_size=1)
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=first_drops,
    more=st.lists(drops, max_size=5),
    users=st.sampled_from(list(WRITTEN)),
    movies=st.sampled_from(list(WRITTEN)),
)
@example(
    first=Drop([((1, 1), (3, 1_100_000_002)), ((1, 1), (4, None))]),
    more=[Drop([((1, 1), (4, None))]), Drop([((1, 1), (2, 1_100_000_001))], [(2, None)])],
    users="text",
    movies="number",
)
def test_any_sequence_gives_what_a_dictionary_holds(
    first: Drop, more: Sequence[Drop], users: str, movies: str
) -> None:
    user, movie = WRITTEN[users], WRITTEN[movies]
    model = Model()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        active = root / "canonical"
        read_into(put(root / "files", files_of(first, user, movie)), active)
        model.add(first)
        for place, drop in enumerate(more):
            source = put(root / f"files-{place}", files_of(drop, user, movie))
            once, twice = root / f"once-{place}", root / f"twice-{place}"
            report = add_to(active, source, once)
            before = ids_in(active)
            model.add(drop)
            add_to(once, source, twice)

            expected = {(user(a), movie(b)): rating for (a, b), rating in model.ratings.items()}
            assert ratings_in(once) == expected
            assert digest(twice) == digest(once)
            assert report.append is not None
            assert report.append.ratings == len(expected)
            for kind in ("users", "movies"):
                former, now = before[kind], ids_in(once)[kind]
                assert former is None or (now is not None and now[: len(former)] == former)
            active = once
