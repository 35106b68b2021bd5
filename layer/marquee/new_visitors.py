"""How well a model knows people it was not trained on, from their first few answers.

Travels to EMR: standard library and numpy only. Every figure of a visitor is about the same
ratings of hers, those that she was never asked for; docs/model.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from marquee import estimates
from marquee.estimates import Estimate
from marquee.evaluation import USER_DAMPING, Person
from marquee.fold_in import Doubles, RatingFolding, Rows, rated_from
from marquee.model import RatingModel, Seen
from marquee.questionnaire import Questioner

ANSWERS = (5, 10, 20)
POPULAR, QUESTIONNAIRE = "popular", "questionnaire"
BIAS_ONLY = "bias_only"  # after the popular answers
BIAS_ONLY_QUESTIONNAIRE = "bias_only_questionnaire"
GUESSES = (POPULAR, QUESTIONNAIRE, BIAS_ONLY, BIAS_ONLY_QUESTIONNAIRE)
LEAST_PEOPLE = 20  # below that a number of answers is not told of


@dataclass(frozen=True, slots=True)
class Asked:
    """The movies that somebody rated of those she was shown, in the order of being asked."""

    movie_ids: tuple[int, ...]
    shown: tuple[int, ...]  # movies shown until each of these answers


@dataclass(frozen=True, slots=True)
class Errors:
    """Of a guess at the ratings that she was not asked for."""

    pairs: int
    squared: float  # sum, stars squared


@dataclass(frozen=True, slots=True)
class NewVisitor:
    """What was measured of one person.

    `errors` by the most answers that she gave, how many of them were used, and the guess: for one
    most the ratings guessed at are the same.
    """

    user: int
    shown: Mapping[tuple[int, str], int]  # movies, until so many answers by this way of asking
    errors: Mapping[tuple[int, int, str], Errors] = field(default_factory=dict)


def by_popularity(given: Mapping[int, float], popular: Sequence[int], most: int) -> Asked:
    """Show the movies that most people rated, `popular`, one after the other."""
    rated = [
        (movie_id, place) for place, movie_id in enumerate(popular, start=1) if movie_id in given
    ][:most]
    return Asked(tuple(movie_id for movie_id, _ in rated), tuple(place for _, place in rated))


def by_questionnaire(given: Mapping[int, float], questioner: Questioner, most: int) -> Asked:
    """Show movie after movie, each chosen by the answers so far; what she did not rate she skips.

    Her stars are not looked at: which movie comes next depends on which she has seen only.
    """
    answered: list[int] = []
    unseen: list[int] = []
    shown: list[int] = []
    while len(answered) < most and (next_ := questioner.next(answered, unseen, count=1)):
        [movie_id] = next_
        (answered if movie_id in given else unseen).append(movie_id)
        if movie_id in given:
            shown.append(len(answered) + len(unseen))
    return Asked(tuple(answered), tuple(shown))


class NewVisitorExaminer:
    """Asks people who are new to a model, and guesses at what they were not asked."""

    def __init__(self, rating: RatingModel, seen: Seen, movie_bias: Doubles) -> None:
        """`movie_bias` (M, stars) is what a movie is given above the mean, damped."""
        self._rating = rating
        self._folding = RatingFolding(rating)
        self._questioner = Questioner(rating, seen)
        self._offset = rating.global_mean + movie_bias
        order = np.lexsort((rating.movie_ids, -rating.support.astype(np.int64)))
        self._popular = rating.movie_ids[order].tolist()

    def measure(self, people: Sequence[Person]) -> Iterator[NewVisitor]:
        """Measure people by all their ratings (`held_out`); the order stays."""
        for person in people:
            yield self.measured(person)

    def measured(self, person: Person) -> NewVisitor:
        given = {i: stars for i, stars in person.held_out.items() if i in self._rating.rows}
        popular = by_popularity(given, self._popular, ANSWERS[-1])
        asked = by_questionnaire(given, self._questioner, ANSWERS[-1])
        errors: dict[tuple[int, int, str], Errors] = {}
        for most in ANSWERS:
            if min(len(popular.movie_ids), len(asked.movie_ids)) < most:
                break
            told = {*popular.movie_ids[:most], *asked.movie_ids[:most]}
            rest = {i: stars for i, stars in given.items() if i not in told}
            if rest:
                errors |= self._errors(given, rest, popular, asked, most)
        shown = {
            (count, way): each.shown[count - 1]
            for way, each in ((POPULAR, popular), (QUESTIONNAIRE, asked))
            for count in ANSWERS
            if count <= len(each.shown)
        }
        return NewVisitor(person.user, shown, errors)

    def _errors(
        self,
        given: Mapping[int, float],
        rest: Mapping[int, float],
        popular: Asked,
        asked: Asked,
        most: int,
    ) -> Iterator[tuple[tuple[int, int, str], Errors]]:
        rows = np.array([self._rating.rows[movie_id] for movie_id in rest], dtype=np.intp)
        stars = np.array(list(rest.values()), dtype=np.float64)
        for count in (count for count in ANSWERS if count <= most):
            first = {i: given[i] for i in popular.movie_ids[:count]}
            chosen = {i: given[i] for i in asked.movie_ids[:count]}
            guesses: dict[str, Doubles] = {
                POPULAR: self._folded(first, rows),
                QUESTIONNAIRE: self._folded(chosen, rows),
                BIAS_ONLY: self._by_bias(first, rows),
                BIAS_ONLY_QUESTIONNAIRE: self._by_bias(chosen, rows),
            }
            for guess, predicted in guesses.items():
                off = np.clip(predicted, self._rating.lowest, self._rating.highest) - stars
                yield (most, count, guess), Errors(len(stars), float(off @ off))

    def _folded(self, answers: Mapping[int, float], rows: Rows) -> Doubles:
        rated = rated_from(answers, self._rating.rows)
        taste = self._folding.taste(rated, self._folding.pulls(rated))
        predicted: Doubles = self._folding.predict(taste[None, :])[0, rows].astype(np.float64)
        return predicted

    def _by_bias(self, answers: Mapping[int, float], rows: Rows) -> Doubles:
        """What a movie is given, and how generous she is: no taste."""
        rated = rated_from(answers, self._rating.rows)
        above = float((rated.stars - self._offset[rated.rows]).sum())
        predicted: Doubles = self._offset[rows] + above / (len(rated.rows) + USER_DAMPING)
        return predicted


@dataclass(frozen=True, slots=True)
class FirstAnswers:
    """All people's errors after so many answers (RMSE, stars), and what they were shown."""

    answers: int
    people: int
    rmse: Mapping[str, Estimate | None]
    shown: Mapping[str, Estimate | None]  # movies, to all who gave that many, by way of asking
    median_shown: Mapping[str, float | None]


def after_first_answers(visitors: Sequence[NewVisitor]) -> list[FirstAnswers]:
    """A row for each number of answers, all about the same people and the same ratings.

    As many answers as LEAST_PEOPLE gave and have ratings left beside; the fewest answers are told
    of however few gave them.
    """
    able = {most: [v for v in visitors if (most, most, POPULAR) in v.errors] for most in ANSWERS}
    enough = [most for most in ANSWERS if len(able[most]) >= LEAST_PEOPLE]
    most = max(enough, default=ANSWERS[0])
    if not able[most]:
        return []
    return [
        FirstAnswers(
            answers=count,
            people=len(able[most]),
            rmse={guess: _rmse(able[most], (most, count, guess)) for guess in GUESSES},
            shown={
                way: estimates.mean((v.user, v.shown.get((count, way))) for v in visitors)
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
    errors = [(visitor.user, visitor.errors[of]) for visitor in visitors]
    return estimates.root(estimates.ratio((user, e.squared, e.pairs) for user, e in errors))


def _median(counts: Sequence[int]) -> float | None:
    return float(np.median(counts)) if counts else None
