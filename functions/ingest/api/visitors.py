"""A visitor's own page: made by a form, read, changed and forgotten with her token."""

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
# How long after forgetting a form that comes again late is still recognised.
LATE_FORMS = timedelta(days=1)


@router.post("/visitors", status_code=201)
@tracer.capture_method(capture_response=False, capture_error=False)
def create_visitor(
    form: Annotated[VisitorForm, Body()], key: IdempotencyKey = None
) -> Response[VisitorCreated]:
    """Keep a visitor and compute her picks with everybody's ratings; some picks come at once."""
    model, recommender = current_model()
    check_movies_known(form.to_ratings(), model.movies, form.dismissed)
    try:
        progress = register(form, model.dataset, key)
    except ForgottenError as error:
        message = "This Idempotency-Key stands for a visitor who was forgotten; use a new one."
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
    """What is kept of a visitor, and where her request stands."""
    return answer(own_page(visitor_id))


@router.put("/visitors/<visitor_id>/ratings", security=OWN)
@tracer.capture_method(capture_response=False, capture_error=False)
def put_ratings(
    visitor_id: VisitorId, form: Annotated[RevisionForm, Body()], if_match: IfMatch = None
) -> Response[VisitorAnswer]:
    """Put these ratings in the place of those that are kept; from five on the flow starts again."""
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
    """Text the picks to this phone; another one than before makes a new token."""
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
    """Make a new token; links with the former one open nothing from then on."""
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
    """Delete what is kept of a visitor; afterwards there is no such visitor."""
    # Somebody whom a function has begun to forget has a token, too, to ask for the rest.
    generation = wiring.visitors(SETTINGS).token_generation(known_id(visitor_id))
    check_token(visitor_id, generation)
    wiring.forgotten_ids(SETTINGS).note(visitor_id, datetime.now(UTC) + LATE_FORMS)
    if not wiring.forgetter(SETTINGS).forget(visitor_id):
        raise NoSuchVisitorError
    logger.info("visitor forgotten")
    metrics.add_metric("VisitorsForgotten", "Count", 1)
    return Response(status_code=204)


def bearer() -> str | None:
    scheme, _, token = router.current_event.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def known_id(visitor_id: str) -> str:
    """The id, provided that it can be one."""
    if not is_visitor_id(visitor_id):
        raise NoSuchVisitorError
    return visitor_id


def check_token(visitor_id: str, generation: int | None) -> None:
    """Refuse every token but that of this generation; without one nobody is stored."""
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
    page = wiring.visitors(SETTINGS).page(known_id(visitor_id))
    check_token(visitor_id, page.progress.token_generation if page else None)
    if page is None:
        raise NoSuchVisitorError
    return page


def renewed(visitor_id: str, key: str | None) -> Progress:
    """The visitor with a new token; the one of this very call where it was made already."""
    repeated = repeated_renewal(visitor_id, key)
    if repeated is not None:
        return repeated.progress
    page = own_page(visitor_id)
    before = page.progress
    now = datetime.now(UTC)
    networks.take(router, [Limited.NETWORK_CHANGES], now)
    count_change(page, f"token {before.token_generation + 1}", now)
    if not wiring.visitors(SETTINGS).renew_token(before, renewal_of(before, key)):
        # DynamoDB's client tries again by itself: its first try may have been this call's.
        repeated = repeated_renewal(visitor_id, key)
        if repeated is None:
            raise TokenReplacedError(visitor_id)
        return repeated.progress
    logger.info("token renewed")
    return replace(before, token_generation=before.token_generation + 1)


def count_change(page: Page, what: str, now: datetime) -> None:
    """Count a change against the visitor's own limit, whose record does not name the visitor."""
    salt = page.limit_salt
    limits[Limited.CHANGES].take(limit_entry(salt, "changes"), limit_entry(salt, what), now)


def renewal_of(before: Progress, key: str | None) -> str | None:
    """What recognises a call that replaces this token, when it comes again with the same key."""
    if key is None:
        return None
    check_idempotency_key(key)
    return renewal_digest(before.visitor_id, before.token_generation + 1, key, secret())


def repeated_renewal(visitor_id: str, key: str | None) -> Page | None:
    """The page, where this very call has replaced the token already and its answer got lost."""
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
    """The page, provided that its version is the one that is to be changed."""
    page = own_page(visitor_id)
    if version_of(if_match) != page.progress.version:
        raise ChangedMeanwhileError(page.progress.version)
    return page


def revise(page: Page, change: Change, proof: str | None, now: datetime) -> Page:
    check_limits(page, change, proof, now)
    revised = wiring.reviser(SETTINGS).revise(page, change)
    metrics.add_metric("VisitorsRevised", "Count", 1)
    logger.info(
        "visitor revised",
        extra={"version": revised.progress.version, "ratings": len(revised.progress.ratings)},
    )
    return revised


def check_limits(page: Page, change: Change, proof: str | None, now: datetime) -> None:
    """Count the change; a visitor who asks for a text proves work.

    How many texts a phone has had is not looked at here: no answer may tell anything about a phone
    that the visitor merely typed (`marquee.texting`).
    """
    progress = page.progress
    what = limit_entry(page.limit_salt, f"{progress.version + 1}")
    given = [Limited.NETWORK_PHONES] if change.phone else []
    networks.take(router, [Limited.NETWORK_CHANGES, *given], now)
    count_change(page, f"{progress.version + 1}", now)
    if change.text and (change.phone or page.phone_mark):
        wiring.challenges(SETTINGS).take(proof, what)


def phone_of(number: str) -> Phone:
    check_country(number, SETTINGS.countries)
    return Phone(number, phone_mark(number, secret()))


def expires_at(now: datetime) -> int:
    return round((now + timedelta(days=SETTINGS.visitor_days)).timestamp())


def answer(page: Page, token: str | None = None) -> Response[VisitorAnswer]:
    """The page; `token` is the new one where the call replaced it."""
    loaded = models.current()
    movies = loaded[0].movies if loaded and loaded[0].dataset == page.progress.dataset else {}
    body = VisitorAnswer.of(page, movies, token)
    headers = _headers(page.progress.version)
    return Response(status_code=200, content_type=JSON, body=body, headers=headers)


def _headers(version: int) -> dict[str, str | list[str]]:
    return {"Cache-Control": "no-store", "ETag": etag(version)}


def register(form: VisitorForm, dataset: str, key: str | None) -> Progress:
    """Store the form and start the flow, once for each Idempotency-Key.

    Raises OtherFormError where the key was used for another form, ForgottenError where its visitor
    was forgotten.
    """
    if key is None:
        salt = limit_salt_for(None, secret())
        return register_visitor(new_visitor_id(), form, dataset, digest=None, limit_salt=salt)
    check_idempotency_key(key)
    visitor_id = visitor_id_for(key, secret())
    # Without the proof: a form tried again with a newer one is still the same form. Without the
    # defaults: a release that adds a field does not make another form of it.
    said = form.model_dump_json(exclude={"proof"}, exclude_defaults=True)
    digest = form_digest(said, secret())
    # Before anything is counted against a limit or a phone.
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
