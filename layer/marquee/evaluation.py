"""How good a model is for people whose held-out ratings are known: one user at a time, then all.

Travels to EMR: standard library and numpy only. The measures and their sources: docs/model.md.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

import numpy as np

from marquee import estimates
from marquee.contracts import PICKS
from marquee.estimates import Estimate
from marquee.fold_in import Doubles, Rated, Rows, rated_from
from marquee.model import Floats, Integers, RatingModel
from marquee.recommending import Mask, best_open
from marquee.scoring import MODEL_NAMES, Scorer, UnknownModelError

OLD = "old"  # the recommender that this one replaces
EVALUATED = (*MODEL_NAMES, OLD)
RELEVANT = 4.0  # stars from which a held-out movie counts as one that should have been picked
USERS_AT_ONCE = 256
USER_DAMPING = 5.0  # ratings' worth of doubt about a user's bias, for movies no model knows


def models_named(text: str | None) -> list[str]:
    """The models in `a,b,c`, all where there is none; raises UnknownModelError naming them all."""
    names = [name.strip() for name in (text or "").split(",") if name.strip()] or list(EVALUATED)
    for name in names:
        if name not in EVALUATED:
            raise UnknownModelError(
                f"there is no model {name!r}: use some of {', '.join(EVALUATED)}"
            )
    return list(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Person:
    """A user with what a model may see of her and what it may not: movie_id to stars."""

    user: int
    seen: Mapping[int, float]
    held_out: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """One user's measures; None where she gives nothing to measure it by."""

    user: int
    pairs: int  # held-out ratings
    squared: float  # sum of squared errors, stars squared
    absolute: float  # sum of absolute errors, stars
    ndcg: float | None  # at 10, of the held-out movies with 4 stars or more
    precision: float | None
    recall: float | None
    hit: float | None  # 1 where any pick was relevant, else 0
    agreement: float | None  # share of pairs with different ratings that are ordered as predicted
    agreement_half: float | None  # the same with a predicted tie counting one half
    picks: tuple[int, ...]  # movie_ids


class Examiner:
    """Measures one model: its scorer, the movies it knows, and which it may pick."""

    def __init__(self, rating: RatingModel, scorer: Scorer, candidates: Mask) -> None:
        self._rating, self._scorer, self._candidates = rating, scorer, candidates

    def measure(self, people: Sequence[Person]) -> Iterator[Measured]:
        """Measure each of these users; the order stays."""
        for some in batched(people, USERS_AT_ONCE, strict=False):
            rated = [rated_from(person.seen, self._rating.rows) for person in some]
            scored = self._scorer.scored(rated)
            best = best_open(scored.scores, [each.rows for each in rated], self._candidates, PICKS)
            for each in zip(some, rated, scored.stars, best, strict=True):
                yield measured_by(*each, self._rating)


def measured_by(
    person: Person, rated: Rated, stars: Floats, best: Rows, rating: RatingModel
) -> Measured:
    """Measure one user by the stars expected of the M movies of a rating model, and by her picks.

    `best` are the rows of the picked movies, the best one first.
    """
    wanted = np.array(list(person.held_out.values()), dtype=np.float64)
    predicted = _predicted(person, rated, stars, rating)
    errors = predicted - wanted
    picks = rating.movie_ids[best].tolist()
    relevant = {i for i, given in person.held_out.items() if given >= RELEVANT}
    hits = [movie_id in relevant for movie_id in picks]
    strict, half = rank_agreement(wanted, predicted)
    return Measured(
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


def _predicted(person: Person, rated: Rated, stars: Floats, rating: RatingModel) -> Doubles:
    """Stars of the held-out movies; one that the model does not know is a middling movie."""
    rows = [rating.rows.get(movie_id, -1) for movie_id in person.held_out]
    above = float((rated.stars - rating.global_mean).sum())
    middling = rating.global_mean + above / (len(rated.rows) + USER_DAMPING)
    known = np.array(rows, dtype=np.intp)
    predicted = np.where(known >= 0, stars[known].astype(np.float64), middling)
    return np.clip(predicted, rating.lowest, rating.highest)


def ndcg(hits: Sequence[bool], relevant: int) -> float:
    """Normalised discounted cumulative gain of a list, with gains of 0 and 1.

    Järvelin and Kekäläinen, *Cumulated gain-based evaluation of IR techniques*, 2002. The ideal
    list has as many hits as there are relevant movies and places.
    """
    gained = sum(1 / math.log2(place + 2) for place, hit in enumerate(hits) if hit)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(relevant, PICKS)))
    return gained / ideal


def rank_agreement(given: Doubles, predicted: Doubles) -> tuple[float | None, float | None]:
    """Share of the pairs with different ratings whose order the prediction tells.

    First with a predicted tie counting as wrong, then as one half; None without such a pair.
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


def rmse(measured: Sequence[Measured]) -> float:
    """Root mean squared error over all held-out pairs, stars."""
    pairs = sum(one.pairs for one in measured)
    return math.sqrt(sum(one.squared for one in measured) / pairs) if pairs else math.nan


def estimates_of(measured: Sequence[Measured]) -> dict[str, Estimate | None]:
    """Every average of one model on one split; None where nobody has what it needs.

    Errors in stars over all held-out pairs, and (`…_by_user`) as averages of the users' own.
    """
    rated = [one for one in measured if one.pairs]
    return {
        "rmse": estimates.root(estimates.ratio((o.user, o.squared, o.pairs) for o in rated)),
        "mae": estimates.ratio((o.user, o.absolute, o.pairs) for o in rated),
        "rmse_by_user": estimates.mean((o.user, math.sqrt(o.squared / o.pairs)) for o in rated),
        "mae_by_user": estimates.mean((o.user, o.absolute / o.pairs) for o in rated),
        "ndcg@10": estimates.mean((o.user, o.ndcg) for o in measured),
        "precision@10": estimates.mean((o.user, o.precision) for o in measured),
        "recall@10": estimates.mean((o.user, o.recall) for o in measured),
        "hit_rate@10": estimates.mean((o.user, o.hit) for o in measured),
        "rank_agreement": estimates.mean((o.user, o.agreement) for o in measured),
        "rank_agreement_ties_half": estimates.mean((o.user, o.agreement_half) for o in measured),
    }


def coverage(measured: Sequence[Measured], movies: int) -> float:
    """Share of the movies that appear in anybody's picks."""
    return len({movie_id for one in measured for movie_id in one.picks}) / movies


def median_popularity(
    measured: Sequence[Measured], movie_ids: Integers, support: Integers
) -> float | None:
    """Ratings that the middle one of all picks had in training; None where nothing was picked."""
    picked = [movie_id for one in measured for movie_id in one.picks]
    if not picked:
        return None
    return float(np.median(support[np.searchsorted(movie_ids, picked)]))
