"""A movie's ids at IMDb and TMDB, if the data set has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from marquee.recommender.model import ModelError


@dataclass(frozen=True, slots=True)
class ExternalIds:
    """A movie's ids in other catalogues."""

    imdb: str | None = None  # digits, without IMDb's prefix tt
    tmdb: int | None = None

    def addresses(self) -> dict[str, str]:
        """Return the URLs of the movie's pages, by catalogue: `imdb` and `tmdb`."""
        found = {}
        if self.imdb is not None:
            found["imdb"] = f"https://www.imdb.com/title/tt{self.imdb}/"
        if self.tmdb is not None:
            found["tmdb"] = f"https://www.themoviedb.org/movie/{self.tmdb}"
        return found


def pack_links(links: Mapping[int, ExternalIds]) -> bytes:
    """Return the ids as JSON, `{"<movie_id>": [imdb, tmdb], …}`, sorted by movie id."""
    rows = {
        str(movie_id): [links[movie_id].imdb, links[movie_id].tmdb] for movie_id in sorted(links)
    }
    return json.dumps(rows, separators=(",", ":")).encode()


def read_links(content: bytes) -> dict[int, ExternalIds]:
    """Read ids by movie_id from the bytes that `pack_links` returned.

    Raises:
        ModelError: if the bytes are damaged; says how to fix it.
    """
    try:
        return {
            int(movie_id): ExternalIds(
                None if imdb is None else str(imdb), None if tmdb is None else int(tmdb)
            )
            for movie_id, (imdb, tmdb) in json.loads(content).items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(f"the links are damaged ({error}); train again") from error
