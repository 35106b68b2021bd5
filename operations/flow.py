"""Submit a questionnaire and follow the request live until the text is sent."""

import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.exceptions import ClientError

from marquee.contracts import parse_timestamp
from marquee.requests.emr_step_requests import parse_recommend_step_name
from operations.addresses import api_url
from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.proofs import solve
from operations.texts import sent_texts

# A number reserved for fiction, so that it never belongs to a real phone.
LOCAL_PHONE = "+12025550143"
RATED_MOVIES = 10
POLL_SECONDS = {True: 0.2, False: 2.0}
_TEXT_SECONDS = 5.0


@dataclass
class Hop:
    """A change of status of a visitor's request; `seconds` is the time since the previous one."""

    status: str
    at: datetime
    seconds: float
    note: str = ""


@dataclass
class Flow:
    """The course and outcome of one request; its times are those that the service recorded."""

    visitor_id: str
    hops: list[Hop] = field(default_factory=list)
    picks: list[dict[str, Any]] = field(default_factory=list)
    text: str | None = None
    reason: str | None = None

    @property
    def seconds(self) -> float:
        """Return the time from the first to the last hop."""
        return (self.hops[-1].at - self.hops[0].at).total_seconds()


def rate(movies: Sequence[Mapping[str, Any]], seed: int) -> list[dict[str, int]]:
    """Rate `RATED_MOVIES` of the questionnaire's movies as a visitor with a favourite genre.

    Raises:
        OperationError: if there are no movies.
    """
    if not movies:
        raise OperationError("The questionnaire has no movies: train a model first.")
    choose = random.Random(seed)  # noqa: S311 - a taste, not a secret
    genres = Counter(genre for movie in movies for genre in movie.get("genres") or [])
    favourite = choose.choice(sorted(genres)) if genres else None
    chosen = choose.sample(list(movies), min(RATED_MOVIES, len(movies)))

    def stars(movie: Mapping[str, Any]) -> int:
        if favourite is None:
            return choose.randint(1, 5)
        is_favourite = favourite in (movie.get("genres") or [])
        return choose.choice([4, 5, 5] if is_favourite else [1, 2, 2, 3])

    return [{"movie_id": movie["movie_id"], "stars": stars(movie)} for movie in chosen]


def read_form(file: Path) -> dict[str, Any]:
    """Read a form from a JSON file, which must contain an object; the API validates the fields."""
    try:
        form = json.loads(file.read_text())
    except FileNotFoundError:
        raise OperationError(f"There is no file {file}: set FILE to a form as JSON.") from None
    except (OSError, ValueError) as error:
        raise OperationError(f"{file} is not a JSON form: {error}") from error
    if not isinstance(form, dict):
        raise OperationError(f"{file} contains no JSON object: a form has name and ratings.")
    return form


def default_form(api: httpx.Client, seed: int, phone: str | None) -> dict[str, Any]:
    """Fetch the questionnaire and return the form of an invented visitor."""
    movies = _answer(api.get("questionnaire"))["movies"]
    form: dict[str, Any] = {"name": "Ada", "ratings": rate(movies, seed)}
    return form | ({"phone": phone, "consent": True} if phone else {})


def follow_flow(
    deployment: Deployment,
    form: dict[str, Any] | None,
    *,
    seed: int,
    phone: str | None,
    deadline: float,
) -> Flow:
    """Post a form and print each hop as it happens, until the request ends.

    Args:
        deployment: the deployment.
        form: the form; None for that of an invented visitor.
        seed: seed of the invented visitor's ratings.
        phone: phone number of the invented visitor; locally, the default is `LOCAL_PHONE`.
        deadline: the most seconds to wait for the end of the request.

    Raises:
        OperationError: if the request fails or has not ended at the deadline.
    """
    with httpx.Client(base_url=api_url(deployment) + "/", timeout=60) as api:
        form = form or default_form(
            api, seed, phone or (LOCAL_PHONE if deployment.is_local else None)
        )
        out.print(f"{form.get('name', 'A visitor')} rates {len(form.get('ratings', []))} movies")
        if form.get("phone"):
            form = {**form, "proof": solve(_answer(api.get("challenge")))}
        posted = time.monotonic()
        created = _answer(
            api.post("visitors", json=form, headers={"Idempotency-Key": str(uuid.uuid4())})
        )
        out.print(f"  first picks after {time.monotonic() - posted:.2f} s:")
        _print_picks(created["picks"][:3])
        flow = Flow(created["visitor_id"])
        headers = {"Authorization": f"Bearer {created['token']}"}
        ends = time.monotonic() + deadline
        for hop in _hops(deployment, api, flow, headers, ends):
            flow.hops.append(hop)
            out.print(f"  {hop.status:<12} {hop.seconds:6.2f} s  [dim]{hop.note}[/]")
    _conclude(deployment, flow)
    return flow


