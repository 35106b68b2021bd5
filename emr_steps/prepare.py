"""Clean the raw files of a data set into Parquet, and report what was left out.

Recognises the layout by itself (marquee.datasets). Rows that cannot be used are counted by
reason, the first of them named with file and line, and left out; of a movie that one user rated
more than once the latest rating counts. Of tags, in the layouts that have them, it keeps how many
people gave each movie which.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know
from pyspark.storagelevel import StorageLevel

from marquee.datasets import HEAD_BYTES, DatasetError, Form, Layout, recognise
from marquee.hadoop import Files, join
from marquee.progress import Progress, StepError, step

EXAMPLES = 100
HIGHEST = 5.0  # stars
LAST_SECOND = 253_402_300_799  # the end of the year 9999, which is as far as timestamps go
SPLIT_BYTES = "32m"

type Blocks = Mapping[tuple[str, int], "Block"]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a file that one task reads."""

    first_place: int
    first_line: int  # its first line's number in the file
    carried: str | None  # the last movie header of the file before this block


@dataclass(slots=True)
class Report:
    """What was read and what was left out."""

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
    tags: int = 0  # rows of tags that can be used
    links: int = 0  # movies that have an id in another catalogue
    bad_rows: dict[str, int] = field(default_factory=dict)
    examples: list[dict[str, str | int]] = field(default_factory=list)


def lines_of(spark: SparkSession, folder: str, names: Sequence[str]) -> DataFrame:
    """file, block, place, value: the lines of the files.

    `block` is where the task's part of the file begins (bytes) and `place` rises by one a line
    within it: enough to number lines without a pass through one task. Bytes that are no UTF-8
    are read as latin-1, as the older data sets are.
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


def blocks_of(lines: DataFrame) -> Blocks:
    """Number the blocks' first lines and carry the last movie header from block to block."""
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
    blocks: dict[tuple[str, int], Block] = {}
    file, line, carried = None, 1, None
    for row in found:
        if row["file"] != file:
            file, line, carried = row["file"], 1, None
        blocks[row["file"], row["block"]] = Block(row["first_place"], line, carried)
        line += row["lines"]
        carried = row["header"] or carried
    return blocks


def with_movie_header(lines: DataFrame, blocks: Blocks) -> DataFrame:
    """Add `header`, the last `movie_id:` line before each line of the same file.

    A window within each block finds the headers that the block holds; the one that reaches into
    it from the block before is looked up.
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


def parsed_ratings(lines: DataFrame, form: Form) -> DataFrame:
    """file, block, place, value, user_id, movie_id, rating, rated_at, reason.

    `reason` says why the row cannot be used; null where it can. `lines` has `header` where the
    form groups its ratings under movie headers.
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
        F.when(rated_at.isNull(), "date cannot be read"),
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
    """Give the ratings of movies that the movies file does not list a reason."""
    known = F.broadcast(movies.select("movie_id", F.lit(True).alias("known")))
    unknown = F.when(F.col("known").isNull(), "movie is not in the movies file")
    return (
        ratings.join(known, "movie_id", "left")
        .withColumn("reason", F.coalesce("reason", unknown))
        .drop("known")
    )


def latest_ratings(ratings: DataFrame) -> DataFrame:
    """user_id, movie_id, rating, rated_at: of several by one user for one movie the latest.

    At the same time, the one that comes last in the files.
    """
    order = F.struct("rated_at", "file", "block", "place")
    return (
        ratings.groupBy("user_id", "movie_id")
        .agg(F.max_by(F.struct("rating", "rated_at"), order).alias("latest"))
        .select("user_id", "movie_id", "latest.rating", "latest.rated_at")
    )


