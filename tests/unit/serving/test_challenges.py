"""Proofs of work: each is valid for one use, and only for a time."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marquee.serving import challenges
from marquee.serving.challenges import LIFETIME, Challenges
from marquee.serving.forms import MAX_PROOF, FieldError
from operations.proofs import solve
from tests.unit.memory import MemoryTally

SECRET = "a-test-secret-of-thirty-two-chars"


def issuer(secret: str = SECRET, tries: int = 2) -> Challenges:
    return Challenges(secret, tries, MemoryTally())


def proof_of(made: Challenges, ago: timedelta = timedelta(0)) -> str:
    return solve(made.issue(datetime.now(UTC) - ago).to_dict())


def refusal(made: Challenges, proof: str | None, what: str = "ada-1") -> str:
    with pytest.raises(FieldError) as refused:
        made.take(proof, what)
    assert refused.value.field == "proof"
    return refused.value.message


def unpacked(proof: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.b64decode(proof))
    return content


def packed(content: object) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


def changed(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    """Return a function that applies a change to an encoded proof's parameters or solution."""

    def apply(proof: str) -> str:
        content = unpacked(proof)
        change(content)
        return packed(content)

    return apply


def test_a_solved_challenge_is_accepted() -> None:
    made = issuer()
    made.take(proof_of(made), "ada-1")


def test_a_proof_serves_one_purpose_only_and_may_be_repeated_for_it() -> None:
    made = issuer()
    proof = proof_of(made)
    made.take(proof, "ada-1")
    made.take(proof, "ada-1")
    assert refusal(made, proof, "bob-1") == challenges.SPENT


def test_a_spent_proof_in_another_notation_is_still_spent() -> None:
    made = issuer()
    proof = proof_of(made)
    made.take(proof, "ada-1")
    content = unpacked(proof)
    content["solution"]["derivedKey"] = content["solution"]["derivedKey"].upper()
    content["solution"]["time"] = 12.5
    assert refusal(made, packed(content), "bob-1") == challenges.SPENT


def test_a_proof_expires_with_its_challenge() -> None:
    made = issuer()
    just_made = LIFETIME - timedelta(minutes=1)
    made.take(proof_of(made, ago=just_made), "ada-1")
    assert refusal(made, proof_of(made, ago=LIFETIME * 2)) == challenges.EXPIRED


def test_a_spent_proof_is_remembered_for_longer_than_its_lifetime() -> None:
    made = issuer()
    before = datetime.now(UTC)
    made.take(proof_of(made), "ada-1")
    assert isinstance(made.spent, MemoryTally)
    assert made.spent.until[0] > before + LIFETIME


@pytest.mark.parametrize("proof", [None, ""])
def test_a_missing_proof_is_requested(proof: str | None) -> None:
    assert refusal(issuer(), proof) == challenges.MISSING


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "no base64!",
        lambda _: "\u00e9",
        lambda _: packed([]),
        lambda _: packed({"challenge": [], "solution": []}),
        lambda _: packed({"challenge": {"parameters": "x"}, "solution": {}}),
        changed(lambda proof: proof["solution"].update(derivedKey="00" * 32)),
        changed(lambda proof: proof["solution"].update(derivedKey=None)),
        changed(lambda proof: proof["challenge"].update(signature="00" * 32)),
        changed(lambda proof: proof["challenge"].pop("signature")),
        changed(lambda proof: proof["challenge"]["parameters"].update(expiresAt=9_999_999_999)),
        changed(lambda proof: proof["challenge"]["parameters"].update(nonce="00" * 16)),
        changed(lambda proof: proof["challenge"]["parameters"].update(keyPrefix="")),
        changed(lambda proof: proof["challenge"]["parameters"].update(cost=1)),
        changed(lambda proof: proof["challenge"]["parameters"].pop("keySignature")),
        changed(lambda proof: proof["challenge"]["parameters"].update(data=[[[]]] * 9)),
        changed(lambda proof: proof["challenge"]["parameters"].update(salt=5)),
    ],
)
def test_a_forged_proof_is_rejected(spoil: Callable[[str], str]) -> None:
    made = issuer()
    assert refusal(made, spoil(proof_of(made))) == challenges.WRONG


def test_a_challenge_of_another_secret_is_rejected() -> None:
    assert refusal(issuer(), proof_of(issuer("another-secret"))) == challenges.WRONG


def test_the_work_is_bounded_by_the_configured_number_of_tries() -> None:
    made = issuer(tries=50)
    found = [unpacked(proof_of(made))["solution"]["counter"] for _ in range(20)]
    assert max(found) < 100
    assert len(set(found)) > 1


def test_a_real_proof_takes_less_than_half_of_the_field() -> None:
    made = issuer(tries=20_000)
    made_of = made.issue(datetime.now(UTC)).to_dict()
    solution = {"counter": 39_999, "derivedKey": "f" * 64, "time": 123456.78901234567}
    assert len(packed({"challenge": made_of, "solution": solution})) < MAX_PROOF / 2
