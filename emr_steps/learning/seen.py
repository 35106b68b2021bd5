"""Which movies people have seen together, counted on Spark."""

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from marquee.model import RatingModel, Seen
from marquee.seen import candidates_of, fitted_seen

MOST_USERS = 20_000  # more tell nothing more of what goes with what


def seen_of(ratings: DataFrame, rating: RatingModel, users: int) -> Seen:
    """What goes with what among the most rated movies.

    `ratings` has user, movie_id; where there are many users, a share of them is looked at, always
    the same ones.
    """
    movie_ids = rating.movie_ids[candidates_of(rating)]
    share = users // MOST_USERS
    if share > 1:
        ratings = ratings.filter(F.pmod(F.xxhash64("user"), F.lit(share)) == 0)
    asked = F.when(F.col("movie_id").isin(movie_ids.tolist()), F.col("movie_id"))
    rows = ratings.groupBy("user").agg(F.collect_set(asked).alias("seen")).select("seen").collect()
    column = {movie_id: number for number, movie_id in enumerate(movie_ids.tolist())}
    rated = np.zeros((len(rows), len(column)), dtype=bool)
    for number, row in enumerate(rows):
        rated[number, [column[movie_id] for movie_id in row["seen"]]] = True
    return fitted_seen(rating, users, rated)
