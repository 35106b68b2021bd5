"""From the engine's results to visitors' picks, and on to the texts queue."""

from dataclasses import dataclass, field

from marquee.contracts import ContractError, Result, TextMessage
from marquee.discarding import Discarder
from marquee.ports import Results, Texts, Visitors
from marquee.visitor import Progress, Status

BEFORE_PICKS = (Status.RECEIVED, Status.SUBMITTED)


class BadResultsError(RuntimeError):
    """Some result lines could not be read; all others were taken."""


@dataclass(slots=True)
class Collected:
    recommended: list[Result] = field(default_factory=list)
    failed: list[Result] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Collector:
    visitors: Visitors
    results: Results
    texts: Texts
    discarder: Discarder

    def collect(self, submission_id: str) -> Collected:
        """Take every result of a submission.

        A visitor who is already `recommended` but not texted gets her texts message again: the
        function may have died between the two writes, and send_text claims each text once.
        At the end the submission and its results are deleted, unless a member got no result: the
        sweep looks after that one.
        """
        collected, to_text, unreadable = Collected(), list[TextMessage](), list[str]()
        for line in self.results.lines(submission_id):
            try:
                result = Result.from_json(line)
            except (ContractError, KeyError, TypeError, ValueError) as error:
                unreadable.append(str(error))
                continue
            if not result.visitor_id:  # the step could not read that member of the submission
                unreadable.append(str(result.error))
                continue
            self._take(result, collected)
            if self._awaits_text(result):
                to_text.append(TextMessage(result.visitor_id, result.version))
        if to_text:
            self.texts.send(to_text)
        if unreadable:
            raise BadResultsError(
                f"{len(unreadable)} result lines of submission {submission_id} are unreadable, "
                f"the first: {unreadable[0]}"
            )
        self.discarder.discard_if_settled(submission_id)
        return collected

    def _take(self, result: Result, collected: Collected) -> None:
        if result.error is not None or not result.picks:
            reason = result.error or "the engine found no movie to recommend"
            if self.visitors.mark_failed(
                result.visitor_id, result.version, reason, while_at=BEFORE_PICKS
            ):
                collected.failed.append(result)
        elif self.visitors.mark_recommended(
            result.visitor_id, result.version, result.model_id, result.picks
        ):
            collected.recommended.append(result)

    def _awaits_text(self, result: Result) -> bool:
        if result.error is not None:
            return False
        return awaits_text(self.visitors.get(result.visitor_id), result.version)


def awaits_text(progress: Progress | None, version: int) -> bool:
    """Say whether this version of the visitor has picks and a phone but no text yet."""
    return (
        progress is not None
        and progress.version == version
        and progress.status is Status.RECOMMENDED
        and progress.owes_text
    )
