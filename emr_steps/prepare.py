"""Clean the raw files of a data set into Parquet, and report the rows that were left out.

Recognises the layout from the files (marquee.datasets). Unusable rows are left out; the report
counts them by reason and names the first of them with file and line. If a user rated a movie more
than once, the latest rating counts. Of tags, in layouts that have them, the step keeps the profile
counts: how many people gave each movie each tag.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from pyspark.storagelevel import StorageLevel

from learning.hadoop_files import Files, join
from learning.step_log import StepError, StepLog, step
from marquee.datasets import HEAD_BYTES, DatasetError, Form, Layout, recognise

EXAMPLES = 100
HIGHEST = 5.0  # stars
LAST_SECOND = 253_402_300_799  # end of the year 9999, the latest timestamp
SPLIT_BYTES = "32m"

type Blocks = Mapping[tuple[str, int], "TextBlock"]


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A part of a file that one task reads."""

    first_place: int
    first_line: int  # number of its first line in the file
    carried: str | None  # the last movie header in the file before this block


@dataclass(slots=True)
class ImportReport:
    """The import report: what was read and what was left out."""

    dataset: str
    layout: str
    files: list[str]
    files_ignored: list[str]
    official_tests: list[str] = field(default_factory=list)  # for the evaluation
    rows: int = 0
    ratings: int = 0
    users: int = 0
    movies: int = 0
    movies_rated: int = 0
    duplicates: int = 0
    tags: int = 0  # usable rows of tags
    links: int = 0  # movies that have an id in another catalogue
    bad_rows: dict[str, int] = field(default_factory=dict)
    examples: list[dict[str, str | int]] = field(default_factory=list)


def lines_of(spark: SparkSession, folder: str, names: Sequence[str]) -> DataFrame:
    """Return the lines of the files: file, block, place, value.

    `block` is the offset (bytes) at which the task's part of the file begins. `place` rises by one
    per line within a block, so lines can be numbered without passing all through one task. Lines
    that are not valid UTF-8 are read as Latin-1, the encoding of older data sets.
    """
    text = F.coalesce(
        F.try_validate_utf8("value"), F.decode(F.col("value").cast("binary"), "ISO-8859-1")
    )
    return spark.read.text([join(folder, name) for name in names]).select(
        F.col("_metadata.file_name").alias("file"),
        F.col("_metadata.file_block_start").alias("block"),
        F.monotonically_increasing_id().alias("place"),
        F.ltrim(text, F.lit("\ufeff")).alias("value"),
    )


def text_blocks(lines: DataFrame) -> Blocks:
    """Find each block's first line number and the last movie header before it."""
    found = (
        lines.groupBy("file", "block")
        .agg(
            F.count("*").alias("lines"),
            F.min("place").alias("first_place"),
            F.max_by("value", F.when(_is_header(), F.col("place"))).alias("header"),
        )
        .orderBy("file", "block")
        .collect()
    )
    blocks: dict[tuple[str, int], TextBlock] = {}
    file, line, carried = None, 1, None
    for row in found:
        if row["file"] != file:
            file, line, carried = row["file"], 1, None
        blocks[row["file"], row["block"]] = TextBlock(row["first_place"], line, carried)
        line += row["lines"]
        carried = row["header"] or carried
    return blocks


def with_movie_header(lines: DataFrame, blocks: Blocks) -> DataFrame:
    """Add `header`, the last `movie_id:` line before each line of the same file.

    A window finds the headers within each block; `blocks` holds the header that still applies at
    the block's beginning.
    """
    spark = lines.sparkSession
    carried = spark.createDataFrame(
        [(file, start, block.carried) for (file, start), block in blocks.items()],
        "file STRING, block LONG, carried STRING",
    )
    within = Window.partitionBy("file", "block").orderBy("place")
    own = F.last(F.when(_is_header(), F.col("value")), ignorenulls=True).over(within)
    return (
        lines.withColumn("own", own)
        .join(F.broadcast(carried), ["file", "block"], "left")
        .select("file", "block", "place", "value", F.coalesce("own", "carried").alias("header"))
    )


