"""Write a data set in one canonical form, and report what was read, mapped and left out.

The files of ratings are read once. Ids, the scale and the order of day and month are only known
after all rows, so the rows are kept as numbers in a temporary file (`spool`), from which the
ratings are then written. Memory grows with the number of users and movies, but not with the number
of rows or the size of the files.
"""

import errno
import functools
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from marquee.datasets import DatasetError
from operations.dataset.columns import describe_columns
from operations.dataset.dialect import NAMES
from operations.dataset.guards import RATINGS_OF_A_MOVIE
from operations.dataset.ids import (
    LARGEST_MOVIE,
    LARGEST_USER,
    IdMapping,
    KeptReading,
    ids_for,
)
from operations.dataset.known import KnownDataSet
from operations.dataset.matching import KnownIds, Links, Way, best_way
from operations.dataset.output import DELETED, Output
from operations.dataset.pair_counts import PairCounts
from operations.dataset.recognise import DatasetFiles, RecognisedFile
from operations.dataset.report import NO_RATING, NO_TIMES, AppendCounts, DatasetReport
from operations.dataset.rows import (
    WRONG_WIDTH,
    RatingRow,
    deletion_rows,
    rating_rows,
    tag_rows,
)
from operations.dataset.scale import Scale, recognise_scale, scale_named
from operations.dataset.spool import (
    NO_TIME,
    SLASHED_TIME,
    UNDIVIDED,
    KeptLine,
    RatingSpool,
    TextNumbers,
)
from operations.dataset.text import UTF_8, Lines
from operations.dataset.titles import DatasetMovie, imdb_in, read_link_rows, read_movies
from operations.dataset.values import (
    Times,
    clean_text,
    id_key,
    is_missing,
    kind_of_time,
    number,
    split_genres,
    title_with_year,
)

_HALF = 0.5  # share of the ratings whose movies must be in the file of titles
_NEARLY_ALL = 0.9  # share of the ratings
_FEW = 5  # ratings; fewer do not show by which scale a user rates
_MIXED = 1 / 3  # share of the users
_LONGEST_TAG = 200  # characters
_STARS = [f"{half / 2}" for half in range(11)]  # as text, by half stars

type ReportRows = Callable[[int], None]


def read_data_set(
    sources: DatasetFiles,
    into: Path | None,
    progress: ReportRows = lambda _: None,
    *,
    onto: KnownDataSet | None = None,
    scale: str | None = None,
    work: Path | None = None,
) -> DatasetReport:
    """Read a data set, and write its canonical files into a folder, unless that is None.

    Args:
        sources: the files to read.
        into: the folder to write into.
        progress: is called from time to time with the number of rows that were read so far.
        onto: the data set that the ratings are to be added to. Ids get its integers, and its movies
            are written along with new ones; deletions are written with its integers.
        scale: the name of the ratings' scale; by default it is recognised.
        work: the folder for temporary files; by default `into`, or else the system's.

    Raises:
        DatasetError: if the data set cannot be imported; the message says why and how to fix it.
    """
    report = DatasetReport(ignored=list(sources.ignored))
    if onto is not None:
        report.append = AppendCounts()
    try:
        with (
            closing(RatingSpool(work or into)) as spool,
            closing(PairCounts(work or into)) as counts,
        ):
            return _Conversion(
                sources, report, progress, onto, scale, spool=spool, counts=counts
            ).run(into)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DatasetError(
            f"the disk of {work or into} is full: the ratings need about twice as much space there"
            " as they have where they are"
        ) from error


