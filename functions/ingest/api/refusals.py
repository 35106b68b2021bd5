"""What the API answers where it does not do what was asked: a plain sentence a field."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from aws_lambda_powertools.event_handler.router import APIGatewayRouter
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from api.environment import NoModelYetError, logger
from marquee.answers import errors_body
from marquee.forms import MAX_BODY_BYTES, FieldError, PreconditionMissingError, field_errors
from marquee.limits import Limited, TooOftenError
from marquee.ports import ForgottenError
from marquee.registering import OtherFormError
from marquee.revising import BusyError, ChangedMeanwhileError

JSON = "application/json"

router = APIGatewayRouter()
_TOO_OFTEN = {
    Limited.TEXTS: (
        "phone",
        "This phone gets at most {most} texts a day; try again tomorrow, or go on without a text.",
    ),
    Limited.NEW_VISITORS: (
        "phone",
        "This phone was given {most} times today; try again tomorrow, or leave it out.",
    ),
    Limited.CHANGES: ("", "You changed your movies {most} times within an hour; have a break."),
}


class NoSuchVisitorError(Exception):
    """The visitor is unknown or the token is wrong: the two look the same from outside."""


class NoSuchMovieError(Exception):
    """The model in use knows no movie of that id."""

    def __init__(self, movie_id: int) -> None:
        super().__init__(movie_id)
        self.movie_id = movie_id


class OversizedError(Exception):
    """The body is larger than any form can be."""


def etag(version: int) -> str:
    return f'"{version}"'


def check_size(event: BaseProxyEvent) -> None:
    if _is_oversized(event):
        raise OversizedError


def _is_oversized(event: BaseProxyEvent) -> bool:
    return len((event.body or "").encode()) > MAX_BODY_BYTES


def refusal(
    status: int, field: str, message: str, headers: dict[str, str] | None = None
) -> Response[Any]:
    logger.info("refused", extra={"status_code": status, "field": field})
    body = errors_body([{"field": field, "message": message}])
    return Response(status, JSON, body.model_dump_json(), headers=dict(headers or {}))


@router.exception_handler([RequestValidationError, RequestUnsupportedContentType, OversizedError])
def refuse_body(error: Exception) -> Response[Any]:
    content_type = router.current_event.headers.get("Content-Type", JSON)
    if content_type.partition(";")[0].strip().lower() != JSON:
        return refusal(415, "", "Send the form as application/json.")
    if _is_oversized(router.current_event):
        return refusal(413, "", f"Send at most {MAX_BODY_BYTES // 1024} KiB.")
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    if any(one["type"] == "json_invalid" for one in errors):
        return refusal(400, "", "The body is not JSON; check its commas and quotes.")
    found = field_errors(errors)
    logger.info("refused", extra={"status_code": 422, "fields": [one["field"] for one in found]})
    return Response(422, JSON, errors_body(found).model_dump_json())


@router.exception_handler(FieldError)
def refuse_field(error: FieldError) -> Response[Any]:
    return refusal(422, error.field, error.message)


@router.exception_handler(ValueError)
def refuse_unreadable(error: ValueError) -> Response[Any]:
    """Bodies that are not JSON at all fail before validation; any other error is a bug."""
    content_type = router.current_event.headers.get("Content-Type", JSON)
    if content_type.partition(";")[0].strip().lower() != JSON:
        return refusal(415, "", "Send the form as application/json.")
    if isinstance(error, UnicodeError):
        return refusal(400, "", "The body is not UTF-8.")
    raise error


@router.exception_handler(RecursionError)
def refuse_nesting(_: RecursionError) -> Response[Any]:
    return refusal(400, "", "The body is nested too deeply.")


@router.exception_handler(OtherFormError)
def refuse_other_form(_: OtherFormError) -> Response[Any]:
    message = "This Idempotency-Key stands for another form; use a new key for a new form."
    return refusal(422, "Idempotency-Key", message)


@router.exception_handler(NoModelYetError)
def refuse_without_model(_: NoModelYetError) -> Response[Any]:
    message = "Marquee is still learning its movies; try again in a few minutes."
    return refusal(503, "", message, {"Retry-After": "60"})


@router.exception_handler([NoSuchVisitorError, ForgottenError])
def refuse_visitor(_: Exception) -> Response[Any]:
    return refusal(404, "", "There is no such visitor, or the link is incomplete.")


@router.exception_handler(PreconditionMissingError)
def refuse_blind_change(_: PreconditionMissingError) -> Response[Any]:
    message = "Say which version you change: send its ETag as If-Match."
    return refusal(428, "If-Match", message)


@router.exception_handler(ChangedMeanwhileError)
def refuse_outdated_change(error: ChangedMeanwhileError) -> Response[Any]:
    message = "Your movies were changed elsewhere, perhaps in another tab; load them again first."
    return refusal(412, "If-Match", message, {"ETag": etag(error.version)})


@router.exception_handler(BusyError)
def refuse_busy(_: BusyError) -> Response[Any]:
    message = "Your request is moving on right now; ask again in a moment."
    return refusal(503, "", message, {"Retry-After": "1"})


@router.exception_handler(TooOftenError)
def refuse_too_often(error: TooOftenError) -> Response[Any]:
    field, message = _TOO_OFTEN[error.limited]
    headers = {"Retry-After": str(error.seconds)}
    return refusal(429, field, message.format(most=error.most), headers)


@router.exception_handler(NoSuchMovieError)
def refuse_movie(error: NoSuchMovieError) -> Response[Any]:
    message = f"There is no movie {error.movie_id}; search for its title."
    return refusal(404, "movie_id", message)


def refuse_path(_: Exception) -> Response[Any]:
    return refusal(404, "", "There is nothing at this address.")