def parse_ratings(lines: DataFrame, form: Form) -> DataFrame:
    """Return file, block, place, value, user_id, movie_id, rating, rated_at, reason.

    `rated_at` is null if the time is empty. `reason` says why the row is unusable; it is null for
    usable rows. `lines` must have `header` if the form groups ratings under movie headers.
    """
    grouped = "movie_id" not in form.columns
    rows = lines.filter(F.trim("value") != "")
    if grouped:
        rows = rows.filter(~(_is_header() & _header_can_be_read()))
    if form.ratings.first_line:
        rows = rows.filter(F.lower(F.trim("value")) != form.ratings.first_line.lower())
    parts = F.split("value", rf"\Q{form.separator}\E", -1)
    column = {name: F.trim(F.get("parts", F.lit(place))) for place, name in enumerate(form.columns)}
    if grouped:
        column["movie_id"] = F.regexp_extract(F.coalesce("header", F.lit("")), r"^\s*(\d+)", 1)
    rated_at = _rated_at(column)
    reason = F.coalesce(
        *([_header_reason()] if grouped else []),
        F.when(F.size("parts") != len(form.columns), "wrong number of columns"),
        _id_reason(column["user_id"], "user", "long"),
        _id_reason(column["movie_id"], "movie", "int"),
        _rating_reason(column["rating"], form),
        F.when(rated_at.isNull() & (_time(column) != ""), "date cannot be read"),
    )
    return rows.withColumn("parts", parts).select(
        "file",
        "block",
        "place",
        "value",
        column["user_id"].try_cast("long").alias("user_id"),
        column["movie_id"].try_cast("int").alias("movie_id"),
        column["rating"].try_cast("float").alias("rating"),
        rated_at.alias("rated_at"),
        reason.alias("reason"),
    )


def without_unknown_movies(ratings: DataFrame, movies: DataFrame) -> DataFrame:
    """Set `reason` for ratings of movies that the movies file does not list."""
    known = F.broadcast(movies.select("movie_id", F.lit(True).alias("known")))
    unknown = F.when(F.col("known").isNull(), "movie is not in the movies file")
    return (
        ratings.join(known, "movie_id", "left")
        .withColumn("reason", F.coalesce("reason", unknown))
        .drop("known")
    )


def latest_ratings(ratings: DataFrame) -> DataFrame:
    """Return user_id, movie_id, rating, rated_at: each user's latest rating of each movie.

    Of ratings with the same time, the last one in the files counts, and of ratings without a time,
    too. A rating with a time counts more than one without.
    """
    order = F.struct("rated_at", "file", "block", "place")
    return (
        ratings.groupBy("user_id", "movie_id")
        .agg(F.max_by(F.struct("rating", "rated_at"), order).alias("latest"))
        .select("user_id", "movie_id", "latest.rating", "latest.rated_at")
    )


def parse_movies(lines: DataFrame, form: Form, genres: Sequence[str] = ()) -> DataFrame:
    """Return file, block, place, value, movie_id, title, year, genres, reason.

    `genres` are the names in u.genre, which only the layout of MovieLens 100K needs.
    """
    rows = lines.filter(F.trim("value") != "")
    if form.movies.first_line:
        rows = rows.filter(F.lower(F.trim("value")) != form.movies.first_line.lower())
    read: dict[str, Callable[[DataFrame], DataFrame]] = {
        "netflix-prize": _netflix_movies,
        "netflix-cleaned": _netflix_movies,
        "movielens-csv": _csv_movies,
        "movielens-dat": _dat_movies,
        "movielens-100k": lambda rows: _flag_movies(rows, genres),
    }
    parts = read[form.name](rows)
    reason = F.coalesce(
        F.when(F.col("genres").isNull(), "wrong number of columns"),
        _id_reason(F.col("id"), "movie", "int"),
        F.when(F.trim("title") == "", "title is empty"),
        F.when(F.col("year") == "?", "year cannot be read"),
    )
    return parts.select(
        "file",
        "block",
        "place",
        "value",
        F.col("id").try_cast("int").alias("movie_id"),
        F.trim("title").alias("title"),
        F.col("year").try_cast("int").alias("year"),
        "genres",
        reason.alias("reason"),
    )


