"""Measure a model on held-out ratings: first each user, then averages over all users.

docs/model.md describes the measures and gives their sources.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

import numpy as np

from learning import confidence
from learning.confidence import Estimate
from marquee.contracts import PICKS
from marquee.recommender.fold_in import Doubles, RatedMovies, Rows, rated_from
from marquee.recommender.model import LIKED, USER_PRIOR_STRENGTH, Floats, Integers, RatingModel
from marquee.recommender.picks import Mask, best_open
from marquee.recommender.scorers import Scorer

USERS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Person:
    """A user's ratings, split for the evaluation; both mappings are movie_id to stars."""

    user: int
    seen: Mapping[int, float]  # ratings that the model is given
    held_out: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class UserMeasures:
    """One user's measures; None if the user's held-out ratings do not allow a measure."""

    user: int
    pairs: int  # held-out ratings
    squared: float  # sum of squared errors, squared stars
    absolute: float  # sum of absolute errors, stars
    # Of the first 10 picks; a held-out movie with 4 stars or more is relevant.
    ndcg: float | None
    precision: float | None
    recall: float | None
    hit: float | None  # 1 if any pick is relevant, else 0
    # Share of the pairs of held-out movies with different ratings whose order is predicted right.
    agreement: float | None
    agreement_half: float | None  # the same, but a predicted tie counts as one half
    picks: tuple[int, ...]  # movie_ids


class Examiner:
    """Measures one model for many users.

    Args:
        rating: the rating model, which defines the known movies and the scale.
        scorer: computes the scores and predicted stars of the measured model.
        candidates: the movies that may be picked.
    """

    def __init__(self, rating: RatingModel, scorer: Scorer, candidates: Mask) -> None:
        self._rating, self._scorer, self._candidates = rating, scorer, candidates

    def measure(self, people: Sequence[Person]) -> Iterator[UserMeasures]:
        """Measure each user, in the given order."""
        for some in batched(people, USERS_AT_ONCE, strict=False):
            rated = [rated_from(person.seen, self._rating.rows) for person in some]
            scored = self._scorer.scored(rated)
            best = best_open(scored.scores, [each.rows for each in rated], self._candidates, PICKS)
            for each in zip(some, rated, scored.stars, best, strict=True):
                yield measured_by(*each, self._rating)


def measured_by(
    person: Person, rated: RatedMovies, stars: Floats, best: Rows, rating: RatingModel
) -> UserMeasures:
    """Measure one user's predicted stars and picks.

    Args:
        person: the user.
        rated: the ratings that the model was given, with the rows of the movies that it knows.
        stars: predicted stars of all M movies of the rating model.
        best: rows of the picked movies, best first.
        rating: the rating model.
    """
    wanted = np.array(list(person.held_out.values()), dtype=np.float64)
    predicted = _predicted(person, rated, stars, rating)
    errors = predicted - wanted
    picks = rating.movie_ids[best].tolist()
    relevant = {i for i, given in person.held_out.items() if given >= LIKED}
    hits = [movie_id in relevant for movie_id in picks]
    strict, half = rank_agreement(wanted, predicted)
    return UserMeasures(
        user=person.user,
        pairs=len(wanted),
        squared=float(errors @ errors),
        absolute=float(np.abs(errors).sum()),
        ndcg=ndcg(hits, len(relevant)) if relevant else None,
        precision=sum(hits) / PICKS if relevant else None,
        recall=sum(hits) / len(relevant) if relevant else None,
        hit=float(any(hits)) if relevant else None,
        agreement=strict,
        agreement_half=half,
        picks=tuple(picks),
    )


