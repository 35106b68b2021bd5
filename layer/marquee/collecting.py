"""From the engine's results to visitors' picks, and on to the texts queue.

Results are taken in pages: one read of all visitors of a page, one write for each visitor who has
no picks yet, one batch of texts messages; then the next page. Nothing is done again: visitors who
have their picks are skipped, and where time runs short the rest is handed on with its place.

The run that writes a visitor's picks sends their texts message. If that run dies before it sends
the messages of a page, the next delivery of its message sends them, with some that are in the queue
already: texts are claimed, so a doubled message does no harm.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched

from marquee.at_once import WRITERS, for_each
from marquee.contracts import ContractError, Result, ResultsPlace, TextMessage
from marquee.discarding import Discarder
from marquee.ports import Results, Texts, Visitors
from marquee.visitor import Progress, Status

BEFORE_PICKS = (Status.RECEIVED, Status.SUBMITTED)
PAGE = 100  # as many as one call to DynamoDB reads
# No page is begun with less time left: one takes a second, or many where DynamoDB is slow.
MARGIN_SECONDS = 20.0


class BadResultsError(RuntimeError):
    """Some result lines could not be read; all others were taken."""


@dataclass(slots=True)
class Collected:
    """Who newly got picks and who none; `stopped_at` where time ran short, else None."""

    recommended: list[Result] = field(default_factory=list)
    failed: list[Result] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    stopped_at: ResultsPlace | None = None


@dataclass(frozen=True, slots=True)
class Collector:
    visitors: Visitors
    results: Results
    texts: Texts
    discarder: Discarder
    writers: int = WRITERS

    def collect(
        self,
        submission_id: str,
        seconds_left: Callable[[], float],
        after: ResultsPlace | None = None,
        *,
        again: bool = False,
    ) -> Collected:
        """Take the results of a submission, one page at least and then while there is time.

        After the last page the submission and its results are deleted, unless a member got no
        result: the sweep looks after that one.

        Args:
            submission_id: whose results are complete.
            seconds_left: says how many seconds this process may still run.
            after: where an earlier run stopped.
            again: an earlier run may have died: texts that are still owed are queued once more.

        Raises:
            BadResultsError: all was taken but lines that could not be read.
            ExceptionGroup: writes failed; what was written before is kept, the rest is left.
        """
        collected = Collected()
        for page in batched(self.results.lines(submission_id, after), PAGE, strict=False):
            if collected.stopped_at is not None and seconds_left() < MARGIN_SECONDS:
                return collected
            self._take_page([line for _, line in page], collected, again=again)
            collected.stopped_at = page[-1][0]
        collected.stopped_at = None
        unreadable = collected.unreadable
        if unreadable:
            raise BadResultsError(
                f"{len(unreadable)} result lines of submission {submission_id} are unreadable, "
                f"the first: {unreadable[0]}"
            )
        self.discarder.discard_if_settled(submission_id)
        return collected

    def _take_page(self, lines: Iterable[bytes], collected: Collected, *, again: bool) -> None:
        results = list(_readable(lines, collected))
        stored = self.visitors.get_many([result.visitor_id for result in results])
        new = [result for result in results if _awaits_picks(stored, result)]
        taken = dict(zip(new, for_each(self._take, new, self.writers), strict=True))
        for result, took_effect in taken.items():
            if took_effect is True:
                (collected.failed if _is_bad(result) else collected.recommended).append(result)
        # A write that took effect although its answer was lost looks like an error, or, where the
        # client repeated it, like the write of another run.
        lost = [r.visitor_id for r, took_effect in taken.items() if took_effect is not True]
        stored |= self.visitors.get_many(lost) if lost else {}
        to_text = [
            TextMessage(result.visitor_id, result.version)
            for result in results
            if not _is_bad(result)
            and (
                stored[result.visitor_id].texts
                if taken.get(result) is True
                else (again or result in taken)
                and awaits_text(stored.get(result.visitor_id), result.version)
            )
        ]
        if to_text:
            self.texts.send(to_text)
        errors = [each for each in taken.values() if isinstance(each, Exception)]
        if errors:  # the message comes again, for those who have no picks yet
            raise ExceptionGroup("some picks could not be written, all others were", errors)

    def _take(self, result: Result) -> bool:
        """Write a visitor's picks, or why there are none."""
        visitor_id, version = result.visitor_id, result.version
        if _is_bad(result):
            reason = result.error or "the engine found no movie to recommend"
            return self.visitors.mark_failed(visitor_id, version, reason, BEFORE_PICKS)
        return self.visitors.mark_recommended(visitor_id, version, result.model_id, result.picks)


def _readable(lines: Iterable[bytes], collected: Collected) -> Iterator[Result]:
    for line in lines:
        try:
            result = Result.from_json(line)
        except (ContractError, KeyError, TypeError, ValueError) as error:
            collected.unreadable.append(str(error))
            continue
        if result.visitor_id:
            yield result
        else:  # the step could not read that member of the submission
            collected.unreadable.append(str(result.error))


def _awaits_picks(stored: dict[str, Progress], result: Result) -> bool:
    progress = stored.get(result.visitor_id)
    return (
        progress is not None
        and progress.version == result.version
        and progress.status in BEFORE_PICKS
    )


def _is_bad(result: Result) -> bool:
    return result.error is not None or not result.picks


def awaits_text(progress: Progress | None, version: int) -> bool:
    """Say whether this version of the visitor has picks and a phone but no text yet."""
    return (
        progress is not None
        and progress.version == version
        and progress.status is Status.RECOMMENDED
        and progress.owes_text
    )
