"""A visitor's own page: created by a form; read, changed and deleted with the visitor's token."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from marquee.aws import wiring
from marquee.contracts import timestamp
from marquee.requests.admission import Admission
from marquee.requests.answered_picks import PickAnswers, answers_to_picks
from marquee.requests.identity import phone_mark
from marquee.requests.ports import ForgottenError
from marquee.requests.register import Identity
from marquee.requests.revise import ChangedMeanwhileError, TokenReplacedError
from marquee.requests.tokens import NoSuchVisitorError, Tokens, checked_id
from marquee.requests.visitor import Change, Page, Phone, Progress, Registration
from marquee.serving.answers import TokenAnswer, VisitorAnswer, VisitorCreated, pick_answers
from marquee.serving.forms import (
    FieldError,
    PhoneForm,
    RevisionForm,
    VisitorForm,
    check_country,
    check_movies_known,
    checked_key,
    version_of,
)
from routes.bodies import JSON
from routes.environment import (
    SETTINGS,
    active_model,
    logger,
    metrics,
    models,
    picks_for,
    secret,
    tracer,
)
from routes.refusals import etag

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=40, description="The ETag of the version to change."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=128,
        description="8 to 128 letters, digits, - or _; a new one for each form.",
    ),
]
VisitorId = Annotated[str, Path(max_length=26)]

OWN: list[dict[str, list[str]]] = [{"token": []}]

router = APIGatewayRouter()
change_limit = wiring.change_limit(SETTINGS)
network_limits = wiring.network_limits(SETTINGS)
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
    model, recommender = active_model()
    check_movies_known(form.to_ratings(), model.movies, form.dismissed, form.unseen, form.saved)
    try:
        progress = register(form, model.dataset, checked_key(key))
    except ForgottenError as error:
        message = "This Idempotency-Key was used for a visitor who was forgotten; use a new one."
        raise FieldError("Idempotency-Key", message) from error
    created = VisitorCreated(
        visitor_id=progress.visitor_id,
        version=progress.version,
        token=visitor_tokens().current(progress),
        status=progress.status,
        picks=pick_answers(picks_for(form, recommender), model.movies),
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
    model, _ = active_model()
    unseen, saved = form.unseen or (), form.saved or ()
    check_movies_known(form.to_ratings(), model.movies, form.dismissed, unseen, saved)
    now = datetime.now(UTC)
    change = Change(
        requested_at=timestamp(now),
        expires_at=expires_at(now),
        dataset=model.dataset,
        ratings=form.to_ratings(),
        dismissed=form.to_dismissed(),
        text=form.text,
        rated_at=form.to_times(),
        unseen=form.to_unseen(),
        saved=form.to_saved(),
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
    """Set the phone to which the picks are texted; replacing another phone makes a new token.

    The change makes the visitor's next version and asks for a text. It needs If-Match. The former
    token stops working when a visitor's phone is replaced, because the former phone may have
    received a link with it. A visitor's first phone, and the same phone again, keep the token.
    If the answer with the new token was lost, a repeated call with the same Idempotency-Key and
    the former token returns the new token.
    """
    repeated = repeated_renewal(visitor_id, checked_key(key))
    if repeated is not None:
        return answer(repeated, visitor_tokens().current(repeated.progress))
    page = page_to_change(visitor_id, if_match)
    now = datetime.now(UTC)
    change = Change(
        requested_at=timestamp(now),
        expires_at=expires_at(now),
        phone=phone_of(form.phone),
        text=True,
        renewal=visitor_tokens().renewal(page.progress, key),
    )
    try:
        revised = revise(page, change, form.proof, now)
    except TokenReplacedError:
        repeated = repeated_renewal(visitor_id, key)
        if repeated is None:
            raise
        return answer(repeated, visitor_tokens().current(repeated.progress))
    is_renewed = revised.progress.token_generation != page.progress.token_generation
    return answer(revised, visitor_tokens().current(revised.progress) if is_renewed else None)


@router.post("/visitors/<visitor_id>/token", security=OWN)
@tracer.capture_method(capture_response=False, capture_error=False)
def renew_token(visitor_id: VisitorId, key: IdempotencyKey = None) -> Response[TokenAnswer]:
    """Make a new token; links with the former token stop working."""
    repeated = repeated_renewal(visitor_id, checked_key(key))
    if repeated is None:
        page = own_page(visitor_id)
        admission().admit_renewal(client_address(), page, datetime.now(UTC))
        progress = visitor_tokens().renew(page, bearer(), key)
        logger.info("token renewed")
    else:
        progress = repeated.progress
    return Response(
        status_code=200,
        content_type=JSON,
        body=TokenAnswer(visitor_id=visitor_id, token=visitor_tokens().current(progress)),
        headers={"Cache-Control": "no-store"},
    )


@router.delete("/visitors/<visitor_id>", security=OWN, status_code=204)
@tracer.capture_method(capture_response=False, capture_error=False)
def forget_visitor(visitor_id: VisitorId) -> Response[None]:
    """Delete everything that is stored of a visitor; afterwards there is no such visitor."""
    # A visitor whose deletion has begun still has a token, so that this call can be repeated.
    generation = wiring.visitors(SETTINGS).token_generation(checked_id(visitor_id))
    visitor_tokens().check(visitor_id, bearer(), generation)
    logger.set_correlation_id(visitor_id)
    wiring.forgotten_ids(SETTINGS).note(visitor_id, datetime.now(UTC) + LATE_FORMS)
    if not wiring.forgetter(SETTINGS).forget(visitor_id):
        raise NoSuchVisitorError(visitor_id)
    logger.info("visitor forgotten")
    metrics.add_metric("VisitorsForgotten", "Count", 1)
    return Response(status_code=204)


def bearer() -> str | None:
    """Return the bearer token of the current call; None if there is none."""
    scheme, _, token = router.current_event.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def client_address() -> str:
    """Return the IP address from which the current call came."""
    return router.current_event.request_context.identity.source_ip


def visitor_tokens() -> Tokens:
    """Return the object that checks and replaces tokens; reads the token secret."""
    return wiring.tokens(SETTINGS)


def admission() -> Admission:
    """Return the checks of limits and proofs; reads the token secret."""
    return Admission(change_limit, network_limits, wiring.challenges(SETTINGS), secret())


def own_page(visitor_id: str) -> Page:
    """Return the page that the call's token opens; raises NoSuchVisitorError."""
    page = visitor_tokens().page(visitor_id, bearer())
    logger.set_correlation_id(visitor_id)
    return page