class _Conversion:
    def __init__(
        self,
        sources: DatasetFiles,
        report: DatasetReport,
        progress: ReportRows,
        onto: KnownDataSet | None,
        scale: str | None,
        *,
        spool: RatingSpool,
        counts: PairCounts,
    ) -> None:
        self._spool = spool
        self._counts = counts
        self._titles: dict[str, DatasetMovie] = {}  # from columns of the ratings
        self._encodings: set[str] = set()  # of the files of ratings
        self._ends: list[int] = []  # number of rows up to the end of each file of ratings
        self._sources = sources
        self._report = report
        self._progress = progress
        self._onto = onto
        self._scale_name = scale
        self._names = _some_names(sources.ratings)

    def run(self, into: Path | None) -> DatasetReport:
        sources, report = self._sources, self._report
        listed = self._listed_movies()
        links = read_link_rows(sources.links) if sources.links else {}
        self._read_ratings()
        if self._begins_with_movie(self._with_known(listed)):
            sources = self._sources = replace(sources, ratings=_swapped(sources.ratings))
            self._spool.swap()
            report.notes.append("the first column is the movie, the second the user")
        scale = self._scale() if self._spool.ratings else None
        new_movies = listed if sources.movies else self._titles_of_ratings()
        users, ids = self._mappings(new_movies)
        movies = self._with_known(new_movies)
        self._leave_out_unlike(movies, ids)
        self._count_movies(new_movies, movies)
        way = self._matching(movies, links)
        known = KnownIds(users, ids, movies, way.find)
        report.movies = len(movies)
        with ExitStack() as stack:
            output = Output(stack, into)
            output.movies(known, way.links)
            if scale is not None:
                self._describe_times()
                self._describe_ratings()
                self._write_ratings(scale, known, output.ratings)
            if sources.tags:
                self._tags(sources.tags, known, output)
            for test in sources.tests:
                self._test(test, known, output.text(test.file.plain_name))
            if sources.deletions:
                self._deletions(sources.deletions, known, output.text(DELETED))
            output.ids(self._kept(users, ids, way, scale))
        report.ids = [text for each in (users, ids) if (text := each.described())]
        return report

    # The data set that the ratings are added to

    def _with_known(self, movies: dict[str, DatasetMovie]) -> dict[str, DatasetMovie]:
        """Return the movies together with those of the data set that they are added to."""
        if self._onto is None:
            return movies
        known = self._onto.movies
        return known | {
            key: movie.or_else(known[key]) if key in known else movie
            for key, movie in movies.items()
        }

    def _count_movies(
        self, new: Mapping[str, DatasetMovie], together: Mapping[str, DatasetMovie]
    ) -> None:
        """Count the movies that are added, and those whose titles change."""
        counts = self._report.append
        if self._onto is None or counts is None:
            return
        known = self._onto.movies
        counts.movies_added = len(together) - len(known)
        counts.titles_seen = sum(key in known for key in new)
        counts.titles_changed = sum(
            key in known and known[key].title != movie.title for key, movie in new.items()
        )

    def _mappings(self, movies: Mapping[str, DatasetMovie]) -> tuple[IdMapping, IdMapping]:
        """Return the mappings of users' and movies' ids.

        Raises:
            DatasetError: if the ids are text, but whole numbers in the data set that they are added
                to.
        """
        written_users = self._spool.users
        users = ids_for("user", LARGEST_USER, written_users.items())
        ids = ids_for("movie", LARGEST_MOVIE, ((key, 1) for key in movies))
        if self._onto is None:
            return users, ids
        kept = self._onto.reading
        for new, former, written in (
            (users, kept.users, written_users),
            (ids, kept.movies, movies),
        ):
            if former.numbers and not new.numbers:
                raise DatasetError(
                    f"the {new.what}s have ids such as {next(iter(written))[:40]!r}, but whole"
                    " numbers in the active data set: write the same ids there and here, or import"
                    " all ratings anew, without APPEND=1"
                )
        return kept.users.copy(), kept.movies.copy()

    def _titles_of_ratings(self) -> dict[str, DatasetMovie]:
        """Return the movies that no file of titles lists; those that are known stay as they are."""
        if self._onto is None:
            self._report.notes.append(_titles_from(self._sources.ratings[0]))
            return self._titles or _named_by_ids(self._spool.movies)
        found = self._titles
        if not found and self._onto.named_by_ids:
            found = _named_by_ids(self._spool.movies)
        return {key: movie for key, movie in found.items() if key not in self._onto.movies}

    def _kept(
        self, users: IdMapping, movies: IdMapping, way: Way, scale: Scale | None
    ) -> KeptReading:
        scales = (scale.name,) if scale else ()
        if self._onto is None:
            return KeptReading(users, movies, way.through_links, scales)
        former = self._onto.reading
        scales = tuple(dict.fromkeys((*former.scales, *scales)))
        return KeptReading(users, movies, former.through_links, scales)

    # Movies

    def _listed_movies(self) -> dict[str, DatasetMovie]:
        """Read the file of titles, if there is one."""
        looked = self._sources.movies
        if looked is None:
            return {}
        encodings: set[str] = set()
        movies = read_movies(looked, self._sources.genres, self._report, encodings)
        if not movies:
            raise DatasetError(
                f"{looked.name} contains no readable movie{_why(self._report)}: it needs a movie's"
                " id and title in each row"
            )
        self._report.files.append(_file_line(looked.name, looked, encodings))
        return movies

    def _leave_out_unlike(self, movies: dict[str, DatasetMovie], ids: IdMapping) -> None:
        """Leave out the movies whose ids cannot be mapped."""
        reasons = {key: ids.integer(key) for key in movies} if ids.numbers else {}
        for key, reason in reasons.items():
            if isinstance(reason, str):
                movie = movies.pop(key)
                if self._sources.movies:
                    name, text = self._sources.movies.name, f"{key} ({movie.title})"
                    self._report.leave_out(name, movie.line, f"movies: {reason}", text)

    def _matching(self, movies: Mapping[str, DatasetMovie], links: Links) -> Way:
        """Return the way to find the id in the file of titles for an id in the ratings."""
        counts: Counter[str] = Counter()
        for written, count in self._spool.movies.items():
            counts[id_key(written)] += count
        way = best_way(counts or self._deleted_movies(), movies, links)
        titles = self._sources.movies
        if self._onto and self._onto.reading.through_links and not way.through_links:
            raise DatasetError(
                "the movies of the active data set were found through its file of links: put the"
                " same links.csv, which explains the ids of these files, next to them"
            )
        if way.found < _HALF * counts.total():
            lists = titles.name if titles else self._other_titles()
            share = f"only {way.found / counts.total():.0%}" if way.found else "none"
            rated, listed = next(iter(self._spool.movies)), next(iter(movies), "")
            raise DatasetError(
                f"{share} of the ratings in {self._names} are of movies that"
                f" {lists} lists (ids such as {rated[:40]!r} there"
                f" and {listed[:40]!r} here): use files with the same ids, or add a links.csv with"
                " the columns movieId, imdbId and tmdbId"
            )
        if way.note:
            self._report.notes.append(way.note)
        elif titles and "metadata" in titles.file.plain_name and not links:
            self._report.notes.append(
                f"{titles.name} has TMDB's ids, and The Movies Dataset has MovieLens' ids in its"
                " ratings: if titles do not fit, put links.csv into the same folder"
            )
        return way

    def _other_titles(self) -> str:
        return "they name" if self._onto is None else "the active data set"

    def _deleted_movies(self) -> Counter[str]:
        """Return the movies' ids in the file of deletions."""
        looked = self._sources.deletions
        rows = deletion_rows(looked, Lines(looked.file)) if looked else ()
        return Counter(key for *_, row in rows if row and (key := id_key(row[1])))

    def _begins_with_movie(self, movies: Mapping[str, DatasetMovie]) -> bool:
        """Return whether ratings without a header have the movie before the user.

        The usual order must find no movie, and the other one nearly all.
        """
        first = next(iter(self._sources.ratings), None)
        if first is None or first.columns.names or first.style or not movies:
            return False
        if any(id_key(written) in movies for written in self._spool.movies):
            return False
        users = self._spool.users
        known = sum(count for each, count in users.items() if id_key(each) in movies)
        return known >= _NEARLY_ALL * users.rows()

    # The pass over the files of ratings

    def _read_ratings(self) -> None:
        """Read the files of ratings into the spool.

        Raises:
            DatasetError: if they contain no row of ratings, and nothing is to be deleted.
        """
        for looked in self._sources.ratings:
            lines = Lines(looked.file)
            rows = rating_rows(looked, lines)
            if self._sources.movies is None and looked.columns.title is not None:
                rows = self._keeping_titles(looked, rows)
            self._spool.add(rows, self._progress)
            self._ends.append(len(self._spool))
            self._encodings |= lines.encodings
        if not self._spool.ratings and not self._sources.deletions:
            raise DatasetError(
                f"{self._names} contains no row of ratings: name a file that has some"
            )

    def _keeping_titles(
        self, looked: RecognisedFile, rows: Iterable[RatingRow]
    ) -> Iterator[RatingRow]:
        for row in rows:
            _, line, user, movie, *_ = row
            if user is not None:
                _keep_title(self._titles, looked, line, movie)
            yield row

    def _scale(self) -> Scale:
        values: Counter[float] = Counter()
        for text, count in self._spool.ratings.items():
            value = number(text)
            if value is not None:
                values[value] += count
        if not values:
            text = next(iter(self._spool.ratings))
            raise DatasetError(
                f"no rating in {self._names} is a number (the first is {text[:40]!r}): write"
                " ratings as numbers, such as 4 or 3.5"
            )
        try:
            scale = (
                scale_named(self._scale_name, values)
                if self._scale_name
                else recognise_scale(values)
            )
        except DatasetError as error:
            raise DatasetError(f"{self._names}: {error}") from error
        self._report.scale, self._report.scale_rule = scale.name, scale.rule
        if scale.lowest < -1:
            self._report.notes.append(
                "ratings from -10 to 10 are read as from dislike to like, so 0 is the middle and"
                " becomes 2.5 stars: if 0 or a negative value stands for no rating, remove its rows"
            )
        return scale

    def _describe_ratings(self) -> None:
        report, ratings = self._report, self._sources.ratings
        first = ratings[0]
        names = first.name if len(ratings) == 1 else f"{len(ratings):,} files, {self._names}"
        columns = describe_columns(first.columns) if first.style != "prize" else "the Netflix Prize"
        report.files.insert(0, f"{_file_line(names, first, self._encodings)}; {columns}")
        if first.decimal:
            report.notes.append("commas separate both columns and decimals: '3,5' is read as 3.5")
        if first.style == "yahoo":
            report.notes.append("of Yahoo's two scales, the one from 1 to 5 (column 4) is taken")

    def _describe_times(self) -> None:
        report, times, first_time = self._report, self._spool.times, self._spool.first_time
        report.times = kind_of_time(first_time) if first_time else NO_TIMES
        if times.slashed and times.day_first is None:
            report.times = NO_TIMES
            report.notes.append(
                f"{first_time!r} could begin with the day or the month, so these times are"
                " not used: write them as 2004-02-01"
            )

    # The pass over the spool

    def _write_ratings(self, scale: Scale, known: KnownIds, write: Callable[[str], object]) -> None:
        report, spool = self._report, self._spool
        users = _Column(known.user(text) for text in spool.users)
        movies = _Column(known.movie(text) for text in spool.movies)
        halves = _Column(_half_stars(text, scale) for text in spool.ratings)
        values = [number(text) or 0.0 for text in spool.ratings]
        spool.users.forget()
        seconds = _Seconds(spool)
        examples = _Examples(self._sources.ratings, self._ends, spool.kept_lines())
        undivided = list(spool.reasons)
        tally = _Tally(scale, self._counts)
        for rows in spool.batches():
            whole = rows["user"] != UNDIVIDED
            user = users.of(np.where(whole, rows["user"], 0))
            movie = movies.of(np.where(whole, rows["movie"], 0))
            half = halves.of(np.where(whole, rows["rating"], 0))
            good = whole & (user >= 0) & (movie >= 0) & (half >= 0)
            times = seconds.texts(rows["time"], good)
            kept = list(zip(user[good].tolist(), movie[good].tolist(), strict=True))
            stars = [_STARS[each] for each in half[good].tolist()]
            write(
                "".join(
                    f"{person},{film},{rated},{time}\n"
                    for (person, film), rated, time in zip(kept, stars, times, strict=True)
                )
            )
            tally.add_all(kept, [values[each] for each in rows["rating"][good].tolist()])
            for place in np.flatnonzero(~good).tolist():
                if not whole[place]:
                    reason = undivided[rows["rating"][place]]
                else:
                    columns = ((users, user), (movies, movie), (halves, half))
                    reason = next(
                        column.reason(codes[place]) for column, codes in columns if codes[place] < 0
                    )
                examples.leave_out(report, report.rows + place, reason)
            report.rows += len(rows)
        tally.into(report)
        if not report.ratings:
            raise DatasetError(
                f"none of the {report.rows:,} rows in {self._names} can be used{_why(report)}"
            )
        if seconds.unreadable and report.times != NO_TIMES:
            report.notes.append(
                f"{seconds.unreadable:,} ratings have a time that cannot be read, and count as"
                " undated"
            )
        tally.check_scale(self._names)

    # Tags and published test files

    def _tags(self, looked: RecognisedFile, known: KnownIds, output: Output) -> None:
        times = Times()
        for place, line, fields in tag_rows(looked, Lines(looked.file)):
            if fields is None:
                self._report.leave_out(looked.name, place, f"tags: {WRONG_WIDTH}", line)
                continue
            user, movie, tag = known.user(fields[0]), known.movie(fields[1]), clean_text(fields[2])
            reasons = [each for each in (user, movie) if isinstance(each, str)]
            if not tag or len(tag) > _LONGEST_TAG:
                reasons.append("tag is too long" if tag else "tag is empty")
            if reasons:
                self._report.leave_out(looked.name, place, f"tags: {reasons[0]}", line)
            else:
                output.tags((user, movie, tag, times.seconds(fields[3]) or 0))
                self._report.tags += 1

    def _test(
        self, looked: RecognisedFile, known: KnownIds, write: Callable[[str], object]
    ) -> None:
        """Write the pairs of a published test file with the data set's ids."""
        count = 0
        for _, _, user, movie, rating, _ in rating_rows(looked, Lines(looked.file)):
            person, movie_id = known.user(user or ""), known.movie(movie)
            if isinstance(person, int) and isinstance(movie_id, int):
                write(f"{person}\t{movie_id}\t{rating.strip()}\n")
                count += 1
        self._report.official_tests[looked.file.plain_name] = count

    def _deletions(
        self, looked: RecognisedFile, known: KnownIds, write: Callable[[str], object]
    ) -> None:
        """Write the deletions with the data set's ids; those of unknown ids are only counted."""
        report, lines = self._report, Lines(looked.file)
        counts = report.append or AppendCounts()
        for place, line, fields in deletion_rows(looked, lines):
            counts.deletions += 1
            if reason := _unusable_deletion(fields):
                report.leave_out(looked.name, place, f"deletions: {reason}", line)
            elif fields is not None:
                user = known.user_ids.known(id_key(fields[0]))
                movie = known.known_movie(fields[1]) if fields[1] else ""
                if user is None or movie is None:
                    counts.unknown_deletions += 1
                else:
                    write(f"{user},{movie}\n")
        report.files.append(_file_line(looked.name, looked, lines.encodings))


