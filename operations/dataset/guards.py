"""Reasons not to make a data set the active one: too much was left out, or too little is there.

Each reason names the likely cause and what to do about it.
"""

from collections.abc import Mapping, Sequence

from operations.dataset.report import AppendCounts, DatasetReport
from operations.dataset.scale import could_be_read_as

MOST_LOST = 0.1  # share of the rows of ratings
# The questionnaire shows 20 movies at most, and picks need movies with 5 ratings (docs/model.md).
FEWEST_MOVIES, RATINGS_OF_A_MOVIE = 20, 5
FEWEST_USERS = 10
_HALF, _FEW_TITLES = 0.5, 5  # share of the titles, and fewest titles that show anything
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
    lost = too_many_lost(report.rows, report.lost())
    few = _too_few(report.users, report.movies_with_five_ratings)
    return [*([lost] if lost else []), *few]


def objections_to_append(
    report: DatasetReport, known_scales: Sequence[str], *, scale_is_named: bool
) -> list[str]:
    """Return a sentence for each reason not to add these ratings to the active data set.

    Args:
        report: what was read and what would be changed.
        known_scales: names of the scales on which the active data set was read.
        scale_is_named: whether the operator named the scale of the new ratings.
    """
    counts = report.append or AppendCounts()
    lost = too_many_lost(report.rows, report.lost())
    found = [lost] if lost else []
    if report.scale and not scale_is_named:
        found += _other_scales(report.scale, known_scales)
    if counts.deleted > MOST_LOST * counts.before_ratings:
        found.append(
            f"{counts.deleted:,} of {counts.before_ratings:,} ratings would be deleted: the file of"
            " deletions may belong to another data set, or miss the movies in some of its rows,"
            " which deletes all ratings of their users"
        )
    if counts.titles_seen >= _FEW_TITLES and counts.titles_changed > _HALF * counts.titles_seen:
        found.append(
            f"{counts.titles_changed:,} of {counts.titles_seen:,} movies would get another title:"
            " the ids may be those of another catalogue"
        )
    return found + _too_few(counts.users, counts.movies_with_five_ratings)


def _other_scales(scale: str, known: Sequence[str]) -> list[str]:
    wider = [each for each in known if could_be_read_as(scale, each)]
    return [
        f"the ratings are read on the scale {scale}, but may be on the scale {each}, which the"
        f" active data set had: name theirs, as in SCALE='{each}'"
        for each in wider[:1]
    ]


def _too_few(users: int, movies: int) -> list[str]:
    found = []
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
