"""Forms that visitors send to the API, their checks, and the error messages for visitors."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from marquee.contracts import (
    MAX_RATINGS,
    MAX_STARS,
    MIN_RATINGS,
    MIN_STARS,
    PICKS,
    Rating,
    timestamp,
)
from marquee.recommender.model import Movie
from marquee.recommender.picks import PickFilter
from marquee.recommender.questionnaire import DECADE, Topics
from marquee.recommender.scorers import RANKING
from marquee.recommender.title_words import FIRST_YEAR, LAST_YEAR
from marquee.requests.greeting import greeting_name
from marquee.requests.phone import PhoneError, as_shown, country_of, to_e164
from marquee.requests.shared_list import MOST_LISTED, MOST_REASONS, ListedMovie

MAX_NAME = 60
# Characters of base64: a challenge (`GET /challenge`) with its solution has about 800.
MAX_PROOF = 2000
MAX_PHONE = 40  # with spaces, hyphens and brackets; E.164 has 16
MAX_MODEL = 40
MAX_TIME = 35  # ISO 8601 with microseconds and a time zone has 32 characters
MAX_GENRES, MAX_GENRE = 50, 60
MAX_DECADES = 20
MAX_QUESTIONS = 20
MAX_PICKS = 50
MAX_ENTRIES = 100
MAX_TITLE = 200  # characters; the longest titles of the known data sets have about 160
MAX_IMDB_ID = 12
MAX_MOVIE_ID = 2**31 - 1  # models keep ids in 32 bits
_MAX_SHOWN_FIELD = 60  # characters of a field's name in an answer
NO_SUCH_FIELD = "There is no such field; leave it out."


class FieldError(ValueError):
    """One field of a form is invalid; `message` is a plain sentence for the visitor.

    The error's text has only the field: tracebacks get into the logs, and the message may name a
    phone number.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(field)
        self.field, self.message = field, message


def _no_longer_than(most: int) -> BeforeValidator:
    """Return a validator that rejects a longer list before its items are validated.

    pydantic's own length check counts valid items only. For a long list of invalid items it would
    report an error for each item.
    """

    def check(value: object) -> object:
        if isinstance(value, list) and len(value) > most:
            length = {"field_type": "List", "max_length": most, "actual_length": len(value)}
            raise PydanticKnownError("too_long", length)
        return value

    return BeforeValidator(check)


def _not_empty(value: object) -> object:
    """Reject an empty list; a list of invalid items is not empty, as it is for pydantic."""
    if value == []:
        length = {"field_type": "List", "min_length": 1, "actual_length": 0}
        raise PydanticKnownError("too_short", length)
    return value


MovieId = Annotated[StrictInt, Field(ge=0, le=MAX_MOVIE_ID)]
SomeMovies = Annotated[
    tuple[MovieId, ...], Field(max_length=MAX_RATINGS), _no_longer_than(MAX_RATINGS)
]
ModelName = Annotated[StrictStr, Field(max_length=MAX_MODEL)]
Proof = Annotated[StrictStr | None, Field(max_length=MAX_PROOF, repr=False)]
Year = Annotated[StrictInt, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Genres = Annotated[
    tuple[Annotated[StrictStr, Field(max_length=MAX_GENRE)], ...],
    Field(max_length=MAX_GENRES),
    _no_longer_than(MAX_GENRES),
]


def _decade(year: int) -> int:
    if year % DECADE:
        raise ValueError("Give a decade by its first year, such as 1990.")
    return year


Decades = Annotated[
    tuple[Annotated[Year, AfterValidator(_decade)], ...],
    Field(max_length=MAX_DECADES),
    _no_longer_than(MAX_DECADES),
]


def _utc_time(text: str) -> str:
    """Return the time as `marquee.contracts.timestamp` formats it."""
    wrong = ValueError("Enter a time in ISO 8601 with its time zone: 2026-11-28T20:15:00Z.")
    try:
        moment = datetime.fromisoformat(text)
        formatted = timestamp(moment)
    except (ValueError, OverflowError) as error:
        raise wrong from error
    if moment.tzinfo is None:
        raise wrong
    return formatted


Time = Annotated[StrictStr, Field(max_length=MAX_TIME), AfterValidator(_utc_time)]


class RatingForm(BaseModel):
    """A rating of one movie, in whole stars.

    `rated_at` is when the visitor gave it. It is stored with a visitor's ratings and ignored by
    calls that store nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    movie_id: MovieId
    stars: Annotated[StrictInt, Field(ge=MIN_STARS, le=MAX_STARS)]
    rated_at: Time | None = None


class AnyRatingsForm(BaseModel):
    """Ratings, at most one per movie, and `dismissed`: ids of movies that must not be picked."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ratings: Annotated[
        list[RatingForm], Field(max_length=MAX_RATINGS), _no_longer_than(MAX_RATINGS)
    ]
    dismissed: SomeMovies = ()

    @field_validator("ratings")
    @classmethod
    def _each_movie_once(cls, ratings: list[RatingForm]) -> list[RatingForm]:
        seen: set[int] = set()
        for rating in ratings:
            if rating.movie_id in seen:
                raise ValueError(f"Movie {rating.movie_id} is rated twice; keep one rating of it.")
            seen.add(rating.movie_id)
        return ratings

    def to_ratings(self) -> tuple[Rating, ...]:
        """Return the ratings in the order of the form."""
        return tuple(Rating(rating.movie_id, rating.stars) for rating in self.ratings)

    def to_times(self) -> dict[int, str]:
        """Return the times of the ratings that have one, by movie_id."""
        return {rating.movie_id: rating.rated_at for rating in self.ratings if rating.rated_at}

    def to_dismissed(self) -> tuple[int, ...]:
        """Return the dismissed movies without duplicates and without rated movies.

        Rated movies are never picked.
        """
        return self._unrated(self.dismissed)

    def _unrated(self, movie_ids: Iterable[int]) -> tuple[int, ...]:
        """Return the movies without duplicates and without rated movies."""
        rated = {rating.movie_id for rating in self.ratings}
        return tuple(movie for movie in dict.fromkeys(movie_ids) if movie not in rated)