def repeated_renewal(visitor_id: str, key: str | None) -> Page | None:
    """Return the page if an earlier try of the current call has already replaced the token."""
    return visitor_tokens().repeated_renewal(visitor_id, bearer(), key)


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
    admission().admit_change(client_address(), page, change, proof, now)
    revised = wiring.reviser(SETTINGS).revise(page, change)
    metrics.add_metric("VisitorsRevised", "Count", 1)
    count_answers(answers_to_picks(page, revised))
    logger.info(
        "visitor revised",
        extra={"version": revised.progress.version, "ratings": len(revised.progress.ratings)},
    )
    return revised


def count_answers(answers: PickAnswers) -> None:
    """Count the picks that a change answers: the live error, and the picks dismissed."""
    for pick in answers.rated:
        metrics.add_metric("PickStarsPredicted", "None", pick.predicted)
        metrics.add_metric("PickStarsGiven", "None", pick.given)
        metrics.add_metric("PickStarsError", "None", pick.error)
    if answers.dismissed:
        metrics.add_metric("PicksDismissed", "Count", answers.dismissed)


def phone_of(number: str) -> Phone:
    """Return the phone of a number in E.164; raises FieldError if its country gets no texts."""
    check_country(number, SETTINGS.countries)
    return Phone(number, phone_mark(number, secret()))


def expires_at(now: datetime) -> int:
    """Return the expiry of a visitor who is created or changed `now`, in seconds since 1970."""
    return round((now + timedelta(days=SETTINGS.visitor_days)).timestamp())


def answer(page: Page, token: str | None = None) -> Response[VisitorAnswer]:
    """Return the response with a visitor's page; `token` is the new token if the call made one."""
    loaded, progress = models.loaded(), page.progress
    if loaded is None or loaded.model.dataset != progress.dataset:
        body = VisitorAnswer.of(page, {}, token)
    else:
        share = loaded.liked_share(progress.ratings, progress.picks or ())
        body = VisitorAnswer.of(page, loaded.model.movies, token, share)
    headers = _headers(page.progress.version)
    return Response(status_code=200, content_type=JSON, body=body, headers=headers)


def _headers(version: int) -> dict[str, str | list[str]]:
    return {"Cache-Control": "no-store", "ETag": etag(version)}


def register(form: VisitorForm, dataset: str, key: str | None) -> Progress:
    """Store the form's visitor and start the flow, once per Idempotency-Key.

    Raises:
        FieldError: if a phone or its proof is not valid.
        OtherFormError: if the key was used for another form.
        ForgottenError: if the visitor of this key was forgotten.
        TooOftenError: if a limit of the network is reached.
    """
    # The proof is excluded, because a form that is repeated with a newer proof is still the same
    # form. Defaults are excluded, so that a release that adds a field does not change the digest.
    said = form.model_dump_json(exclude={"proof"}, exclude_defaults=True)
    # Recognise a repeated form before anything is counted against a limit or a phone.
    identity = wiring.form_recogniser(SETTINGS).identify(said, key)
    return identity.stored or register_visitor(identity, form, dataset)


def register_visitor(identity: Identity, form: VisitorForm, dataset: str) -> Progress:
    """Check the proof and the limits, then store the visitor and start the flow.

    Args:
        identity: the new visitor's id and digests.
        form: the form, whose movies are known to be in the data set.
        dataset: the active data set.
    """
    logger.set_correlation_id(identity.visitor_id)
    now = datetime.now(UTC)
    phone = phone_of(form.phone) if form.phone else None
    admission().admit_form(
        client_address(), identity.limit_salt, form.proof, now, has_phone=phone is not None
    )
    undated = {rating.movie_id: timestamp(now) for rating in form.to_ratings()}
    registration = Registration(
        visitor_id=identity.visitor_id,
        dataset=dataset,
        name=form.name,
        phone=phone,
        requested_at=timestamp(now),
        ratings=form.to_ratings(),
        expires_at=expires_at(now),
        dismissed=form.to_dismissed(),
        form_digest=identity.form_digest,
        limit_salt=identity.limit_salt,
        rated_at=undated | form.to_times(),
        unseen=form.to_unseen(),
        saved=form.to_saved(),
    )
    progress = wiring.registrar(SETTINGS).register(registration)
    metrics.add_metric("VisitorsReceived", "Count", 1)
    logger.info("visitor received", extra={"ratings": len(registration.ratings)})
    return progress
