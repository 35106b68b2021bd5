"""Compare what visitors were told about picks with what they answer later: the live error.

A visitor answers a pick by rating or dismissing its movie. The picks that a change of ratings can
answer are those of the visitor's last version that had picks, without those answered already. So
each pick is answered once, however often the same ratings are sent again.
"""

from dataclasses import dataclass

from marquee.contracts import Pick
from marquee.requests.visitor import Page


@dataclass(frozen=True, slots=True)
class RatedPick:
    """A pick that the visitor has rated: its predicted stars, and the stars given."""

    predicted: float
    given: int

    @property
    def error(self) -> float:
        """The absolute difference, in stars."""
        return abs(self.given - self.predicted)


@dataclass(frozen=True, slots=True)
class PickAnswers:
    """The picks that one change answers: those rated, and the number of those dismissed."""

    rated: tuple[RatedPick, ...] = ()
    dismissed: int = 0


def open_picks(page: Page) -> tuple[Pick, ...]:
    """Return the picks that the visitor has last been given and has not answered."""
    picks = page.progress.picks
    return page.unanswered if picks is None else picks


def left_unanswered(before: Page, after: Page) -> tuple[Pick, ...]:
    """Return the open picks that a change leaves open; none if it is of another data set."""
    if before.progress.dataset != after.progress.dataset:
        return ()
    answered = {rating.movie_id for rating in after.progress.ratings}
    answered.update(after.progress.dismissed)
    return tuple(pick for pick in open_picks(before) if pick.movie_id not in answered)


def answers_to_picks(before: Page, after: Page) -> PickAnswers:
    """Return which open picks a stored change answers.

    Args:
        before: the visitor as the change found them.
        after: the visitor after the change.
    """
    if before.progress.dataset != after.progress.dataset:
        return PickAnswers()
    rated_before = {rating.movie_id for rating in before.progress.ratings}
    given = {
        rating.movie_id: rating.stars
        for rating in after.progress.ratings
        if rating.movie_id not in rated_before
    }
    dismissed = set(after.progress.dismissed) - set(before.progress.dismissed)
    picks = open_picks(before)
    return PickAnswers(
        rated=tuple(
            RatedPick(pick.stars, given[pick.movie_id]) for pick in picks if pick.movie_id in given
        ),
        dismissed=sum(pick.movie_id in dismissed for pick in picks),
    )
