"""Fit the rating model, the ranking model and the item weights. docs/model.md gives reasons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from learning.als import Factors, Objective, Sides, Target, fit_als
from learning.content import content_loadings
from learning.item_weights import fit_item_weights
from learning.mllib import MllibFits, mllib_fits
from learning.rating_blocks import MovieBaseline, RatingBlock, Ratings, StarCounts, user_biases
from marquee.recommender.fold_in import Doubles
from marquee.recommender.model import (
    LIKED,
    GaussianFactors,
    Integers,
    ItemWeights,
    Movie,
    RankingModel,
    RatingModel,
)

NOISE = 0.6  # variance of a rating around its prediction, in squared stars
CONFIDENCE = 3.0  # alpha of implicit ALS: the extra confidence of a like over an unrated movie
RANKING_REGULARISATION = 0.3  # lambda, multiplied by the number of liked movies
# Prior strength of the typical user, in liked movies: the fewer movies users like on average, the
# more the typical user's scores count.
WORTH_OF_EVERYBODY = 5.0
MOST_TYPICAL_WEIGHT = 2.0
LEANING = 0.2  # Offset for the ranking score's built-in popularity bias
# The largest size of one model's users' factors, which the driver holds and broadcasts: at rank 64,
# 4.9 million users. With more, MLlib fits, which is several times slower but leaves the factors on
# the executors.
MOST_BYTES_OF_USERS = 1_250_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """Hyperparameters of a fit, which depend on the number of ratings."""

    rank: int
    iterations: int
    regularisation: float  # lambda of the ALS on ratings, per rating of a user
    residual_regularisation: float  # lambda of the ALS on residuals, per rating of a user


def size_for(ratings: int) -> Size:
    """Return the hyperparameters for this many ratings.

    More ratings support more factors and need less regularisation per rating.
    """
    medium, large = 1_000_000, 20_000_000
    if ratings < medium:
        return Size(32, 10, 0.15, 0.12)
    if ratings < large:
        return Size(32, 12, 0.08, 0.08)
    return Size(64, 12, 0.06, 0.06)


@dataclass(frozen=True, slots=True)
class Users:
    """What fitting needs to know of U users besides their ratings."""

    rated: npt.NDArray[np.bool_]  # U, whether the user has any ratings
    liked: npt.NDArray[np.int64]  # U, number of liked movies
    bias: Doubles  # U, stars

    @classmethod
    def of(cls, ratings: Ratings, baseline: MovieBaseline) -> Self:
        """Collect it from all blocks."""
        found = ratings.map_blocks(_users_of, baseline)
        return cls(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def have(self, target: Target) -> npt.NDArray[np.bool_]:
        """Return which users have entries for this target, shape (U,)."""
        return self.liked > 0 if target is Target.LIKES else self.rated


def _users_of(
    block: RatingBlock, baseline: MovieBaseline
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], Doubles]:
    local = block.users - block.first
    liked = np.bincount(local[block.stars >= LIKED], minlength=len(block.counts))
    return block.counts > 0, liked, user_biases(block, baseline)


@dataclass(frozen=True, slots=True)
class FittedModels:
    """The rating model, the ranking model and the item weights of the same ratings and movies."""

    rating: RatingModel
    ranking: RankingModel
    items: ItemWeights


class Fitting:
    """Fits models to the same ratings, which are arranged for ALS only once.

    Attributes:
        counted: all movies' ratings by stars.
        rated: which movies have ratings, M; a model consists of these.
        movie_ids: the ids of these movies, ascending.
    """

    def __init__(
        self,
        session: Callable[[], SparkSession],
        ratings: Ratings,
        seed: int,
        *,
        mllib: bool = False,
    ) -> None:
        """Count the ratings.

        Args:
            session: opens the Spark session that MLlib uses; not called unless MLlib fits.
            ratings: the ratings to fit to.
            seed: of the first factors.
            mllib: fit ALS with MLlib, whatever the number of users.
        """
        self._session, self._ratings, self._seed, self._mllib = session, ratings, seed, mllib
        self.counted: StarCounts = ratings.star_counts()
        self.rated = self.counted.support > 0
        self.movie_ids: Integers = ratings.movie_ids[self.rated]

    @cached_property
    def baseline(self) -> MovieBaseline:
        """The global mean and all movies' biases; there must be ratings."""
        return MovieBaseline.of(self.counted)

    def fit(
        self,
        size: Size,
        scale: tuple[float, float],
        movies: Mapping[int, Movie],
        done: Callable[[int], None] = lambda _: None,
    ) -> FittedModels:
        """Fit all three.

        Args:
            size: the hyperparameters.
            scale: the lowest and the highest number of stars.
            movies: the rated movies by id, whose genres and years are coordinates of taste as well.
            done: called after each iteration with its number, from 1.
        """
        objectives = (
            Objective(Target.RESIDUALS, size.residual_regularisation),
            Objective(Target.STARS, size.regularisation),
            Objective(Target.LIKES, RANKING_REGULARISATION, CONFIDENCE),
        )
        residuals, stars, likes = self._als(objectives, size, done)
        liked = self._users.liked[self._users.liked > 0]
        support = self.counted.support[self.rated]
        content = content_loadings([movies[i] for i in self.movie_ids.tolist()], support)
        parts = self._residual_part(residuals), self._stars_part(stars)
        return FittedModels(
            RatingModel(
                movie_ids=self.movie_ids,
                support=support,
                parts=tuple(part.with_loadings(content) for part in parts),
                noise=NOISE,
                global_mean=self.baseline.mean,
                lowest=scale[0],
                highest=scale[1],
            ),
            ranking_model(
                likes.users, likes.movies[self.rated], float(liked.mean()) if len(liked) else 0.0
            ),
            fit_item_weights(self._ratings, self.counted.support),
        )

    def fit_sizes(self, ranks: Sequence[int], size: Size) -> dict[int, GaussianFactors]:
        """Fit explicit ALS to the ratings for each of these ranks; `size` gives everything else."""
        objective = (Objective(Target.STARS, size.regularisation),)
        return {
            rank: self._stars_part(*self._als(objective, replace(size, rank=rank)))
            for rank in ranks
        }

    def release(self) -> None:
        """Free the memory that the arranged ratings take on the executors."""
        if "_sides" in self.__dict__:
            self._sides.release()
        if "mllib_fits" in self.__dict__:
            self.mllib_fits.rows.unpersist()

    def uses_mllib(self, size: Size) -> bool:
        """Return whether MLlib fits ALS of this size, because there are so many users."""
        return self._mllib or self._ratings.users * size.rank * 4 > MOST_BYTES_OF_USERS

    @cached_property
    def mllib_fits(self) -> MllibFits:
        """MLlib's fits of these ratings."""
        return mllib_fits(self._session(), self._ratings, self.baseline, self._seed)

    @cached_property
    def _users(self) -> Users:
        return Users.of(self._ratings, self.baseline)

    @cached_property
    def _sides(self) -> Sides:
        return self._ratings.sides(self.baseline)

    def _als(
        self,
        objectives: Sequence[Objective],
        size: Size,
        done: Callable[[int], None] = lambda _: None,
    ) -> list[Factors]:
        """Fit ALS; the users' factors are those of the users with entries, or of a sample."""
        if self.uses_mllib(size):
            fits = self.mllib_fits
            return [fits.fit(objective, size.rank, size.iterations) for objective in objectives]
        found = fit_als(
            self._sides,
            objectives,
            rank=size.rank,
            iterations=size.iterations,
            seed=self._seed,
            done=done,
        )
        return [
            replace(factors, users=factors.users[self._users.have(objective.target)])
            for objective, factors in zip(objectives, found, strict=True)
        ]

    def _residual_part(self, factors: Factors) -> GaussianFactors:
        """Return the factors of the residuals.

        The last coordinate of taste is the visitor's own bias, with the standard deviation of
        users' biases.
        """
        offset = self.baseline.mean + self.baseline.bias[self.rated]
        part = gaussian_factors(factors.users, factors.movies[self.rated], offset)
        spread = float(self._users.bias[self._users.rated].std())
        return part.with_loadings(np.full((len(offset), 1), spread, dtype=np.float32))

    def _stars_part(self, factors: Factors) -> GaussianFactors:
        """Return the factors of the ratings themselves."""
        return gaussian_factors(
            factors.users, factors.movies[self.rated], np.zeros(len(self.movie_ids))
        )