class _Column:
    """The integers of the texts of a column, by their numbers; below 0, why there are none."""

    def __init__(self, found: Iterable[int | str]) -> None:
        reasons: dict[str, int] = {}
        codes = (
            each if isinstance(each, int) else -1 - reasons.setdefault(each, len(reasons))
            for each in found
        )
        self._codes: TextNumbers = np.fromiter(codes, dtype=np.int64)
        self._reasons = list(reasons)

    def of(self, numbers: Any) -> TextNumbers:
        """Return the codes of the texts with these numbers."""
        codes: TextNumbers = self._codes[numbers]
        return codes

    def reason(self, code: int) -> str:
        """Return the reason that a code below 0 stands for."""
        return self._reasons[-1 - int(code)]


class _Seconds:
    """Writes times as seconds since 1970, and counts those that cannot be read."""

    def __init__(self, spool: RatingSpool) -> None:
        self._read = functools.lru_cache(100_000)(spool.times.seconds)
        self._slashed = spool.slashed_times()
        self.unreadable = 0

    def texts(self, times: TextNumbers, good: Any) -> list[str]:
        """Return the seconds of the good rows as text; nothing where there is no time."""
        if bool((times >= 0).all()):
            return [f"{each}" for each in times[good].tolist()]
        found = []
        for time, is_good in zip(times.tolist(), good.tolist(), strict=True):
            # Each of these times must be taken, because they are in the order of the rows.
            slashed = next(self._slashed) if time == SLASHED_TIME else ""
            if is_good:
                seconds = self._read(slashed) if slashed else time
                readable = seconds is not None and seconds >= 0
                self.unreadable += not readable and time != NO_TIME
                found.append(f"{seconds}" if readable else "")
        return found