def latest_movies(movies: DataFrame) -> DataFrame:
    """Return movie_id, title, year, genres; for a movie listed twice, the last line counts."""
    latest = F.max_by(F.struct("title", "year", "genres"), F.struct("file", "block", "place"))
    return (
        movies.groupBy("movie_id")
        .agg(latest.alias("latest"))
        .select("movie_id", "latest.title", "latest.year", "latest.genres")
    )


def parse_tags(lines: DataFrame, form: Form) -> DataFrame:
    """Return file, block, place, value, user_id, movie_id, tag (in lower case), reason."""
    rows = lines.filter(F.trim("value") != "")
    if form.tags and form.tags.first_line:
        rows = rows.filter(F.lower(F.trim("value")) != form.tags.first_line.lower())
    user, movie, tag, count = (
        _csv_tag_columns() if form.separator == "," else _split_tag_columns(form.separator)
    )
    reason = F.coalesce(
        F.when(~count, "wrong number of columns"),
        _id_reason(user, "user", "long"),
        _id_reason(movie, "movie", "int"),
        F.when(F.trim(tag) == "", "tag is empty"),
    )
    return rows.select(
        *rows.columns,
        user.try_cast("long").alias("user_id"),
        movie.try_cast("int").alias("movie_id"),
        F.lower(F.trim(tag)).alias("tag"),
        reason.alias("reason"),
    )


def _csv_tag_columns() -> tuple[Column, Column, Column, Column]:
    """Return user, movie and tag of a CSV line, and whether the line has 4 columns.

    Tags that contain commas are in quotes.
    """
    options = {"quote": '"', "escape": '"', "nullValue": "\u0000"}
    schema = "user STRING, movie STRING, tag STRING, seconds STRING, more STRING"
    row = F.from_csv("value", F.lit(schema), options)
    whole = row["seconds"].isNotNull() & row["more"].isNull()
    return F.trim(row["user"]), F.trim(row["movie"]), row["tag"], whole


def _split_tag_columns(separator: str) -> tuple[Column, Column, Column, Column]:
    """Return the same for a line with another separator, which may also occur in a tag."""
    parts = F.split("value", rf"\Q{separator}\E", -1)
    size = F.size(parts)
    tag = F.array_join(F.slice(parts, F.lit(3), F.greatest(size - 3, F.lit(0))), separator)
    user, movie = (F.trim(F.get(parts, F.lit(place))) for place in (0, 1))
    return user, movie, tag, size > 3  # noqa: PLR2004


def parse_links(lines: DataFrame, form: Form) -> DataFrame:
    """Return movie_id, imdb, tmdb: a movie's ids in other catalogues, null if unknown.

    Skips rows that cannot be read, because they only cost a link.
    """
    header = form.links.first_line.lower() if form.links else ""
    column = F.split("value", ",", -1)
    movie, imdb, tmdb = (F.trim(F.get(column, F.lit(place))) for place in range(3))
    rows = lines.filter(F.lower(F.trim("value")) != header).select(
        movie.try_cast("int").alias("movie_id"),
        F.when(imdb.rlike(r"^\d+$"), imdb).alias("imdb"),
        F.when(tmdb.rlike(r"^\d+$"), tmdb).try_cast("int").alias("tmdb"),
    )
    linked = F.col("movie_id").isNotNull() & (F.col("imdb").isNotNull() | F.col("tmdb").isNotNull())
    return rows.filter(linked).dropDuplicates(["movie_id"])


