"""A visitor's profile: how a model describes the taste behind ratings; nothing is stored."""

from collections.abc import Iterable
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.contracts import Rating
from marquee.recommender.scorers import RANKING
from marquee.serving.answers import ProfileAnswer
from marquee.serving.forms import MAX_MODEL, ProfileForm, check_movies_known
from marquee.serving.loaded_model import LoadedModel
from routes.bodies import JSON
from routes.environment import loaded_model, recommender_of, tracer
from routes.visitors import OWN, VisitorId, own_page

router = APIGatewayRouter()


@router.post("/profile")
@tracer.capture_method(capture_response=False, capture_error=False)
def profile(form: Annotated[ProfileForm, Body()]) -> ProfileAnswer:
    """Get the profile of these ratings: preferences, surprises, map and certainty."""
    loaded = loaded_model()
    ratings = form.to_ratings()
    check_movies_known(ratings, loaded.model.movies)
    return profile_by(loaded, form.model, ratings)


@router.get("/visitors/<visitor_id>/profile", security=OWN)
@tracer.capture_method(capture_response=False, capture_error=False)
def own_profile(
    visitor_id: VisitorId,
    name: Annotated[
        str, Query(alias="model", max_length=MAX_MODEL, description="As in POST /picks.")
    ] = RANKING,
) -> Response[ProfileAnswer]:
    """Get the profile of a visitor's stored ratings."""
    progress = own_page(visitor_id).progress
    loaded = loaded_model()
    # In another data set the same ids stand for other movies.
    known = progress.ratings if progress.dataset == loaded.model.dataset else ()
    body = profile_by(loaded, name, known)
    return Response(
        status_code=200, content_type=JSON, body=body, headers={"Cache-Control": "no-store"}
    )


def profile_by(loaded: LoadedModel, name: str, ratings: Iterable[Rating]) -> ProfileAnswer:
    """Return the profile of these ratings by the recommender of that name.

    Ratings of movies that the model does not know are ignored.

    Raises:
        FieldError: if the model has no recommender of that name.
    """
    recommender = recommender_of(loaded, name)
    given = {rating.movie_id: float(rating.stars) for rating in ratings}
    portrait = loaded.portraitist.portrait(name, given, recommender.predict(given))
    return ProfileAnswer.of(portrait, name, loaded.model)
