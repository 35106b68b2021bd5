"""A visitor's own page: created by a form; read, changed and deleted with the visitor's token."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from api import networks
from api.bodies import JSON
from api.environment import (
    SETTINGS,
    current_model,
    logger,
    metrics,
    models,
    picks_for,
    secret,
    tracer,
)
from api.refusals import NoSuchVisitorError, etag
from marquee.answers import TokenAnswer, VisitorAnswer, VisitorCreated
from marquee.aws import wiring
from marquee.contracts import timestamp
from marquee.forms import (
    FieldError,
    PhoneForm,
    RevisionForm,
    VisitorForm,
    check_country,
    check_idempotency_key,
    check_movies_known,
    version_of,
)
from marquee.identity import (
    form_digest,
    is_visitor_id,
    limit_entry,
    limit_salt_for,
    new_visitor_id,
    phone_mark,
    renewal_digest,
    token_for,
    token_matches,
    visitor_id_for,
)
from marquee.limits import Limited
from marquee.ports import ForgottenError
from marquee.revising import ChangedMeanwhileError, TokenReplacedError
from marquee.visitor import Change, Page, Phone, Progress, Registration

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=40, description="The ETag of the version that is changed."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=128,
        description="8 to 128 letters, digits, - or _; one a form.",
    ),
]
VisitorId = Annotated[str, Path(max_length=26)]

OWN: list[dict[str, list[str]]] = [{"token": []}]

router = APIGatewayRouter()
limits = wiring.limits(SETTINGS)
# How long after its visitor was forgotten a repeated form is still recognised.
LATE_FORMS = timedelta(days=1)


@router.post("/visitors", status_code=201)
@tracer.capture_method(capture_response=False, capture_error=False)
def create_visitor(
    form: Annotated[VisitorForm, Body()], key: IdempotencyKey = None
) -> Response[VisitorCreated]:
    """Create a visitor and return immediate picks; picks that use all visitors' ratings follow.

    Repeating a call with the same Idempotency-Key and form returns the same visitor.
    """
    model, recommender = current_model()
    check_movies_known(form.to_ratings(), model.movies, form.dismissed)
    try:
        progress = register(form, model.dataset, key)
    except ForgottenError as error:
        message = "This Idempotency-Key was used for a visitor who was forgotten; use a new one."
        raise FieldError("Idempotency-Key", message) from error
    created = VisitorCreated(
        visitor_id=progress.visitor_id,
        version=progress.version,
        token=current_token(progress),
        status=progress.status,
        picks=picks_for(form, model, recommender),
    )
    headers = _headers(progress.version)
    return Response(status_code=201, content_type=JSON, body=created, headers=headers)


@router.get("/visitors/<visitor_id>", security=OWN)
@tracer.capture_method(capture_response=False, capture_error=False)
def get_visitor(visitor_id: VisitorId) -> Response[VisitorAnswer]:
    """Get what is stored of a visitor, including the status of their request."""
    return answer(own_page(visitor_id))


@router.put("/visitors/<visitor_id>/ratings", security=OWN)
@tracer.capture_method(capture_response=False, capture_error=False)
def put_ratings(
    visitor_id: VisitorId, form: Annotated[RevisionForm, Body()], if_match: IfMatch = None
) -> Response[VisitorAnswer]:
    """Replace a visitor's ratings; with five or more, new picks are computed."""
    page = page_to_change(visitor_id, if_match)
    model, _ = current_model()
    check_movies_known(form.to_ratings(), model.movies, form.dismissed)
    now = datetime.now(UTC)
    change = Change(
        requested_at=timestamp(now),
        expires_at=expires_at(now),
        dataset=model.dataset,
        ratings=form.to_ratings(),
        dismissed=form.to_dismissed(),
        text=form.text,
    )
    return answer(revise(page, change, form.proof, now))


