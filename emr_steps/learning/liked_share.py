"""Calibrate how likely new visitors like their picks, on held-out ratings of the data set's users.

A user's answers are drawn from their training ratings of well-known movies, as a visitor gives
them. A pick counts if the user rated it and the rating was held out: whether a user likes a movie
that they never rated is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched

import numpy as np

from learning.metrics import Person
from learning.new_visitors import ANSWERS, best_known_drawn
from marquee.recommender.fold_in import Doubles
from marquee.recommender.liked_share import Margins, liked_chances
from marquee.recommender.model import LIKED, LikedShareCalibration, Model
from marquee.recommender.picks import VISITORS_AT_ONCE, Recommender
from marquee.recommender.title_index import by_popularity

MOST_CALIBRATED = 2_000  # about: users whose lists are examined
LEAST_EXAMINED = 100  # rated picks; with fewer there is no calibration
PRIOR_SLOPE, PRIOR_PRECISION = 1.0, 4.0  # of the slope, which few picks barely determine
NEWTON_STEPS = 25
CONVERGED = 1e-9


@dataclass(frozen=True, slots=True)
class RatedPicks:
    """Picks that users rated afterwards.

    Attributes:
        margins: of each pick, shape (n,).
        liked: 1 for a liked pick, else 0, shape (n,).
    """

    margins: Doubles
    liked: Doubles


def rated_picks(model: Model, people: Sequence[Person], seed: int) -> RatedPicks:
    """Return the picks of the people, after few answers, that are among their held-out ratings.

    Args:
        model: a model that was fitted without the held-out ratings.
        people: users; those with fewer than five ratings of well-known movies are left out.
        seed: of the answers that are drawn, and of their number.
    """
    recommender, margins_of = Recommender(model), Margins(model.rating)
    popular = by_popularity(model.rating.movie_ids, model.rating.support)
    margins: list[Doubles] = [np.empty(0)]
    liked: list[Doubles] = [np.empty(0)]
    for some in batched(people, VISITORS_AT_ONCE, strict=False):
        answers = [_answers(person, popular, seed) for person in some]
        able = [number for number, given in enumerate(answers) if len(given) >= ANSWERS[0]]
        found = recommender.picks_for_all([answers[number] for number in able])
        for number, picks in zip(able, found, strict=True):
            held_out = some[number].held_out
            rated = [pick for pick in picks if pick.movie_id in held_out]
            margins.append(margins_of.of(answers[number], rated))
            liked.append(np.array([held_out[pick.movie_id] >= LIKED for pick in rated], float))
    return RatedPicks(np.concatenate(margins), np.concatenate(liked))


def _answers(person: Person, popular: Sequence[int], seed: int) -> dict[int, float]:
    """Return five, ten or twenty of the person's ratings, or fewer if there are no more."""
    user = abs(person.user)
    most = ANSWERS[user % len(ANSWERS)]
    drawn = best_known_drawn(person.seen, popular, most, (seed, user))
    return {movie_id: person.seen[movie_id] for movie_id in drawn}


def calibrate(found: RatedPicks) -> LikedShareCalibration | None:
    """Fit the calibration by maximum likelihood; None if fewer than LEAST_EXAMINED picks are rated.

    Platt, *Probabilistic outputs for support vector machines*, 1999: logistic regression on one
    margin, here with a normal prior on the slope, by Newton's method.
    """
    if len(found.margins) < LEAST_EXAMINED:
        return None
    features = np.column_stack([np.ones_like(found.margins), found.margins])
    # Platt's targets: a little less than 1 and more than 0, so that a solution always exists.
    liked = float(found.liked.sum())
    high, low = (liked + 1) / (liked + 2), 1 / (len(found.liked) - liked + 2)
    targets = np.where(found.liked > 0, high, low)
    precision = np.diag([0.0, PRIOR_PRECISION])
    prior = np.array([0.0, PRIOR_SLOPE])
    weights = prior.copy()
    for _ in range(NEWTON_STEPS):
        chances = liked_chances(LikedShareCalibration(*weights.tolist()), found.margins)
        gradient = features.T @ (targets - chances) - precision @ (weights - prior)
        hessian = (features * (chances * (1 - chances))[:, None]).T @ features + precision
        step = np.linalg.solve(hessian, gradient)
        weights += step
        if float(np.abs(step).max()) < CONVERGED:
            break
    return LikedShareCalibration(*weights.tolist())