class RatingsForm(AnyRatingsForm):
    """At least as many ratings as picks need, and dismissed movies."""

    ratings: Annotated[
        list[RatingForm],
        Field(min_length=MIN_RATINGS, max_length=MAX_RATINGS),
        _no_longer_than(MAX_RATINGS),
    ]


class RevisionForm(AnyRatingsForm):
    """All ratings and dismissed movies of a visitor; they replace the stored ones.

    `unseen` are the movies that the visitor has not seen, `saved` is the watchlist; without one of
    them, the stored one stays, as pages of earlier releases do not know it. A rating without
    `rated_at` keeps the stored time if its stars are unchanged. If `text` is true, the new picks
    are texted; this needs a `proof`.
    """

    unseen: SomeMovies | None = None
    saved: SomeMovies | None = None
    text: StrictBool = False
    proof: Proof = None

    def to_unseen(self) -> tuple[int, ...] | None:
        """Return the unseen movies without duplicates and rated movies; None to keep them."""
        return None if self.unseen is None else self._unrated(self.unseen)

    def to_saved(self) -> tuple[int, ...] | None:
        """Return the watchlist without duplicates and rated movies; None to keep it."""
        return None if self.saved is None else self._unrated(self.saved)


class YearsForm(BaseModel):
    """A range of release years, inclusive; a missing bound is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    first: Year | None = Field(default=None, alias="from")
    last: Year | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> "YearsForm":
        if self.first is not None and self.last is not None and self.first > self.last:
            message = f"The first year, {self.first}, is after the last year, {self.last}."
            raise FieldError("years", message)
        return self


class PicksForm(RatingsForm):
    """Ratings, the model that picks, and filters for the picks; nothing is stored.

    Each pick has at least one of `genres`, if any are given, and a release year in `years`. If
    `series_in_order` is true, only the first part that is not rated is picked of each series.
    """

    model: ModelName = RANKING
    genres: Genres = ()
    years: YearsForm | None = None
    count: Annotated[StrictInt, Field(ge=1, le=MAX_PICKS)] = PICKS
    series_in_order: StrictBool = True

    def to_filter(self) -> PickFilter:
        """Return the filter of the picks; it passes any movie if the form sets no filter."""
        years = self.years or YearsForm()
        return PickFilter(frozenset(self.genres), years.first, years.last)


class ProfileForm(RatingsForm):
    """Ratings, and the model that makes a taste profile from them; nothing is stored."""

    model: ModelName = RANKING


class QuestionsForm(BaseModel):
    """The visitor's answers so far, as movie ids, to choose the next movies to ask about.

    `answered` are movies that the visitor rated, `unseen` are movies that they have not seen.
    Movies that have one of `genres` and were released in one of `decades` are asked about first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    answered: SomeMovies = ()
    unseen: SomeMovies = ()
    count: Annotated[StrictInt, Field(ge=1, le=MAX_QUESTIONS)] = MAX_QUESTIONS
    genres: Genres = ()
    decades: Decades = ()

    def to_topics(self) -> Topics:
        """Return the topics to ask about first; any movie belongs to empty topics."""
        return Topics(frozenset(self.genres), frozenset(self.decades))