def _hops(
    deployment: Deployment,
    api: httpx.Client,
    flow: Flow,
    headers: Mapping[str, str],
    ends: float,
) -> Iterator[Hop]:
    """Yield each change of the request's status once; return at the request's final status."""
    watch = StepWatch(deployment, flow.visitor_id)
    last: Hop | None = None
    while True:
        visitor = _answer(api.get(f"visitors/{flow.visitor_id}", headers=dict(headers)))
        status, at = visitor["status"], parse_timestamp(visitor["status_at"])
        if last is None or status != last.status:
            seconds = (at - last.at).total_seconds() if last else 0.0
            last = Hop(status, at, seconds, watch.note(status, visitor))
            yield last
        watch.report_changes(lambda words: out.print(f"  [dim]{'':<12}           {words}[/]"))
        if status in {"texted", "failed"} or (status == "recommended" and not visitor["texts"]):
            flow.picks, flow.reason = visitor["picks"] or [], visitor["reason"]
            return
        if time.monotonic() > ends:
            raise OperationError(
                f"The request is still {status!r} at the deadline: see 'make status' and"
                " 'make logs'."
            )
        time.sleep(POLL_SECONDS[deployment.is_local])


class StepWatch:
    """Reports the states of the EMR steps that a visitor waits for."""

    def __init__(self, deployment: Deployment, visitor_id: str) -> None:
        self._emr = boto3.client("emr")
        self._table = boto3.resource("dynamodb").Table(deployment.parameter("visitors-table"))
        self._cluster_id = deployment.parameter("cluster-id")
        self._visitor_id = visitor_id
        self._submission_id: str | None = None
        self._reported: dict[str, str] = {}
        # EMR limits the rate of these calls for the whole account.
        self._every = 0.5 if deployment.is_local else 10.0
        self._asked = 0.0

    def note(self, status: str, visitor: Mapping[str, Any]) -> str:
        """Return a note about a new status: the submission, the model or the reason."""
        if status == "submitted":
            item = self._table.get_item(
                Key={"visitor_id": self._visitor_id}, ProjectionExpression="submission_id"
            )
            self._submission_id = str(item.get("Item", {}).get("submission_id", "")) or None
            return f"submission {self._submission_id}"
        if status == "recommended":
            return f"model {visitor['model_id']}"
        return str(visitor["reason"] or "")

    def report_changes(self, report: Callable[[str], None]) -> None:
        """Call `report` for each new state of a step that the visitor's submission waits for."""
        if self._submission_id is None or time.monotonic() - self._asked < self._every:
            return
        self._asked = time.monotonic()
        try:
            steps = self._emr.list_steps(ClusterId=self._cluster_id)["Steps"]
        except ClientError:
            return  # throttled; the next poll tries again
        for step in reversed(steps):
            parsed = parse_recommend_step_name(step["Name"])
            ours = parsed is not None and parsed[0] == self._submission_id
            state = step["Status"]["State"]
            # A train step that has not ended runs before ours.
            before = parsed is None and state in {"PENDING", "RUNNING"}
            if (ours or before or step["Id"] in self._reported) and self._reported.get(
                step["Id"]
            ) != state:
                self._reported[step["Id"]] = state
                kind = step["Name"].partition("-")[0]
                report(f"{kind} step {step['Id']} {state.lower()}")


def _conclude(deployment: Deployment, flow: Flow) -> None:
    if flow.hops[-1].status == "failed":
        raise OperationError(f"The request failed: {flow.reason}")
    out.print(f"From form to {flow.hops[-1].status}: {flow.seconds:.2f} s")
    _print_picks(flow.picks)
    if flow.hops[-1].status != "texted":
        return
    if not deployment.is_local:
        out.print(
            "SNS has handed the text to the carrier, which does not report whether it arrived."
        )
        return
    flow.text = _text_of(deployment, flow.visitor_id)
    out.print()
    out.print(flow.text, markup=False)


def _text_of(deployment: Deployment, visitor_id: str) -> str:
    """Return the text that links to the visitor; wait for it for up to `_TEXT_SECONDS`."""
    ends = time.monotonic() + _TEXT_SECONDS
    while time.monotonic() < ends:
        for text in sent_texts(deployment):
            if visitor_id in text.body:
                return text.body
        time.sleep(POLL_SECONDS[True])
    raise OperationError(f"The request says 'texted', but no text links to {visitor_id}.")


def _print_picks(picks: Sequence[Mapping[str, Any]]) -> None:
    for place, pick in enumerate(picks, 1):
        year = f" ({pick['year']})" if pick.get("year") else ""
        out.print(f"    {place:>2}. {pick['title']}{year}  {pick['stars']:.1f} stars", markup=False)


def _answer(response: httpx.Response) -> dict[str, Any]:
    """Return the body of a successful response.

    Raises:
        OperationError: with the API's error messages, if the response is an error.
    """
    if response.is_success:
        return dict(response.json())
    try:
        errors = response.json()["errors"]
        words = "; ".join(f"{error['field']}: {error['message']}".lstrip(": ") for error in errors)
    except (ValueError, KeyError, TypeError):
        words = response.text[:200]
    path = response.request.url.path.rsplit("/", 1)[-1]
    raise OperationError(f"The API answered {response.status_code} to {path}: {words}")
