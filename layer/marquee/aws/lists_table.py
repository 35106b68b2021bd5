"""The lists table: one expiring item per shared list."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from marquee.recommender.model import SeriesPart
from marquee.requests.shared_list import ListedMovie, SharedList

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource


class SharedListsTable:
    """Implements `requests.ports.SharedLists`."""

    def __init__(self, dynamodb: "DynamoDBServiceResource", name: str) -> None:
        self._table = dynamodb.Table(name)

    def create(self, shared: SharedList) -> bool:
        """Put the item on condition that the id is free."""
        item: dict[str, Any] = {
            "list_id": shared.list_id,
            "dataset": shared.dataset,
            "movies": [_movie_item(movie) for movie in shared.movies],
            "expires_at": shared.expires_at,
        }
        if shared.first_name is not None:
            item["first_name"] = shared.first_name
        if shared.form_digest is not None:
            item["form_digest"] = shared.form_digest
        try:
            self._table.put_item(Item=item, ConditionExpression="attribute_not_exists(list_id)")
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, list_id: str) -> SharedList | None:
        """Read the item with a consistent read: a list that was taken back is never shown."""
        item = self._table.get_item(Key={"list_id": list_id}, ConsistentRead=True).get("Item")
        return None if item is None else _shared_list(item)

    def take_back(self, list_id: str) -> bool:
        """Remove all attributes but id and expiry, on condition that the item exists."""
        try:
            self._table.update_item(
                Key={"list_id": list_id},
                UpdateExpression=(
                    "SET taken_back = :true REMOVE dataset, movies, first_name, form_digest"
                ),
                ConditionExpression="attribute_exists(list_id)",
                ExpressionAttributeValues={":true": True},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _movie_item(movie: ListedMovie) -> dict[str, Any]:
    item = {
        "movie_id": movie.movie_id,
        "title": movie.title,
        "year": movie.year,
        "genres": list(movie.genres),
        "reasons": list(movie.reasons),
    }
    if movie.part is not None:
        item["part"] = {"series": movie.part.series, "number": movie.part.number}
    return item


def _part(item: Mapping[str, Any] | None) -> SeriesPart | None:
    return None if item is None else SeriesPart(str(item["series"]), int(item["number"]))


def _shared_list(item: Mapping[str, Any]) -> SharedList:
    return SharedList(
        list_id=str(item["list_id"]),
        dataset=str(item.get("dataset", "")),
        movies=tuple(
            ListedMovie(
                movie_id=int(movie["movie_id"]),
                title=str(movie["title"]),
                year=None if movie["year"] is None else int(movie["year"]),
                genres=tuple(str(genre) for genre in movie["genres"]),
                reasons=tuple(str(title) for title in movie["reasons"]),
                part=_part(movie.get("part")),
            )
            for movie in item.get("movies", [])
        ),
        expires_at=int(item["expires_at"]),
        first_name=item.get("first_name"),
        form_digest=item.get("form_digest"),
        is_taken_back=bool(item.get("taken_back", False)),
    )