class TextPreviewForm(BaseModel):
    """What a text is composed of: the visitor's name and the picks, in their order."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[StrictStr, Field(max_length=MAX_NAME)] = ""
    movie_ids: Annotated[
        tuple[MovieId, ...], Field(min_length=1, max_length=PICKS), _no_longer_than(PICKS)
    ]


class ListedMovieForm(BaseModel):
    """A movie of a list, and the movies that are shown as its reasons; none to show no reason."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    movie_id: MovieId
    reasons: Annotated[
        tuple[MovieId, ...], Field(max_length=MOST_REASONS), _no_longer_than(MOST_REASONS)
    ] = ()


def _plain_first_name(name: str) -> str | None:
    """Return the first name as it is shown, by the rule for the greeting of a text."""
    if not name.strip():
        return None
    shown = greeting_name(name)
    if shown is None:
        raise ValueError("This cannot be shown as a first name; use letters only, or leave it out.")
    return shown


class ListForm(BaseModel):
    """A list to publish: movies, and the first name of whoever shares it, if it is to be shown.

    It has ids in place of titles, so that nobody can publish words of their own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    movies: Annotated[
        tuple[ListedMovieForm, ...],
        Field(max_length=MOST_LISTED, json_schema_extra={"minItems": 1}),
        _no_longer_than(MOST_LISTED),
        BeforeValidator(_not_empty),
    ]
    first_name: (
        Annotated[StrictStr, Field(max_length=MAX_NAME), AfterValidator(_plain_first_name)] | None
    ) = Field(default=None, repr=False)

    @field_validator("movies")
    @classmethod
    def _each_listed_once(cls, movies: tuple[ListedMovieForm, ...]) -> tuple[ListedMovieForm, ...]:
        seen: set[int] = set()
        for movie in movies:
            if movie.movie_id in seen:
                raise ValueError(f"Movie {movie.movie_id} is listed twice; list it once.")
            seen.add(movie.movie_id)
        return movies


class EntryForm(BaseModel):
    """A movie as another site's export names it: its title, and its year and IMDb id if known."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    title: Annotated[StrictStr, Field(min_length=1, max_length=MAX_TITLE)]
    year: Year | None = None
    imdb_id: Annotated[
        StrictStr | None, Field(max_length=MAX_IMDB_ID, pattern=r"^tt[0-9]{1,10}$")
    ] = None


class EntriesForm(BaseModel):
    """Movies to find in the active data set; nothing is stored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    entries: Annotated[
        tuple[EntryForm, ...],
        Field(max_length=MAX_ENTRIES, json_schema_extra={"minItems": 1}),
        _no_longer_than(MAX_ENTRIES),
        BeforeValidator(_not_empty),
    ]


class TypedPhoneForm(BaseModel):
    """A phone number as typed, and the country in which it is dialled without a country code."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    phone: Annotated[StrictStr, Field(max_length=MAX_PHONE)] = Field(repr=False)
    country: Annotated[StrictStr, Field(max_length=2)]


def _e164(phone: str) -> str:
    try:
        return to_e164(phone)
    except PhoneError as error:
        raise ValueError(str(error)) from error


