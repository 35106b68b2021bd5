"""What a submission leaves behind is deleted as soon as nobody waits for it."""

from dataclasses import dataclass

from marquee.contracts import Member
from marquee.ports import Results, Submissions, Visitors
from marquee.visitor import Progress, Status


@dataclass(frozen=True, slots=True)
class Discarder:
    """Deletes submissions, which hold ratings, and results, which hold picks.

    Forgetting a visitor does not reach into them: a step may be reading the one or writing the
    other. So they live no longer than the step's work, and the buckets' lifecycle rules
    (`retention_days`) delete what no function ever comes back to.
    """

    visitors: Visitors
    submissions: Submissions
    results: Results

    def discard_if_settled(self, submission_id: str) -> bool:
        """Delete a submission and its results, unless a member still waits for them.

        The results go first: where a function dies in between, the submission is still there to
        say who its members are. Where there is no submission it was settled before, and what a
        late second attempt wrote goes too.
        """
        submission = self.submissions.get(submission_id)
        if submission is not None:
            stored = self.visitors.get_many([m.visitor_id for m in submission.members])
            for member in submission.members:
                if _waits(member, stored.get(member.visitor_id), submission_id):
                    return False
        self.results.delete_results(submission_id)
        self.submissions.delete_submission(submission_id)
        return True


def _waits(member: Member, progress: Progress | None, submission_id: str) -> bool:
    """Say whether the visitor still waits for this submission's result."""
    if progress is None or progress.version != member.version:  # forgotten, or superseded
        return False
    # Results may come before the write that moves the visitor to `submitted`.
    return progress.status is Status.RECEIVED or (
        progress.status is Status.SUBMITTED and progress.submission_id == submission_id
    )