def tag_counts(tags: DataFrame) -> DataFrame:
    """Return movie_id, tag, people: the number of different users who gave the movie the tag."""
    return tags.groupBy("movie_id", "tag").agg(
        F.count_distinct("user_id").cast("int").alias("people")
    )


def _is_header() -> Column:
    return F.col("value").rlike(r"^[^,]*:\s*$")


def _header_can_be_read() -> Column:
    number = F.regexp_extract("header", r"^\s*(\d{1,10})\s*:\s*$", 1).try_cast("int")
    return F.coalesce(number.isNotNull(), F.lit(False))


def _header_reason() -> Column:
    unreadable = F.when(_is_header(), "movie header cannot be read").otherwise(
        "rating under a movie header that cannot be read"
    )
    return F.when(F.col("header").isNull(), "rating before any movie header").when(
        ~_header_can_be_read(), unreadable
    )


def _id_reason(value: Column, what: str, kind: str) -> Column:
    return F.when(
        ~F.coalesce(value.rlike(r"^\d+$"), F.lit(False)),
        f"{what} id is not a whole number from 0 up",
    ).when(value.try_cast(kind).isNull(), f"{what} id is too large")


def _rating_reason(value: Column, form: Form) -> Column:
    stars = value.try_cast("double")
    on_scale = stars.between(form.lowest, HIGHEST) & (stars % form.step == 0)
    return F.when(
        ~F.coalesce(value.rlike(r"^-?\d+(\.\d+)?$"), F.lit(False)), "rating is not a number"
    ).when(~on_scale, f"rating is not one of {form.lowest:g} to 5 in steps of {form.step:g}")


def _time(column: Mapping[str, Column]) -> Column:
    return column["date"] if "date" in column else column["seconds"]


def _rated_at(column: Mapping[str, Column]) -> Column:
    """Return the timestamp (UTC) of a date or of epoch seconds; null if it is neither or empty."""
    if "date" in column:
        day = F.when(column["date"].rlike(r"^\d{4}-\d\d-\d\d$"), column["date"])
        return day.try_cast("date").cast("timestamp")
    seconds = F.when(column["seconds"].rlike(r"^\d+$"), column["seconds"]).try_cast("long")
    return F.timestamp_seconds(F.when(seconds <= LAST_SECOND, seconds))


def _netflix_movies(rows: DataFrame) -> DataFrame:
    """Parse `id,year,title`; titles may contain commas, years may be NULL, there are no genres."""
    parts = rows.withColumn("parts", F.split("value", ",", 3))
    year = F.trim(F.get("parts", F.lit(1)))
    return parts.select(
        *rows.columns,
        F.trim(F.get("parts", F.lit(0))).alias("id"),
        F.get("parts", F.lit(2)).alias("title"),
        F.when(year.rlike(r"^\d{4}$"), year).when(year != "NULL", "?").alias("year"),
        F.when(F.size("parts") == 3, F.array().cast("array<string>")).alias("genres"),  # noqa: PLR2004
    )


def _csv_movies(rows: DataFrame) -> DataFrame:
    """Parse `movieId,title,genres`; titles that contain commas are in quotes."""
    options = {"quote": '"', "escape": '"', "nullValue": "\u0000"}
    schema = "id STRING, title STRING, genres STRING, more STRING"
    parts = rows.withColumn("movie", F.from_csv("value", F.lit(schema), options)).select(
        *rows.columns, "movie.*"
    )
    names = F.when(F.col("more").isNull(), F.col("genres"))
    return _with_year(parts.withColumn("genres", _genres(names)).drop("more"))


def _dat_movies(rows: DataFrame) -> DataFrame:
    """Parse `id::title::genres`."""
    parts = rows.withColumn("parts", F.split("value", "::", -1))
    names = F.when(F.size("parts") == 3, F.get("parts", F.lit(2)))  # noqa: PLR2004
    return _with_year(
        parts.select(
            *rows.columns,
            F.trim(F.get("parts", F.lit(0))).alias("id"),
            F.get("parts", F.lit(1)).alias("title"),
            _genres(names).alias("genres"),
        )
    )