def parsed_movies(lines: DataFrame, form: Form, genres: Sequence[str] = ()) -> DataFrame:
    """file, block, place, value, movie_id, title, year, genres, reason."""
    rows = lines.filter(F.trim("value") != "")
    if form.movies.first_line:
        rows = rows.filter(F.lower(F.trim("value")) != form.movies.first_line.lower())
    read: dict[str, Callable[[DataFrame], DataFrame]] = {
        "netflix-prize": _netflix_movies,
        "netflix-cleaned": _netflix_movies,
        "movielens-csv": _csv_movies,
        "movielens-dat": _dat_movies,
        "movielens-100k": lambda rows: _flagged_movies(rows, genres),
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
    """movie_id, title, year, genres: of a movie listed twice the last line counts."""
    latest = F.max_by(F.struct("title", "year", "genres"), F.struct("file", "block", "place"))
    return (
        movies.groupBy("movie_id")
        .agg(latest.alias("latest"))
        .select("movie_id", "latest.title", "latest.year", "latest.genres")
    )


def parsed_tags(lines: DataFrame, form: Form) -> DataFrame:
    """file, block, place, value, user_id, movie_id, tag, reason."""
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
    """User, movie and tag of a csv line, tags with commas in quotes; whether it has 4 columns."""
    options = {"quote": '"', "escape": '"', "nullValue": "\u0000"}
    schema = "user STRING, movie STRING, tag STRING, seconds STRING, more STRING"
    row = F.from_csv("value", F.lit(schema), options)
    whole = row["seconds"].isNotNull() & row["more"].isNull()
    return F.trim(row["user"]), F.trim(row["movie"]), row["tag"], whole


def _split_tag_columns(separator: str) -> tuple[Column, Column, Column, Column]:
    """The same of a line with another separator, which a tag may hold too."""
    parts = F.split("value", rf"\Q{separator}\E", -1)
    size = F.size(parts)
    tag = F.array_join(F.slice(parts, F.lit(3), F.greatest(size - 3, F.lit(0))), separator)
    user, movie = (F.trim(F.get(parts, F.lit(place))) for place in (0, 1))
    return user, movie, tag, size > 3  # noqa: PLR2004


def parsed_links(lines: DataFrame, form: Form) -> DataFrame:
    """movie_id, imdb, tmdb: what other catalogues call a movie; null where it is not told.

    A row that cannot be read tells nothing: nobody misses more than a link.
    """
    header = form.links.first_line.lower() if form.links else ""
    column = F.split("value", ",", -1)
    movie, imdb, tmdb = (F.trim(F.get(column, F.lit(place))) for place in range(3))
    rows = lines.filter(F.lower(F.trim("value")) != header).select(
        movie.try_cast("int").alias("movie_id"),
        F.when(imdb.rlike(r"^\d+$"), imdb).alias("imdb"),
        F.when(tmdb.rlike(r"^\d+$"), tmdb).try_cast("int").alias("tmdb"),
    )
    told = F.col("movie_id").isNotNull() & (F.col("imdb").isNotNull() | F.col("tmdb").isNotNull())
    return rows.filter(told).dropDuplicates(["movie_id"])


def tag_counts(tags: DataFrame) -> DataFrame:
    """movie_id, tag, people: how many different users gave the movie the tag."""
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
        f"{what} id is no whole number from 0 up",
    ).when(value.try_cast(kind).isNull(), f"{what} id is too large")


def _rating_reason(value: Column, form: Form) -> Column:
    stars = value.try_cast("double")
    on_scale = stars.between(form.lowest, HIGHEST) & (stars % form.step == 0)
    return F.when(
        ~F.coalesce(value.rlike(r"^-?\d+(\.\d+)?$"), F.lit(False)), "rating is not a number"
    ).when(~on_scale, f"rating is not one of {form.lowest:g} to 5 in steps of {form.step:g}")


def _rated_at(column: Mapping[str, Column]) -> Column:
    """Timestamp (UTC) of a date or of epoch seconds; null where it is neither."""
    if "date" in column:
        day = F.when(column["date"].rlike(r"^\d{4}-\d\d-\d\d$"), column["date"])
        return day.try_cast("date").cast("timestamp")
    seconds = F.when(column["seconds"].rlike(r"^\d+$"), column["seconds"]).try_cast("long")
    return F.timestamp_seconds(F.when(seconds <= LAST_SECOND, seconds))


def _netflix_movies(rows: DataFrame) -> DataFrame:
    """`id,year,title` with commas in titles and NULL for some years; no genres."""
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
    """`movieId,title,genres`, titles with commas in quotes."""
    options = {"quote": '"', "escape": '"', "nullValue": "\u0000"}
    schema = "id STRING, title STRING, genres STRING, more STRING"
    parts = rows.withColumn("movie", F.from_csv("value", F.lit(schema), options)).select(
        *rows.columns, "movie.*"
    )
    names = F.when(F.col("more").isNull(), F.col("genres"))
    return _with_year(parts.withColumn("genres", _genres(names)).drop("more"))


def _dat_movies(rows: DataFrame) -> DataFrame:
    """`id::title::genres`."""
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


