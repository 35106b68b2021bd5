"""Write a data set in one canonical form, and report what was read, mapped and left out.

The files of ratings are read twice: first to learn the ids, the scale and the order of day and
month from all rows, then to write the ratings. Memory grows with the number of users and movies,
and by 8 bytes a row up to a bound, but not with the size of the files.
"""

import errno
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

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
from operations.dataset.rows import WRONG_WIDTH, deletion_rows, rating_rows, tag_rows
from operations.dataset.scale import Scale, recognise_scale, scale_named
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
_ROWS_BETWEEN = 50_000  # rows between two reports of progress

type ReportRows = Callable[[int], None]


def read_data_set(
    sources: DatasetFiles,
    into: Path | None,
    progress: ReportRows = lambda _: None,
    *,
    onto: KnownDataSet | None = None,
    scale: str | None = None,
) -> DatasetReport:
    """Read a data set, and write its canonical files into a folder, unless that is None.

    Args:
        sources: the files to read.
        into: the folder to write into.
        progress: is called from time to time with the number of rows that were read so far, in both
            passes together.
        onto: the data set that the ratings are to be added to. Ids get its integers, and its movies
            are written along with new ones; deletions are written with its integers.
        scale: the name of the ratings' scale; by default it is recognised.

    Raises:
        DatasetError: if the data set cannot be imported; the message says why and how to fix it.
    """
    report = DatasetReport(ignored=list(sources.ignored))
    if onto is not None:
        report.append = AppendCounts()
    try:
        return _Conversion(sources, report, progress, onto, scale).run(into)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DatasetError(
            f"the disk of {into} is full: the ratings need about as much space there as they have"
            " where they are"
        ) from error


@dataclass(slots=True)
class _Survey:
    """What the first pass learns from all rows."""

    users: dict[str, int] = field(default_factory=dict)  # rows of each user, by id as written
    movies: dict[str, int] = field(default_factory=dict)
    ratings: dict[str, int] = field(default_factory=dict)
    titles: dict[str, DatasetMovie] = field(default_factory=dict)  # from columns of the ratings
    times: Times = field(default_factory=Times)
    first_time: str = ""
    encodings: set[str] = field(default_factory=set)


