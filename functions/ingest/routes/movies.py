"""Movies: search by title, details, similar movies, and movies as another site names them."""

from dataclasses import asdict
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.recommender.model import Movie
from marquee.recommender.similarity import MOST_SIMILAR, OWN_HALF
from marquee.serving.answers import (
    FoundAnswer,
    MatchAnswer,
    MatchesAnswer,
    MovieAnswer,
    MovieDetailsAnswer,
    MovieFoundAnswer,
    SeriesAnswer,
    SimilarAnswer,
    SimilarMovieAnswer,
    TitledMovieAnswer,
    TopicAnswer,
)
from marquee.serving.forms import MAX_MOVIE_ID, EntriesForm
from marquee.serving.loaded_model import LoadedModel
from marquee.serving.title_search import MAX_QUERY
from routes.environment import loaded_model, tracer
from routes.refusals import NoSuchMovieError

MAX_FOUND = 20

router = APIGatewayRouter()

MovieIdInPath = Annotated[
    int, Path(ge=0, le=MAX_MOVIE_ID, description="A movie of the active data set.")
]


@router.get("/movies")
@tracer.capture_method(capture_response=False, capture_error=False)
def search(
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY)],
    count: Annotated[int, Query(ge=1, le=MAX_FOUND)] = 8,
) -> FoundAnswer:
    """Find the movies that the typed text means, best match first: by title, genre or year."""
    loaded = loaded_model()
    found = loaded.titles.search(q, count)
    topic = loaded.titles.topic(q)
    years = loaded.titles.years
    return FoundAnswer(
        dataset=loaded.model.dataset,
        model_id=loaded.model.model_id,
        movies=[TitledMovieAnswer.of(loaded.model.movies[movie_id]) for movie_id in found],
        topic=None if topic is None else TopicAnswer(**asdict(topic)),
        last_year=None if years is None else years[1],
    )


@router.post("/movies/matches")
@tracer.capture_method(capture_response=False, capture_error=False)
def match(form: Annotated[EntriesForm, Body()]) -> MatchesAnswer:
    """Find the movies that another site's export names: by IMDb id, else by title and year."""
    loaded = loaded_model()
    found = (loaded.matcher.match(entry.title, entry.year, entry.imdb_id) for entry in form.entries)
    return MatchesAnswer(
        dataset=loaded.model.dataset,
        model_id=loaded.model.model_id,
        matches=[MatchAnswer.of(each, loaded.model.movies) for each in found],
    )


@router.get("/movies/<movie_id>")
def details(movie_id: MovieIdInPath) -> MovieFoundAnswer:
    """Get a movie with its ratings, its pages on other sites and its series in order."""
    loaded = loaded_model()
    movie = _known(movie_id, loaded)
    rating, profiles = loaded.model.rating, loaded.model.profiles
    row = rating.rows[movie_id]
    ids = loaded.links.get(movie_id)
    series = loaded.series.get(movie_id)
    return MovieFoundAnswer(
        dataset=loaded.model.dataset,
        model_id=loaded.model.model_id,
        movie=MovieDetailsAnswer(
            **TitledMovieAnswer.of(movie).model_dump(),
            ratings=int(rating.support[row]),
            mean_stars=None if profiles is None else round(float(profiles.mean[row]), 2),
            links={} if ids is None else ids.addresses(),
            series=None if series is None else SeriesAnswer.of(series, loaded.model.movies),
        ),
    )


@router.get("/movies/<movie_id>/similar")
@tracer.capture_method(capture_response=False, capture_error=False)
def similar(
    movie_id: MovieIdInPath, count: Annotated[int, Query(ge=1, le=MOST_SIMILAR)] = 12
) -> SimilarAnswer:
    """Get the movies that are most similar to a movie, most similar first."""
    loaded = loaded_model()
    movie = _known(movie_id, loaded)
    ratings = int(loaded.model.rating.support[loaded.model.rating.rows[movie_id]])
    return SimilarAnswer(
        dataset=loaded.model.dataset,
        model_id=loaded.model.model_id,
        movie=MovieAnswer.of(movie),
        ratings=ratings,
        few_ratings=ratings < OWN_HALF,  # the similarity by content counts for more than half
        movies=[
            SimilarMovieAnswer(
                **MovieAnswer.of(loaded.model.movies[near]).model_dump(), similarity=round(score, 4)
            )
            for near, score in loaded.similar.of(movie_id, count)
        ],
    )


def _known(movie_id: int, loaded: LoadedModel) -> Movie:
    movie = loaded.model.movies.get(movie_id)
    if movie is None:
        raise NoSuchMovieError(movie_id)
    return movie
