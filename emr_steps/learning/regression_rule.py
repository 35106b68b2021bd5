"""Regression check: decide whether a new model is worse than the active one."""

import math
from collections.abc import Sequence

import numpy as np

from learning.metrics import UserMeasures, rmse

# A new model is rejected if its RMSE on the same held-out ratings is higher than the active model's
# by more than this share, and the rise is more than this many standard errors.
WORSE_SHARE = 0.005
WORSE_ERRORS = 3.0


def is_worse(new: Sequence[UserMeasures], active: Sequence[UserMeasures]) -> bool:
    """Return whether a new model's errors rose by more than WORSE_SHARE and WORSE_ERRORS allow.

    The standard error of the paired difference is computed over users, not ratings, because the
    errors of one user are correlated.

    Args:
        new: the new model's measurements, one per user.
        active: the active model's measurements of the same users and held-out ratings.
    """
    before = {one.user: one for one in active}
    pairs = np.array([one.pairs for one in new], dtype=np.float64)
    rise = np.array([one.squared - before[one.user].squared for one in new])
    mean = rise.sum() / pairs.sum()
    spread = rise - mean * pairs
    error = math.sqrt(float(spread @ spread)) / pairs.sum()
    return bool(rmse(new) > (1 + WORSE_SHARE) * rmse(active) and mean > WORSE_ERRORS * error)