class _Conversion:
    def __init__(
        self,
        sources: DatasetFiles,
        report: DatasetReport,
        progress: ReportRows,
        onto: KnownDataSet | None,
        scale: str | None,
    ) -> None:
        self._sources = sources
        self._report = report
        self._progress = progress
        self._onto = onto
        self._scale_name = scale
        self._read = 0
        self._names = _some_names(sources.ratings)

    def run(self, into: Path | None) -> DatasetReport:
        sources, report = self._sources, self._report
        listed = self._listed_movies()
        links = read_link_rows(sources.links) if sources.links else {}
        survey = self._survey()
        if self._begins_with_movie(survey, self._with_known(listed)):
            sources = self._sources = replace(sources, ratings=_swapped(sources.ratings))
            survey = self._survey()
            report.notes.append("the first column is the movie, the second the user")
        scale = self._scale(survey) if survey.ratings else None
        new_movies = listed if sources.movies else self._titles_of_ratings(survey)
        users, ids = self._mappings(survey, new_movies)
        movies = self._with_known(new_movies)
        self._leave_out_unlike(movies, ids)
        self._count_movies(new_movies, movies)
        way = self._matching(survey, movies, links)
        known = KnownIds(users, ids, movies, way.find)
        report.movies = len(movies)
        with ExitStack() as stack:
            output = Output(stack, into)
            output.movies(known, way.links)
            if scale is not None:
                self._describe_times(survey)
                self._describe_ratings(survey)
                self._ratings(survey, scale, known, output.ratings)
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

    def _mappings(
        self, survey: _Survey, movies: Mapping[str, DatasetMovie]
    ) -> tuple[IdMapping, IdMapping]:
        """Return the mappings of users' and movies' ids.

        Raises:
            DatasetError: if the ids are text, but whole numbers in the data set that they are added
                to.
        """
        users = ids_for("user", LARGEST_USER, survey.users.items())
        ids = ids_for("movie", LARGEST_MOVIE, ((key, 1) for key in movies))
        if self._onto is None:
            return users, ids
        kept = self._onto.reading
        for new, former, written in ((users, kept.users, survey.users), (ids, kept.movies, movies)):
            if former.numbers and not new.numbers:
                raise DatasetError(
                    f"the {new.what}s have ids such as {next(iter(written))[:40]!r}, but whole"
                    " numbers in the active data set: write the same ids there and here, or import"
                    " all ratings anew, without APPEND=1"
                )
        return kept.users.copy(), kept.movies.copy()

    def _titles_of_ratings(self, survey: _Survey) -> dict[str, DatasetMovie]:
        """Return the movies that no file of titles lists; those that are known stay as they are."""
        if self._onto is None:
            self._report.notes.append(_titles_from(self._sources.ratings[0]))
            return survey.titles or _named_by_ids(survey.movies)
        found = survey.titles
        if not found and self._onto.named_by_ids:
            found = _named_by_ids(survey.movies)
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

    def _matching(self, survey: _Survey, movies: Mapping[str, DatasetMovie], links: Links) -> Way:
        """Return the way to find the id in the file of titles for an id in the ratings."""
        counts: Counter[str] = Counter()
        for written, count in survey.movies.items():
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
            rated, listed = next(iter(survey.movies)), next(iter(movies), "")
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

    def _begins_with_movie(self, survey: _Survey, movies: Mapping[str, DatasetMovie]) -> bool:
        """Return whether ratings without a header have the movie before the user.

        The usual order must find no movie, and the other one nearly all.
        """
        first = next(iter(self._sources.ratings), None)
        if first is None or first.columns.names or first.style or not movies:
            return False
        if any(id_key(written) in movies for written in survey.movies):
            return False
        known = sum(count for each, count in survey.users.items() if id_key(each) in movies)
        return known >= _NEARLY_ALL * sum(survey.users.values())

    # The first pass over the ratings

    def _survey(self) -> _Survey:
        survey = _Survey()
        users, movies, ratings = survey.users, survey.movies, survey.ratings
        for looked in self._sources.ratings:
            lines = Lines(looked.file)
            keeps_titles = self._sources.movies is None and looked.columns.title is not None
            for _, line, user, movie, rating, time in rating_rows(looked, lines):
                if user is None:
                    continue
                users[user] = users.get(user, 0) + 1
                movies[movie] = movies.get(movie, 0) + 1
                ratings[rating] = ratings.get(rating, 0) + 1
                if not time.isdecimal():
                    survey.times.look(time)
                if not survey.first_time and not is_missing(time):
                    survey.first_time = time
                if keeps_titles:
                    _keep_title(survey.titles, looked, line, movie)
                self._count()
            survey.encodings |= lines.encodings
        if not ratings and not self._sources.deletions:
            raise DatasetError(
                f"{self._names} contains no row of ratings: name a file that has some"
            )
        return survey

    def _scale(self, survey: _Survey) -> Scale:
        values: Counter[float] = Counter()
        for text, count in survey.ratings.items():
            value = number(text)
            if value is not None:
                values[value] += count
        if not values:
            text = next(iter(survey.ratings))
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

    def _describe_ratings(self, survey: _Survey) -> None:
        report, ratings = self._report, self._sources.ratings
        first = ratings[0]
        names = first.name if len(ratings) == 1 else f"{len(ratings):,} files, {self._names}"
        columns = describe_columns(first.columns) if first.style != "prize" else "the Netflix Prize"
        report.files.insert(0, f"{_file_line(names, first, survey.encodings)}; {columns}")
        if first.decimal:
            report.notes.append("commas separate both columns and decimals: '3,5' is read as 3.5")
        if first.style == "yahoo":
            report.notes.append("of Yahoo's two scales, the one from 1 to 5 (column 4) is taken")

    def _describe_times(self, survey: _Survey) -> None:
        report = self._report
        report.times = kind_of_time(survey.first_time) if survey.first_time else NO_TIMES
        if survey.times.slashed and survey.times.day_first is None:
            report.times = NO_TIMES
            report.notes.append(
                f"{survey.first_time!r} could begin with the day or the month, so these times are"
                " not used: write them as 2004-02-01"
            )

    # The second pass over the ratings

    def _ratings(
        self, survey: _Survey, scale: Scale, known: KnownIds, write: Callable[[str], object]
    ) -> None:
        report = self._report
        user_of = {text: known.user(text) for text in survey.users}
        movie_of = {text: known.movie(text) for text in survey.movies}
        stars_of = {text: _stars(text, scale) for text in survey.ratings}
        survey.users.clear()
        when = _Seconds(survey.times)
        tally = _Tally(scale)
        for looked in self._sources.ratings:
            for place, line, user, movie, rating, time in rating_rows(looked, Lines(looked.file)):
                report.rows += 1
                if user is None:
                    report.leave_out(looked.name, place, movie, line)
                    continue
                person, movie_id, stars = user_of[user], movie_of[movie], stars_of[rating]
                if isinstance(person, str) or isinstance(movie_id, str) or isinstance(stars, str):
                    reasons = (each for each in (person, movie_id, stars) if isinstance(each, str))
                    report.leave_out(looked.name, place, next(reasons), line)
                    continue
                write(f"{person},{movie_id},{stars},{when.text(time)}\n")
                tally.add(person, movie_id, rating)
                self._count()
        tally.into(report)
        if not report.ratings:
            raise DatasetError(
                f"none of the {report.rows:,} rows in {self._names} can be used{_why(report)}"
            )
        if when.unreadable and report.times != NO_TIMES:
            report.notes.append(
                f"{when.unreadable:,} ratings have a time that cannot be read, and count as undated"
            )
        tally.check_scale(self._names)

    def _count(self) -> None:
        self._read += 1
        if not self._read % _ROWS_BETWEEN:
            self._progress(self._read)

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


