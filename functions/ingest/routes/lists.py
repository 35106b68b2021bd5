"""Shared lists: publish one, read it as JSON or as a page for chats, take it back."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.aws import wiring
from marquee.requests.identity import LIST_ID_CHARACTERS, form_digest, is_list_id, list_id_for
from marquee.requests.share import NoSuchListError, Sharer, TakenBackError
from marquee.requests.shared_list import SharedList
from marquee.serving.answers import SharedListAnswer, SharedListCreated
from marquee.serving.forms import FieldError, ListForm, checked_key, listed_movies
from marquee.serving.list_page import LIST_PAGE_HEADERS, list_page, view_address
from routes.bodies import JSON
from routes.environment import SETTINGS, loaded_model, logger, models, secret, tracer
from routes.visitors import IdempotencyKey, admission, bearer, client_address

ListId = Annotated[str, Path(max_length=LIST_ID_CHARACTERS)]

HTML = "text/html; charset=utf-8"
OWNER: list[dict[str, list[str]]] = [{"owner_secret": []}]

router = APIGatewayRouter()


@router.post("/lists", status_code=201)
@tracer.capture_method(capture_response=False, capture_error=False)
def share_list(
    form: Annotated[ListForm, Body()], key: IdempotencyKey = None
) -> Response[SharedListCreated]:
    """Publish a list of movies; everybody who has its link can read it until it expires.

    Repeating a call with the same Idempotency-Key and form returns the same list.
    """
    try:
        shared = _shared(form, checked_key(key))
    except TakenBackError as error:
        message = "This Idempotency-Key was used for a list that was taken back; use a new one."
        raise FieldError("Idempotency-Key", message) from error
    created = SharedListCreated.of(
        shared,
        owner_secret=_sharer().owner_secret(shared.list_id),
        url=view_address(SETTINGS.site_url, shared.list_id),
    )
    headers = {"Cache-Control": "no-store"}
    return Response(status_code=201, content_type=JSON, body=created, headers=headers)


@router.get("/lists/<list_id>")
@tracer.capture_method(capture_response=False, capture_error=False)
def get_list(list_id: ListId) -> Response[SharedListAnswer]:
    """Get a shared list."""
    shared = _sharer().open(list_id, datetime.now(UTC))
    loaded = models.loaded()
    answer = SharedListAnswer.of(shared, None if loaded is None else loaded.model.dataset)
    headers = {"Cache-Control": "no-store"}
    return Response(status_code=200, content_type=JSON, body=answer, headers=headers)


@router.get(
    "/lists/<list_id>/page",
    responses={
        200: {
            "description": "The page of the list, with Open Graph tags",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        303: {"description": "The list is gone; Location is the site's view, which says so"},
    },
)
@tracer.capture_method(capture_response=False, capture_error=False)
def get_list_page(list_id: ListId) -> Response[str]:
    """Get the page of a shared list: chats make a card of its tags, browsers go on to the site.

    If the list is gone, the answer leads to the site's view, which says so to people.
    """
    try:
        shared = _sharer().open(list_id, datetime.now(UTC))
    except (NoSuchListError, TakenBackError):
        if not is_list_id(list_id):
            raise
        where = {"Location": view_address(SETTINGS.site_url, list_id)}
        return Response(
            status_code=303, content_type=HTML, body="", headers={**LIST_PAGE_HEADERS, **where}
        )
    body = list_page(shared, SETTINGS.site_url)
    return Response(status_code=200, content_type=HTML, body=body, headers=dict(LIST_PAGE_HEADERS))


@router.delete("/lists/<list_id>", security=OWNER, status_code=204)
@tracer.capture_method(capture_response=False, capture_error=False)
def take_list_back(list_id: ListId) -> Response[None]:
    """Take a shared list back; nobody can read it any more."""
    _sharer().take_back(list_id, bearer())
    logger.info("list taken back")
    return Response(status_code=204)


def _sharer() -> Sharer:
    return wiring.sharer(SETTINGS)


def _shared(form: ListForm, key: str | None) -> SharedList:
    """Store the form's list, once per Idempotency-Key.

    Raises:
        FieldError: if the active data set does not have one of the movies.
        OtherFormError: if the key was used for another form.
        TakenBackError: if the list of this key was taken back.
        TooOftenError: if the limit of the network is reached.
    """
    loaded, now = loaded_model(), datetime.now(UTC)
    movies = listed_movies(form, loaded.model.movies)
    list_id = list_id_for(key, secret())
    # Defaults are excluded, so that a release that adds a field does not change the digest.
    said = form.model_dump_json(exclude_defaults=True)
    digest = None if key is None else form_digest(said, secret())
    # Recognise a repeated form before it is counted against a limit.
    stored = None if key is None else _sharer().repeated(list_id, digest)
    if stored is not None:
        return stored
    admission().admit_list(client_address(), now)
    shared = SharedList(
        list_id=list_id,
        dataset=loaded.model.dataset,
        movies=movies,
        expires_at=round((now + timedelta(days=SETTINGS.list_days)).timestamp()),
        first_name=form.first_name,
        form_digest=digest,
    )
    logger.info("list shared", extra={"movies": len(movies)})
    return _sharer().share(shared)