def _flag_movies(rows: DataFrame, genres: Sequence[str]) -> DataFrame:
    """Parse `id|title|release|video|url|` followed by a 0 or 1 for each genre of u.genre."""
    before = 5
    parts = rows.withColumn("parts", F.split("value", r"\|", -1))
    flagged = F.array(
        *(
            F.when(F.get("parts", F.lit(before + place)) == "1", name)
            for place, name in enumerate(genres)
        )
    )
    unknown = F.lit("unknown")
    found = F.array_remove(F.array_compact(flagged), unknown)
    whole = F.size("parts") == before + len(genres)
    released = F.regexp_extract(F.get("parts", F.lit(2)), r"(\d{4})$", 1)
    movies = _with_year(
        parts.select(
            *rows.columns,
            F.trim(F.get("parts", F.lit(0))).alias("id"),
            F.get("parts", F.lit(1)).alias("title"),
            F.when(whole, found).alias("genres"),
            F.when(released != "", released).alias("released"),
        )
    )
    return movies.withColumn("year", F.coalesce("year", "released")).drop("released")


def _genres(names: Column) -> Column:
    """Split `Comedy|Drama` into genres; `(no genres listed)` gives none, null gives null."""
    listed = F.transform(F.split(names, r"\|", -1), F.trim)
    return F.filter(listed, lambda name: (name != "") & (name != "(no genres listed)"))


def _with_year(movies: DataFrame) -> DataFrame:
    """Move the year from the end of the title to `year`, and a trailing article to the front."""
    year = F.regexp_extract("title", r"\((\d{4})(?:[-\u2013]\d{0,4})?\)\s*$", 1)
    title = F.regexp_replace("title", r"\s*\(\d{4}(?:[-\u2013]\d{0,4})?\)\s*$", "")
    # Matches only articles: `Shawshank Redemption, The` and `Postman, The (Postino, Il)`.
    article = r"^(.+?), (The|A|An|Les|Le|La|Il|El|Los|Las|Der|Die|Das|Un|Une|Una)( \(.*)?$"
    return movies.withColumn("year", F.when(year != "", year)).withColumn(
        "title", F.regexp_replace(title, article, "$2 $1$3")
    )


def bad_rows(rows: DataFrame) -> dict[str, int]:
    """Count rows by reason, in descending order; usable rows are counted under ''."""
    counts = rows.groupBy(F.coalesce("reason", F.lit("")).alias("reason")).count().collect()
    return {row["reason"]: row["count"] for row in sorted(counts, key=lambda row: -row["count"])}


def examples(rows: DataFrame, blocks: Blocks) -> list[dict[str, str | int]]:
    """Return the first unusable rows (at most EXAMPLES), in the order of files and lines."""
    first = (
        rows.filter(F.col("reason").isNotNull())
        .orderBy("file", "block", "place")
        .select("file", "block", "place", "reason", F.substring("value", 1, 200).alias("text"))
        .limit(EXAMPLES)
        .collect()
    )
    found: list[dict[str, str | int]] = []
    for row in first:
        block = blocks[row["file"], row["block"]]
        line = block.first_line + row["place"] - block.first_place
        found.append(
            {"file": row["file"], "line": line, "reason": row["reason"], "text": row["text"]}
        )
    return found


def recognise_raw_files(files: Files, folder: str) -> Layout:
    """Recognise the layout of the raw files under a folder.

    Raises:
        StepError: the files have no known layout.
    """
    heads = {name: files.read(join(folder, name), HEAD_BYTES) for name in files.names(folder)}
    try:
        return recognise(heads)
    except DatasetError as error:
        raise StepError(f"{folder}: {error}") from error