def gaussian_factors(
    users: npt.NDArray[np.floating], movies: npt.NDArray[np.floating], offset: Doubles
) -> GaussianFactors:
    """Return the model's loadings, so that taste is standard normal.

    Assumes that users' factors are drawn from a normal distribution with mean m and covariance
    Σ = LLᵀ. A user's factors are then u = m + Lz, and the user's predicted stars for a movie with
    factors v are offset + v·m + (vL)·z.

    Args:
        users: users' factors, U by K.
        movies: movies' factors, M by K.
        offset: the movies' baseline, M, stars.
    """
    mean = users.mean(axis=0, dtype=np.float64)
    centred = users - mean.astype(users.dtype)
    covariance = (centred.T @ centred).astype(np.float64) / max(len(users) - 1, 1)
    # With fewer users than factors, some eigenvalues are zero, or slightly negative by rounding.
    energies, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(energies, 0.0))
    return GaussianFactors(
        offset=(offset + movies @ mean).astype(np.float32),
        loadings=(movies @ root).astype(np.float32),
    )


def ranking_model(
    users: npt.NDArray[np.floating], movies: npt.NDArray[np.floating], liked_per_user: float
) -> RankingModel:
    """Return the ranking model of a fitted implicit ALS.

    Without any like it scores every movie 0.

    Args:
        users: factors of the users who liked a movie, U by K.
        movies: movies' factors, M by K; 0 if nobody liked the movie.
        liked_per_user: the mean number of these users' liked movies.
    """
    if not len(users):
        return _rotate(np.zeros((len(movies), 1)), np.zeros(1), 0.0)
    typical = users.mean(axis=0, dtype=np.float64)
    return _rotate(movies.astype(np.float64), typical, typical_weight(liked_per_user))


def typical_weight(liked_per_user: float) -> float:
    """Return the weight of the typical user's scores relative to a user's own.

    The fewer movies users like on average, the higher the weight. It is negative where users like
    many.
    """
    return min(MOST_TYPICAL_WEIGHT, WORTH_OF_EVERYBODY / liked_per_user - LEANING)


def _rotate(movies: Doubles, typical: Doubles, weight: float) -> RankingModel:
    """Rotate factors V, shape (M, K), so that VᵀV is diagonal."""
    energy, directions = np.linalg.eigh(movies.T @ movies)
    return RankingModel(
        factors=(movies @ directions).astype(np.float32),
        energy=np.maximum(energy, 0.0).astype(np.float32),
        typical=(typical @ directions).astype(np.float32),
        typical_weight=weight,
        confidence=CONFIDENCE,
        regularisation=RANKING_REGULARISATION,
        liked=LIKED,
    )
