"""Find columns by their names, or, in a file without a header, by what they contain."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from operations.dataset.values import Times, id_key, is_missing, number

# Names of each column as people write them, the most specific first; compared without case, spaces,
# underscores, hyphens and accents, and without a type after a colon (`user_id:token`).
_NAMES: dict[str, tuple[str, ...]] = {
    "user": (
        *("userid", "user", "uid", "userno", "usernumber", "useridx", "customerid", "custid"),
        *("customer", "reviewerid", "reviewer", "memberid", "member", "viewerid", "viewer"),
        *("profileid", "accountid", "personid", "person", "raterid", "rater", "username", "users"),
        *("useruuid", "criticname", "critic", "userhash", "usuario", "utilisateur", "benutzer"),
        *("nutzer", "author", "authorid"),
    ),
    "movie": (
        *("movieid", "mid", "filmid", "itemid", "titleid", "showid", "movieno", "movieidx"),
        *("contentid", "mediaid", "videoid", "productid", "parentasin", "asin", "animeid"),
        *("movieuuid", "movie", "film", "item", "product", "anime", "movies", "pelicula", "show"),
    ),
    "rating": (
        *("rating", "ratings", "userrating", "movierating", "ratingvalue", "ratingscore", "stars"),
        *("star", "starrating", "score", "userscore", "overall", "rate", "grade", "vote"),
        *("preference", "bewertung", "note", "puntuacion", "valoracion", "value"),
    ),
    "time": (
        *("timestamp", "ratedat", "ratingtimestamp", "ratingtime", "ratingdate", "daterated"),
        *("datetime", "date", "time", "unixtime", "unixreviewtime", "unixtimestamp", "reviewtime"),
        *("createdat", "seconds", "when", "epoch", "tstamp", "ts", "reviewdate", "watchdate"),
        *("datum", "fecha", "createddate", "updatedat", "zeit"),
    ),
    "title": (
        *("title", "movietitle", "filmtitle", "itemtitle", "primarytitle", "moviename", "filmname"),
        *("titlename", "name", "showtitle", "originaltitle", "titre", "titel", "titulo"),
    ),
    "genres": (
        *("genres", "genre", "moviegenres", "moviegenre", "listedin", "categories", "category"),
        *("generos", "genero"),
    ),
    "year": (
        *("year", "releaseyear", "yearofrelease", "movieyear", "startyear", "productionyear"),
        *("releasedate", "released", "jahr", "annee", "releasedyear"),
    ),
    "tag": ("tag", "tags", "tagname", "label"),
    "imdb": ("imdbid", "imdb", "tconst", "imdbtitleid", "const", "imdburl"),
    "tmdb": ("tmdbid", "tmdb", "themoviedbid"),
    "id": ("id", "key", "no", "nr", "number"),
}
_ROLE_OF = {
    name: (role, place) for role, names in _NAMES.items() for place, name in enumerate(names)
}
_MOSTLY = 0.8  # share of the rows that decides what a column contains
_FIRST_TIME = 10**8  # 1973: a smaller number is no time at which a movie was rated online
_ID = re.compile(r"[\w.:/-]{1,100}")
_ASIN, _AMAZON_USER = re.compile(r"[0-9A-Z]{10}"), re.compile(r"A[0-9A-Z]{10,}")


_CATALOGUES = ("imdb", "tmdb")


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of columns, from 0; None for those that a file does not have.

    Attributes:
        width: the number of columns.
        flags: the first of the columns that hold 0 or 1 for each genre.
        names: the header as it is written; empty without a header.
    """

    width: int
    user: int | None = None
    movie: int | None = None
    rating: int | None = None
    time: int | None = None
    title: int | None = None
    genres: int | None = None
    year: int | None = None
    tag: int | None = None
    imdb: int | None = None
    tmdb: int | None = None
    flags: int | None = None
    names: tuple[str, ...] = ()

    def shifted(self) -> "Columns":
        """Return the same columns behind one more column."""
        roles = ("user", "movie", "rating", "time", "title", "genres", "year", "tag", *_CATALOGUES)
        places = {role: place + 1 for role in roles if (place := getattr(self, role)) is not None}
        names = ("", *self.names) if self.names else ()
        return replace(self, width=self.width + 1, names=names, **places)

    @property
    def kind(self) -> str | None:
        """What rows with these columns are: ratings, tags, movies or links; None if unknown."""
        if self.user is not None and self.rating is not None and self.movie is not None:
            return "ratings"
        if self.user is not None and self.tag is not None and self.movie is not None:
            return "tags"
        if self.user is None and self.movie is not None:
            if self.title is not None:
                return "movies"
            if self.imdb is not None or self.tmdb is not None:
                return "links"
        return None


def named_columns(fields: Sequence[str]) -> Columns:
    """Return the columns that a header names; those whose names are unknown are left out."""
    found: dict[str, list[tuple[int, int]]] = {}  # role: rank of the name, place in the header
    for place, field in enumerate(fields):
        if match := _ROLE_OF.get(_plain(field)):
            found.setdefault(match[0], []).append((match[1], place))
    ranked = {role: [place for _, place in sorted(places)] for role, places in found.items()}
    names = tuple(field.strip() for field in fields)
    return Columns(len(fields), names=names, **_settled(ranked))


