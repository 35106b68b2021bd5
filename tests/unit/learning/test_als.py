"""ALS in batched numpy: its objectives, its arrangement of rows, and what must not change it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning import als
from learning.als import (
    Bucket,
    Factors,
    HalfStep,
    Objective,
    Side,
    SidesInDriver,
    Target,
    buckets_of,
    fit_als,
    gather_factors,
    side_of,
    solve_side,
)

USERS, MOVIES, LIKED = 40, 25, 4.0
STARS = Objective(Target.STARS, 0.1)
RESIDUALS = Objective(Target.RESIDUALS, 0.05)
LIKES = Objective(Target.LIKES, 0.3, 3.0)
OBJECTIVES = (STARS, RESIDUALS, LIKES)


@pytest.fixture(scope="module")
def ratings() -> tuple[Any, Any, Any, Any]:
    """Return users, movies, stars and residuals; some movies have many more ratings than others."""
    chance = np.random.default_rng(5)
    known = chance.random((USERS, MOVIES)) < np.linspace(0.9, 0.1, MOVIES)
    users, movies = (each.astype(np.int32) for each in np.nonzero(known))
    stars = chance.integers(1, 6, len(users)).astype(np.float32)
    return users, movies, stars, (stars - stars.mean()).astype(np.float32)


@pytest.fixture(scope="module")
def sides(ratings: Any) -> SidesInDriver:
    users, movies, stars, residuals = ratings
    return SidesInDriver(
        USERS,
        MOVIES,
        side_of(users, movies, stars, residuals, MOVIES),
        side_of(movies, users, stars, residuals, USERS),
    )


def factors_of(count: int, rank: int, seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal((count, rank), dtype=np.float32)


def step_of(objective: Objective, others: Any, before: Any) -> HalfStep:
    padded = np.concatenate([others, np.zeros((1, others.shape[1]), dtype=np.float32)])
    gram = None if objective.confidence is None else others.T @ others
    return HalfStep(objective, padded, before, gram)


def exact(ratings: Any, objective: Objective, others: Any) -> Any:
    """Return the users' factors that minimise the objective, user by user."""
    users, movies, stars, residuals = ratings
    rank = others.shape[1]
    found = np.zeros((USERS, rank))
    for user in range(USERS):
        own = (users == user) & ((objective.target is not Target.LIKES) | (stars >= LIKED))
        known = others[movies[own]].astype(np.float64)
        ridge = objective.regularisation * own.sum() * np.eye(rank)
        if not own.any():
            continue
        if objective.confidence is None:
            wanted = known.T @ (stars if objective.target is Target.STARS else residuals)[own]
            matrix = known.T @ known + ridge
        else:
            everything = others.astype(np.float64)
            matrix = everything.T @ everything + objective.confidence * known.T @ known + ridge
            wanted = (1 + objective.confidence) * known.sum(axis=0)
        found[user] = np.linalg.solve(matrix, wanted)
    return found


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.target.name)
def test_repeated_half_steps_reach_the_exact_minimum(
    sides: SidesInDriver, ratings: Any, objective: Objective
) -> None:
    others, before = factors_of(MOVIES, 4, seed=1), factors_of(USERS, 4, seed=2)
    for _ in range(6):
        [before] = sides.solve_users([step_of(objective, others, before)])
    np.testing.assert_allclose(before, exact(ratings, objective, others), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.target.name)
def test_a_long_row_is_solved_exactly_at_once(
    sides: SidesInDriver, ratings: Any, objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(als, "LONG", 5)  # a piece of five entries, so that rows have several
    others, before = factors_of(MOVIES, 4, seed=1), factors_of(USERS, 4, seed=2)
    [found] = sides.solve_users([step_of(objective, others, before)])
    wanted = exact(ratings, objective, others)
    users, _, stars, _ = ratings
    counted = users[stars >= LIKED] if objective is LIKES else users
    long = np.bincount(counted, minlength=USERS) > 5
    assert long.any()
    np.testing.assert_allclose(found[long], wanted[long], rtol=1e-3, atol=1e-3)


def loss(ratings: Any, objective: Objective, found: Factors) -> float:
    """Return the objective's value, by its definition."""
    users, movies, stars, residuals = ratings
    predicted = found.users @ found.movies.T
    if objective.confidence is None:
        goal = stars if objective.target is Target.STARS else residuals
        error = float(((goal - predicted[users, movies]) ** 2).sum())
        entries = np.ones(len(users), dtype=bool)
    else:
        entries = stars >= LIKED
        liked = np.zeros((USERS, MOVIES), dtype=bool)
        liked[users[entries], movies[entries]] = True
        weight = np.where(liked, 1 + objective.confidence, 1.0)
        error = float((weight * (liked - predicted) ** 2).sum())
    counts = [np.bincount(each[entries]) for each in (users, movies)]
    pairs = zip((found.users, found.movies), counts, strict=True)
    squares = sum(float(n @ (f[: len(n)] ** 2).sum(axis=1)) for f, n in pairs)
    return error + objective.regularisation * squares


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.target.name)
def test_each_iteration_lowers_the_objective(
    sides: SidesInDriver, ratings: Any, objective: Objective
) -> None:
    losses = [
        loss(ratings, objective, *fit_als(sides, [objective], rank=4, iterations=n, seed=3))
        for n in (1, 2, 4, 8)
    ]
    assert losses == sorted(losses, reverse=True)