class PhoneForm(BaseModel):
    """A phone number to text the picks to, with the visitor's consent and a proof."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    phone: Annotated[StrictStr, Field(max_length=MAX_PHONE), AfterValidator(_e164)] = Field(
        repr=False
    )
    consent: StrictBool
    proof: Proof = None

    @field_validator("consent")
    @classmethod
    def _given(cls, consent: bool) -> bool:
        if not consent:
            raise ValueError("Tick the box to agree to one text message.")
        return consent


class VisitorForm(RatingsForm):
    """A new visitor: ratings and, for a text message, name, phone number, consent and proof.

    `saved` is the watchlist, `unseen` are the movies that the visitor has not seen. The name may be
    left out without a phone.
    """

    name: Annotated[StrictStr, Field(max_length=MAX_NAME)] = ""
    saved: SomeMovies = ()
    unseen: SomeMovies = ()
    phone: Annotated[StrictStr | None, Field(max_length=MAX_PHONE)] = Field(
        default=None, repr=False
    )
    consent: StrictBool = False
    proof: Proof = None

    @field_validator("name")
    @classmethod
    def _printable_name(cls, name: str) -> str:
        name = " ".join(name.split())
        if any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") for character in name):
            raise ValueError(
                "The name contains characters that cannot be displayed; type it again."
            )
        return name

    @field_validator("phone")
    @classmethod
    def _e164_phone(cls, phone: str | None) -> str | None:
        return _e164(phone) if phone and phone.strip() else None

    def to_unseen(self) -> tuple[int, ...]:
        """Return the unseen movies without duplicates and without rated movies."""
        return self._unrated(self.unseen)

    def to_saved(self) -> tuple[int, ...]:
        """Return the watchlist without duplicates and without rated movies."""
        return self._unrated(self.saved)

    @model_validator(mode="after")
    def _name_and_consent_with_phone(self) -> "VisitorForm":
        if self.phone is not None and not self.name:
            raise FieldError("name", "Enter your name; a first name is enough.")
        if self.phone is not None and not self.consent:
            raise FieldError(
                "consent",
                "Tick the box to agree to one text message, or remove the phone number.",
            )
        return self


def check_movies_known(
    ratings: Iterable[Rating],
    known: Collection[int],
    dismissed: Iterable[int] = (),
    unseen: Iterable[int] = (),
    saved: Iterable[int] = (),
) -> None:
    """Raise FieldError if a movie is not in the active data set.

    Args:
        ratings: ratings of the form.
        known: movie ids of the active data set.
        dismissed: movie ids that the form dismisses.
        unseen: movie ids that the form names as not seen.
        saved: movie ids of the form's watchlist.
    """
    named = {f"ratings[{number}].movie_id": one.movie_id for number, one in enumerate(ratings)}
    named |= {f"dismissed[{number}]": movie_id for number, movie_id in enumerate(dismissed)}
    named |= {f"unseen[{number}]": movie_id for number, movie_id in enumerate(unseen)}
    named |= {f"saved[{number}]": movie_id for number, movie_id in enumerate(saved)}
    for field, movie_id in named.items():
        if movie_id not in known:
            message = f"There is no movie {movie_id}; choose movies from the questionnaire."
            raise FieldError(field, message)


def titles_in_text(movie_ids: Iterable[int], movies: Mapping[int, Movie]) -> list[str]:
    """Return the titles of the movies; raise FieldError for one that is not in `movies`."""
    titles = []
    for number, movie_id in enumerate(movie_ids):
        movie = movies.get(movie_id)
        if movie is None:
            message = f"There is no movie {movie_id}; send the ids of the visitor's picks."
            raise FieldError(f"movie_ids[{number}]", message)
        titles.append(movie.title)
    return titles


def listed_movies(form: ListForm, movies: Mapping[int, Movie]) -> tuple[ListedMovie, ...]:
    """Return the form's movies with the titles of `movies`, the active data set's movies.

    Raises:
        FieldError: if one of the ids is not in `movies`.
    """
    return tuple(
        ListedMovie(
            movie_id=listed.movie_id,
            title=movie.title,
            year=movie.year,
            genres=tuple(movie.genres),
            reasons=tuple(
                _known_movie(movie_id, movies, f"movies[{place}].reasons[{number}]").title
                for number, movie_id in enumerate(dict.fromkeys(listed.reasons))
            ),
            part=movie.part,
        )
        for place, listed in enumerate(form.movies)
        for movie in [_known_movie(listed.movie_id, movies, f"movies[{place}].movie_id")]
    )


def _known_movie(movie_id: int, movies: Mapping[int, Movie], field: str) -> Movie:
    movie = movies.get(movie_id)
    if movie is None:
        raise FieldError(field, f"There is no movie {movie_id}; leave it out.")
    return movie


def checked_phone(form: TypedPhoneForm, countries: Collection[str]) -> str:
    """Return the typed number in E.164.

    Args:
        form: the number and the country that the visitor chose.
        countries: ISO 3166 codes of the countries that Marquee texts to.

    Raises:
        FieldError: if the country or the number cannot be texted.
    """
    if form.country not in countries:
        raise FieldError(
            "country",
            f"Marquee does not text to the country {form.country!r}; "
            f"choose one of {', '.join(sorted(countries))}.",
        )
    try:
        phone = to_e164(form.phone, form.country)
    except PhoneError as error:
        raise FieldError("phone", str(error)) from None  # a traceback would name the number
    check_country(phone, countries)
    return phone


def check_country(phone: str, countries: Collection[str]) -> None:
    """Raise FieldError if Marquee does not text to the phone's country.

    Args:
        phone: phone number in E.164.
        countries: ISO 3166 codes of the countries that Marquee texts to.
    """
    country = country_of(phone)
    if country not in countries:
        raise FieldError(
            "phone",
            f"{as_shown(phone)} is a number of {country or 'an unknown country'}; Marquee texts "
            f"only those of {', '.join(sorted(countries))}. Continue without a number to get picks "
            "on the page.",
        )


def check_genres_known(genres: Iterable[str], known: Collection[str]) -> None:
    """Raise FieldError for a genre that is not in `known`, the active data set's genres."""
    for number, genre in enumerate(genres):
        if genre not in known:
            choice = f"choose from {', '.join(sorted(known))}" if known else "leave genres out"
            raise FieldError(f"genres[{number}]", f"There is no such genre; {choice}.")


