"""Phones that no other test texts."""

from itertools import count

import pytest

_numbers = count(1000)


@pytest.fixture
def phone() -> str:
    """Give a valid number of its own to each test."""
    return f"+1202555{next(_numbers):04d}"
