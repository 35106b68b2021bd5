"""Measure how well a model predicts and picks for new visitors, from their first few answers.

The people are users that the model was not trained on. All errors of a person are about the same
ratings: those of movies that the person was never asked about. The picks of a person are compared
with all ratings but the answers, as a visitor's list may contain every movie that they did not
rate. docs/model.md has the results.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from learning import confidence
from learning.confidence import Estimate
from learning.metrics import Person, ndcg
from marquee.contracts import PICKS
from marquee.recommender.fold_in import Doubles, RatingFolding, Rows, rated_from
from marquee.recommender.model import LIKED, USER_PRIOR_STRENGTH, RatingModel
from marquee.recommender.picks import Mask, best_open
from marquee.recommender.questionnaire import Questioner
from marquee.recommender.scorers import Scorer

ANSWERS = (5, 10, 20)  # numbers of answers after which predictions are measured
# Ways to choose the movies that are answered: the most rated first, by the questionnaire, or drawn
# from the best known ones, as by visitors who search for movies that they know.
POPULAR, QUESTIONNAIRE, KNOWN = "popular", "questionnaire", "known"
WAYS = (POPULAR, QUESTIONNAIRE, KNOWN)
BEST_KNOWN = 300  # movies with the most ratings, from which KNOWN draws
BIAS_ONLY = "bias_only"  # predictions without taste, after answers about popular movies
BIAS_ONLY_QUESTIONNAIRE = "bias_only_questionnaire"
GUESSES = (POPULAR, QUESTIONNAIRE, BIAS_ONLY, BIAS_ONLY_QUESTIONNAIRE)
LEAST_PEOPLE = 20  # a number of answers that fewer people reach is not reported


@dataclass(frozen=True, slots=True)
class SimulatedAnswers:
    """The movies that a person rated of those shown, in the order of asking."""

    movie_ids: tuple[int, ...]
    shown: tuple[int, ...]  # number of movies shown up to and including each of these


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of one kind of prediction of a person's remaining ratings."""

    pairs: int  # number of ratings
    squared: float  # sum of squared errors, squared stars


@dataclass(frozen=True, slots=True)
class NewVisitor:
    """The measurements of one person.

    Attributes:
        shown: number of movies shown until the person gave this many answers, by number of answers
            and way of asking.
        errors: errors by (most, count, guess): the largest number of answers, how many of them
            were used, and the kind of prediction. All errors with the same `most` are about the
            same ratings: those of movies not among the first `most` answers of either way.
        ndcg: nDCG@10 of the picks after the answers, by (count, way of asking, model). Ratings of
            at least LIKED stars that are not among the answers are relevant. Only the answered
            movies are left out of the picks.
    """

    user: int
    shown: Mapping[tuple[int, str], int]
    errors: Mapping[tuple[int, int, str], Errors] = field(default_factory=dict)
    ndcg: Mapping[tuple[int, str, str], float] = field(default_factory=dict)


def most_rated_first(
    given: Mapping[int, float], popular: Sequence[int], most: int
) -> SimulatedAnswers:
    """Ask about movies by popularity, until `most` of them are rated.

    Args:
        given: the person's stars by movie_id.
        popular: movie ids, most popular first.
        most: the largest number of answers.
    """
    rated = [
        (movie_id, place) for place, movie_id in enumerate(popular, start=1) if movie_id in given
    ][:most]
    return SimulatedAnswers(
        tuple(movie_id for movie_id, _ in rated), tuple(place for _, place in rated)
    )


def best_known_drawn(
    given: Mapping[int, float], popular: Sequence[int], most: int, seed: Sequence[int]
) -> tuple[int, ...]:
    """Draw up to `most` of the person's BEST_KNOWN movies, in the order of answering.

    Args:
        given: the person's stars by movie_id.
        popular: movie ids, most popular first.
        most: the largest number of answers.
        seed: non-negative integers that seed the draw.
    """
    known = [movie_id for movie_id in popular[:BEST_KNOWN] if movie_id in given]
    return tuple(np.random.default_rng(seed).permutation(known)[:most].tolist())