@router.put("/visitors/<visitor_id>/phone", security=OWN)
@tracer.capture_method(capture_response=False, capture_error=False)
def put_phone(
    visitor_id: VisitorId,
    form: Annotated[PhoneForm, Body()],
    if_match: IfMatch = None,
    key: IdempotencyKey = None,
) -> Response[VisitorAnswer]:
    """Set the phone to which the picks are texted; a different phone makes a new token."""
    repeated = repeated_renewal(visitor_id, key)
    if repeated is not None:
        return answer(repeated, current_token(repeated.progress))
    page = page_to_change(visitor_id, if_match)
    now = datetime.now(UTC)
    change = Change(
        requested_at=timestamp(now),
        expires_at=expires_at(now),
        phone=phone_of(form.phone),
        text=True,
        renewal=renewal_of(page.progress, key),
    )
    try:
        revised = revise(page, change, form.proof, now)
    except TokenReplacedError:
        repeated = repeated_renewal(visitor_id, key)
        if repeated is None:
            raise
        return answer(repeated, current_token(repeated.progress))
    is_renewed = revised.progress.token_generation != page.progress.token_generation
    return answer(revised, current_token(revised.progress) if is_renewed else None)


@router.post("/visitors/<visitor_id>/token", security=OWN)
@tracer.capture_method(capture_response=False, capture_error=False)
def renew_token(visitor_id: VisitorId, key: IdempotencyKey = None) -> Response[TokenAnswer]:
    """Make a new token; links with the former token stop working."""
    progress = renewed(visitor_id, key)
    return Response(
        status_code=200,
        content_type=JSON,
        body=TokenAnswer(visitor_id=visitor_id, token=current_token(progress)),
        headers={"Cache-Control": "no-store"},
    )


@router.delete("/visitors/<visitor_id>", security=OWN, status_code=204)
@tracer.capture_method(capture_response=False, capture_error=False)
def forget_visitor(visitor_id: VisitorId) -> Response[None]:
    """Delete everything that is stored of a visitor; afterwards there is no such visitor."""
    # A visitor whose deletion has begun still has a token, so that this call can be repeated.
    generation = wiring.visitors(SETTINGS).token_generation(known_id(visitor_id))
    check_token(visitor_id, generation)
    wiring.forgotten_ids(SETTINGS).note(visitor_id, datetime.now(UTC) + LATE_FORMS)
    if not wiring.forgetter(SETTINGS).forget(visitor_id):
        raise NoSuchVisitorError
    logger.info("visitor forgotten")
    metrics.add_metric("VisitorsForgotten", "Count", 1)
    return Response(status_code=204)


def bearer() -> str | None:
    """Return the bearer token of the current call; None if there is none."""
    scheme, _, token = router.current_event.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def known_id(visitor_id: str) -> str:
    """Return the id if its format is that of a visitor id; otherwise raise NoSuchVisitorError."""
    if not is_visitor_id(visitor_id):
        raise NoSuchVisitorError
    return visitor_id


def check_token(visitor_id: str, generation: int | None) -> None:
    """Raise NoSuchVisitorError unless the call has the visitor's token of this generation.

    Args:
        visitor_id: the visitor's id.
        generation: the token generation; None if there is no such visitor.
    """
    token = bearer()
    if (
        token is None
        or not token_matches(visitor_id, token, secret(), generation or 1)
        or generation is None
    ):
        raise NoSuchVisitorError
    logger.set_correlation_id(visitor_id)


def current_token(progress: Progress) -> str:
    return token_for(progress.visitor_id, secret(), progress.token_generation)


def own_page(visitor_id: str) -> Page:
    """Return the page that the call's token opens; raises NoSuchVisitorError."""
    page = wiring.visitors(SETTINGS).page(known_id(visitor_id))
    check_token(visitor_id, page.progress.token_generation if page else None)
    if page is None:
        raise NoSuchVisitorError
    return page


