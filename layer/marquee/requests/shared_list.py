"""What is stored of a list of movies that a visitor publishes under a link.

Nothing in it names the visitor, and no visitor's item names their lists.
"""

from dataclasses import dataclass, field

from marquee.recommender.model import SeriesPart

MOST_LISTED = 20  # movies of one list
MOST_REASONS = 3  # of one movie


@dataclass(frozen=True, slots=True)
class ListedMovie:
    """A movie of a shared list; `reasons` are the titles that are shown as its reasons.

    `part` is None if the movie is not known to be a part of a series.

    All words come from the model that was active when the list was made. A list therefore stays
    readable when another data set becomes active.
    """

    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    part: SeriesPart | None = None


@dataclass(frozen=True, slots=True)
class SharedList:
    """What is stored of a list.

    Attributes:
        dataset: the data set of the movie ids.
        first_name: as `marquee.requests.greeting.greeting_name` returns it; None to show no name.
        expires_at: in seconds since 1970.
        form_digest: of the form that came with an Idempotency-Key.
        is_taken_back: whether the list was taken back; it has no movies and no name then.
    """

    list_id: str
    dataset: str
    movies: tuple[ListedMovie, ...]
    expires_at: int
    first_name: str | None = field(default=None, repr=False)
    form_digest: str | None = None
    is_taken_back: bool = False