def _flagged_movies(rows: DataFrame, genres: Sequence[str]) -> DataFrame:
    """`id|title|release|video|url|` and a 0 or 1 for each genre of u.genre."""
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
    """The genres in `Comedy|Drama`; none in `(no genres listed)`; null for null."""
    listed = F.transform(F.split(names, r"\|", -1), F.trim)
    return F.filter(listed, lambda name: (name != "") & (name != "(no genres listed)"))


def _with_year(movies: DataFrame) -> DataFrame:
    """Take the year from the end of the title and bring a trailing article to its front."""
    year = F.regexp_extract("title", r"\((\d{4})(?:[-\u2013]\d{0,4})?\)\s*$", 1)
    title = F.regexp_replace("title", r"\s*\(\d{4}(?:[-\u2013]\d{0,4})?\)\s*$", "")
    # Only articles: `Shawshank Redemption, The`, and `Postman, The (Postino, Il)`.
    article = r"^(.+?), (The|A|An|Les|Le|La|Il|El|Los|Las|Der|Die|Das|Un|Une|Una)( \(.*)?$"
    return movies.withColumn("year", F.when(year != "", year)).withColumn(
        "title", F.regexp_replace(title, article, "$2 $1$3")
    )


def bad_rows(rows: DataFrame) -> dict[str, int]:
    """How many rows cannot be used, by reason, the most frequent first; the good ones under ''."""
    counts = rows.groupBy(F.coalesce("reason", F.lit("")).alias("reason")).count().collect()
    return {row["reason"]: row["count"] for row in sorted(counts, key=lambda row: -row["count"])}


def examples(rows: DataFrame, blocks: Blocks) -> list[dict[str, str | int]]:
    """The first bad rows by file and line."""
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


def recognised(files: Files, folder: str) -> Layout:
    """The layout of the raw files under a folder."""
    heads = {name: files.read(join(folder, name), HEAD_BYTES) for name in files.names(folder)}
    try:
        return recognise(heads)
    except DatasetError as error:
        raise StepError(f"{folder}: {error}") from error


def genre_names(spark: SparkSession, folder: str, name: str | None) -> list[str]:
    """The names in u.genre, by their numbers."""
    if name is None:
        return []
    parts = F.split("value", r"\|")
    rows = lines_of(spark, folder, [name]).select(
        F.get(parts, F.lit(0)).alias("name"), F.get(parts, F.lit(1)).try_cast("int").alias("number")
    )
    return [row["name"] for row in rows.dropna().orderBy("number").collect()]


def prepare(spark: SparkSession, arguments: argparse.Namespace, say: Progress) -> Report:
    """Read the raw files, write ratings and movies, and tell what was left out."""
    files = Files(spark)
    layout = recognised(files, arguments.raw)
    report = Report(arguments.dataset, layout.form.name, list(layout.files), list(layout.ignored))
    say(f"{layout.form.described}: {', '.join(layout.files)}")
    report.official_tests = list(layout.official_tests)
    if layout.official_tests:
        say(f"held out when evaluating: {', '.join(layout.official_tests)}")
    if layout.ignored:
        say(f"ignored: {', '.join(layout.ignored)}")
    movies = _movies(spark, arguments.raw, layout, report)
    rows = _ratings(spark, arguments.raw, layout, movies, report)
    say(f"{report.rows} rows read, {sum(report.bad_rows.values())} left out")
    good = rows.filter(F.col("reason").isNull())
    latest_ratings(good).write.mode("overwrite").parquet(arguments.ratings)
    with_links(spark, arguments.raw, layout, movies).write.mode("overwrite").parquet(
        arguments.movies
    )
    if arguments.tags:
        # Without tags an empty table, so that none of an earlier import stay.
        tags = _tags(spark, arguments.raw, layout, movies, report)
        tag_counts(tags).write.mode("overwrite").parquet(arguments.tags)
        say(f"{report.tags} tags of movies")
    _count_written(spark, arguments, report)
    say(
        f"wrote {report.ratings} ratings of {report.users} users for {report.movies_rated} of "
        f"{report.movies} movies; {report.duplicates} rated more than once"
    )
    written = json.dumps(asdict(report), ensure_ascii=False, indent=1)
    files.write(join(arguments.report, "prepare.json"), written.encode())
    for reason, count in report.bad_rows.items():
        say(f"left out: {count} rows: {reason}")
    return report


