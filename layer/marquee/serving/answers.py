"""The API's responses as pydantic models, from which the OpenAPI document is generated."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from altcha import Challenge
from pydantic import BaseModel, Field

from marquee.contracts import Pick, timestamp
from marquee.recommender.model import Model, Movie, Series, SeriesPart
from marquee.recommender.taste_weights import Weight
from marquee.requests.shared_list import SharedList
from marquee.requests.visitor import Page, Status
from marquee.serving.movie_matching import NoMatch
from marquee.serving.portrait import Certainty, Portrait, TasteMap

MAX_ERRORS = 10  # per response
FITTING = 3.0  # predicted stars ("It was OK") from which a pick fits the visitor

_SCALE = (
    (5, "Really liked it"),
    (4, "Liked it"),
    (3, "It was OK"),
    (2, "Not great"),
    (1, "Didn't like it"),
)


class PartAnswer(BaseModel):
    """A movie's place in a series: the name of the series, and the part's number from 1."""

    series: str
    number: int

    @classmethod
    def of(cls, part: SeriesPart | None) -> "PartAnswer | None":
        """Return the place; None if there is none."""
        return None if part is None else cls(series=part.series, number=part.number)


class MovieAnswer(BaseModel):
    """A movie; `year` is null and `genres` is empty if the data set does not give them.

    `part` is null if the movie is not known to be a part of a series.
    """

    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    part: PartAnswer | None

    @classmethod
    def of(cls, movie: Movie) -> "MovieAnswer":
        """Return the movie without its alternative titles."""
        return cls(
            movie_id=movie.movie_id,
            title=movie.title,
            year=movie.year,
            genres=list(movie.genres),
            part=PartAnswer.of(movie.part),
        )


class TitledMovieAnswer(MovieAnswer):
    """A movie with its alternative titles, which some data sets give in brackets; often none."""

    alternative_titles: list[str]

    @classmethod
    def of(cls, movie: Movie) -> "TitledMovieAnswer":
        """Return the movie with its alternative titles in the order of the data set."""
        titles = list(movie.alternative_titles)
        return cls(**MovieAnswer.of(movie).model_dump(), alternative_titles=titles)


class TopicAnswer(BaseModel):
    """The genre and the years that a search asked for in place of a title.

    `genre` is null if the search named years only; `first_year` and `last_year` are null if it
    named a genre only.
    """

    genre: str | None
    first_year: int | None
    last_year: int | None


class FoundAnswer(BaseModel):
    """Movies that match a search, best match first.

    If the search named a genre, a decade or a year, `topic` says which, and its movies, most rated
    first, follow those whose title is the text. `last_year` is the year of the catalogue's newest
    movie.
    """

    dataset: str
    model_id: str
    movies: list[TitledMovieAnswer]
    topic: TopicAnswer | None
    last_year: int | None


class MatchAnswer(BaseModel):
    """The movie that an entry names; if there is none, `movie` is null and `reason` says why."""

    movie: MovieAnswer | None
    reason: NoMatch | None

    @classmethod
    def of(cls, found: int | NoMatch, movies: Mapping[int, Movie]) -> "MatchAnswer":
        """Return the movie of that id, which must be in `movies`, or the reason."""
        if isinstance(found, NoMatch):
            return cls(movie=None, reason=found)
        return cls(movie=MovieAnswer.of(movies[found]), reason=None)


class MatchesAnswer(BaseModel):
    """What was found for each entry of the form, in its order."""

    dataset: str
    model_id: str
    matches: list[MatchAnswer]


class CatalogueAnswer(BaseModel):
    """All genres of the active data set's movies, sorted, and the years of its movies.

    The years are null if the data set gives none.
    """

    dataset: str
    model_id: str
    genres: list[str]
    first_year: int | None
    last_year: int | None


class SeriesAnswer(BaseModel):
    """A series of movies; `movies` are its parts in the order of release."""

    name: str
    movies: list[MovieAnswer]

    @classmethod
    def of(cls, series: Series, movies: Mapping[int, Movie]) -> "SeriesAnswer":
        """Return the series with the titles of its parts, all of which are in `movies`."""
        return cls(
            name=series.name,
            movies=[MovieAnswer.of(movies[movie_id]) for movie_id in series.movie_ids],
        )


class MovieDetailsAnswer(TitledMovieAnswer):
    """A movie with details.

    `ratings` is the number of the movie's ratings in training, and `mean_stars` is their mean.
    `links` are the URLs of its pages at `imdb` and `tmdb`, if the data set has its ids there.
    `series` is null if the movie is not known to be a part of one.
    """

    ratings: int
    mean_stars: float | None
    links: dict[str, str]
    series: SeriesAnswer | None


class MovieFoundAnswer(BaseModel):
    """One movie with details, and the data set and the model from which they come."""

    dataset: str
    model_id: str
    movie: MovieDetailsAnswer


class SimilarMovieAnswer(MovieAnswer):
    """A similar movie; `similarity` is above 0 and at most 1."""

    similarity: float


class SimilarAnswer(BaseModel):
    """A movie and the movies similar to it, most similar first.

    `ratings` is the number of the movie's ratings in training. If `few_ratings` is true, there are
    too few of them to tell by taste, and the movies are similar mostly by genre, tags and years.
    """

    dataset: str
    model_id: str
    movie: MovieAnswer
    ratings: int
    few_ratings: bool
    movies: list[SimilarMovieAnswer]


class BecauseAnswer(BaseModel):
    """A rated movie that is a reason for a pick."""

    movie_id: int
    title: str


class PickAnswer(MovieAnswer):
    """A pick.

    `stars` are the predicted stars, `score` orders the picks, and `because` lists the rated movies
    that are the reasons for the pick.
    """

    stars: float
    score: float
    because: list[BecauseAnswer]


class StarsAnswer(BaseModel):
    """A number of stars and its label."""

    stars: int
    label: str


class QuestionnaireAnswer(BaseModel):
    """Movies to rate, in the order to ask about them, and the scale to rate them on."""

    dataset: str
    model_id: str
    movies: list[MovieAnswer]
    scale: list[StarsAnswer]

    @classmethod
    def of(cls, model: Model, movie_ids: Iterable[int]) -> "QuestionnaireAnswer":
        """Return the movies in the given order; raises KeyError if the model does not know one."""
        return cls(
            dataset=model.dataset,
            model_id=model.model_id,
            movies=[MovieAnswer.of(model.movies[movie_id]) for movie_id in movie_ids],
            scale=[StarsAnswer(stars=stars, label=label) for stars, label in _SCALE],
        )


class PicksAnswer(BaseModel):
    """Picks, best first, and the data set and the model from which they come.

    `nothing_fits` is true if there are picks, but all of them are predicted fewer than 3 stars.
    `liked_share` is the predicted share of the picks that the visitor will like, from 0 to 1. It is
    null if the model cannot predict it, and for models other than `ranking`.
    """

    dataset: str
    model_id: str
    picks: list[PickAnswer]
    nothing_fits: bool
    liked_share: float | None


class WeightAnswer(BaseModel):
    """A visitor's preference for a genre or a tag.

    `weight` is how many stars more the visitor gives its movies, compared with the movies' mean
    stars and with the visitor's own average. `rated` is the number of its movies that the visitor
    rated.
    """

    name: str
    weight: float
    rated: int


class SurpriseAnswer(MovieAnswer):
    """A movie that the visitor rated differently from most people.

    `stars` is the visitor's rating, `everyone` is the movie's mean stars, `expected` are the stars
    that the model predicts for the visitor, and `difference` is `stars` minus `everyone`.
    """

    stars: float
    everyone: float
    expected: float
    difference: float


class AxisAnswer(BaseModel):
    """An axis of the map; `low` and `high` are titles of movies at its ends, outermost first."""

    name: str
    low: list[str]
    high: list[str]


class PlaceAnswer(BaseModel):
    """The visitor's estimated position on the map.

    `x` and `y` are in standard deviations from the middle. `spread` is the standard deviation of
    the estimate, in the same unit; it is 1 for a visitor without ratings.
    """

    x: float
    y: float
    spread: float


class PointAnswer(BaseModel):
    """A movie's position on the map; `stars` is the visitor's rating, if there is one."""

    movie_id: int
    title: str
    x: float
    y: float
    stars: float | None


class MapAnswer(BaseModel):
    """A map of the two directions in which tastes differ most."""

    axes: list[AxisAnswer]
    you: PlaceAnswer
    movies: list[PointAnswer]

    @classmethod
    def of(cls, drawn: TasteMap, movies: Mapping[int, Movie]) -> "MapAnswer":
        """Return the map with coordinates rounded to three decimals.

        `movies` must contain all movies on the map, whose titles come from it.
        """
        return cls(
            axes=[
                AxisAnswer(name=axis.name, low=list(axis.low), high=list(axis.high))
                for axis in drawn.axes
            ],
            you=PlaceAnswer(
                x=round(drawn.x, 3), y=round(drawn.y, 3), spread=round(drawn.spread, 3)
            ),
            movies=[
                PointAnswer(
                    movie_id=point.movie_id,
                    title=movies[point.movie_id].title,
                    x=round(point.x, 3),
                    y=round(point.y, 3),
                    stars=point.stars,
                )
                for point in drawn.movies
            ],
        )


class CertaintyAnswer(BaseModel):
    """How certain the model's predictions for the visitor are.

    `share`, from 0 to 1, is the part of the variance of a new visitor's predicted stars that the
    ratings removed. `stars_error` is the expected error of predicted stars, in stars.
    """

    share: float
    stars_error: float

    @classmethod
    def of(cls, certainty: Certainty) -> "CertaintyAnswer":
        """Return the certainty with both figures rounded to three decimals."""
        return cls(share=round(certainty.share, 3), stars_error=round(certainty.stars_error, 3))


class ProfileAnswer(BaseModel):
    """The taste profile that a model makes from a visitor's ratings.

    A part that the model cannot compute is an empty list or null.
    """

    dataset: str
    model_id: str
    model: str
    rated: int
    genres: list[WeightAnswer]
    tags: list[WeightAnswer]
    tags_note: str | None
    surprises: list[SurpriseAnswer]
    map: MapAnswer | None
    certainty: CertaintyAnswer | None

    @classmethod
    def of(cls, portrait: Portrait, name: str, model: Model) -> "ProfileAnswer":
        """Return the profile that the model called `name` made of a visitor.

        Weights are rounded to three decimals, the stars of surprises to two.
        """
        drawn, certainty = portrait.map, portrait.certainty
        return cls(
            dataset=model.dataset,
            model_id=model.model_id,
            model=name,
            rated=portrait.rated,
            genres=_weights(portrait.genres),
            tags=_weights(portrait.tags),
            tags_note=portrait.tags_note,
            surprises=[
                SurpriseAnswer(
                    **MovieAnswer.of(model.movies[each.movie_id]).model_dump(),
                    stars=each.stars,
                    everyone=round(each.everyone, 2),
                    expected=round(each.expected, 2),
                    difference=round(each.difference, 2),
                )
                for each in portrait.surprises
            ],
            map=None if drawn is None else MapAnswer.of(drawn, model.movies),
            certainty=None if certainty is None else CertaintyAnswer.of(certainty),
        )


def _weights(weights: Iterable[Weight]) -> list[WeightAnswer]:
    return [
        WeightAnswer(name=each.name, weight=round(each.stars, 3), rated=each.count)
        for each in weights
    ]


class VisitorCreated(BaseModel):
    """A new visitor, with first picks and the token that opens the visitor's page."""

    visitor_id: str
    version: int
    token: str
    status: Status
    picks: list[PickAnswer]


