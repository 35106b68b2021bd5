"""The forms of a load, and which of them are repeated or hit by a fault."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marquee.requests.identity import visitor_id_for
from tests.deployment import RunningDeployment

RATED = 10  # movies per form

# A function dies at one of the writes to the visitor's item, in this order: submitted, recommended,
# claim of the text, texted. The first two handle a batch, which is then redelivered as a whole.
# tests/integration/test_deaths.py tests the outcome of each single death.
OF_A_BATCH = ((0, "before"), (1, "after"), (0, "after"), (1, "before"))
PUBLISH = -1  # not a write, but the call to SNS between the claim and `texted`
OF_A_TEXT = (
    (2, "after"),
    (PUBLISH, "before"),
    (3, "before"),
    (2, "before"),
    (PUBLISH, "after"),
    (3, "after"),
)


@dataclass(frozen=True)
class Load:
    """The number of forms, how they are posted, and the faults that hit them.

    Args:
        forms: number of forms; each has its own phone number.
        clients: clients that post concurrently.
        repeated: share of the forms that are posted again after their answer.
        doubled: share of the queues' messages that are delivered twice.
        delayed: share of the queues' messages that are delivered late.
        latest: longest delay of a second or late delivery, in seconds.
        batch_deaths: visitors during whose batch a function dies, spread over the first half of the
            forms: later deaths only make the run longer.
        text_deaths: visitors during whose text a function dies, spread over all forms.
        deaths_elsewhere: deaths at each of the other writes.
        failing_steps: whether one recommend step fails once and another one always.
        backlog: how many of the last forms are held in the queue until all are answered, so that
            the service drains them with nothing else to do.
        seconds: longest time until all forms reach their end.
        seed: of the ratings and all random choices.
    """

    forms: int
    clients: int
    repeated: float = 0.05
    doubled: float = 0.025
    delayed: float = 0.025
    latest: int = 20
    batch_deaths: int = 4
    text_deaths: int = 12
    deaths_elsewhere: int = 2
    failing_steps: bool = True
    backlog: int = 0
    seconds: float = 3600.0
    seed: int = 1


@dataclass(frozen=True)
class Form:
    """A form; `death` is the write at which a function dies, and whether before or after it."""

    body: dict[str, Any]
    key: str
    visitor_id: str
    repeated: bool
    death: tuple[int, str] | None

    @property
    def phone(self) -> str:
        return str(self.body["phone"])

    @property
    def may_be_unknown(self) -> bool:
        """Whether a function may die after it claims the text and before it records the outcome.

        A death is planted by the number of the write, but not every request makes the same writes:
        if the function that submits a batch dies, the results may come first, and `submitted` is
        never written. So any planted death may strike between the claim and the record.
        """
        return self.death is not None


def make_forms(deployment: RunningDeployment, load: Load, phones: Sequence[str]) -> list[Form]:
    """Make the forms; every visitor rates random movies and has their own phone number."""
    chance = random.Random(load.seed)  # noqa: S311  no secret
    movies = [movie["movie_id"] for movie in deployment.questionnaire()["movies"]]
    secret = token_secret(deployment)
    deaths = _deaths(load)
    forms = []
    for number, phone in enumerate(phones[: load.forms]):
        rated = chance.sample(movies, min(RATED, len(movies)))
        ratings = [{"movie_id": movie_id, "stars": chance.randint(1, 5)} for movie_id in rated]
        body = {"name": "Ada", "phone": phone, "consent": True, "ratings": ratings}
        key = uuid.uuid4().hex
        repeated = chance.random() < load.repeated
        forms.append(Form(body, key, visitor_id_for(key, secret), repeated, deaths.get(number)))
    return forms


def _deaths(load: Load) -> dict[int, tuple[int, str]]:
    """Return the deaths by number of the form; each kind is spread evenly."""
    deaths = {}
    for kinds, count, share in (
        (OF_A_BATCH, load.batch_deaths, 0.5),
        (OF_A_TEXT, load.text_deaths, 1.0),
    ):
        for number in range(count):
            # The middle of each of `count` equal parts
            place = int((number + 0.5) * share * load.forms / count)
            while place in deaths:
                place += 1
            deaths[place] = kinds[number % len(kinds)]
    return deaths


def token_secret(deployment: RunningDeployment) -> str:
    """Return the secret from which visitors' ids are derived."""
    name = f"/marquee/{deployment.environment}/token-secret"
    answer = deployment.client("ssm").get_parameter(Name=name, WithDecryption=True)
    return str(answer["Parameter"]["Value"])