class _Examples:
    """Counts rows of ratings that are left out, and finds the lines of the first of them."""

    def __init__(
        self, ratings: Sequence[RecognisedFile], ends: Sequence[int], lines: Iterator[KeptLine]
    ) -> None:
        self._names = [looked.name for looked in ratings]
        self._ends = ends
        self._lines = lines
        self._next = KeptLine(-1, 0, "")

    def leave_out(self, report: DatasetReport, row: int, reason: str) -> None:
        """Count a row, and keep it as an example if its line was kept; rows must ascend."""
        while self._next.row < row:
            self._next = next(self._lines, KeptLine(self._ends[-1], 0, ""))
        if self._next.row == row:
            name = self._names[bisect_right(self._ends, row)]
            report.leave_out(name, self._next.place, reason, self._next.text)
        else:
            report.left_out[reason] += 1


class _Tally:
    """Counts the ratings that are kept, and finds out whether users rate by different scales."""

    def __init__(self, scale: Scale, counts: PairCounts) -> None:
        self._counts = counts
        self._half = scale.highest / 2 if scale.highest == 10 else None  # noqa: PLR2004
        self._reaches: dict[int, tuple[int, float]] = {}  # by user: ratings, and the highest

    def add_all(self, pairs: Sequence[tuple[int, int]], values: Sequence[float]) -> None:
        """Count ratings: the user and the movie of each, and its value as it is written."""
        self._counts.add_all((user for user, _ in pairs), (movie for _, movie in pairs))
        if self._half is not None:
            for (user, _), value in zip(pairs, values, strict=True):
                count, highest = self._reaches.get(user, (0, 0.0))
                self._reaches[user] = (count + 1, max(highest, value))

    def into(self, report: DatasetReport) -> None:
        """Write the counts into a report."""
        counts = self._counts
        report.ratings, report.users, report.movies_rated = (
            counts.ratings,
            counts.users,
            counts.movies,
        )
        report.duplicates = counts.repeated()
        report.movies_with_five_ratings = counts.movies_rated_by(RATINGS_OF_A_MOVIE)

    def check_scale(self, names: str) -> None:
        """Raise DatasetError if many users stay below half of a scale that ends with 10.

        Most of them must rate just as high as a scale that ends there allows.
        """
        half = self._half or 0.0
        reaches = [highest for count, highest in self._reaches.values() if count >= _FEW]
        low = sum(highest <= half for highest in reaches)
        if low and low >= _MIXED * len(reaches) and reaches.count(half) >= _HALF * low:
            raise DatasetError(
                f"{names} reaches 10, but {low:,} of {len(reaches):,} users never rate above 5: two"
                " scales seem to be mixed. Double the ratings that are on the scale of 5"
            )


