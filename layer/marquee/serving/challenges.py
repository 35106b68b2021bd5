"""Proof of work that a phone number needs, with ALTCHA challenges (altcha.org, version 2).

A challenge hides a counter below twice `tries`. To find it, a program computes PBKDF2 with ROUNDS
rounds for one counter after another. A browser's WebCrypto does this nearly as fast as any other
program on the same machine. A proof contains its challenge, expires with it and can be used for
one purpose only.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import altcha

from marquee.requests.identity import challenge_keys
from marquee.requests.ports import Tally
from marquee.serving.forms import FieldError

ALGORITHM = "PBKDF2/SHA-256"
ROUNDS = 5000
LIFETIME = timedelta(minutes=20)  # enough to type a number, tick a box and change one's mind
# How long after its expiry a used proof is remembered: DynamoDB's and the function's clocks may
# differ.
_REMEMBERED_LONGER = timedelta(hours=1)

MISSING = "A phone number needs a solved challenge: get one at /challenge and solve it."
WRONG = "This does not solve one of our challenges; get a new one and solve it."
EXPIRED = "This challenge has expired; get a new one and solve it."
SPENT = "This solved challenge has already been used; get a new one and solve it."


@dataclass(frozen=True, slots=True)
class Challenges:
    """Issues challenges and accepts proofs."""

    secret: str = field(repr=False)
    tries: int  # mean number of counters that solving a challenge takes
    spent: Tally  # records the purpose for which each proof was used

    def issue(self, now: datetime) -> altcha.Challenge:
        """Make a challenge that expires LIFETIME after `now`."""
        parameters_key, solution_key = challenge_keys(self.secret)
        most = 2 * self.tries
        return altcha.create_challenge(
            ALGORITHM,
            ROUNDS,
            counter=secrets.randbelow(most),
            expires_at=now + LIFETIME,
            data={"most": most},  # the page needs it to show progress
            hmac_secret=parameters_key,
            hmac_key_secret=solution_key,
        )

    def take(self, proof: str | None, what: str) -> None:
        """Use a proof for the purpose `what`; using it again for the same purpose is allowed.

        Raises:
            FieldError: if the proof is missing, wrong, expired or was used for another purpose.
        """
        if not proof:
            raise FieldError("proof", MISSING)
        parameters = self._verified(proof)
        until = datetime.fromtimestamp(parameters.expires_at or 0, UTC) + _REMEMBERED_LONGER
        if not self.spent.add(f"challenge/{parameters.nonce}", what, 1, until):
            raise FieldError("proof", SPENT)

    def _verified(self, proof: str) -> altcha.ChallengeParameters:
        parameters_key, solution_key = challenge_keys(self.secret)
        try:
            payload = altcha.Payload.from_base64(proof)
            result = altcha.verify_solution(payload, parameters_key, hmac_key_secret=solution_key)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FieldError("proof", WRONG) from error
        if result.expired:
            raise FieldError("proof", EXPIRED)
        if not result.verified:
            raise FieldError("proof", WRONG)
        return payload.challenge.parameters
