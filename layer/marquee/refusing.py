"""When a new model is worse than the one in use.

Travels to EMR: standard library and numpy only.
"""

import math
from collections.abc import Sequence

import numpy as np

from marquee.evaluation import Measured, rmse

# A new model is refused where its test RMSE is higher than that of the model in use, on the same
# held-out ratings, by more than this share and by more standard errors than chance explains.
WORSE_SHARE = 0.005
WORSE_ERRORS = 3.0


def is_worse(new: Sequence[Measured], in_use: Sequence[Measured]) -> bool:
    """Whether squared errors rose by more than WORSE_SHARE and WORSE_ERRORS allow.

    The standard error of the paired difference counts users, not ratings: one user's errors hang
    together.
    """
    before = {one.user: one for one in in_use}
    pairs = np.array([one.pairs for one in new], dtype=np.float64)
    rise = np.array([one.squared - before[one.user].squared for one in new])
    mean = rise.sum() / pairs.sum()
    spread = rise - mean * pairs
    error = math.sqrt(float(spread @ spread)) / pairs.sum()
    return bool(rmse(new) > (1 + WORSE_SHARE) * rmse(in_use) and mean > WORSE_ERRORS * error)
