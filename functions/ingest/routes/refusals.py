"""The API's error responses: one plain sentence for each wrong field."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.requests.limits import LimitedAction, TooOftenError
from marquee.requests.ports import ForgottenError
from marquee.requests.register import OtherFormError
from marquee.requests.revise import BusyError, ChangedMeanwhileError, TokenReplacedError
from marquee.requests.share import NoSuchListError, TakenBackError
from marquee.requests.tokens import NoSuchVisitorError
from marquee.serving.answers import MAX_ERRORS, errors_body
from marquee.serving.forms import NO_SUCH_FIELD, FieldError, PreconditionMissingError, field_errors
from routes.bodies import JSON, BodyRefusedError
from routes.environment import NoModelYetError, logger

NO_SUCH_VISITOR = (
    "There is no such visitor, or the link is incomplete or was replaced by a newer one."
)
NO_SUCH_LIST = "There is no such list; it may have expired, or the link is incomplete."

router = APIGatewayRouter()
_TOO_OFTEN = {
    LimitedAction.CHANGES: (
        "",
        "You have changed your movies {most} times within an hour, the most allowed.",
    ),
    LimitedAction.NETWORK_FORMS: (
        "",
        "{most} forms have come from your network within an hour, the most allowed.",
    ),
    LimitedAction.NETWORK_PHONES: (
        "phone",
        "Phone numbers have been entered from your network {most} times within an hour, the most "
        "allowed; you can continue without a number.",
    ),
    LimitedAction.NETWORK_CHANGES: (
        "",
        "{most} changes have come from your network within an hour, the most allowed.",
    ),
    LimitedAction.NETWORK_LISTS: (
        "",
        "{most} lists have been shared from your network within an hour, the most allowed.",
    ),
}


class NoSuchMovieError(Exception):
    """The active model has no movie of that id."""

    def __init__(self, movie_id: int) -> None:
        super().__init__(movie_id)
        self.movie_id = movie_id


def etag(version: int) -> str:
    """Return the ETag of a visitor's version, in the quotes that HTTP requires."""
    return f'"{version}"'


def refusal(
    status: int, field: str, message: str, headers: dict[str, str] | None = None
) -> Response[Any]:
    """Log and return an error response about one field; `field` is empty if it is about none."""
    logger.info("refused", extra={"status_code": status, "field": field})
    body = errors_body([{"field": field, "message": message}])
    return Response(status, JSON, body.model_dump_json(), headers=dict(headers or {}))


@router.exception_handler(BodyRefusedError)
def refuse_body(error: BodyRefusedError) -> Response[Any]:
    """Respond to a body that cannot be read as a form, with the status of the error."""
    return refusal(error.status, "", error.message)


@router.exception_handler(RequestValidationError)
def refuse_input(error: RequestValidationError) -> Response[Any]:
    """Respond to an input that failed validation.

    A refused body takes precedence: without it, the form is only missing. A visitor, list or movie
    id that cannot exist is answered with 404, as an unknown one.
    """
    refused: BodyRefusedError | None = router.context.get("refused_body")
    if refused is not None:
        return refusal(refused.status, "", refused.message)
    errors = error.errors()
    names = {one["loc"][1] for one in errors if one["loc"][0] == "path" and _names_nothing(one)}
    if "visitor_id" in names:
        return refusal(404, "", NO_SUCH_VISITOR)
    if "list_id" in names:
        return refusal(404, "", NO_SUCH_LIST)
    if "movie_id" in names:
        return refusal(404, "movie_id", "There is no such movie; search for its title.")
    found = field_errors(errors)
    # Do not log the names of unknown fields: the caller chose them, and they may contain anything.
    named = [one["field"] for one in found if one["message"] != NO_SUCH_FIELD][:MAX_ERRORS]
    extra = {"status_code": 422, "errors": len(found), "fields": named}
    logger.info("refused", extra=extra)
    return Response(422, JSON, errors_body(found).model_dump_json())


def _names_nothing(error: Mapping[str, Any]) -> bool:
    """Return whether an id in the path has the right type but lies outside all possible ids.

    An id that should be a number and is not is a wrong field instead.
    """
    return str(error["type"]) != "int_parsing"


@router.exception_handler(FieldError)
def refuse_field(error: FieldError) -> Response[Any]:
    """Respond with 422 to a field that a check after the form's validation found invalid."""
    return refusal(422, error.field, error.message)


@router.exception_handler(OtherFormError)
def refuse_other_form(_: OtherFormError) -> Response[Any]:
    """Respond with 422 and ask for a new key: repeating the call cannot succeed."""
    message = "This Idempotency-Key was used for another form; use a new key for a new form."
    return refusal(422, "Idempotency-Key", message)


@router.exception_handler(NoModelYetError)
def refuse_without_model(_: NoModelYetError) -> Response[Any]:
    """Respond with 503 and ask the caller to retry after 60 seconds."""
    message = "Marquee is still being set up; try again in a few minutes."
    return refusal(503, "", message, {"Retry-After": "60"})


@router.exception_handler([NoSuchVisitorError, ForgottenError, TokenReplacedError])
def refuse_visitor(_: Exception) -> Response[Any]:
    """Respond with 404 and one message for all reasons.

    The response does not reveal whether the visitor exists.
    """
    return refusal(404, "", NO_SUCH_VISITOR)


@router.exception_handler(NoSuchListError)
def refuse_list(_: NoSuchListError) -> Response[Any]:
    """Respond with 404 to an unknown list, an expired one and a wrong owner's secret."""
    return refusal(404, "", NO_SUCH_LIST)


@router.exception_handler(TakenBackError)
def refuse_taken_back(_: TakenBackError) -> Response[Any]:
    """Respond with 410 to a list that its owner took back."""
    return refusal(410, "", "Whoever shared this list has taken it back.")


@router.exception_handler(PreconditionMissingError)
def refuse_blind_change(_: PreconditionMissingError) -> Response[Any]:
    """Respond with 428 to a change without If-Match, which could overwrite another change."""
    message = "Send the ETag of the version that you change in the If-Match header."
    return refusal(428, "If-Match", message)


@router.exception_handler(ChangedMeanwhileError)
def refuse_outdated_change(error: ChangedMeanwhileError) -> Response[Any]:
    """Respond with 412, and with the ETag of the version that is stored now."""
    message = "Your movies were changed in another browser; load them again before you change them."
    return refusal(412, "If-Match", message, {"ETag": etag(error.version)})


@router.exception_handler(BusyError)
def refuse_busy(_: BusyError) -> Response[Any]:
    """Respond with 503 and ask the caller to retry after a second."""
    message = "Your request is being processed right now; try again in a moment."
    return refusal(503, "", message, {"Retry-After": "1"})


@router.exception_handler(TooOftenError)
def refuse_too_often(error: TooOftenError) -> Response[Any]:
    """Respond with 429; Retry-After has the seconds until the next window begins."""
    field, message = _TOO_OFTEN[error.limited]
    headers = {"Retry-After": str(error.seconds)}
    return refusal(429, field, message.format(most=error.most), headers)


@router.exception_handler(NoSuchMovieError)
def refuse_movie(error: NoSuchMovieError) -> Response[Any]:
    """Respond with 404 to an id that the active model does not know."""
    message = f"There is no movie {error.movie_id}; search for its title."
    return refusal(404, "movie_id", message)


def refuse_path(_: Exception) -> Response[Any]:
    """Respond to a call of a path that no route has."""
    return refusal(404, "", "There is nothing at this address.")
