"""What was read of a data set: counts, decisions, and the rows that were left out."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_EXAMPLES = 100
EXAMPLES_OF_A_REASON = 10
_EXAMPLES_SHOWN = 10
TEXT_SHOWN = 120  # characters of an example
NO_RATING = "stands for no rating"  # ends the reason of values that mean "not rated"
_NOT_RATINGS = ("movies: ", "tags: ", "deletions: ")  # begin the reasons of rows of other files


@dataclass(frozen=True, slots=True)
class Example:
    """A row that was left out: where it is, why, and how it begins."""

    file: str
    line: int
    reason: str
    text: str


@dataclass(slots=True)
class AppendCounts:
    """What adding ratings to a data set changes. A rating is a pair of user and movie here.

    Attributes:
        before: the data version that the ratings are added to.
        before_ratings: rows of ratings of that version.
        added: ratings of pairs that it did not have.
        changed: ratings with other stars or another time than it had.
        same: ratings that it had already.
        older: ratings that are left out, because it has later ones.
        deleted: ratings of that version that are deleted.
        withheld: new ratings that are left out, because the deletions name them.
        deletions: rows of deletions.
        unknown_deletions: those that match no rating.
        movies_added: movies that it did not have.
        titles_seen: its movies that the new file of titles lists.
        titles_changed: those that get another title.
        tags_added: tags that it did not have.
        tags_deleted: its tags that are deleted, because all ratings of their users are.
        ratings: ratings of the new version.
        users: users of the new version.
        movies_rated: rated movies of the new version.
        movies_with_five_ratings: those that at least five users rated.
    """

    before: str = ""
    before_ratings: int = 0
    added: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0
    deleted: int = 0
    withheld: int = 0
    deletions: int = 0
    unknown_deletions: int = 0
    movies_added: int = 0
    titles_seen: int = 0
    titles_changed: int = 0
    tags_added: int = 0
    tags_deleted: int = 0
    ratings: int = 0
    users: int = 0
    movies_rated: int = 0
    movies_with_five_ratings: int = 0

    def lines(self) -> list[str]:
        """Return the counts as lines to print."""
        found = [
            f"  added to {self.before}: {self.added:,} new ratings, {self.changed:,} changed,"
            f" {self.deleted:,} deleted; {self.same:,} are there already, {self.older:,} are older"
            " than the active ones"
        ]
        if self.deletions:
            found.append(
                f"  deletions: {self.deletions:,}, of which {self.unknown_deletions:,} name no"
                f" rating; {self.withheld:,} new ratings left out, because a deletion names them"
            )
        if self.movies_added or self.titles_changed:
            found.append(
                f"  {self.movies_added:,} movies added, {self.titles_changed:,} titles changed"
            )
        if self.tags_added or self.tags_deleted:
            found.append(f"  {self.tags_added:,} tags added, {self.tags_deleted:,} deleted")
        found.append(
            f"  then {self.ratings:,} ratings by {self.users:,} users of {self.movies_rated:,}"
            " movies"
        )
        return found


@dataclass(slots=True)
class DatasetReport:
    """The result of reading a data set.

    Attributes:
        files: a description of each file that was read.
        ignored: the names of the files that were not read.
        rows: rows of ratings that were read.
        ratings: rows that were kept; of a pair that occurs twice, prepare keeps one.
        users: users of these ratings.
        movies: movies with a usable row in the file of titles.
        movies_rated: movies of the kept ratings.
        movies_with_five_ratings: those that at least five users rated.
        duplicates: kept rows that repeat a user's rating of a movie.
        tags: rows of tags that were kept.
        official_tests: rows of the published test files, by file name.
        scale: the scale that was recognised, and the rule that maps it to stars.
        times: how times are written.
        ids: how ids were mapped, for users and for movies.
        left_out: the number of rows that were left out, by reason.
        examples: the first of these rows.
        notes: whatever else the operator should know.
        append: what adding them to a data set changes; None if they are not added to one.
    """

    files: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    rows: int = 0
    ratings: int = 0
    users: int = 0
    movies: int = 0
    movies_rated: int = 0
    movies_with_five_ratings: int = 0
    duplicates: int = 0
    tags: int = 0
    official_tests: dict[str, int] = field(default_factory=dict)
    scale: str = ""
    scale_rule: str = ""
    times: str = ""
    ids: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    append: AppendCounts | None = None

    def leave_out(self, file: str, line: int, reason: str, text: str) -> None:
        """Count a row that is left out, and keep it as an example if there are few for its reason.

        Reasons that begin with a file's kind, as in `movies: title is empty`, keep the kinds apart.
        """
        self.left_out[reason] += 1
        if self.left_out[reason] <= EXAMPLES_OF_A_REASON and len(self.examples) < MOST_EXAMPLES:
            self.examples.append(Example(file, line, reason, text[:TEXT_SHOWN]))

    def lost(self) -> Counter[str]:
        """Return the rows of ratings that were left out, by reason.

        Rows that say that a movie was not rated, such as zeros on a scale from 1 to 5, are no
        ratings, so they are not among them.
        """
        lost = Counter(self.left_out)
        for reason in self.left_out:
            if reason.endswith(NO_RATING) or reason.startswith(_NOT_RATINGS):
                del lost[reason]
        return lost

    def lines(self) -> list[str]:
        """Return the report as lines to print."""
        found = [f"  {each}" for each in self.files]
        found.append(
            f"  {self.rows:,} rows: {self.ratings:,} ratings by {self.users:,} users of"
            f" {self.movies_rated:,} movies; {self.movies:,} movies have titles"
        )
        if self.scale:
            found.append(f"  scale: {self.scale}, {self.scale_rule}")
            found.append(f"  times: {self.times}")
        found += [f"  {each}" for each in self.ids]
        if self.duplicates:
            found.append(f"  {self.duplicates:,} rows rate a movie again: {self._which_counts()}")
        if self.tags:
            found.append(f"  {self.tags:,} tags")
        if self.official_tests:
            found.append(f"  held out by 'make evaluate': {', '.join(self.official_tests)}")
        found += [f"  note: {each}" for each in self.notes]
        if self.ignored:
            found.append(f"  ignored: {_some(self.ignored)}")
        found += [f"  {count:,} left out: {why}" for why, count in self.left_out.most_common()]
        found += [
            f"    {each.file} line {each.line}: {each.reason}: {each.text!r}"
            for each in self.examples[:_EXAMPLES_SHOWN]
        ]
        if len(self.examples) > _EXAMPLES_SHOWN:
            found.append(f"    … and {sum(self.left_out.values()) - _EXAMPLES_SHOWN:,} more")
        return found + (self.append.lines() if self.append else [])

    def _which_counts(self) -> str:
        return "the last row counts" if self.times == NO_TIMES else "the latest counts"

    def to_json(self) -> bytes:
        """Return the report as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1).encode()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dictionary that JSON can hold."""
        found: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        found["left_out"] = dict(self.left_out)
        found["append"] = asdict(self.append) if self.append else None
        found["examples"] = [
            {"file": each.file, "line": each.line, "reason": each.reason, "text": each.text}
            for each in self.examples
        ]
        return found


NO_TIMES = "none"
_NAMES_SHOWN = 8


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