class TokenAnswer(BaseModel):
    """The visitor's new token; the former token is no longer valid."""

    visitor_id: str
    token: str


class RatingAnswer(MovieAnswer):
    """A rated movie; `stars` is the visitor's rating, in whole stars from 1 to 5.

    `rated_at` is when the visitor gave it; null if an early release stored it without a time.
    """

    stars: int
    rated_at: str | None


class VisitorAnswer(BaseModel):
    """A visitor's data and the status of their request.

    `saved` is the watchlist, and `unseen` are the movies that the visitor has not seen, as the last
    form gave them. `nothing_fits` and `liked_share` are those of the picks, as in `POST /picks`;
    without picks they are false and null. `texts` says whether a text will be or was sent for this
    version. `phone_ends` is the end of the phone number; the rest is never returned. If this call
    replaced the visitor's token, `token` is the new one, and the token that the call used is no
    longer valid. A movie that is not in the active data set has its id in place of a title.
    """

    visitor_id: str
    version: int
    name: str
    status: Status
    status_at: str
    reason: str | None
    texts: bool
    phone_ends: str | None
    ratings: list[RatingAnswer]
    dismissed: list[MovieAnswer]
    saved: list[MovieAnswer]
    unseen: list[MovieAnswer]
    picks: list[PickAnswer] | None
    nothing_fits: bool
    liked_share: float | None
    model_id: str | None
    expires_at: str
    token: str | None

    @classmethod
    def of(
        cls,
        page: Page,
        movies: Mapping[int, Movie],
        token: str | None = None,
        liked_share: float | None = None,
    ) -> "VisitorAnswer":
        """Return a visitor's page.

        Args:
            page: the stored data.
            movies: the active data set's movies by id; empty if the ratings are of another one.
            token: the new token if the call replaced the visitor's token.
            liked_share: the predicted share of the picks that the visitor will like.
        """
        progress = page.progress
        return cls(
            visitor_id=progress.visitor_id,
            version=progress.version,
            name=page.name,
            status=progress.status,
            status_at=progress.status_at,
            reason=progress.reason,
            texts=progress.texts and progress.status is not Status.SAVED,
            phone_ends=page.phone_ends,
            ratings=[
                RatingAnswer(
                    **MovieAnswer.of(_movie(rating.movie_id, movies)).model_dump(),
                    stars=rating.stars,
                    rated_at=page.rated_at.get(rating.movie_id),
                )
                for rating in progress.ratings
            ],
            dismissed=[MovieAnswer.of(_movie(movie_id, movies)) for movie_id in progress.dismissed],
            saved=[MovieAnswer.of(_movie(movie_id, movies)) for movie_id in page.saved],
            unseen=[MovieAnswer.of(_movie(movie_id, movies)) for movie_id in page.unseen],
            picks=None if progress.picks is None else pick_answers(progress.picks, movies),
            nothing_fits=nothing_fits(progress.picks or ()),
            liked_share=liked_share,
            model_id=progress.model_id,
            expires_at=timestamp(datetime.fromtimestamp(page.expires_at, UTC)),
            token=token,
        )


