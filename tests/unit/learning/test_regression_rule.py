"""The regression check: when a new model is worse than the active one."""

import numpy as np

from learning.metrics import UserMeasures
from learning.regression_rule import is_worse

USERS, PAIRS = 400, 5


def people(squared: list[float]) -> list[UserMeasures]:
    nothing = (None,) * 6
    return [
        UserMeasures(user, PAIRS, each, 0.0, *nothing, picks=())
        for user, each in enumerate(squared)
    ]


def errors(rmse: float, seed: int, shared: np.ndarray | None = None) -> list[float]:
    """Return each user's sum of squared errors, for about this RMSE.

    Args:
        rmse: of all users, in stars.
        seed: of the random noise.
        shared: relative squared error by user, for models that err on the same users.
    """
    chance = np.random.default_rng(seed)
    spread = chance.gamma(4, 1 / 4, USERS) if shared is None else shared
    sums: list[float] = (spread * PAIRS * rmse**2 * chance.normal(1, 0.02, USERS)).tolist()
    return sums


SAME_USERS = np.random.default_rng(9).gamma(4, 1 / 4, USERS)


def test_the_same_errors_make_the_new_model_no_worse() -> None:
    same = people(errors(0.9, 1))
    assert not is_worse(same, same)


def test_smaller_errors_make_the_new_model_no_worse() -> None:
    assert not is_worse(people(errors(0.8, 1, SAME_USERS)), people(errors(0.9, 2, SAME_USERS)))


def test_clearly_larger_errors_make_the_new_model_worse() -> None:
    assert is_worse(people(errors(0.95, 1, SAME_USERS)), people(errors(0.9, 2, SAME_USERS)))


def test_insignificantly_larger_errors_make_the_new_model_no_worse() -> None:
    assert not is_worse(people(errors(0.903, 1, SAME_USERS)), people(errors(0.9, 2, SAME_USERS)))


def test_larger_errors_that_chance_explains_make_the_new_model_no_worse() -> None:
    new, old = errors(0.9, 1)[:6], errors(0.89, 2)[:6]
    assert not is_worse(people(new), people(old))