def looks_like_header(fields: Sequence[str]) -> bool:
    """Return whether a first row can be a header: it names things, and holds no number."""
    words = [field for field in fields if not is_missing(field)]
    return len(words) > 1 and not any(number(field) is not None for field in words)


def rating_columns(rows: Sequence[Sequence[str]], *, trusted: bool = False) -> Columns | None:
    """Return the columns of ratings without a header, by their content; None if they are none.

    The order is user, movie, rating and perhaps time, unless the ids show that it is movie, user.
    The row's own number may precede them. If the file's name shows that it holds ratings
    (`trusted`), the fourth of four columns is the time.
    """
    width = common_width(rows)
    if width is None or width < 3:  # noqa: PLR2004 - user, movie, rating
        return None
    usual = [row for row in rows if len(row) == width]
    if width > 4 and are_row_numbers([row[0] for row in usual]):  # noqa: PLR2004
        found = rating_columns([row[1:] for row in usual])
        return found.shifted() if found else None
    if not _mostly(number(row[2]) is not None for row in usual):
        return None
    if not all(_mostly(bool(id_key(row[place])) for row in usual) for place in (0, 1)):
        return None
    timed = width > 3  # noqa: PLR2004
    trusted = trusted and width == 4  # noqa: PLR2004
    if timed and not trusted and not _mostly(is_time(row[3]) for row in usual):
        return None
    swapped = all(
        _ASIN.fullmatch(row[0].strip()) and _AMAZON_USER.fullmatch(row[1].strip()) for row in usual
    )
    user, movie = (1, 0) if swapped else (0, 1)
    return Columns(width, user=user, movie=movie, rating=2, time=3 if timed else None)


def are_row_numbers(fields: Sequence[str]) -> bool:
    """Return whether the fields of a column are 0, 1, 2, … or 1, 2, 3, …"""
    first = fields[0].strip() if fields else ""
    if first not in {"0", "1"} or len(fields) < 2:  # noqa: PLR2004 - one row shows nothing
        return False
    return all(field.strip() == str(int(first) + place) for place, field in enumerate(fields))


def movie_columns(rows: Sequence[Sequence[str]]) -> Columns | None:
    """Return the columns id, title and perhaps genres of movies without a header."""
    width = common_width(rows)
    if width is None or width < 2:  # noqa: PLR2004 - id and title
        return None
    usual = [row for row in rows if len(row) >= width]
    if not _mostly(bool(_ID.fullmatch(row[0].strip())) for row in usual):
        return None
    if not _mostly(any(map(str.isalpha, row[1])) for row in usual):
        return None
    if len({row[0] for row in usual}) < _MOSTLY * len(usual):
        return None
    return Columns(width, movie=0, title=1, genres=2 if width > 2 else None)  # noqa: PLR2004


def common_width(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the number of columns that most rows have; None if no number is that common."""
    widths = [len(row) for row in rows]
    if not widths:
        return None
    width = max(set(widths), key=lambda each: (widths.count(each), -each))
    return width if widths.count(width) >= _MOSTLY * len(widths) else None


def is_time(text: str) -> bool:
    """Return whether a field can be the time of a rating; a missing time can."""
    if is_missing(text) or text.strip() == "0":
        return True
    times = Times()
    times.look(text)
    seconds = times.seconds(text)
    return times.slashed or (seconds is not None and (seconds >= _FIRST_TIME or "-" in text))


def describe_columns(columns: Columns) -> str:
    """Return in words from which columns the ratings are read."""
    roles = ("user", "movie", "rating", "time")
    places: Mapping[str, int | None] = {role: getattr(columns, role) for role in roles}

    def name(place: int) -> str:
        written = columns.names[place] if columns.names else ""
        return repr(written) if written else f"column {place + 1}"

    return ", ".join(
        f"{role} from {name(place)}" for role, place in places.items() if place is not None
    )


def _settled(ranked: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Return one place for each role; `ranked` has the most specific place of a role first."""
    places = {role: found[0] for role, found in ranked.items()}
    identifier = places.pop("id", None)
    of_ratings = "user" in places and "rating" in places
    if "movie" not in places:
        # Ratings may name the movie by its title; movies may have another catalogue's id only.
        other = ("title", "imdb", "tmdb") if of_ratings else ("imdb", "tmdb")
        others = [places[role] for role in other if role in places]
        if identifier is not None and not (of_ratings and others):
            others.insert(0, identifier)
        if others and (of_ratings or "title" in places):
            places["movie"] = others[0]
    elif "title" not in places and len(ranked["movie"]) > 1:
        places["title"] = ranked["movie"][1]  # `movie_id, movie, genres`
    elif "title" not in places and identifier is not None and not of_ratings:
        places["title"], places["movie"] = places["movie"], identifier  # `id, movie, genres`
    return places


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.partition(":")[0]).casefold()
    return re.sub(r"[^a-z0-9]", "", decomposed)


def _mostly(facts: Iterable[bool]) -> bool:
    listed = list(facts)
    return bool(listed) and sum(listed) >= _MOSTLY * len(listed)