def renewed(visitor_id: str, key: str | None) -> Progress:
    """Renew the visitor's token and return the visitor.

    If an earlier try of the same call has already renewed the token, it is not renewed again.
    """
    repeated = repeated_renewal(visitor_id, key)
    if repeated is not None:
        return repeated.progress
    page = own_page(visitor_id)
    before = page.progress
    now = datetime.now(UTC)
    networks.take(router, [Limited.NETWORK_CHANGES], now)
    count_change(page, f"token {before.token_generation + 1}", now)
    if not wiring.visitors(SETTINGS).renew_token(before, renewal_of(before, key)):
        # The DynamoDB client retries, so the renewal that won may be this call's own first try.
        repeated = repeated_renewal(visitor_id, key)
        if repeated is None:
            raise TokenReplacedError(visitor_id)
        return repeated.progress
    logger.info("token renewed")
    return replace(before, token_generation=before.token_generation + 1)


def count_change(page: Page, what: str, now: datetime) -> None:
    """Count the change `what` against the visitor's own limit.

    The limit's record does not name the visitor.

    Raises:
        TooOftenError: if the limit is reached.
    """
    salt = page.limit_salt
    limits[Limited.CHANGES].take(limit_entry(salt, "changes"), limit_entry(salt, what), now)


def renewal_of(before: Progress, key: str | None) -> str | None:
    """Return the digest that identifies a call which replaces the token of `before`.

    A repeated call with the same Idempotency-Key has the same digest. Without a key the result is
    None, and a repeated call is not recognised.

    Raises:
        FieldError: if the key has a wrong format.
    """
    if key is None:
        return None
    check_idempotency_key(key)
    return renewal_digest(before.visitor_id, before.token_generation + 1, key, secret())


def repeated_renewal(visitor_id: str, key: str | None) -> Page | None:
    """Return the page if an earlier try of this call replaced the token and its response was lost.

    The call must have the same Idempotency-Key and the former token. Otherwise the result is None.
    """
    page = wiring.visitors(SETTINGS).page(known_id(visitor_id)) if key else None
    if page is None or page.progress.token_generation == 1:
        return None
    former = replace(page.progress, token_generation=page.progress.token_generation - 1)
    if page.renewal is None or page.renewal != renewal_of(former, key):
        return None
    token = bearer()
    if token is None or not token_matches(visitor_id, token, secret(), former.token_generation):
        return None
    return page


def page_to_change(visitor_id: str, if_match: str | None) -> Page:
    """Return the visitor's page for a change of the version that If-Match names.

    Raises:
        NoSuchVisitorError: if the visitor is unknown or the token is wrong.
        PreconditionMissingError: if the call has no If-Match.
        FieldError: if If-Match is not an ETag of the API.
        ChangedMeanwhileError: if the stored version is another one.
    """
    page = own_page(visitor_id)
    if version_of(if_match) != page.progress.version:
        raise ChangedMeanwhileError(page.progress.version)
    return page


def revise(page: Page, change: Change, proof: str | None, now: datetime) -> Page:
    """Check the limits, store the change as the next version and return the new page."""
    check_limits(page, change, proof, now)
    revised = wiring.reviser(SETTINGS).revise(page, change)
    metrics.add_metric("VisitorsRevised", "Count", 1)
    logger.info(
        "visitor revised",
        extra={"version": revised.progress.version, "ratings": len(revised.progress.ratings)},
    )
    return revised


def check_limits(page: Page, change: Change, proof: str | None, now: datetime) -> None:
    """Count the change against all limits, and use the proof if the visitor asks for a text.

    The number of texts that a phone has received is checked later, in `marquee.texting`: no
    response may reveal anything about a phone number that a visitor merely typed.

    Raises:
        TooOftenError: if a limit is reached.
        FieldError: if a proof is needed and this one is not valid.
    """
    progress = page.progress
    what = limit_entry(page.limit_salt, f"{progress.version + 1}")
    given = [Limited.NETWORK_PHONES] if change.phone else []
    networks.take(router, [Limited.NETWORK_CHANGES, *given], now)
    count_change(page, f"{progress.version + 1}", now)
    if change.text and (change.phone or page.phone_mark):
        wiring.challenges(SETTINGS).take(proof, what)


