"""The API's Lambda function: accepts visitors' forms and answers with picks."""

from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig
from aws_lambda_powertools.utilities.typing import LambdaContext

from routes import (
    bodies,
    catalogue,
    challenges,
    health,
    lists,
    movies,
    phones,
    picks,
    profile,
    refusals,
    texts,
    visitors,
)
from routes.environment import SETTINGS, logger, metrics, tracer

ROUTES = (catalogue, challenges, health, lists, movies, phones, picks, profile, texts, visitors)

site = urlsplit(SETTINGS.site_url)
app = APIGatewayRestResolver(
    cors=CORSConfig(
        allow_origin=f"{site.scheme}://{site.netloc}",
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match"],
        expose_headers=["ETag", "Retry-After"],
        max_age=600,
    ),
    enable_validation=True,
    response_validation_error_http_code=500,
    json_body_deserializer=bodies.parse_body,
)
for part in (refusals, *ROUTES):
    app.include_router(part.router)
app.not_found(refusals.refuse_path)


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event (REST, proxy integration).

    The body is checked first. If it is refused, the route gets no body, and `refusals` answers
    with the reason.
    """
    received = bodies.receive(event)
    app.append_context(refused_body=received.refused)
    return app.resolve(received.event, context)
