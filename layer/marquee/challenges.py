"""Proof of work before a phone is accepted, by ALTCHA's challenges (altcha.org, version 2).

A challenge hides a counter below twice `tries`. To find it, a program tries one counter after the
other, each by a PBKDF2 of ROUNDS rounds. A browser's WebCrypto does this work nearly as fast as any
other program on the same machine. A proof names its challenge, expires with it and can be used for
one thing only.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import altcha

from marquee.forms import FieldError
from marquee.identity import challenge_keys
from marquee.ports import Tally

ALGORITHM = "PBKDF2/SHA-256"
ROUNDS = 5000
LIFETIME = timedelta(minutes=20)  # to type a number, tick a box and change one's mind
# The clocks of DynamoDB and of the function may differ.
_REMEMBERED_LONGER = timedelta(hours=1)

MISSING = "A phone number needs a solved challenge: get one at /challenge and solve it."
WRONG = "This does not solve one of our challenges; get a new one and solve it."
EXPIRED = "This challenge has expired; get a new one and solve it."
SPENT = "This solved challenge was used already; get a new one and solve it."


@dataclass(frozen=True, slots=True)
class Challenges:
    """Issues challenges and takes proofs.

    `tries` is the mean number of counters to try, `spent` remembers what each proof was used for.
    """

    secret: str = field(repr=False)
    tries: int
    spent: Tally

    def issue(self, now: datetime) -> altcha.Challenge:
        """Make a challenge that expires LIFETIME after `now`."""
        parameters_key, solution_key = challenge_keys(self.secret)
        most = 2 * self.tries
        return altcha.create_challenge(
            ALGORITHM,
            ROUNDS,
            counter=secrets.randbelow(most),
            expires_at=now + LIFETIME,
            data={"most": most},  # by which the page shows how far it is
            hmac_secret=parameters_key,
            hmac_key_secret=solution_key,
        )

    def take(self, proof: str | None, what: str) -> None:
        """Use a proof for `what`; using it for the same thing again is no second use.

        Raises:
            FieldError: where the proof is missing, wrong, expired or was used for something else.
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
