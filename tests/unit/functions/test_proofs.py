"""A phone is accepted only with a proof; other forms need none."""

from typing import Any

import pytest

from marquee.requests.register import Registrar
from marquee.serving import challenges
from tests.unit.api import FORM, Api

QUIET = {name: value for name, value in FORM.items() if name not in ("phone", "consent")}
KEY = {"Idempotency-Key": "a-key-of-the-page"}


def refusal(answer: tuple[int, dict[str, Any], dict[str, Any]]) -> tuple[int, str, str]:
    (error,) = answer[1]["errors"]
    return answer[0], error["field"], error["message"]


def test_a_challenge_is_answered_and_not_kept_by_caches(api: Api) -> None:
    status, body, headers = api.call("GET", "/challenge")
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert body["parameters"]["algorithm"] == "PBKDF2/SHA-256"
    assert body["parameters"]["data"] == {"most": 2}
    assert body["signature"]


def test_a_form_with_a_phone_and_no_proof_is_rejected_and_not_stored(api: Api) -> None:
    answer = api.call("POST", "/visitors", FORM | {"proof": None})
    assert refusal(answer) == (422, "proof", challenges.MISSING)
    assert api.stored() == (0, 0)


def test_a_form_without_a_phone_needs_no_proof(api: Api) -> None:
    assert api.call("POST", "/visitors", QUIET)[0] == 201


def test_a_proof_is_good_for_one_visitor(api: Api) -> None:
    form = FORM | {"proof": api.proof()}
    assert api.call("POST", "/visitors", form)[0] == 201
    assert refusal(api.call("POST", "/visitors", form)) == (422, "proof", challenges.SPENT)


def test_the_same_form_with_the_same_proof_is_the_same_visitor(api: Api) -> None:
    form = FORM | {"proof": api.proof()}
    _, first, _ = api.call("POST", "/visitors", form, KEY)
    status, second, _ = api.call("POST", "/visitors", form, KEY)
    assert (status, second["visitor_id"]) == (201, first["visitor_id"])


def test_the_same_form_with_a_newer_proof_is_the_same_visitor(api: Api) -> None:
    _, first, _ = api.call("POST", "/visitors", FORM | {"proof": api.proof()}, KEY)
    status, second, _ = api.call("POST", "/visitors", FORM | {"proof": api.proof()}, KEY)
    assert (status, second["visitor_id"]) == (201, first["visitor_id"])


def test_a_form_that_died_after_its_proof_was_spent_can_be_sent_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = FORM | {"proof": api.proof()}

    def die(*_: object) -> None:
        raise RuntimeError("S3 is away")

    with monkeypatch.context() as patch:
        patch.setattr(Registrar, "register", die)
        with pytest.raises(RuntimeError):
            api.call("POST", "/visitors", form, KEY)
    assert api.call("POST", "/visitors", form, KEY)[0] == 201


def test_a_phone_given_later_needs_a_proof(api: Api) -> None:
    _, body, _ = api.call("POST", "/visitors", QUIET)
    path = f"/visitors/{body['visitor_id']}/phone"
    own = {"Authorization": f"Bearer {body['token']}", "If-Match": '"1"'}
    form = {"phone": FORM["phone"], "consent": True}
    answer = api.call("PUT", path, form | {"proof": None}, own)
    assert refusal(answer) == (422, "proof", challenges.MISSING)
    assert api.call("PUT", path, form, own)[0] == 200


def test_another_text_needs_a_proof_and_a_change_alone_does_not(api: Api) -> None:
    _, body, _ = api.call("POST", "/visitors", FORM)
    path = f"/visitors/{body['visitor_id']}/ratings"
    own = {"Authorization": f"Bearer {body['token']}"}
    form = {"ratings": FORM["ratings"]}
    asks = form | {"text": True}
    answer = api.call("PUT", path, asks | {"proof": None}, own | {"If-Match": '"1"'})
    assert refusal(answer) == (422, "proof", challenges.MISSING)
    assert api.call("PUT", path, form, own | {"If-Match": '"1"'})[0] == 200
    assert api.call("PUT", path, asks, own | {"If-Match": '"2"'})[0] == 200


def test_a_rejected_proof_does_not_count_against_the_phone(api: Api) -> None:
    for _ in range(5):
        api.call("POST", "/visitors", FORM | {"proof": "AAAA"})
    assert api.call("POST", "/visitors", FORM)[0] == 201


def test_the_proof_is_neither_stored_nor_logged(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = api.proof()
    api.call("POST", "/visitors", FORM | {"proof": proof}, KEY)
    kept = str(api.aws.table("VISITORS_TABLE").scan()["Items"])
    kept += str(api.aws.table("IDEMPOTENCY_TABLE").scan()["Items"])
    assert proof not in kept + capsys.readouterr().out