def test_models_fitted_together_equal_those_fitted_alone(sides: SidesInDriver) -> None:
    """Compare the first model: the others start from other random factors."""
    together = fit_als(sides, OBJECTIVES, rank=4, iterations=3, seed=3)
    [alone] = fit_als(sides, [STARS], rank=4, iterations=3, seed=3)
    assert np.isfinite(together[2].users).all()
    [again] = fit_als(sides, [STARS], rank=4, iterations=3, seed=3)
    assert np.array_equal(alone.users, again.users)
    assert np.array_equal(alone.movies, again.movies)
    [other] = fit_als(sides, [STARS], rank=4, iterations=3, seed=4)
    assert not np.array_equal(alone.users, other.users)


def test_rows_become_the_same_up_to_rounding_however_they_are_divided_into_blocks(
    sides: SidesInDriver, ratings: Any
) -> None:
    users, movies, stars, residuals = ratings
    steps = [
        step_of(objective, factors_of(MOVIES, 4, seed=1), factors_of(USERS, 4, seed=2))
        for objective in OBJECTIVES
    ]
    parts = [users % 3 == part for part in range(3)]
    solved = [
        solve_side(side_of(users[p], movies[p], stars[p], residuals[p], MOVIES), steps)
        for p in parts
    ]
    for whole, divided in zip(sides.solve_users(steps), gather_factors(steps, solved), strict=True):
        np.testing.assert_allclose(whole, divided, rtol=1e-4, atol=1e-5)


def test_users_without_a_like_have_zeros_in_the_model_of_likes() -> None:
    users, movies = np.array([0, 1], dtype=np.int32), np.array([0, 0], dtype=np.int32)
    stars = np.array([5, 1], dtype=np.float32)
    sides = SidesInDriver(
        2,
        1,
        side_of(users, movies, stars, stars, 1),
        side_of(movies, users, stars, stars, 2),
    )
    [found] = fit_als(sides, [LIKES], rank=2, iterations=2, seed=1)
    assert not found.users[1].any()
    assert found.users[0].any()


def test_nothing_liked_by_anybody_gives_zeros() -> None:
    one = np.zeros(1, dtype=np.int32)
    low = np.ones(1, dtype=np.float32)
    side = side_of(one, one, low, low, 1)
    [found] = fit_als(SidesInDriver(1, 1, side, side), [LIKES], rank=2, iterations=2, seed=1)
    assert not found.users.any()
    assert not found.movies.any()


def test_the_number_of_each_iteration_is_reported(sides: SidesInDriver) -> None:
    done: list[int] = []
    fit_als(sides, [STARS], rank=2, iterations=3, seed=1, done=done.append)
    assert done == [1, 2, 3]


def entries_of(buckets: Sequence[Bucket], width: int) -> set[tuple[int, int, float]]:
    return {
        (row, column, value)
        for bucket in buckets
        for row, count, columns, values in zip(
            bucket.rows.tolist(), bucket.counts.tolist(), bucket.columns.tolist(),
            bucket.values[0].tolist(), strict=True,
        )
        for column, value in zip(columns[:count], values[:count], strict=True)
        if column < width
    }  # fmt: skip


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(0, 2**31))
def test_buckets_hold_every_entry_once_and_pad_by_an_eighth_at_most(
    counts: list[int], seed: int
) -> None:
    width = 80
    chance = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    columns = np.concatenate(
        [np.zeros(0), *(chance.choice(width, count, replace=False) for count in counts)]
    ).astype(np.int32)
    values = chance.random(len(rows)).astype(np.float32)
    mixed = chance.permutation(len(rows))
    buckets = list(buckets_of(rows[mixed], columns[mixed], (values[mixed],), width))
    expected = set(zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True))
    assert entries_of(buckets, width) == expected
    assert sum(int(bucket.counts.sum()) for bucket in buckets) == len(rows)
    for bucket in buckets:
        length = bucket.columns.shape[1]
        assert (bucket.counts <= length).all()
        assert (length <= bucket.counts * 9 / 8 + 1e-9).all()
        padding = np.arange(length) >= bucket.counts[:, None]
        assert (bucket.columns[padding] == width).all()
        assert not bucket.values[0][padding].any()


def test_a_side_without_ratings_has_no_buckets() -> None:
    none, nothing = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    assert side_of(none, none, nothing, nothing, 3) == Side((), ())