class ListedMovieAnswer(MovieAnswer):
    """A movie of a shared list; `reasons` are the titles of liked movies that are shown with it."""

    reasons: list[str]


class SharedListAnswer(BaseModel):
    """A shared list.

    `first_name` is null if no name is shown. `dataset` is null if the list was made with another
    data set than the active one: no other call knows its movie ids then.
    """

    dataset: str | None
    first_name: str | None
    movies: list[ListedMovieAnswer]
    expires_at: str

    @classmethod
    def of(cls, shared: SharedList, active: str | None) -> "SharedListAnswer":
        """Return the list; `active` is the active data set, None if there is none."""
        return cls(
            dataset=active if shared.dataset == active else None,
            first_name=shared.first_name,
            movies=[
                ListedMovieAnswer(
                    movie_id=movie.movie_id,
                    title=movie.title,
                    year=movie.year,
                    genres=list(movie.genres),
                    reasons=list(movie.reasons),
                    part=PartAnswer.of(movie.part),
                )
                for movie in shared.movies
            ],
            expires_at=timestamp(datetime.fromtimestamp(shared.expires_at, UTC)),
        )


class SharedListCreated(BaseModel):
    """A new shared list.

    `owner_secret` takes it back. `page` is the address of its page, relative to the API's address:
    it is the one to share, because chats show a card for it. `url` is the address of the site's
    view, to which the page leads.
    """

    list_id: str
    owner_secret: str
    page: str
    url: str
    first_name: str | None
    expires_at: str

    @classmethod
    def of(cls, shared: SharedList, owner_secret: str, url: str) -> "SharedListCreated":
        """Return the answer to whoever shares the list."""
        return cls(
            list_id=shared.list_id,
            owner_secret=owner_secret,
            page=f"/lists/{shared.list_id}/page",
            url=url,
            first_name=shared.first_name,
            expires_at=timestamp(datetime.fromtimestamp(shared.expires_at, UTC)),
        )


