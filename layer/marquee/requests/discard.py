"""Delete a submission and its results as soon as no visitor waits for them."""

from dataclasses import dataclass

from marquee.contracts import Member
from marquee.requests.ports import Results, Submissions, Visitors
from marquee.requests.visitor import Progress, Status


@dataclass(frozen=True, slots=True)
class Discarder:
    """Deletes submissions, which hold ratings, and results, which hold picks.

    Forgetting a visitor does not change them, because a step may be reading the submission or
    writing the results. They are therefore kept only as long as they are needed. The buckets'
    lifecycle rules (`retention_days`) delete what no function deletes.
    """

    visitors: Visitors
    submissions: Submissions
    results: Results

    def discard_if_settled(self, submission_id: str) -> bool:
        """Delete a submission and its results, unless a member still waits for them.

        The results are deleted first: if the function dies in between, the submission still lists
        its members. If the submission does not exist, it was deleted before; results that a late
        second attempt of the step wrote are then deleted, too.

        Returns:
            False if a member still waits; nothing is deleted then.
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
    """Return whether the visitor still waits for this submission's result."""
    if progress is None or progress.version != member.version:  # forgotten or superseded
        return False
    # Results may arrive before the write that changes the status to `submitted`.
    return progress.status is Status.RECEIVED or (
        progress.status is Status.SUBMITTED and progress.submission_id == submission_id
    )
