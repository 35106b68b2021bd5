"""Reasons not to make a data set the active one: too much was left out, or too little is there.

Each reason names the likely cause and what to do about it.
"""

from collections.abc import Mapping

from operations.dataset.report import DatasetReport

MOST_LOST = 0.1  # share of the rows of ratings
# The questionnaire shows 20 movies at most, and picks need movies with 5 ratings (docs/model.md).
FEWEST_MOVIES, RATINGS_OF_A_MOVIE = 20, 5
FEWEST_USERS = 10
FORCE = "FORCE=1 imports them all the same"

# Likely causes of a reason, by how it begins.
_CAUSES = {
    "rating is not on the scale": "two scales may be mixed, or the scale was not recognised:"
    " convert all ratings to one of the known scales",
    "rating is": "the column of ratings may be another one, or holds more than numbers: name it"
    " 'rating' in the header",
    "movie is not in the movies file": "the file of titles seems to belong to other ratings: use"
    " files that belong together, or add a links.csv",
    "movie": "the column of movies may be another one: name it 'movieId' in the header",
    "user": "the column of users may be another one: name it 'userId' in the header",
}
_OTHER_CAUSE = "the rows may be cut off or damaged: correct the rows named above"


def objections(report: DatasetReport) -> list[str]:
    """Return a sentence for each reason not to make this data set the active one."""
    found = []
    if sentence := too_many_lost(report.rows, report.lost()):
        found.append(sentence)
    movies, users = report.movies_with_five_ratings, report.users
    if movies < FEWEST_MOVIES:
        found.append(
            f"only {movies} {'movie has' if movies == 1 else 'movies have'} {RATINGS_OF_A_MOVIE}"
            f" ratings, and {FEWEST_MOVIES} are needed for a questionnaire and picks: this may be a"
            " sample of a larger file, or the columns of users and movies may be swapped"
        )
    if users < FEWEST_USERS:
        found.append(
            f"only {users} {'user' if users == 1 else 'users'} rated, and {FEWEST_USERS} are needed"
            " to recommend what others like: this may be the export of one person, or the column of"
            " users may be another one: name it 'userId' in the header"
        )
    return found


def too_many_lost(rows: int, lost: Mapping[str, int]) -> str | None:
    """Return a sentence if over a tenth of the rows of ratings was left out, else None.

    Args:
        rows: rows of ratings that were read.
        lost: rows that were left out, by reason.
    """
    total = sum(lost.values())
    if total <= MOST_LOST * rows:
        return None
    reason = max(lost, key=lambda each: lost[each])
    cause = next((words for start, words in _CAUSES.items() if reason.startswith(start)), None)
    return (
        f"{total:,} of {rows:,} rows are left out, {lost[reason]:,} of them because {reason}:"
        f" {cause or _OTHER_CAUSE}"
    )