def _predicted(person: Person, rated: RatedMovies, stars: Floats, rating: RatingModel) -> Doubles:
    """Return predicted stars of the held-out movies, clipped to the scale.

    For a movie that the model does not know it predicts the global mean plus the user's bias.
    """
    rows = [rating.rows.get(movie_id, -1) for movie_id in person.held_out]
    above = float((rated.stars - rating.global_mean).sum())
    middling = rating.global_mean + above / (len(rated.rows) + USER_PRIOR_STRENGTH)
    known = np.array(rows, dtype=np.intp)
    predicted = np.where(known >= 0, stars[known].astype(np.float64), middling)
    return np.clip(predicted, rating.lowest, rating.highest)


def ndcg(hits: Sequence[bool], relevant: int) -> float:
    """Return the normalised discounted cumulative gain of a list, with gains of 0 and 1.

    Source: Järvelin and Kekäläinen, *Cumulated gain-based evaluation of IR techniques*, 2002. The
    ideal list has min(relevant movies, 10) hits, all at the top.

    Args:
        hits: for each pick, best first, whether it is relevant.
        relevant: number of relevant movies, at least 1.
    """
    gained = sum(1 / math.log2(place + 2) for place, hit in enumerate(hits) if hit)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(relevant, PICKS)))
    return gained / ideal


def rank_agreement(given: Doubles, predicted: Doubles) -> tuple[float | None, float | None]:
    """Return the share of pairs with different ratings whose order is predicted right.

    Returns:
        The share with a predicted tie counted as wrong, then with a predicted tie counted as one
        half. Both are None if no pair has different ratings.
    """
    given_order = np.sign(given[:, None] - given[None, :])
    predicted_order = np.sign(predicted[:, None] - predicted[None, :])
    pairs = np.triu(given_order != 0)
    count = int(pairs.sum())
    if not count:
        return None, None
    right = int((pairs & (given_order == predicted_order)).sum())
    ties = int((pairs & (predicted_order == 0)).sum())
    return right / count, (right + ties / 2) / count


def rmse(measured: Sequence[UserMeasures]) -> float:
    """Return the RMSE over all held-out ratings, in stars; NaN if there are none."""
    pairs = sum(one.pairs for one in measured)
    return math.sqrt(sum(one.squared for one in measured) / pairs) if pairs else math.nan


def estimates_of(measured: Sequence[UserMeasures]) -> dict[str, Estimate | None]:
    """Return every measure of one model on one split, as estimates by name.

    `rmse` and `mae` are in stars over all held-out ratings; `…_by_user` averages the users' own
    errors. An estimate is None if it cannot be computed for any user.
    """
    rated = [one for one in measured if one.pairs]
    return {
        "rmse": confidence.root(confidence.ratio((o.user, o.squared, o.pairs) for o in rated)),
        "mae": confidence.ratio((o.user, o.absolute, o.pairs) for o in rated),
        "rmse_by_user": confidence.mean((o.user, math.sqrt(o.squared / o.pairs)) for o in rated),
        "mae_by_user": confidence.mean((o.user, o.absolute / o.pairs) for o in rated),
        "ndcg@10": confidence.mean((o.user, o.ndcg) for o in measured),
        "precision@10": confidence.mean((o.user, o.precision) for o in measured),
        "recall@10": confidence.mean((o.user, o.recall) for o in measured),
        "hit_rate@10": confidence.mean((o.user, o.hit) for o in measured),
        "rank_agreement": confidence.mean((o.user, o.agreement) for o in measured),
        "rank_agreement_ties_half": confidence.mean((o.user, o.agreement_half) for o in measured),
    }


def coverage(measured: Sequence[UserMeasures], movies: int) -> float:
    """Return the share of all `movies` (a number) that appear in at least one user's picks."""
    return len({movie_id for one in measured for movie_id in one.picks}) / movies


def median_popularity(
    measured: Sequence[UserMeasures], movie_ids: Integers, support: Integers
) -> float | None:
    """Return the median support of all users' picks; None if nothing was picked."""
    picked = [movie_id for one in measured for movie_id in one.picks]
    if not picked:
        return None
    return float(np.median(support[np.searchsorted(movie_ids, picked)]))
