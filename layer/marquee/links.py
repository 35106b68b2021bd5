"""What other catalogues call a movie: its ids at IMDb and TMDB, where the data set has them.

Travels to EMR: standard library only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from marquee.model import ModelError


@dataclass(frozen=True, slots=True)
class Ids:
    """A movie elsewhere."""

    imdb: str | None = None  # digits, without IMDb's tt
    tmdb: int | None = None

    def addresses(self) -> dict[str, str]:
        """Where its pages are, by the name of the catalogue."""
        found = {}
        if self.imdb is not None:
            found["imdb"] = f"https://www.imdb.com/title/tt{self.imdb}/"
        if self.tmdb is not None:
            found["tmdb"] = f"https://www.themoviedb.org/movie/{self.tmdb}"
        return found


def pack_links(links: Mapping[int, Ids]) -> bytes:
    """`{"<movie_id>": [imdb, tmdb], …}`, in the order of ids."""
    rows = {
        str(movie_id): [links[movie_id].imdb, links[movie_id].tmdb] for movie_id in sorted(links)
    }
    return json.dumps(rows, separators=(",", ":")).encode()


def read_links(content: bytes) -> dict[int, Ids]:
    """Read what `pack_links` made; raises ModelError with the mend where it cannot."""
    try:
        return {
            int(movie_id): Ids(
                None if imdb is None else str(imdb), None if tmdb is None else int(tmdb)
            )
            for movie_id, (imdb, tmdb) in json.loads(content).items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(f"the links are damaged ({error}); train again") from error
