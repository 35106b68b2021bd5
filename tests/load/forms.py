"""The forms of a load, and which of them are posted again or hit by a fault."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marquee.identity import visitor_id_for
from tests.deployment import Deployment

RATED = 10  # movies of a form

# A function dies at one of the writes to its visitor's item: submitted, recommended, claim of the
# text, texted. The first two are made for a whole batch, which then comes again as a whole. What a
# death at each of them must lead to is tested in tests/integration/test_deaths.py.
OF_A_BATCH = ((0, "before"), (1, "after"), (0, "after"), (1, "before"))
PUBLISH = -1  # no write: the call of SNS, between the claim and `texted`
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
    """How many forms come, how, and what happens to them on their way.

    Args:
        forms: forms with a phone each, no two alike.
        clients: clients that post them at once.
        repeated: share of the forms that are posted again after their answer.
        doubled: share of the queues' messages that are delivered twice.
        delayed: share of the queues' messages that are delivered late.
        latest: a second or late delivery comes within so many seconds.
        batch_deaths: visitors with whose batch a function dies, spread over the first half of the
            forms: a batch that dies late in a run makes the run longer, and tells nothing more.
        text_deaths: visitors at whose text a function dies, spread over all forms.
        deaths_elsewhere: deaths at each of the other writes.
        failing_steps: whether one recommend step fails once and another one always.
        seconds: how long all forms may take to reach their end.
        seed: of the ratings and of what is chosen at random.
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
    seconds: float = 3600.0
    seed: int = 1


@dataclass(frozen=True)
class Form:
    """One form; `death` is the write, and when, at which a function dies for its visitor."""

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
        """Whether a function may die after it claimed the text and before it noted the outcome.

        Deaths count the writes to an item, and not every request makes the same ones: where the
        function that submits a batch dies, results may come first, and `submitted` is never
        written. So any death of a form may strike between claim and note.
        """
        return self.death is not None


def make_forms(deployment: Deployment, load: Load, phones: Sequence[str]) -> list[Form]:
    """Make the forms: every visitor rates other movies, and has a phone of their own."""
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
    """Give the death of each form that has one, by the form's number; each kind evenly spread."""
    deaths = {}
    for kinds, count, share in (
        (OF_A_BATCH, load.batch_deaths, 0.5),
        (OF_A_TEXT, load.text_deaths, 1.0),
    ):
        for number in range(count):
            # The middle of each of `count` equal parts.
            place = int((number + 0.5) * share * load.forms / count)
            while place in deaths:
                place += 1
            deaths[place] = kinds[number % len(kinds)]
    return deaths


def token_secret(deployment: Deployment) -> str:
    """Give the secret that visitors' ids are made with."""
    name = f"/marquee/{deployment.environment}/token-secret"
    answer = deployment.client("ssm").get_parameter(Name=name, WithDecryption=True)
    return str(answer["Parameter"]["Value"])
