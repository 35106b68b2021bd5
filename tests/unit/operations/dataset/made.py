"""Made-up ratings for the tests, and what reading them gives."""

import csv
import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from operations.dataset.append import append_files
from operations.dataset.archives import Archives
from operations.dataset.convert import read_data_set
from operations.dataset.ids import KeptReading
from operations.dataset.known import read_known
from operations.dataset.output import IDS
from operations.dataset.recognise import sources_of
from operations.dataset.report import DatasetReport

HEADER = "userId,movieId,rating,timestamp"
MOVIES_HEADER = "movieId,title,genres"
RATINGS = f"{HEADER}\n1,1,4.0,1100000001\n1,2,2.5,1100000002\n2,1,5.0,1100000003\n"
MOVIES = f"{MOVIES_HEADER}\n1,First Made Up (1995),Comedy|Drama\n2,Second Made Up (1996),Drama\n"
GOOD: Mapping[str, str | bytes] = {"ratings.csv": RATINGS, "movies.csv": MOVIES}


@dataclass(frozen=True)
class Read:
    """A data set as it was read: the report, and the rows of each canonical file."""

    report: DatasetReport
    files: Mapping[str, list[list[str]]]

    @property
    def ratings(self) -> list[tuple[int, int, float, str]]:
        """User, movie, stars and seconds of each rating."""
        return [
            (int(user), int(movie), float(stars), seconds)
            for user, movie, stars, seconds in self.files["ratings.csv"][1:]
        ]

    @property
    def movies(self) -> dict[int, tuple[str, str]]:
        """Title and genres by movie."""
        return {
            int(number): (title, genres) for number, title, genres in self.files["movies.csv"][1:]
        }


def put(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files into a folder, which is made; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(path: Path) -> Read:
    """Read the data set that a path names."""
    with tempfile.TemporaryDirectory() as made:
        into = Path(made) / "canonical"
        into.mkdir()
        with Archives(Path(made)) as archives:
            report = read_data_set(sources_of(path, archives), into)
        files = {}
        for file in into.iterdir():
            if file.name == IDS:
                continue
            with file.open(newline="", encoding="utf-8") as lines:
                tabs = file.suffix == ".test"
                files[file.name] = list(csv.reader(lines, delimiter="\t" if tabs else ","))
        return Read(report, files)


def read_into(path: Path, into: Path) -> DatasetReport:
    """Read the data set that a path names into canonical files and ids.json, in a new folder."""
    into.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as made, Archives(Path(made)) as archives:
        return read_data_set(sources_of(path, archives), into)


def add_to(active: Path, path: Path, into: Path, *, scale: str | None = None) -> DatasetReport:
    """Add what a path names to the canonical files in a folder; write both into a new folder."""
    into.mkdir(parents=True)
    onto = read_known(active, KeptReading.from_json((active / IDS).read_bytes()))
    with tempfile.TemporaryDirectory() as made:
        new = Path(made) / "new"
        new.mkdir()
        with Archives(Path(made)) as archives:
            sources = sources_of(path, archives, to_add=True)
            report = read_data_set(sources, new, onto=onto, scale=scale)
        assert report.append is not None
        append_files(active, new, into, report.append)
    return report


def read_files(folder: Path, files: Mapping[str, str | bytes]) -> Read:
    """Write files into a folder and read them."""
    return read(put(folder, files))


def sample(count: int = 300) -> list[tuple[int, int, float, int]]:
    """Return user, movie, stars and seconds of invented ratings, no pair twice.

    There are 25 users and 20 movies.
    """
    choose = random.Random(5)  # noqa: S311 - invented ratings
    pairs = choose.sample([(user, movie) for user in range(1, 26) for movie in range(1, 21)], count)
    return [
        (user, movie, choose.randint(1, 10) / 2, 1_100_000_000 + 7 * place)
        for place, (user, movie) in enumerate(pairs)
    ]
