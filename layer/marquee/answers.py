"""What the API answers: pydantic models, so that the OpenAPI document can be generated."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from altcha import Challenge
from pydantic import BaseModel, Field

from marquee.contracts import Pick, timestamp
from marquee.model import Model, Movie
from marquee.profile import Certainty, Portrait, TasteMap
from marquee.profiling import Weight
from marquee.visitor import Page, Status

MAX_ERRORS = 10  # of one answer

_SCALE = (
    (5, "Really love it!"),
    (4, "Like it"),
    (3, "It's OK"),
    (2, "Not for me"),
    (1, "I don't like it"),
)


class MovieAnswer(BaseModel):
    movie_id: int
    title: str
    year: int | None
    genres: list[str]

    @classmethod
    def of(cls, movie: Movie) -> "MovieAnswer":
        return cls(
            movie_id=movie.movie_id,
            title=movie.title,
            year=movie.year,
            genres=list(movie.genres),
        )


class TitledMovieAnswer(MovieAnswer):
    """With the titles that a data set tells in brackets behind the movie's own; most have none."""

    alternative_titles: list[str]

    @classmethod
    def of(cls, movie: Movie) -> "TitledMovieAnswer":
        titles = list(movie.alternative_titles)
        return cls(**MovieAnswer.of(movie).model_dump(), alternative_titles=titles)


class FoundAnswer(BaseModel):
    dataset: str
    model_id: str
    movies: list[TitledMovieAnswer]


class MovieDetailsAnswer(TitledMovieAnswer):
    """`links` are the movie's pages at `imdb` and `tmdb`, where the data set tells its ids."""

    ratings: int
    mean_stars: float | None
    links: dict[str, str]


class MovieFoundAnswer(BaseModel):
    dataset: str
    model_id: str
    movie: MovieDetailsAnswer


class SimilarMovieAnswer(MovieAnswer):
    """`similarity` is above 0 and at most 1."""

    similarity: float


class SimilarAnswer(BaseModel):
    dataset: str
    model_id: str
    movie: MovieAnswer
    movies: list[SimilarMovieAnswer]


class BecauseAnswer(BaseModel):
    movie_id: int
    title: str


class PickAnswer(MovieAnswer):
    """`stars` is the predicted rating, `score` orders the picks, `because` names rated movies."""

    stars: float
    score: float
    because: list[BecauseAnswer]


class StarsAnswer(BaseModel):
    stars: int
    label: str


class QuestionnaireAnswer(BaseModel):
    dataset: str
    model_id: str
    movies: list[MovieAnswer]
    scale: list[StarsAnswer]

    @classmethod
    def of(cls, model: Model, movie_ids: Iterable[int]) -> "QuestionnaireAnswer":
        return cls(
            dataset=model.dataset,
            model_id=model.model_id,
            movies=[MovieAnswer.of(model.movies[movie_id]) for movie_id in movie_ids],
            scale=[StarsAnswer(stars=stars, label=label) for stars, label in _SCALE],
        )


class PicksAnswer(BaseModel):
    dataset: str
    model_id: str
    picks: list[PickAnswer]


class WeightAnswer(BaseModel):
    """`weight` is in stars beyond what the movies get from everyone and she gives on average."""

    name: str
    weight: float
    rated: int


class SurpriseAnswer(MovieAnswer):
    """`difference` is `stars` less `everyone`, the mean; `expected` is the model's, of her."""

    stars: float
    everyone: float
    expected: float
    difference: float


class AxisAnswer(BaseModel):
    name: str
    low: list[str]
    high: list[str]


class PlaceAnswer(BaseModel):
    """`spread` is 1 of whom nothing is known, in the unit of `x` and `y`: standard deviations."""

    x: float
    y: float
    spread: float


class PointAnswer(BaseModel):
    movie_id: int
    title: str
    x: float
    y: float
    stars: float | None


class MapAnswer(BaseModel):
    axes: list[AxisAnswer]
    you: PlaceAnswer
    movies: list[PointAnswer]

    @classmethod
    def of(cls, drawn: TasteMap, movies: Mapping[int, Movie]) -> "MapAnswer":
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
    """`share` of what the model does not know of a new visitor; `stars_error` in stars."""

    share: float
    stars_error: float

    @classmethod
    def of(cls, certainty: Certainty) -> "CertaintyAnswer":
        return cls(share=round(certainty.share, 3), stars_error=round(certainty.stars_error, 3))


class ProfileAnswer(BaseModel):
    """How a model sees a visitor; what it cannot tell is an empty list or null."""

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
    visitor_id: str
    version: int
    token: str
    status: Status
    picks: list[PickAnswer]


class TokenAnswer(BaseModel):
    visitor_id: str
    token: str


class RatingAnswer(MovieAnswer):
    stars: int


class VisitorAnswer(BaseModel):
    """`texts` says whether a text is on its way, or was sent, for this version; of the phone number
    only the last digits are answered. `token` is the visitor's new token where this call replaced
    it: the one that the call was made with opens nothing any more. Movies of a data set that is no
    longer in use have their numbers as titles.
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
    picks: list[PickAnswer] | None
    model_id: str | None
    expires_at: str
    token: str | None

    @classmethod
    def of(
        cls, page: Page, movies: Mapping[int, Movie], token: str | None = None
    ) -> "VisitorAnswer":
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
                )
                for rating in progress.ratings
            ],
            dismissed=[MovieAnswer.of(_movie(movie_id, movies)) for movie_id in progress.dismissed],
            picks=None if progress.picks is None else pick_answers(progress.picks, movies),
            model_id=progress.model_id,
            expires_at=timestamp(datetime.fromtimestamp(page.expires_at, UTC)),
            token=token,
        )


class HealthAnswer(BaseModel):
    status: str
    dataset: str
    model_id: str
    trained_at: str
    age_seconds: int


class FieldErrorAnswer(BaseModel):
    field: str
    message: str


class MostTriesAnswer(BaseModel):
    """The solution is a counter below `most`."""

    most: int


class ChallengeParametersAnswer(BaseModel):
    """ALTCHA's names (version 2); `expiresAt` is in seconds since 1970."""

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
    parameters: ChallengeParametersAnswer
    signature: str

    @classmethod
    def of(cls, challenge: Challenge) -> "ChallengeAnswer":
        return cls.model_validate(challenge.to_dict())


class ErrorsAnswer(BaseModel):
    """The first fields that are wrong, and in `more` how many others are."""

    errors: Annotated[list[FieldErrorAnswer], Field(max_length=MAX_ERRORS)]
    more: int


def pick_answers(picks: Iterable[Pick], movies: Mapping[int, Movie]) -> list[PickAnswer]:
    """Add titles; picks made from another data set keep their numbers as titles."""
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
    """Answer with the first of the errors; a form can hold thousands."""
    first = [FieldErrorAnswer(**error) for error in errors[:MAX_ERRORS]]
    return ErrorsAnswer(errors=first, more=len(errors) - len(first))


def _movie(movie_id: int, movies: Mapping[int, Movie]) -> Movie:
    return movies.get(movie_id) or Movie(movie_id, f"Movie {movie_id}", None, ())