def field_errors(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Convert pydantic's errors to `{"field", "message"}`, one per field.

    Values are left out, except in messages about a phone number, which name it: it goes back to the
    caller who typed it. Messages are never logged.
    """
    found: dict[str, str] = {}
    for error in errors:
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, FieldError):
            found.setdefault(cause.field, cause.message)
        else:
            field = _field_name(error["loc"])
            found.setdefault(field, _sentence(error, field))
    return [{"field": field, "message": message} for field, message in found.items()]


def _field_name(location: Iterable[str | int]) -> str:
    name = ""
    for part in location:
        if part in ("body", "query", "path", "header") and not name:
            continue
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name if len(name) <= _MAX_SHOWN_FIELD else f"{name[: _MAX_SHOWN_FIELD - 1]}…"


def _sentence(error: Mapping[str, Any], field: str) -> str:
    context = error.get("ctx", {})
    sentences = {
        "missing": "This field is missing.",
        "extra_forbidden": NO_SUCH_FIELD,
        "int_type": "Give a whole number.",
        "int_from_float": "Give a whole number.",
        "string_type": "Give text.",
        "bool_type": "Give true or false.",
        "list_type": "Give a list.",
        "tuple_type": "Give a list.",
        "model_attributes_type": "Give a JSON object.",
        "model_type": "Give a JSON object.",
        "dict_type": "Give a JSON object.",
        "int_parsing": "Give a whole number.",
        "int_parsing_size": "Give a whole number of fewer digits.",
        "greater_than_equal": f"Give at least {context.get('ge')}.",
        "less_than_equal": f"Give at most {context.get('le')}.",
        "string_too_short": "Type some letters.",
        "string_pattern_mismatch": "Give an IMDb id as IMDb writes it, such as tt0114709.",
        "string_too_long": f"Type at most {context.get('max_length')} characters.",
        "too_short": f"Rate at least {MIN_RATINGS} movies; "
        f"{context.get('actual_length', 'too few')} so far.",
        "too_long": f"Give at most {context.get('max_length')} movies in one form.",
    }
    out_of_bounds = error["type"] in ("greater_than_equal", "less_than_equal")
    if field.startswith(("years.", "entries[", "decades[")) and out_of_bounds:
        return f"Give a year from {FIRST_YEAR} to {LAST_YEAR}."
    if field.endswith(".stars") and out_of_bounds:
        return f"Give whole stars from {MIN_STARS} to {MAX_STARS}."
    if field in ("movie_ids", "entries", "movies") and error["type"] == "too_short":
        return "Give at least 1 movie."
    if error["type"] == "too_long" and field in ("genres", "decades"):
        return f"Choose at most {context.get('max_length')} {field}."
    if error["type"] == "value_error":
        return str(context.get("error", error["msg"]))
    return sentences.get(error["type"], f"{field or 'The body'} is not valid: {error['msg']}.")


_ETAG = re.compile(r'"(?P<version>[1-9]\d{0,8})"')


class PreconditionMissingError(Exception):
    """The request changes a visitor but has no If-Match header with the version to change."""


def version_of(if_match: str | None) -> int:
    """Return the version in an If-Match header, which holds an ETag that the API sent.

    Raises:
        PreconditionMissingError: if there is no header.
        FieldError: if the header is not an ETag of the API.
    """
    if if_match is None:
        raise PreconditionMissingError
    found = _ETAG.fullmatch(if_match.strip())
    if not found:
        raise FieldError("If-Match", 'Send the ETag exactly as the API returned it, such as "3".')
    return int(found["version"])


_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{8,128}")


def checked_key(key: str | None) -> str | None:
    """Return the Idempotency-Key; raise FieldError if it is malformed."""
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise FieldError("Idempotency-Key", "Give 8 to 128 letters, digits, - or _.")
    return key
