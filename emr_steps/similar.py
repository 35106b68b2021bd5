"""Find the most similar movies for each movie of a model folder.

Reads the model and writes `similar.npz` into its folder. The movies are divided into blocks, and
each block is compared with every block. A comparison keeps only the nearest movies so far, so
neither a task nor the driver ever holds all pairs. A small catalogue is compared in this process,
without starting Spark.
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import reduce

from pyspark.sql import SparkSession

from learning.hadoop_files import Files, join
from learning.step_log import StepLog, step
from marquee.recommender.model import Model, ModelError
from marquee.recommender.model_folder import read_model
from marquee.recommender.similarity import (
    SIMILAR,
    Block,
    Nearest,
    SimilarMovies,
    blocks_of,
    merged,
    nearest,
    pack_similar,
    similar_movies,
)

MOVIES_A_BLOCK = 2000  # comparing two blocks takes 16 MB
MOST_MOVIES_HERE = 20_000  # up to this many, comparing takes less time than starting Spark


def compare_movies(
    spark: SparkSession, model: Model, movies_a_block: int = MOVIES_A_BLOCK
) -> SimilarMovies:
    """Compare all movies with each other, one pair of blocks at a time."""
    blocks = blocks_of(model, movies_a_block)
    context = spark.sparkContext
    # The second factor has one partition, so a task keeps its own block and reads all the others.
    pairs = context.parallelize(blocks, len(blocks)).cartesian(context.parallelize(blocks, 1))
    found = pairs.map(_compare).reduceByKey(merged, len(blocks)).collectAsMap()
    return similar_movies(model.rating.movie_ids, [found[block.start] for block in blocks])


def compare_movies_here(model: Model, movies_a_block: int = MOVIES_A_BLOCK) -> SimilarMovies:
    """Compare all movies with each other in this process."""
    blocks = blocks_of(model, movies_a_block)
    found = [reduce(merged, (nearest(block, others) for others in blocks)) for block in blocks]
    return similar_movies(model.rating.movie_ids, found)


def _compare(pair: tuple[Block, Block]) -> tuple[int, Nearest]:
    block, others = pair
    return block.start, nearest(block, others)


def run(
    files: Files,
    session: Callable[[], AbstractContextManager[SparkSession]],
    arguments: argparse.Namespace,
    say: StepLog,
) -> SimilarMovies:
    """Find the similar movies of the model that the arguments name, and write and return them.

    Args:
        files: reads the model and writes the similar movies.
        session: opens the Spark session, which only a large catalogue needs.
        arguments: as from `arguments_from`.
        say: the step's log.
    """
    model = read_model(lambda name: files.read(join(arguments.model, name)))
    say(f"model {model.model_id}: {model.counts.movies} movies of {model.dataset!r}")
    if len(model.rating.movie_ids) <= MOST_MOVIES_HERE:
        found = compare_movies_here(model)
    else:
        with session() as spark:
            found = compare_movies(spark, model)
    files.write(join(arguments.model, SIMILAR), pack_similar(found))
    say(f"wrote {join(arguments.model, SIMILAR)}")
    return found


def arguments_from(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments, by default those of the process; exits with 2 if one is invalid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="model folder to read and to write into")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step; a StepError or a ModelError ends the process with exit code 1."""
    arguments = arguments_from(argv)
    builder = SparkSession.builder.appName("marquee similar")
    with step("similar", ModelError) as say:
        run(Files.without_session(), builder.getOrCreate, arguments, say)


if __name__ == "__main__":
    main()
