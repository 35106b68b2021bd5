"""Store the recommend step's results as visitors' picks, and queue their texts.

Results are collected in pages. For each page there is one read of all its visitors, one write for
each visitor without picks, and one batch of messages to the texts queue. No work is repeated:
visitors who have their picks are skipped, and a function that runs out of time hands on the
position at which it stopped.

The run that writes a visitor's picks also sends the message to the texts queue. If it dies before
it sends a page's messages, the next delivery of its own message sends them, possibly together with
messages that are already in the queue. This is harmless, because a text is claimed before it is
sent.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import batched

from marquee.contracts import ContractError, Result, ResultsPlace, TextMessage
from marquee.requests.at_once import WRITERS, for_each
from marquee.requests.discard import Discarder
from marquee.requests.ports import Results, Texts, Visitors
from marquee.requests.visitor import Progress, Status

BEFORE_PICKS = (Status.RECEIVED, Status.SUBMITTED)
PAGE = 100  # the number of items that one DynamoDB call can read
# No page is started with less time left. A page takes about a second, or many if DynamoDB is slow.
MARGIN_SECONDS = 20.0


class BadResultsError(RuntimeError):
    """Some result lines could not be read; all others were collected."""


@dataclass(slots=True)
class CollectOutcome:
    """The outcome of one run of the collector."""

    recommended: list[Result] = field(default_factory=list)  # visitors whose picks were written
    # When each of these was submitted (ISO 8601); of one who was still `received`: requested.
    submitted_at: list[str] = field(default_factory=list)
    failed: list[Result] = field(default_factory=list)  # visitors who were marked as failed
    unreadable: list[str] = field(default_factory=list)  # an error message per line
    stopped_at: ResultsPlace | None = None  # None if all results were collected


@dataclass(frozen=True, slots=True)
class Collector:
    """Collects the results of submissions; `writers` is the number of concurrent writes."""

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
    ) -> CollectOutcome:
        """Collect the results of a submission: at least one page, then more while time remains.

        After the last page the submission and its results are deleted, unless a member still
        waits for a result. The sweep then handles that member.

        Args:
            submission_id: a submission whose results are complete.
            seconds_left: returns the seconds that this process may still run.
            after: the position at which an earlier run stopped.
            again: whether an earlier run may have died. If so, outstanding texts are queued again.

        Returns:
            The outcome; its `stopped_at` is set if results are left.

        Raises:
            BadResultsError: some lines could not be read; all other results were collected.
            ExceptionGroup: some writes failed. Completed writes are kept; later pages were not
                collected.
        """
        collected = CollectOutcome()
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
                f"the first one: {unreadable[0]}"
            )
        self.discarder.discard_if_settled(submission_id)
        return collected

    def _take_page(self, lines: Iterable[bytes], collected: CollectOutcome, *, again: bool) -> None:
        results = list(_readable(lines, collected))
        stored = self.visitors.get_many([result.visitor_id for result in results])
        new = [result for result in results if _awaits_picks(stored, result)]
        taken = dict(zip(new, for_each(self._take, new, self.writers), strict=True))
        for result, took_effect in taken.items():
            if took_effect is True and _is_bad(result):
                collected.failed.append(result)
            elif took_effect is True:
                collected.recommended.append(result)
                collected.submitted_at.append(stored[result.visitor_id].status_at)
        # A write can take effect although its response is lost. It then looks like an error or, if
        # the client retried it, like a write by another run.
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
        if errors:  # the queue redelivers the message for visitors who have no picks yet
            raise ExceptionGroup("some picks could not be written; all others were", errors)

    def _take(self, result: Result) -> bool:
        """Write a visitor's picks or the reason for having none; return whether it took effect."""
        visitor_id, version = result.visitor_id, result.version
        if _is_bad(result):
            reason = result.error or "the engine found no movie to recommend"
            return self.visitors.mark_failed(visitor_id, version, reason, BEFORE_PICKS)
        return self.visitors.mark_recommended(visitor_id, version, result.model_id, result.picks)


def _readable(lines: Iterable[bytes], collected: CollectOutcome) -> Iterator[Result]:
    for line in lines:
        try:
            result = Result.from_json(line)
        except (ContractError, KeyError, TypeError, ValueError) as error:
            collected.unreadable.append(str(error))
            continue
        if result.visitor_id:
            yield result
        else:  # the step could not read this member of the submission
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
    """Return whether this version of the visitor has picks and a phone but no text yet."""
    return (
        progress is not None
        and progress.version == version
        and progress.status is Status.RECOMMENDED
        and progress.owes_text
    )