def by_questionnaire(
    given: Mapping[int, float], questioner: Questioner, most: int
) -> SimulatedAnswers:
    """Ask about movies that the questionnaire chooses, until `most` of them are rated.

    Each movie is chosen by the answers so far. A movie that the person did not rate counts as
    skipped. The stars are not used: which movie comes next depends only on which movies were rated
    and skipped.
    """
    answered: list[int] = []
    unseen: list[int] = []
    shown: list[int] = []
    while len(answered) < most and (next_ := questioner.next(answered, unseen, count=1)):
        [movie_id] = next_
        (answered if movie_id in given else unseen).append(movie_id)
        if movie_id in given:
            shown.append(len(answered) + len(unseen))
    return SimulatedAnswers(tuple(answered), tuple(shown))


class NewVisitorExaminer:
    """Asks people who are new to a model, and predicts their remaining ratings."""

    def __init__(
        self,
        rating: RatingModel,
        questioner: Questioner,
        movie_bias: Doubles,
        scorers: Mapping[str, Scorer],
        candidates: Mask,
        *,
        seed: int = 1,
    ) -> None:
        """Prepare the questions.

        Args:
            rating: a rating model that was trained without these people.
            questioner: chooses the questionnaire's movies, by the same model.
            movie_bias: the bias of each movie, M, stars.
            scorers: the models that pick, by name.
            candidates: the movies that may be picked, M.
            seed: the seed of the movies that are drawn.
        """
        self._rating, self._scorers, self._candidates = rating, scorers, candidates
        self._seed = seed
        self._folding = RatingFolding(rating)
        self._questioner = questioner
        self._offset = rating.global_mean + movie_bias
        order = np.lexsort((rating.movie_ids, -rating.support.astype(np.int64)))
        self._popular = rating.movie_ids[order].tolist()

    def measure(self, people: Sequence[Person]) -> Iterator[NewVisitor]:
        """Yield each person's measurements, in order; all their ratings are in `held_out`."""
        for person in people:
            yield self.measured(person)

    def measured(self, person: Person) -> NewVisitor:
        """Return the measurements of one person; ratings of unknown movies are ignored."""
        given = {i: stars for i, stars in person.held_out.items() if i in self._rating.rows}
        popular = most_rated_first(given, self._popular, ANSWERS[-1])
        chosen = by_questionnaire(given, self._questioner, ANSWERS[-1])
        known = best_known_drawn(given, self._popular, ANSWERS[-1], (self._seed, abs(person.user)))
        errors: dict[tuple[int, int, str], Errors] = {}
        for most in ANSWERS:
            if min(len(popular.movie_ids), len(chosen.movie_ids)) < most:
                break
            answered = {*popular.movie_ids[:most], *chosen.movie_ids[:most]}
            rest = {i: stars for i, stars in given.items() if i not in answered}
            if rest:
                errors |= self._errors(given, rest, popular, chosen, most)
        ways = {POPULAR: popular.movie_ids, QUESTIONNAIRE: chosen.movie_ids, KNOWN: known}
        shown = {
            (count, way): each.shown[count - 1]
            for way, each in ((POPULAR, popular), (QUESTIONNAIRE, chosen))
            for count in ANSWERS
            if count <= len(each.shown)
        }
        return NewVisitor(person.user, shown, errors, dict(self._ndcgs(given, ways)))

    def _errors(
        self,
        given: Mapping[int, float],
        rest: Mapping[int, float],
        popular: SimulatedAnswers,
        chosen: SimulatedAnswers,
        most: int,
    ) -> Iterator[tuple[tuple[int, int, str], Errors]]:
        """Yield the errors of predicting `rest` after each number of answers up to `most`."""
        rows = np.array([self._rating.rows[movie_id] for movie_id in rest], dtype=np.intp)
        stars = np.array(list(rest.values()), dtype=np.float64)
        for count in (count for count in ANSWERS if count <= most):
            first = {i: given[i] for i in popular.movie_ids[:count]}
            informative = {i: given[i] for i in chosen.movie_ids[:count]}
            guesses: dict[str, Doubles] = {
                POPULAR: self._folded(first, rows),
                QUESTIONNAIRE: self._folded(informative, rows),
                BIAS_ONLY: self._by_bias(first, rows),
                BIAS_ONLY_QUESTIONNAIRE: self._by_bias(informative, rows),
            }
            for guess, predicted in guesses.items():
                off = np.clip(predicted, self._rating.lowest, self._rating.highest) - stars
                yield (most, count, guess), Errors(len(stars), float(off @ off))

    def _ndcgs(
        self, given: Mapping[int, float], ways: Mapping[str, Sequence[int]]
    ) -> Iterator[tuple[tuple[int, str, str], float]]:
        """Yield the nDCG of each model's picks after each number of answers of each way."""
        keys = [(count, way) for way in ways for count in ANSWERS if count <= len(ways[way])]
        answers = [{i: given[i] for i in ways[way][:count]} for count, way in keys]
        relevant = [
            {i for i, stars in given.items() if stars >= LIKED and i not in answered}
            for answered in answers
        ]
        rated = [rated_from(answered, self._rating.rows) for answered in answers]
        if not rated:
            return
        for name, scorer in self._scorers.items():
            scores = scorer.scored(rated).scores
            best = best_open(scores, [each.rows for each in rated], self._candidates, PICKS)
            for key, rows, liked in zip(keys, best, relevant, strict=True):
                if liked:
                    hits = [i in liked for i in self._rating.movie_ids[rows].tolist()]
                    yield (*key, name), ndcg(hits, len(liked))

    def _folded(self, answers: Mapping[int, float], rows: Rows) -> Doubles:
        """Predict stars of some movies by fold-in of the answers."""
        rated = rated_from(answers, self._rating.rows)
        taste = self._folding.taste(rated, self._folding.matrices(rated))
        predicted: Doubles = self._folding.predict(taste[None, :])[0, rows].astype(np.float64)
        return predicted

    def _by_bias(self, answers: Mapping[int, float], rows: Rows) -> Doubles:
        """Predict stars of some movies by movie bias and user bias alone, without taste."""
        rated = rated_from(answers, self._rating.rows)
        above = float((rated.stars - self._offset[rated.rows]).sum())
        predicted: Doubles = self._offset[rows] + above / (len(rated.rows) + USER_PRIOR_STRENGTH)
        return predicted


