"""Serve a submission: recommend unrated movies to each of its members, with one model.

Reads only the submission and the model folder. A member that cannot be served gets a result with
an error; the other members are served. A small submission is served in this process, without
starting Spark, which would take longer than the work.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import batched

from pyspark import Broadcast
from pyspark.sql import DataFrame, Observation, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning.hadoop_files import Files, join
from learning.step_log import StepError, StepLog, step
from marquee.contracts import SCHEMA_VERSION, ContractError, Member, Result, member_from_json
from marquee.recommender.model import Model, ModelError
from marquee.recommender.model_folder import read_model
from marquee.recommender.picks import Recommender

MEMBERS_AT_ONCE = 1000
SPLIT_BYTES = 512 * 1024  # of a submission, about 1000 members: one task serves as many
SMALL_BYTES = SPLIT_BYTES  # a submission up to this size is served without Spark
PART, SUCCESS = "part-00000.json", "_SUCCESS"
RESULT_SCHEMA = (
    "schema_version INT, visitor_id STRING, version INT, model_id STRING, "
    "picks ARRAY<STRUCT<movie_id: INT, score: DOUBLE, stars: DOUBLE, because: ARRAY<INT>>>, "
    "error STRING"
)


class Server:
    """Computes the results of a submission's lines with one model."""

    def __init__(self, model: Model) -> None:
        self.model_id = model.model_id
        self.dataset = model.dataset
        self.recommender = Recommender(model)

    def serve(self, lines: Iterable[str]) -> Iterator[Result]:
        """Yield one result per line; within a batch of lines, errors come before picks."""
        filled = (line for line in lines if line.strip())
        for batch in batched(filled, MEMBERS_AT_ONCE, strict=False):
            members: list[Member] = []
            for line in batch:
                found = self._check(line)
                if isinstance(found, Result):
                    yield found
                else:
                    members.append(found)
            yield from self._pick(members)

    def _check(self, line: str) -> Member | Result:
        try:
            member = member_from_json(line)
        except ContractError as error:
            return self._fail(*_name_in(line), f"the submission's line is unusable: {error}")
        if not 0 < member.version < 2**31:
            return self._fail(member.visitor_id, 0, f"{member.version} is not a version")
        if member.dataset != self.dataset:
            reason = (
                f"the ratings are of data set {member.dataset!r}, the model of {self.dataset!r}"
            )
        elif not any(self.recommender.knows(rating.movie_id) for rating in member.ratings):
            reason = f"model {self.model_id} knows none of the rated movies"
        else:
            return member
        return self._fail(member.visitor_id, member.version, reason)

    def _pick(self, members: Sequence[Member]) -> Iterator[Result]:
        ratings = [{r.movie_id: float(r.stars) for r in member.ratings} for member in members]
        dismissed = [member.dismissed for member in members]
        found = self.recommender.picks_for_all(ratings, dismissed=dismissed)
        for member, picks in zip(members, found, strict=True):
            yield Result(member.visitor_id, member.version, self.model_id, picks=tuple(picks))

    def _fail(self, visitor_id: str, version: int, reason: str) -> Result:
        return Result(visitor_id, version, self.model_id, error=reason)


def _name_in(line: str) -> tuple[str, int]:
    """Return visitor id and version of an unusable line; empty and 0 if it does not name them."""
    try:
        body = json.loads(line)
        return str(body["visitor_id"]), min(max(int(body["version"]), 0), 2**31 - 1)
    except (ValueError, TypeError, LookupError, OverflowError):
        return "", 0


def _row(result: Result) -> tuple[object, ...]:
    """Return the result in the order of RESULT_SCHEMA; Spark omits null columns from the JSON."""
    picks = [(pick.movie_id, pick.score, pick.stars, list(pick.because)) for pick in result.picks]
    return (
        SCHEMA_VERSION,
        result.visitor_id,
        result.version,
        result.model_id,
        picks if result.error is None else None,
        result.error,
    )


def _rows(lines: Iterable[Row], model: Broadcast[Model]) -> Iterator[tuple[object, ...]]:
    server = Server(model.value)
    return (_row(result) for result in server.serve(line["value"] for line in lines))


def results(submission: DataFrame, model: Model) -> DataFrame:
    """Compute the results (RESULT_SCHEMA) of a submission's lines (`value`) on the executors."""
    spark = submission.sparkSession
    rows = submission.rdd.mapPartitions(partial(_rows, model=spark.sparkContext.broadcast(model)))
    return spark.createDataFrame(rows, RESULT_SCHEMA, verifySchema=False)


def submission_lines(spark: SparkSession, submission: str) -> DataFrame:
    """Read the submission's lines (`value`), with about 1000 members per partition.

    By default, Spark adds 4 MB per opened file when it sizes partitions; one core would then serve
    ten thousand members.
    """
    spark.conf.set("spark.sql.files.openCostInBytes", SPLIT_BYTES)
    return spark.read.text(submission)


def run(
    files: Files,
    session: Callable[[], AbstractContextManager[SparkSession]],
    arguments: argparse.Namespace,
    say: StepLog,
) -> None:
    """Serve the submission that the arguments name and write its results.

    Args:
        files: reads the model, and serves a small submission.
        session: opens the Spark session that serves a large one.
        arguments: as from `arguments_from`.
        say: the step's log.

    Raises:
        StepError: the submission does not exist.
    """
    model = read_model(lambda name: files.read(join(arguments.model, name)))
    say(f"model {model.model_id}: {model.counts.movies} movies of {model.dataset!r}")
    try:
        size = files.size(arguments.submission)
    except FileNotFoundError as missing:
        raise StepError(f"the submission {arguments.submission} does not exist") from missing
    if size <= SMALL_BYTES:
        served, failed = serve_here(files, arguments, model)
    else:
        with session() as spark:
            served, failed = serve_on_spark(spark, arguments, model)
    say(f"served {served} visitors, {failed} could not be served")
    say(f"wrote {arguments.results}")


def serve_here(files: Files, arguments: argparse.Namespace, model: Model) -> tuple[int, int]:
    """Serve a small submission in this process; return the numbers of picks and of errors.

    Results of an earlier attempt are deleted first, and `_SUCCESS` is written last.
    """
    lines = files.read(arguments.submission).decode(errors="replace").split("\n")
    found = list(Server(model).serve(lines))
    files.delete(arguments.results)
    files.write(
        join(arguments.results, PART), "".join(f"{each.to_json()}\n" for each in found).encode()
    )
    files.write(join(arguments.results, SUCCESS), b"")
    failed = sum(result.error is not None for result in found)
    return len(found) - failed, failed


def serve_on_spark(
    spark: SparkSession, arguments: argparse.Namespace, model: Model
) -> tuple[int, int]:
    """Serve a submission on the executors; return the numbers of picks and of errors."""
    counted = Observation()
    found = results(submission_lines(spark, arguments.submission), model).observe(
        counted, F.count("picks").alias("served"), F.count("error").alias("failed")
    )
    found.write.mode("overwrite").json(arguments.results)
    return counted.get["served"], counted.get["failed"]


def arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments, by default those of the process; exits with 2 if one is invalid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submission", required=True, help="the submission to serve (JSON Lines)")
    parser.add_argument("--model", required=True, help="model folder to read")
    parser.add_argument("--results", required=True, help="folder to write the results into")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step; a StepError or a ModelError ends the process with exit code 1."""
    arguments = arguments_from(argv)
    builder = SparkSession.builder.appName("marquee recommend")
    with step("recommend", ModelError) as say:
        run(Files.without_session(), builder.getOrCreate, arguments, say)


if __name__ == "__main__":
    main()
