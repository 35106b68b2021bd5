"""What the API answers: pydantic models, so that the OpenAPI document can be generated."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel

from marquee.contracts import Pick
from marquee.model import Model, Movie
from marquee.visitor import Progress

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


class VisitorCreated(BaseModel):
    visitor_id: str
    version: int
    token: str
    status: str
    picks: list[PickAnswer]


class RatingAnswer(BaseModel):
    movie_id: int
    stars: int


class VisitorAnswer(BaseModel):
    """`texts` says whether a text will be sent; the phone number itself is never answered."""

    visitor_id: str
    version: int
    status: str
    status_at: str
    reason: str | None
    texts: bool
    ratings: list[RatingAnswer]
    picks: list[PickAnswer] | None
    model_id: str | None

    @classmethod
    def of(cls, progress: Progress, movies: Mapping[int, Movie]) -> "VisitorAnswer":
        return cls(
            visitor_id=progress.visitor_id,
            version=progress.version,
            status=progress.status,
            status_at=progress.status_at,
            reason=progress.reason,
            texts=progress.texts,
            ratings=[
                RatingAnswer(movie_id=rating.movie_id, stars=rating.stars)
                for rating in progress.ratings
            ],
            picks=None if progress.picks is None else pick_answers(progress.picks, movies),
            model_id=progress.model_id,
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


class ErrorsAnswer(BaseModel):
    errors: list[FieldErrorAnswer]


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
    return ErrorsAnswer(errors=[FieldErrorAnswer(**error) for error in errors])


def _movie(movie_id: int, movies: Mapping[int, Movie]) -> Movie:
    return movies.get(movie_id) or Movie(movie_id, f"Movie {movie_id}", None, ())