@dataclass(frozen=True, slots=True)
class FirstAnswers:
    """The measurements of all people after a number of answers."""

    answers: int
    people: int  # number of people in `rmse`
    rmse: Mapping[str, Estimate | None]  # stars, by kind of prediction
    ndcg: Mapping[str, Mapping[str, Estimate | None]]  # nDCG@10, by model and way of asking
    # Mean and median number of movies shown, by way of asking, over all who gave that many answers.
    shown: Mapping[str, Estimate | None]
    median_shown: Mapping[str, float | None]


def after_first_answers(visitors: Sequence[NewVisitor]) -> list[FirstAnswers]:
    """Return a row for each number of answers; RMSEs are over the same people and ratings.

    The last row is for the most answers that at least LEAST_PEOPLE people gave and have ratings
    left besides. If no number of answers has that many people, there is one row for the fewest
    answers, or none if nobody gave them.
    """
    able = {most: [v for v in visitors if (most, most, POPULAR) in v.errors] for most in ANSWERS}
    enough = [most for most in ANSWERS if len(able[most]) >= LEAST_PEOPLE]
    most = max(enough, default=ANSWERS[0])
    if not able[most]:
        return []
    models = list(dict.fromkeys(name for v in able[most] for _, _, name in v.ndcg))
    return [
        FirstAnswers(
            answers=count,
            people=len(able[most]),
            rmse={guess: _rmse(able[most], (most, count, guess)) for guess in GUESSES},
            ndcg={
                name: {
                    way: confidence.mean(
                        (v.user, v.ndcg.get((count, way, name))) for v in able[most]
                    )
                    for way in WAYS
                }
                for name in models
            },
            shown={
                way: confidence.mean((v.user, v.shown.get((count, way))) for v in visitors)
                for way in (POPULAR, QUESTIONNAIRE)
            },
            median_shown={
                way: _median([v.shown[count, way] for v in visitors if (count, way) in v.shown])
                for way in (POPULAR, QUESTIONNAIRE)
            },
        )
        for count in ANSWERS
        if count <= most
    ]


def _rmse(visitors: Sequence[NewVisitor], of: tuple[int, int, str]) -> Estimate | None:
    """Return the RMSE over all visitors' errors with the key `of`."""
    errors = [(visitor.user, visitor.errors[of]) for visitor in visitors]
    return confidence.root(confidence.ratio((user, e.squared, e.pairs) for user, e in errors))


def _median(counts: Sequence[int]) -> float | None:
    return float(np.median(counts)) if counts else None
