"""Solve the API's challenges, as the site does before it sends a phone number."""

from collections.abc import Mapping
from typing import Any

import altcha
import httpx

from operations.errors import OperationError

_LONGEST_SECONDS = 120.0


def solve(challenge: Mapping[str, Any]) -> str:
    """Solve a challenge and return the proof for the form, in Base64.

    Raises:
        OperationError: if that takes longer than two minutes.
    """
    made = altcha.Challenge.from_dict(dict(challenge))
    solution = altcha.solve_challenge(made, timeout=_LONGEST_SECONDS)
    if solution is None:
        raise OperationError(
            f"The challenge was not solved within {_LONGEST_SECONDS:.0f} seconds; lower"
            " PhoneWorkTries in sam/parameters/<ENV>.toml."
        )
    return altcha.Payload(made, solution).to_base64()


def fresh_proof(http: httpx.Client, api_url: str) -> str:
    """Get a challenge from the API and return its proof.

    Raises:
        httpx.HTTPStatusError: if the API answers with an error.
    """
    answer = http.get(f"{api_url.rstrip('/')}/challenge")
    answer.raise_for_status()
    return solve(answer.json())
