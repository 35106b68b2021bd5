"""The embedded catalogue's genres are learned when it goes through the steps of real data."""

import numpy as np
import pytest
from pyspark.sql import SparkSession

import train
from catalogue import taste
from catalogue.__main__ import write
from marquee.recommender.picks import Recommender
from tests.spark.prepared import prepared_in
from tests.spark.steps import run_train

FILMS = taste.films()
GROUPS = taste.groups(FILMS)
DRAWS = 200


@pytest.fixture(scope="module")
def recommender(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    folder = tmp_path_factory.mktemp("embedded")
    write(folder / "raw")
    prepared_in(spark, folder, folder / "raw")
    model = run_train(
        spark,
        train.arguments_from(
            [
                *("--dataset", "embedded"),
                *("--ratings", (folder / "ratings").as_uri()),
                *("--movies", (folder / "movies").as_uri()),
                *("--visitors", (folder / "visitors").as_uri()),
                *("--model", (folder / "model").as_uri()),
                *("--newest", (folder / "newest.json").as_uri()),
            ]
        ),
    )
    return Recommender(model)


def visitors_of(group: str, seed: int) -> list[dict[int, float]]:
    """Return visitors who like five films of the group and dislike five of other genres."""
    chance = np.random.default_rng(seed)
    own = [film.movie_id for film in GROUPS[group]]
    others = [film.movie_id for film in FILMS if group not in film.genres]
    return [
        {
            **{int(i): 5.0 for i in chance.choice(own, 5, replace=False)},
            **{int(i): 1.0 for i in chance.choice(others, 5, replace=False)},
        }
        for _ in range(DRAWS)
    ]


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_five_liked_films_of_a_group_bring_at_least_seven_picks_of_it(
    recommender: Recommender, group: str
) -> None:
    own = {film.movie_id for film in GROUPS[group]}
    batches = recommender.picks_for_all(visitors_of(group, seed=len(group)))
    found = [sum(pick.movie_id in own for pick in picks) for picks in batches]
    assert min(found) >= 7


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_liked_films_of_a_group_are_the_reasons(recommender: Recommender, group: str) -> None:
    visitor = visitors_of(group, seed=1)[0]
    liked = {movie_id for movie_id, stars in visitor.items() if stars == 5}
    picks = recommender.picks(visitor)
    assert all(pick.because and set(pick.because) <= liked for pick in picks)
