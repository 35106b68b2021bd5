"""Count on Spark which movies the same users have rated."""

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from marquee.recommender.likely_seen import fit_seen, questionnaire_candidates
from marquee.recommender.model import RatingModel, Seen

MOST_USERS = 20_000  # a larger sample does not improve the result


def count_seen(ratings: DataFrame, rating: RatingModel, users: int) -> Seen:
    """Return which of the most rated movies the same users rated.

    `ratings` has user, movie_id. `users` is the number of users; if there are many, a hash selects
    a sample of them, which is always the same.
    """
    movie_ids = rating.movie_ids[questionnaire_candidates(rating)]
    share = users // MOST_USERS
    if share > 1:
        ratings = ratings.filter(F.pmod(F.xxhash64("user"), F.lit(share)) == 0)
    asked = F.when(F.col("movie_id").isin(movie_ids.tolist()), F.col("movie_id"))
    rows = ratings.groupBy("user").agg(F.collect_set(asked).alias("seen")).select("seen").collect()
    column = {movie_id: number for number, movie_id in enumerate(movie_ids.tolist())}
    rated = np.zeros((len(rows), len(column)), dtype=bool)
    for number, row in enumerate(rows):
        rated[number, [column[movie_id] for movie_id in row["seen"]]] = True
    return fit_seen(rating, users, rated)