class _Seconds:
    """Writes times as seconds since 1970, and counts those that cannot be read."""

    def __init__(self, times: Times) -> None:
        self._read = functools.lru_cache(100_000)(times.seconds)
        self.unreadable = 0

    def text(self, time: str) -> str:
        """Return the seconds as text; nothing if the time is missing or cannot be read."""
        if len(time) == 10 and time.isascii() and time.isdecimal():  # noqa: PLR2004 - 2001 to 2286
            return time
        seconds = self._read(time)
        if seconds is not None:
            return f"{seconds}"
        self.unreadable += not is_missing(time)
        return ""


class _Tally:
    """Counts the ratings that are kept, and finds out whether users rate by different scales."""

    def __init__(self, scale: Scale) -> None:
        self._counts = PairCounts()
        self._half = scale.highest / 2 if scale.highest == 10 else None  # noqa: PLR2004
        self._reaches: dict[int, tuple[int, float]] = {}  # by user: ratings, and the highest

    def add(self, user: int, movie: int, rating: str) -> None:
        """Count a rating."""
        self._counts.add(user, movie)
        if self._half is not None:
            count, highest = self._reaches.get(user, (0, 0.0))
            self._reaches[user] = (count + 1, max(highest, number(rating) or 0.0))

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


def _stars(text: str, scale: Scale) -> float | str:
    """Return the stars of a rating, or why it has none."""
    value = number(text)
    if value is None:
        return "rating is empty" if is_missing(text) else "rating is not a number"
    if value in scale.unrated:
        return f"{value:g} {NO_RATING}"
    stars = scale.stars(value)
    return stars if stars is not None else f"rating is not on the scale {scale.name}"


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