class TextPreviewAnswer(BaseModel):
    """The text as it would be sent, except for the visitor's link.

    In place of the visitor's id and token, the link has as many letters `x`. `greeting` is the name
    in the first line; it is null if the text has none, because there is no name or because it may
    be more than a name. `parts` is the number of parts as which the text is billed.
    """

    text: str
    greeting: str | None
    parts: int


class TextedCountryAnswer(BaseModel):
    """A country whose phones are texted, with a mobile number as people write it there."""

    country: str
    calling_code: str
    example: str


class TextedCountriesAnswer(BaseModel):
    """The countries whose phones are texted, sorted by their ISO 3166 codes."""

    countries: list[TextedCountryAnswer]


class PhoneAnswer(BaseModel):
    """A phone number that can be texted.

    `phone` is in E.164, `shown` has spaces for reading, and `country` is its ISO 3166 code.
    """

    phone: str
    shown: str
    country: str


class HealthAnswer(BaseModel):
    """The active model and the seconds since its training."""

    status: str
    dataset: str
    model_id: str
    trained_at: str
    age_seconds: int


class FieldErrorAnswer(BaseModel):
    """A field that is invalid, and a sentence that says why."""

    field: str
    message: str


class MostTriesAnswer(BaseModel):
    """The upper bound of a challenge's solution, a counter from 0 to below `most`."""

    most: int


