"""Splits for evaluation: a seeded fifth of the ratings, or the official test sets of a data set."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning.hadoop_files import join
from learning.step_log import StepError
from marquee.datasets import official_tests

RANDOM, OFFICIAL = "random", "official"
HELD_OUT_PERCENT = 20
NEW_SHARE = 10  # one in this many users counts as new
NEW = 128  # the flag of a new user's ratings; those of the folds are smaller


@dataclass(frozen=True, slots=True)
class Split:
    """A split into named folds. For official folds, `files` list the held-out pairs."""

    name: str
    folds: tuple[str, ...]
    files: tuple[str, ...]
    rule: str  # description from which the split can be repeated

    def flag(self, fold: str) -> int:
        """Return the flag of the ratings that a fold holds out: a bit below NEW."""
        return 1 << self.folds.index(fold)

    def flags(self) -> Column:
        """Return a column with the flags of all folds that hold a rating out, added up.

        The rows have `folds`, as from `with_folds`.
        """
        each = (
            F.when(F.array_contains("folds", fold), self.flag(fold)).otherwise(0)
            for fold in self.folds
        )
        return reduce(Column.__add__, each, F.lit(0))


def split_named(name: str | None, seed: int, raw_names: Collection[str]) -> Split:
    """Return the split of that name; by default the official split, or else the random one.

    `raw_names` are the data set's raw files.

    Raises:
        StepError: the data set has no such split; the message lists those it has.
    """
    files = {file.removesuffix(".test"): file for file in official_tests(raw_names)}
    name = name or (OFFICIAL if files else RANDOM)
    if name == RANDOM:
        return Split(
            RANDOM,
            (RANDOM,),
            (),
            "held out where Spark's pmod(xxhash64(user_id, movie_id, "
            f"{seed}), 100) < {HELD_OUT_PERCENT}; trained on the other ratings",
        )
    folds = tuple(files) if name == OFFICIAL else (name,)
    if not folds or not set(folds) <= set(files):
        there_are = [RANDOM, *([OFFICIAL, *files] if files else [])]
        raise StepError(f"there is no split {name!r} of this data set: use {', '.join(there_are)}")
    chosen = tuple(files[fold] for fold in folds)
    return Split(
        name, folds, chosen, f"held out the pairs of {', '.join(chosen)}; trained on the others"
    )


def with_folds(ratings: DataFrame, split: Split, raw: str | None, seed: int) -> DataFrame:
    """Add `folds`, an array of the names of the folds that hold a rating out.

    `ratings` has user_id and movie_id.
    """
    if split.name == RANDOM:
        percent = F.pmod(F.xxhash64("user_id", "movie_id", F.lit(seed)), F.lit(100))
        held_out = F.when(percent < HELD_OUT_PERCENT, F.array(F.lit(RANDOM)))
        return ratings.withColumn("folds", F.coalesce(held_out, F.array().cast("array<string>")))
    if raw is None:
        raise StepError(f"the split {split.name!r} needs --raw, the folder of its files")
    pairs = official_pairs(ratings.sparkSession, raw, split.files)
    return ratings.join(F.broadcast(pairs), ["user_id", "movie_id"], "left").withColumn(
        "folds", F.coalesce("folds", F.array().cast("array<string>"))
    )


def official_pairs(spark: SparkSession, raw: str, files: Sequence[str]) -> DataFrame:
    """Return user_id, movie_id, folds: each pair that the test files list, once."""
    parts = F.split("value", r"\s+")
    lines = spark.read.text([join(raw, file) for file in files]).filter(F.trim("value") != "")
    pairs = lines.select(
        F.get(parts, F.lit(0)).try_cast("long").alias("user_id"),
        F.get(parts, F.lit(1)).try_cast("int").alias("movie_id"),
        F.regexp_replace(F.col("_metadata.file_name"), r"\.test$", "").alias("fold"),
    ).cache()
    if unreadable := pairs.filter(F.col("user_id").isNull() | F.col("movie_id").isNull()).count():
        raise StepError(
            f"{unreadable} lines of {', '.join(files)} have no user id and movie id: "
            "use the files as they were published"
        )
    return pairs.groupBy("user_id", "movie_id").agg(F.collect_set("fold").alias("folds"))


def new_flag(seed: int) -> Column:
    """Return a column of flags: NEW for all ratings of a tenth of the users, by a seeded hash."""
    return F.when(F.pmod(F.xxhash64("user_id", F.lit(seed)), F.lit(NEW_SHARE)) == 0, NEW).otherwise(
        0
    )