def _movies(spark: SparkSession, raw: str, layout: Layout, report: Report) -> DataFrame:
    lines = lines_of(spark, raw, [layout.movies])
    genres = genre_names(spark, raw, layout.genres)
    rows = parsed_movies(lines, layout.form, genres).persist()
    counts = bad_rows(rows)
    if not counts.pop("", 0):
        raise StepError(f"{layout.movies} holds no movie that can be read ({_told(counts)})")
    if counts:
        report.bad_rows.update(counts)
        report.examples += examples(rows, blocks_of(lines))
    return latest_movies(rows.filter(F.col("reason").isNull())).persist()


def _ratings(
    spark: SparkSession, raw: str, layout: Layout, movies: DataFrame, report: Report
) -> DataFrame:
    """The parsed rows, kept; counts them into the report."""
    lines = lines_of(spark, raw, layout.ratings)
    # Only headers and line numbers need the blocks, and they cost a pass over the files.
    grouped = "movie_id" not in layout.form.columns
    blocks = blocks_of(lines) if grouped else {}
    with_movies = with_movie_header(lines, blocks) if grouped else lines
    parsed = parsed_ratings(with_movies, layout.form)
    rows = without_unknown_movies(parsed, movies).persist(StorageLevel.MEMORY_AND_DISK)
    counts = bad_rows(rows)
    report.rows = sum(counts.values())
    report.ratings = counts.pop("", 0)
    if not report.ratings:
        raise StepError(
            f"none of the {report.rows} rows in {', '.join(layout.ratings)} can be used "
            f"({_told(counts)})"
        )
    _report_bad(rows, lines, counts, report, blocks)
    return rows


def _tags(
    spark: SparkSession, raw: str, layout: Layout, movies: DataFrame, report: Report
) -> DataFrame:
    """The tags that can be used: user_id, movie_id, tag; none where the data set has none."""
    if layout.tags is None:
        return spark.createDataFrame([], "user_id LONG, movie_id INT, tag STRING")
    lines = lines_of(spark, raw, [layout.tags])
    told = F.concat(F.lit("tag: "), "reason")  # the same reasons are counted for ratings too
    parsed = without_unknown_movies(parsed_tags(lines, layout.form), movies)
    rows = parsed.withColumn("reason", told).persist()
    counts = bad_rows(rows)
    report.tags = counts.pop("", 0)
    _report_bad(rows, lines, counts, report)
    return rows.filter(F.col("reason").isNull()).select("user_id", "movie_id", "tag")


def with_links(spark: SparkSession, raw: str, layout: Layout, movies: DataFrame) -> DataFrame:
    """Add `imdb` and `tmdb` to the movies, null where the data set does not tell them."""
    if layout.links is None:
        none = F.lit(None)
        return movies.withColumns({"imdb": none.cast("string"), "tmdb": none.cast("int")})
    links = parsed_links(lines_of(spark, raw, [layout.links]), layout.form)
    return movies.join(F.broadcast(links), "movie_id", "left")


def _report_bad(
    rows: DataFrame,
    lines: DataFrame,
    counts: Mapping[str, int],
    report: Report,
    blocks: Blocks | None = None,
) -> None:
    for reason, count in counts.items():
        report.bad_rows[reason] = report.bad_rows.get(reason, 0) + count
    if counts and len(report.examples) < EXAMPLES:
        found = examples(rows, blocks or blocks_of(lines))
        report.examples = (report.examples + found)[:EXAMPLES]


def _count_written(spark: SparkSession, arguments: argparse.Namespace, report: Report) -> None:
    """Count what was written; what is missing from the good rows was rated more than once."""
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


def _told(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{count}: {reason}" for reason, count in counts.items()) or "no rows at all"


def arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="name of the data set")
    parser.add_argument("--raw", required=True, help="folder of the raw files")
    parser.add_argument("--ratings", required=True, help="folder to write the ratings into")
    parser.add_argument("--movies", required=True, help="folder to write the movies into")
    parser.add_argument("--tags", help="folder to write the tags into")
    parser.add_argument("--report", required=True, help="folder to write prepare.json into")
    return parser.parse_args(argv)


def session(name: str) -> SparkSession:
    """A session that cuts files into the same blocks whichever executors happen to be there."""
    return (
        SparkSession.builder.appName(name)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.files.maxPartitionBytes", SPLIT_BYTES)
        .config("spark.sql.files.minPartitionNum", "1")
        .getOrCreate()
    )


def main(argv: Sequence[str] | None = None) -> None:
    arguments = arguments_from(argv)
    with (
        step("prepare") as say,
        session(f"marquee prepare {arguments.dataset}") as spark,
    ):
        prepare(spark, arguments, say)


if __name__ == "__main__":
    main()