class ChallengeParametersAnswer(BaseModel):
    """The parameters of an ALTCHA challenge (version 2); `expiresAt` is in seconds since 1970."""

    algorithm: str
    cost: int
    keyLength: int  # noqa: N815
    keyPrefix: str  # noqa: N815
    keySignature: str  # noqa: N815
    nonce: str
    salt: str
    expiresAt: int  # noqa: N815
    data: MostTriesAnswer


class ChallengeAnswer(BaseModel):
    """An ALTCHA challenge to solve for a proof."""

    parameters: ChallengeParametersAnswer
    signature: str

    @classmethod
    def of(cls, challenge: Challenge) -> "ChallengeAnswer":
        """Return the challenge with the field names of ALTCHA's protocol."""
        return cls.model_validate(challenge.to_dict())


class ErrorsAnswer(BaseModel):
    """The first errors of a request; `more` is the number of further errors."""

    errors: Annotated[list[FieldErrorAnswer], Field(max_length=MAX_ERRORS)]
    more: int


def nothing_fits(picks: Collection[Pick] | Collection[PickAnswer]) -> bool:
    """Return whether there are picks, and none is predicted at least FITTING stars."""
    return bool(picks) and all(pick.stars < FITTING for pick in picks)


def pick_answers(picks: Iterable[Pick], movies: Mapping[int, Movie]) -> list[PickAnswer]:
    """Return the picks with titles; a movie that is not in `movies` has its id in the title."""
    return [
        PickAnswer(
            **MovieAnswer.of(_movie(pick.movie_id, movies)).model_dump(),
            stars=pick.stars,
            score=pick.score,
            because=[
                BecauseAnswer(movie_id=movie_id, title=_movie(movie_id, movies).title)
                for movie_id in pick.because
            ],
        )
        for pick in picks
    ]


def errors_body(errors: Sequence[Mapping[str, str]]) -> ErrorsAnswer:
    """Return the first MAX_ERRORS errors; a form can have thousands."""
    first = [FieldErrorAnswer(**error) for error in errors[:MAX_ERRORS]]
    return ErrorsAnswer(errors=first, more=len(errors) - len(first))


def _movie(movie_id: int, movies: Mapping[int, Movie]) -> Movie:
    return movies.get(movie_id) or Movie(movie_id, f"Movie {movie_id}", None, ())