def phone_of(number: str) -> Phone:
    """Return the phone of a number in E.164; raises FieldError if its country gets no texts."""
    check_country(number, SETTINGS.countries)
    return Phone(number, phone_mark(number, secret()))


def expires_at(now: datetime) -> int:
    """Return the expiry of a visitor who is created or changed `now`, in seconds since 1970."""
    return round((now + timedelta(days=SETTINGS.visitor_days)).timestamp())


def answer(page: Page, token: str | None = None) -> Response[VisitorAnswer]:
    """Return the response with a visitor's page; `token` is the new token if the call made one."""
    loaded = models.current()
    movies = loaded[0].movies if loaded and loaded[0].dataset == page.progress.dataset else {}
    body = VisitorAnswer.of(page, movies, token)
    headers = _headers(page.progress.version)
    return Response(status_code=200, content_type=JSON, body=body, headers=headers)


def _headers(version: int) -> dict[str, str | list[str]]:
    return {"Cache-Control": "no-store", "ETag": etag(version)}


def register(form: VisitorForm, dataset: str, key: str | None) -> Progress:
    """Store the form's visitor and start the flow, once per Idempotency-Key.

    Raises:
        FieldError: if the key has a wrong format, or a phone or its proof is not valid.
        OtherFormError: if the key was used for another form.
        ForgottenError: if the visitor of this key was forgotten.
        TooOftenError: if a limit of the network is reached.
    """
    if key is None:
        salt = limit_salt_for(None, secret())
        return register_visitor(new_visitor_id(), form, dataset, digest=None, limit_salt=salt)
    check_idempotency_key(key)
    visitor_id = visitor_id_for(key, secret())
    # The proof is excluded, because a form that is repeated with a newer proof is still the same
    # form. Defaults are excluded, so that a release that adds a field does not change the digest.
    said = form.model_dump_json(exclude={"proof"}, exclude_defaults=True)
    digest = form_digest(said, secret())
    # Recognise a repeated form before anything is counted against a limit or a phone.
    repeated = wiring.registrar(SETTINGS).repeated(visitor_id, digest)
    if repeated is not None:
        return repeated
    if wiring.forgotten_ids(SETTINGS).has(visitor_id):
        raise ForgottenError(visitor_id)
    salt = limit_salt_for(key, secret())
    return register_visitor(visitor_id, form, dataset, digest=digest, limit_salt=salt)


def register_visitor(
    visitor_id: str, form: VisitorForm, dataset: str, *, digest: str | None, limit_salt: str
) -> Progress:
    """Check the proof and the limits, then store the visitor and start the flow.

    Args:
        visitor_id: the new visitor's id.
        form: the form, whose movies are known to be in the data set.
        dataset: the active data set.
        digest: the form's digest; None if it came without an Idempotency-Key.
        limit_salt: the salt of the visitor's entries in limits.
    """
    logger.set_correlation_id(visitor_id)
    now = datetime.now(UTC)
    phone = phone_of(form.phone) if form.phone else None
    if phone:
        wiring.challenges(SETTINGS).take(form.proof, limit_entry(limit_salt, "1"))
    given = [Limited.NETWORK_PHONES] if phone else []
    networks.take(router, [Limited.NETWORK_FORMS, *given], now)
    registration = Registration(
        visitor_id=visitor_id,
        dataset=dataset,
        name=form.name,
        phone=phone,
        requested_at=timestamp(now),
        ratings=form.to_ratings(),
        expires_at=expires_at(now),
        dismissed=form.to_dismissed(),
        form_digest=digest,
        limit_salt=limit_salt,
    )
    progress = wiring.registrar(SETTINGS).register(registration)
    metrics.add_metric("VisitorsReceived", "Count", 1)
    logger.info("visitor received", extra={"ratings": len(registration.ratings)})
    return progress
