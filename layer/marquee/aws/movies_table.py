"""The movies table: titles of the active data set's movies."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypedDict

from marquee.aws.batch_get import batch_get

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class MovieItem(TypedDict):
    """A movie as the table stores it; `year` is None if the data set has no year for it."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]


class MoviesTable:
    """Implements `requests.ports.Titles`."""

    def __init__(self, dynamodb: "DynamoDBServiceResource", name: str) -> None:
        self._dynamodb, self._name = dynamodb, name

    def titles(self, dataset: str, movie_ids: Sequence[int]) -> dict[int, str]:
        """Return the known titles by movie id; a movie that is not in the table is left out."""
        keys = [{"dataset": dataset, "movie_id": movie_id} for movie_id in dict.fromkeys(movie_ids)]
        items = batch_get(self._dynamodb, self._name, keys, ProjectionExpression="movie_id, title")
        return {int(item["movie_id"]): str(item["title"]) for item in items}

    def put(self, dataset: str, movies: Iterable[MovieItem]) -> int:
        """Write movies, replacing existing ones, and return how many were written."""
        count = 0
        with self._dynamodb.Table(self._name).batch_writer() as batch:
            for movie in movies:
                batch.put_item(Item={"dataset": dataset, **movie})
                count += 1
        return count
