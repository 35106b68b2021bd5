"""Read a prepared data set in the driver, without a Spark job.

The prepare step writes Parquet files. Movies and tags are always few enough for the driver; ratings
are where `fits_in_driver` says so.
"""

from io import BytesIO
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from learning.hadoop_files import Files, join
from learning.rating_blocks import Longs
from marquee.recommender.model import Floats, Integers

# Ratings up to this size in Parquet are read in the driver: starting Spark's jobs would take longer
# than the work itself.
MOST_BYTES_IN_DRIVER = 16_000_000
PARQUET = ".parquet"


class PreparedMovie(NamedTuple):
    """A movie of the data set; `imdb` and `tmdb` are its ids there, if the data set has them."""

    movie_id: int
    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()
    imdb: str | None = None
    tmdb: int | None = None


class PreparedTag(NamedTuple):
    """How many people gave a tag to a movie."""

    movie_id: int
    tag: str
    people: int


class RatingRows(NamedTuple):
    """N ratings, in no particular order."""

    user_ids: Longs
    movie_ids: Integers
    stars: Floats  # NaN where the file has no value

    def chosen(self, which: npt.NDArray[np.bool_]) -> Self:
        """Return the ratings that an array of shape (N,) chooses."""
        return type(self)(self.user_ids[which], self.movie_ids[which], self.stars[which])

    def and_also(self, others: Self) -> Self:
        """Return these ratings and the others."""
        return type(self)(
            np.concatenate([self.user_ids, others.user_ids]),
            np.concatenate([self.movie_ids, others.movie_ids]),
            np.concatenate([self.stars, others.stars]),
        )


def fits_in_driver(files: Files, folder: str) -> bool:
    """Return whether the prepared ratings in a folder are few enough for the driver."""
    return sum(files.names(folder).values()) <= MOST_BYTES_IN_DRIVER


def read_ratings_here(files: Files, folder: str) -> RatingRows:
    """Read the prepared ratings of a folder."""
    table = _read_table(files, folder, ("user_id", "movie_id", "rating"))
    return RatingRows(
        _array(table, "user_id", pa.int64()),
        _array(table, "movie_id", pa.int32()),
        _array(table, "rating", pa.float32()),
    )


def read_prepared_movies(files: Files, folder: str) -> list[PreparedMovie]:
    """Read the prepared movies of a folder, in the order of their ids."""
    table = _read_table(files, folder, PreparedMovie._fields)
    rows = table.sort_by("movie_id").to_pylist() if table.num_rows else []
    return [PreparedMovie(**row)._replace(genres=tuple(row["genres"] or ())) for row in rows]


def read_prepared_tags(files: Files, folder: str | None) -> list[PreparedTag]:
    """Read the prepared tags of a folder; return none if no folder is named or it is empty."""
    if folder is None:
        return []
    table = _read_table(files, folder, PreparedTag._fields)
    return [PreparedTag(**row) for row in table.to_pylist()]


def _read_table(files: Files, folder: str, columns: tuple[str, ...]) -> pa.Table:
    """Read the columns of all Parquet files in a folder; those that a file lacks are left out."""
    tables = []
    for name in sorted(files.names(folder)):
        if name.endswith(PARQUET):
            content = pq.ParquetFile(BytesIO(files.read(join(folder, name))))
            there = [column for column in columns if column in content.schema_arrow.names]
            tables.append(content.read(columns=there))
    return pa.concat_tables(tables) if tables else pa.table({})


def _array(table: pa.Table, name: str, kind: Any) -> Any:
    """Return a column as a numpy array."""
    if not table.num_rows:
        return np.zeros(0, dtype=kind.to_pandas_dtype())
    return table[name].cast(kind).to_numpy()