def genre_names(spark: SparkSession, folder: str, name: str | None) -> list[str]:
    """Return the names in u.genre in the order of their numbers; none if `name` is None."""
    if name is None:
        return []
    parts = F.split("value", r"\|")
    rows = lines_of(spark, folder, [name]).select(
        F.get(parts, F.lit(0)).alias("name"), F.get(parts, F.lit(1)).try_cast("int").alias("number")
    )
    return [row["name"] for row in rows.dropna().orderBy("number").collect()]


def prepare(spark: SparkSession, arguments: argparse.Namespace, say: StepLog) -> ImportReport:
    """Read the raw files, write ratings, movies and tags, and report what was left out.

    Raises:
        StepError: the layout is unknown, or no movie or no rating is usable.
    """
    files = Files(spark)
    layout = recognise_raw_files(files, arguments.raw)
    report = ImportReport(
        arguments.dataset, layout.form.name, list(layout.files), list(layout.ignored)
    )
    say(f"{layout.form.described}: {', '.join(layout.files)}")
    report.official_tests = list(layout.official_tests)
    if layout.official_tests:
        say(f"held out by evaluations: {', '.join(layout.official_tests)}")
    if layout.ignored:
        say(f"ignored: {', '.join(layout.ignored)}")
    movies = _movies(spark, arguments.raw, layout, report)
    rows = _ratings(spark, arguments.raw, layout, movies, report)
    say(f"read {report.rows} rows, left out {sum(report.bad_rows.values())}")
    good = rows.filter(F.col("reason").isNull())
    latest_ratings(good).write.mode("overwrite").parquet(arguments.ratings)
    with_links(spark, arguments.raw, layout, movies).write.mode("overwrite").parquet(
        arguments.movies
    )
    if arguments.tags:
        # Also without tags: the empty table replaces the tags of an earlier import.
        tags = _tags(spark, arguments.raw, layout, movies, report)
        tag_counts(tags).write.mode("overwrite").parquet(arguments.tags)
        say(f"read {report.tags} tags")
    _count_written(spark, arguments, report)
    say(
        f"wrote {report.ratings} ratings of {report.users} users for {report.movies_rated} of "
        f"{report.movies} movies; dropped {report.duplicates} older ratings by the same user of "
        "the same movie"
    )
    written = json.dumps(asdict(report), ensure_ascii=False, indent=1)
    files.write(join(arguments.report, "prepare.json"), written.encode())
    for reason, count in report.bad_rows.items():
        say(f"left out: {count} rows: {reason}")
    return report


def _movies(spark: SparkSession, raw: str, layout: Layout, report: ImportReport) -> DataFrame:
    lines = lines_of(spark, raw, [layout.movies])
    genres = genre_names(spark, raw, layout.genres)
    rows = parse_movies(lines, layout.form, genres).persist()
    counts = bad_rows(rows)
    if not counts.pop("", 0):
        raise StepError(f"{layout.movies} contains no readable movie ({_listed(counts)})")
    if counts:
        report.bad_rows.update(counts)
        report.examples += examples(rows, text_blocks(lines))
    return latest_movies(rows.filter(F.col("reason").isNull())).persist()


def _ratings(
    spark: SparkSession, raw: str, layout: Layout, movies: DataFrame, report: ImportReport
) -> DataFrame:
    """Parse the ratings into persisted rows and count them in the report."""
    lines = lines_of(spark, raw, layout.ratings)
    # Finding the blocks takes a pass over the files; only headers and line numbers need them.
    grouped = "movie_id" not in layout.form.columns
    blocks = text_blocks(lines) if grouped else {}
    with_movies = with_movie_header(lines, blocks) if grouped else lines
    parsed = parse_ratings(with_movies, layout.form)
    rows = without_unknown_movies(parsed, movies).persist(StorageLevel.MEMORY_AND_DISK)
    counts = bad_rows(rows)
    report.rows = sum(counts.values())
    report.ratings = counts.pop("", 0)
    if not report.ratings:
        raise StepError(
            f"none of the {report.rows} rows in {', '.join(layout.ratings)} can be used "
            f"({_listed(counts)})"
        )
    _report_bad(rows, lines, counts, report, blocks)
    return rows


