"""The API: takes forms and answers with picks at once."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from marquee.answers import (
    HealthAnswer,
    PickAnswer,
    PicksAnswer,
    QuestionnaireAnswer,
    VisitorAnswer,
    VisitorCreated,
    errors_body,
    pick_answers,
)
from marquee.aws import wiring
from marquee.aws.buckets import ModelsBucket
from marquee.aws.model_store import ModelStore
from marquee.aws.observability import observe, token_secret
from marquee.aws.settings import Settings
from marquee.contracts import Rating, parse_timestamp, timestamp
from marquee.forms import (
    MAX_BODY_BYTES,
    MAX_QUESTIONS,
    FieldError,
    PicksForm,
    QuestionsForm,
    VisitorForm,
    check_genres_known,
    check_idempotency_key,
    check_movies_known,
    field_errors,
)
from marquee.identity import (
    form_digest,
    new_visitor_id,
    token_for,
    token_matches,
    visitor_id_for,
)
from marquee.model import Model
from marquee.recommending import Recommender, Wanted, genres_of
from marquee.scoring import RANKING, UnknownModelError
from marquee.visitor import Registration, Status

SETTINGS = Settings.from_environment()
JSON = "application/json"

logger, tracer, metrics = observe("ingest")
site = urlsplit(SETTINGS.site_url)
app = APIGatewayRestResolver(
    cors=CORSConfig(
        allow_origin=f"{site.scheme}://{site.netloc}",
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        expose_headers=["ETag", "Retry-After"],
        max_age=600,
    ),
    enable_validation=True,
    response_validation_error_http_code=500,
)
models = ModelStore(
    ModelsBucket(wiring.client("s3"), SETTINGS.models_bucket), SETTINGS.model_refresh_seconds
)
idempotency = IdempotencyConfig(
    event_key_jmespath="key",
    payload_validation_jmespath="digest",
    hash_function="sha256",
    expires_after_seconds=24 * 3600,
)
idempotency_store = DynamoDBPersistenceLayer(
    table_name=SETTINGS.idempotency_table, boto3_client=wiring.client("dynamodb")
)


class NoModelYetError(Exception):
    """Nothing was ever trained here."""


class NoSuchVisitorError(Exception):
    """The visitor is unknown or the token is wrong: the two look the same from outside."""


class OversizedError(Exception):
    """The body is larger than any form can be."""


@app.get("/health")
def health() -> HealthAnswer:
    model, _ = current_model()
    age = datetime.now(UTC) - parse_timestamp(model.trained_at)
    return HealthAnswer(
        status="ok",
        dataset=model.dataset,
        model_id=model.model_id,
        trained_at=model.trained_at,
        age_seconds=round(age.total_seconds()),
    )


@app.get("/questionnaire")
def questionnaire() -> QuestionnaireAnswer:
    model, _ = current_model()
    return QuestionnaireAnswer.of(model, model.questionnaire[:MAX_QUESTIONS])


@app.post("/questionnaire")
@tracer.capture_method(capture_response=False, capture_error=False)
def next_questions(form: Annotated[QuestionsForm, Body()]) -> QuestionnaireAnswer:
    """Ask on: what tells most after these answers; nothing is stored."""
    check_size()
    model, _ = current_model()
    questioner = models.questioner()
    if questioner is None:
        raise NoModelYetError
    movie_ids = questioner.next(form.answered, form.unseen, form.count)
    return QuestionnaireAnswer.of(model, movie_ids)


@app.post("/picks")
@tracer.capture_method(capture_response=False, capture_error=False)
def picks(form: Annotated[PicksForm, Body()]) -> PicksAnswer:
    check_size()
    model, recommender = model_named(form.model)
    ratings = form.to_ratings()
    check_movies_known(ratings, model.movies)
    check_genres_known(form.genres, genres_of(model))
    return PicksAnswer(
        dataset=model.dataset,
        model_id=model.model_id,
        picks=picks_for(ratings, model, recommender, form.to_wanted()),
    )


@app.post("/visitors")
@tracer.capture_method(capture_response=False, capture_error=False)
def create_visitor(form: Annotated[VisitorForm, Body()]) -> Response[VisitorCreated]:
    check_size()
    model, recommender = current_model()
    ratings = form.to_ratings()
    check_movies_known(ratings, model.movies)
    visitor_id = register(form, model.dataset)
    created = VisitorCreated(
        visitor_id=visitor_id,
        version=1,
        token=token_for(visitor_id, secret()),
        status=Status.RECEIVED,
        picks=picks_for(ratings, model, recommender),
    )
    return Response(status_code=201, content_type=JSON, body=created)


@app.get("/visitors/<visitor_id>")
@tracer.capture_method(capture_response=False, capture_error=False)
def get_visitor(visitor_id: str) -> Response[VisitorAnswer]:
    logger.set_correlation_id(visitor_id)
    scheme, _, token = app.current_event.headers.get("Authorization", "").partition(" ")
    known = scheme.lower() == "bearer" and token_matches(visitor_id, token, secret())
    progress = wiring.visitors(SETTINGS).get(visitor_id) if known else None
    if progress is None:
        raise NoSuchVisitorError
    loaded = models.current()
    movies = loaded[0].movies if loaded and loaded[0].dataset == progress.dataset else {}
    answer = VisitorAnswer.of(progress, movies)
    return Response(
        status_code=200,
        content_type=JSON,
        body=answer,
        headers={"Cache-Control": "no-store", "ETag": f'"{progress.version}"'},
    )


def register(form: VisitorForm, dataset: str) -> str:
    """Store the form and start the flow, once for each Idempotency-Key."""
    key = app.current_event.headers.get("Idempotency-Key")
    if key is None:
        return register_visitor(new_visitor_id(), form, dataset)
    check_idempotency_key(key)
    digest = form_digest(form.model_dump_json(), secret())
    answer = register_once(request={"key": key, "digest": digest}, form=form, dataset=dataset)
    return str(answer["visitor_id"])


@idempotent_function(
    data_keyword_argument="request",
    persistence_store=idempotency_store,
    config=idempotency,
    key_prefix="visitors",
)
def register_once(*, request: dict[str, str], form: VisitorForm, dataset: str) -> dict[str, str]:
    """Only the id is remembered: the token and the picks are worked out anew each time."""
    visitor_id = visitor_id_for(request["key"], secret())
    return {"visitor_id": register_visitor(visitor_id, form, dataset)}


def register_visitor(visitor_id: str, form: VisitorForm, dataset: str) -> str:
    now = datetime.now(UTC)
    registration = Registration(
        visitor_id=visitor_id,
        dataset=dataset,
        name=form.name,
        phone=form.phone,
        requested_at=timestamp(now),
        ratings=form.to_ratings(),
        expires_at=round((now + timedelta(days=SETTINGS.visitor_days)).timestamp()),
    )
    logger.set_correlation_id(visitor_id)
    wiring.registrar(SETTINGS).register(registration)
    metrics.add_metric("VisitorsReceived", "Count", 1)
    logger.info("visitor received", extra={"ratings": len(registration.ratings)})
    return visitor_id


def picks_for(
    ratings: tuple[Rating, ...],
    model: Model,
    recommender: Recommender,
    wanted: Wanted | None = None,
) -> list[PickAnswer]:
    given = {rating.movie_id: float(rating.stars) for rating in ratings}
    found = recommender.picks(given, wanted=wanted)
    return pick_answers(found, model.movies)


def current_model(name: str = RANKING) -> tuple[Model, Recommender]:
    loaded = models.current(name)
    if loaded is None:
        raise NoModelYetError
    return loaded


def model_named(name: str) -> tuple[Model, Recommender]:
    """The current model with its recommender of that name."""
    try:
        return current_model(name)
    except UnknownModelError as error:
        message = str(error)
        raise FieldError("model", f"{message[:1].upper()}{message[1:]}.") from error


def secret() -> str:
    return token_secret(SETTINGS.token_secret_name)


def check_size() -> None:
    if len((app.current_event.body or "").encode()) > MAX_BODY_BYTES:
        raise OversizedError


def refusal(
    status: int, field: str, message: str, headers: dict[str, str] | None = None
) -> Response[Any]:
    logger.info("refused", extra={"status_code": status, "field": field})
    body = errors_body([{"field": field, "message": message}])
    return Response(status, JSON, body.model_dump_json(), headers=dict(headers or {}))


@app.exception_handler([RequestValidationError, RequestUnsupportedContentType, OversizedError])
def refuse_body(error: Exception) -> Response[Any]:
    content_type = app.current_event.headers.get("Content-Type", JSON)
    if content_type.partition(";")[0].strip().lower() != JSON:
        return refusal(415, "", "Send the form as application/json.")
    if len((app.current_event.body or "").encode()) > MAX_BODY_BYTES:
        return refusal(413, "", f"Send at most {MAX_BODY_BYTES // 1024} KiB.")
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    if any(one["type"] == "json_invalid" for one in errors):
        return refusal(400, "", "The body is not JSON; check its commas and quotes.")
    found = field_errors(errors)
    logger.info("refused", extra={"status_code": 422, "fields": [one["field"] for one in found]})
    return Response(422, JSON, errors_body(found).model_dump_json())


@app.exception_handler(FieldError)
def refuse_field(error: FieldError) -> Response[Any]:
    return refusal(422, error.field, error.message)


@app.exception_handler(ValueError)
def refuse_unreadable(error: ValueError) -> Response[Any]:
    """Bodies that are not JSON at all fail before validation; any other error is a bug."""
    content_type = app.current_event.headers.get("Content-Type", JSON)
    if content_type.partition(";")[0].strip().lower() != JSON:
        return refusal(415, "", "Send the form as application/json.")
    if isinstance(error, UnicodeError):
        return refusal(400, "", "The body is not UTF-8.")
    raise error


@app.exception_handler(RecursionError)
def refuse_nesting(_: RecursionError) -> Response[Any]:
    return refusal(400, "", "The body is nested too deeply.")


@app.exception_handler(IdempotencyValidationError)
def refuse_other_form(_: IdempotencyValidationError) -> Response[Any]:
    message = "This Idempotency-Key stands for another form; use a new key for a new form."
    return refusal(422, "Idempotency-Key", message)


@app.exception_handler(IdempotencyAlreadyInProgressError)
def refuse_in_progress(_: IdempotencyAlreadyInProgressError) -> Response[Any]:
    message = "This form is being saved right now; ask again in a moment."
    return refusal(409, "Idempotency-Key", message, {"Retry-After": "2"})


@app.exception_handler(NoModelYetError)
def refuse_without_model(_: NoModelYetError) -> Response[Any]:
    message = "Marquee is still learning its movies; try again in a few minutes."
    return refusal(503, "", message, {"Retry-After": "60"})


@app.exception_handler(NoSuchVisitorError)
def refuse_visitor(_: NoSuchVisitorError) -> Response[Any]:
    return refusal(404, "", "There is no such visitor, or the link is incomplete.")


@app.not_found
def refuse_path(_: Exception) -> Response[Any]:
    return refusal(404, "", "There is nothing at this address.")


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    idempotency.register_lambda_context(context)
    return app.resolve(event, context)