def _half_stars(text: str, scale: Scale) -> int | str:
    """Return the stars of a rating times 2, or why it has none."""
    value = number(text)
    if value is None:
        return "rating is empty" if is_missing(text) else "rating is not a number"
    if value in scale.unrated:
        return f"{value:g} {NO_RATING}"
    stars = scale.stars(value)
    return round(2 * stars) if stars is not None else f"rating is not on the scale {scale.name}"


def _unusable_deletion(fields: tuple[str, str] | None) -> str | None:
    """Return why a row of deletions cannot be used; None if it can."""
    if fields is None:
        return WRONG_WIDTH
    user, movie = fields
    if not id_key(user):
        return "user id is empty"
    if movie and not id_key(movie):
        # Only a field that is truly empty deletes all of a user's ratings.
        return "movie id is a word for a missing value: leave it empty to delete all of the user's"
    return None


def _named_by_ids(movies: Iterable[str]) -> dict[str, DatasetMovie]:
    named = {}
    for written in movies:
        title = title_with_year(written)
        if (key := id_key(written)) and title:
            named[key] = DatasetMovie(title, imdb=imdb_in(key))
    return named


def _keep_title(
    titles: dict[str, DatasetMovie], looked: RecognisedFile, line: str, movie: str
) -> None:
    """Note the title of a rated movie, from the columns of its first rating that has one."""
    columns, key = looked.columns, id_key(movie)
    if columns.title is None or not key or key in titles:
        return
    fields = looked.dialect.fields(line)
    if len(fields) != columns.width:
        return
    year = fields[columns.year] if columns.year is not None else ""
    genres = split_genres(fields[columns.genres]) if columns.genres is not None else []
    if title := title_with_year(fields[columns.title], year):
        titles[key] = DatasetMovie(title, tuple(genres))


def _swapped(ratings: Iterable[RecognisedFile]) -> tuple[RecognisedFile, ...]:
    return tuple(
        replace(
            each, columns=replace(each.columns, user=each.columns.movie, movie=each.columns.user)
        )
        for each in ratings
    )


def _titles_from(ratings: RecognisedFile) -> str:
    if ratings.columns.title is not None:
        return f"there is no file of titles: they are taken from {ratings.name}"
    return (
        "there is no file of titles: the ids of movies are their titles. To show real titles, put"
        " a movies.csv with the columns movieId and title into the same folder"
    )


def _some_names(looked: Sequence[RecognisedFile]) -> str:
    names = [each.name for each in looked]
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""  # noqa: PLR2004
    return ", ".join(names[:3]) + more


def _file_line(names: str, looked: RecognisedFile, encodings: set[str]) -> str:
    separators = NAMES[looked.dialect.separator]
    return f"{names}: separated by {separators}, in {' and '.join(sorted(encodings)) or UTF_8}"


def _why(report: DatasetReport) -> str:
    reasons = "; ".join(f"{count:,}: {why}" for why, count in report.left_out.most_common(5))
    return f" ({reasons})" if reasons else ""