def _tags(
    spark: SparkSession, raw: str, layout: Layout, movies: DataFrame, report: ImportReport
) -> DataFrame:
    """Return usable tags: user_id, movie_id, tag; an empty table if the data set has no tags."""
    if layout.tags is None:
        return spark.createDataFrame([], "user_id LONG, movie_id INT, tag STRING")
    lines = lines_of(spark, raw, [layout.tags])
    marked = F.concat(F.lit("tag: "), "reason")  # keeps them apart from the same reasons of ratings
    parsed = without_unknown_movies(parse_tags(lines, layout.form), movies)
    rows = parsed.withColumn("reason", marked).persist()
    counts = bad_rows(rows)
    report.tags = counts.pop("", 0)
    _report_bad(rows, lines, counts, report)
    return rows.filter(F.col("reason").isNull()).select("user_id", "movie_id", "tag")


def with_links(spark: SparkSession, raw: str, layout: Layout, movies: DataFrame) -> DataFrame:
    """Add `imdb` and `tmdb` to the movies, null where the data set does not have them."""
    if layout.links is None:
        none = F.lit(None)
        return movies.withColumns({"imdb": none.cast("string"), "tmdb": none.cast("int")})
    links = parse_links(lines_of(spark, raw, [layout.links]), layout.form)
    return movies.join(F.broadcast(links), "movie_id", "left")


def _report_bad(
    rows: DataFrame,
    lines: DataFrame,
    counts: Mapping[str, int],
    report: ImportReport,
    blocks: Blocks | None = None,
) -> None:
    for reason, count in counts.items():
        report.bad_rows[reason] = report.bad_rows.get(reason, 0) + count
    if counts and len(report.examples) < EXAMPLES:
        found = examples(rows, blocks or text_blocks(lines))
        report.examples = (report.examples + found)[:EXAMPLES]


def _count_written(
    spark: SparkSession, arguments: argparse.Namespace, report: ImportReport
) -> None:
    """Count the written rows; usable ratings that were not written are duplicates."""
    counts = (
        spark.read.parquet(arguments.ratings)
        .agg(F.count("*"), F.countDistinct("user_id"), F.countDistinct("movie_id"))
        .first()
    )
    ratings, report.users, report.movies_rated = counts or (0, 0, 0)
    report.duplicates = report.ratings - ratings
    report.ratings = ratings
    linked = F.col("imdb").isNotNull() | F.col("tmdb").isNotNull()
    movies = spark.read.parquet(arguments.movies).agg(F.count("*"), F.count_if(linked)).first()
    report.movies, report.links = movies or (0, 0)


def _listed(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{count}: {reason}" for reason, count in counts.items()) or "no rows at all"


def arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments, by default those of the process; exits with 2 if one is invalid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the data set")
    parser.add_argument("--raw", required=True, help="folder of the raw files")
    parser.add_argument("--ratings", required=True, help="folder to write the ratings into")
    parser.add_argument("--movies", required=True, help="folder to write the movies into")
    parser.add_argument("--tags", help="folder to write the tags into")
    parser.add_argument("--report", required=True, help="folder to write prepare.json into")
    return parser.parse_args(argv)


def session(name: str) -> SparkSession:
    """Return a session that divides files into the same blocks for any number of executors."""
    return (
        SparkSession.builder.appName(name)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.files.maxPartitionBytes", SPLIT_BYTES)
        .config("spark.sql.files.minPartitionNum", "1")
        .getOrCreate()
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step; a StepError ends the process with exit code 1."""
    arguments = arguments_from(argv)
    with (
        step("prepare") as say,
        session(f"marquee prepare {arguments.dataset}") as spark,
    ):
        prepare(spark, arguments, say)


if __name__ == "__main__":
    main()
