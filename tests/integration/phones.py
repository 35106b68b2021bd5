"""Fictitious phone numbers: 555-0100 to 555-0199 are reserved for fiction in every area code."""

import os
import random
from collections.abc import Iterator
from functools import cached_property

import pytest

from marquee.requests.phone import PhoneError, country_of, to_e164
from tests.deployment import RunningDeployment

AREAS, LINES = range(201, 1000), range(100, 200)


def fictitious_numbers() -> Iterator[str]:
    """Yield all valid fictitious numbers in random order."""
    areas = [area for area in AREAS if _is_taken(f"+1{area}5550100")]
    numbers = [f"+1{area}555{line:04d}" for area in areas for line in LINES]
    random.shuffle(numbers)
    yield from numbers


def _is_taken(number: str) -> bool:
    """Return whether the form accepts a number: not one of the islands with country code 1."""
    try:
        return country_of(to_e164(number)) in ("US", "CA")
    except PhoneError:
        return False


class Phones:
    """Supply of phone numbers; on a real account only the one that its owner gave (`PHONE`)."""

    def __init__(self, deployment: RunningDeployment) -> None:
        self._deployment = deployment

    def one(self) -> str:
        if self._deployment.is_local:
            return next(self._numbers)
        given = os.environ.get("PHONE")
        if not given:
            pytest.skip("texts a real phone: set PHONE to a number of yours, as +14155550123")
        return given

    def several(self, count: int) -> list[str]:
        return [self.one() for _ in range(count)]

    @cached_property
    def _numbers(self) -> Iterator[str]:
        """Fictitious numbers that earlier tests of a running deployment have not texted."""
        return (number for number in fictitious_numbers() if not self._deployment.texts(number))
