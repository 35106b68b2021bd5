"""The questionnaire and immediate picks; these routes store nothing."""

import time
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.recommender.picks import genres_of
from marquee.recommender.scorers import RANKING
from marquee.serving.answers import (
    PicksAnswer,
    QuestionnaireAnswer,
    nothing_fits,
    pick_answers,
)
from marquee.serving.forms import (
    MAX_QUESTIONS,
    PicksForm,
    QuestionsForm,
    check_genres_known,
    check_movies_known,
)
from routes.environment import (
    active_model,
    loaded_model,
    metrics,
    picks_for,
    recommender_of,
    tracer,
)

router = APIGatewayRouter()


@router.get("/questionnaire")
def questionnaire() -> QuestionnaireAnswer:
    """Get the movies to rate first, chosen to reveal a visitor's taste quickly."""
    model, _ = active_model()
    return QuestionnaireAnswer.of(model, model.questionnaire[:MAX_QUESTIONS])


@router.post("/questionnaire")
@tracer.capture_method(capture_response=False, capture_error=False)
def next_questions(form: Annotated[QuestionsForm, Body()]) -> QuestionnaireAnswer:
    """Get the movies to rate next: those that reveal the most, given these answers.

    Movies of the form's genres and decades come first.
    """
    loaded = loaded_model()
    check_genres_known(form.genres, genres_of(loaded.model))
    first = form.to_topics().movies_of(loaded.model)
    movie_ids = loaded.questioner.next(form.answered, form.unseen, form.count, first)
    return QuestionnaireAnswer.of(loaded.model, movie_ids)


@router.post("/picks")
@tracer.capture_method(capture_response=False, capture_error=False)
def picks(form: Annotated[PicksForm, Body()]) -> PicksAnswer:
    """Get immediate picks for these ratings; nothing is stored."""
    began = time.perf_counter()
    loaded = loaded_model()
    model, recommender = loaded.model, recommender_of(loaded, form.model)
    check_movies_known(form.to_ratings(), model.movies, form.dismissed)
    check_genres_known(form.genres, genres_of(model))
    found = picks_for(
        form, recommender, form.to_filter(), form.count, series_in_order=form.series_in_order
    )
    is_calibrated = form.model == RANKING
    answer = PicksAnswer(
        dataset=model.dataset,
        model_id=model.model_id,
        picks=pick_answers(found, model.movies),
        nothing_fits=nothing_fits(found),
        liked_share=loaded.liked_share(form.to_ratings(), found) if is_calibrated else None,
    )
    metrics.add_metric("SecondsToPicksAtOnce", "Seconds", time.perf_counter() - began)
    return answer
