"""Other recommenders, fitted to the same ratings: `implicit`, EASE and scikit-surprise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from surprise import SVD, AlgoBase, Dataset, Reader, SVDpp

from learning.metrics import Person, UserMeasures, measured_by
from marquee.contracts import PICKS
from marquee.recommender.fold_in import rated_from
from marquee.recommender.model import LIKED, Floats, Integers, RatingModel
from marquee.recommender.picks import Mask, best_open

IMPLICIT_ITERATIONS = 15  # the library's own default
# The alpha of `implicit` is the confidence of a liked movie itself; MLlib adds one to its alpha.
# The regularisation of `implicit` is the same for all users; MLlib's grows with a user's ratings.
IMPLICIT_FACTORS = (16, 32, 64)
IMPLICIT_ALPHAS = (2.0, 6.0, 18.0)
IMPLICIT_REGULARISATIONS = (0.1, 1.0, 5.0, 10.0)
EASE_REGULARISATIONS, EASE_LEAST_STARS = (30.0, 100.0, 200.0, 400.0, 800.0), (0.0, 3.0, LIKED)
EASE_LEAST_RATINGS = 5
SVD_FACTORS, SVD_EPOCHS, SVD_REGULARISATIONS = (50, 100), (20, 40), (0.02, 0.06, 0.1)
NO_STARS = np.float32(np.nan)


@dataclass(frozen=True, slots=True)
class Training:
    """N ratings to fit to, as arrays of shape (N,): rows of users and movies (from 0), stars."""

    users: Integers
    movies: Integers
    stars: Floats
    user_count: int
    movie_count: int

    def where(self, kept: npt.NDArray[np.bool_]) -> "Training":
        """Return the ratings that a mask of shape (N,) selects."""
        return Training(
            self.users[kept],
            self.movies[kept],
            self.stars[kept],
            self.user_count,
            self.movie_count,
        )

    @property
    def liked(self) -> csr_matrix:
        """The likes: shape (users, movies), 1 where the user gave 4 stars or more."""
        kept = self.where(self.stars >= LIKED)
        ones = np.ones(len(kept.users), dtype=np.float32)
        shape = (self.user_count, self.movie_count)
        return csr_matrix((ones, (kept.users, kept.movies)), shape=shape)


@dataclass(frozen=True, slots=True)
class RivalPredictions:
    """The predictions of a recommender for U users and M movies."""

    stars: Floats  # shape (U, M); NaN if the recommender does not predict stars
    scores: Floats  # shape (U, M); higher is better


def measure_rival(
    expected: RivalPredictions, people: Sequence[Person], rating: RatingModel, candidates: Mask
) -> list[UserMeasures]:
    """Measure the predictions of another recommender as Marquee's own are measured."""
    users = [person.user for person in people]
    rated = [rated_from(person.seen, rating.rows) for person in people]
    best = best_open(expected.scores[users], [each.rows for each in rated], candidates, PICKS)
    each = zip(people, rated, expected.stars[users], best, strict=True)
    return [measured_by(*one, rating) for one in each]


@dataclass(frozen=True, slots=True)
class ImplicitSetting:
    """Settings of `implicit`: number of factors, weight alpha of a like, and λ."""

    factors: int
    alpha: float
    regularisation: float

    def __str__(self) -> str:
        return f"{self.factors} factors, alpha {self.alpha:g}, λ {self.regularisation:g}"


def implicit_settings() -> list[ImplicitSetting]:
    """Return the grid of settings from which `implicit` is tuned."""
    grid = product(IMPLICIT_FACTORS, IMPLICIT_ALPHAS, IMPLICIT_REGULARISATIONS)
    return [ImplicitSetting(*each) for each in grid]


def implicit_als(training: Training, setting: ImplicitSetting, seed: int) -> RivalPredictions:
    """Fit the ALS of `implicit` to likes; users without likes get picks by popularity."""
    als = AlternatingLeastSquares(
        factors=setting.factors,
        alpha=setting.alpha,
        regularization=setting.regularisation,
        iterations=IMPLICIT_ITERATIONS,
        num_threads=1,  # on small data, the threads' waiting costs more than they save
        random_state=seed,
        calculate_training_loss=False,
    )
    als.fit(training.liked, show_progress=False)
    popularity = np.bincount(training.movies, minlength=training.movie_count)
    scores = als.user_factors @ als.item_factors.T + np.float32(1e-9) * popularity
    return RivalPredictions(np.full(scores.shape, NO_STARS), scores.astype(np.float32))


@dataclass(frozen=True, slots=True)
class EaseSetting:
    """Settings of EASE: λ, and the stars from which a rating counts."""

    regularisation: float
    least_stars: float

    def __str__(self) -> str:
        return f"λ {self.regularisation:g}, from {self.least_stars:g} stars"


def ease_settings() -> list[EaseSetting]:
    """Return the grid of settings from which EASE is tuned."""
    return [EaseSetting(*each) for each in product(EASE_REGULARISATIONS, EASE_LEAST_STARS)]


def ease(training: Training, setting: EaseSetting) -> RivalPredictions:
    """Fit EASE (Steck, *Embarrassingly shallow autoencoders for sparse data*, WWW 2019).

    The weights between movies are the closed-form solution of a ridge regression of each movie on
    all others, over 1 for a rating that counts and 0 for any other. Movies with fewer than 5
    ratings are left out: their inverse would take most of the time.
    """
    kept = training.where(training.stars >= setting.least_stars)
    shape = (training.user_count, training.movie_count)
    ones = np.ones(len(kept.users), dtype=np.float32)
    likes = csr_matrix((ones, (kept.users, kept.movies)), shape=shape)
    popularity = np.bincount(training.movies, minlength=training.movie_count)
    known = np.flatnonzero(popularity >= EASE_LEAST_RATINGS)
    likes = likes[:, known]
    gram = (likes.T @ likes).toarray().astype(np.float64)
    gram[np.diag_indices(len(gram))] += setting.regularisation
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    scores = np.tile(1e-9 * popularity, (training.user_count, 1))
    scores[:, known] += likes @ weights
    return RivalPredictions(np.full(scores.shape, NO_STARS), scores.astype(np.float32))


@dataclass(frozen=True, slots=True)
class SvdSetting:
    """Settings of Surprise, with its defaults for SVD; for SVD++ its default is 20 factors."""

    factors: int = 100
    epochs: int = 20
    regularisation: float = 0.02

    def __str__(self) -> str:
        return f"{self.factors} factors, {self.epochs} epochs, λ {self.regularisation:g}"


SVD_DEFAULTS = SvdSetting()
SVD_PLUS_PLUS_DEFAULTS = SvdSetting(factors=20)


def svd_settings() -> list[SvdSetting]:
    """Return the grid of settings from which Surprise's SVD is tuned."""
    return [SvdSetting(*each) for each in product(SVD_FACTORS, SVD_EPOCHS, SVD_REGULARISATIONS)]


def svd(
    training: Training, setting: SvdSetting, seed: int, scale: tuple[float, float]
) -> RivalPredictions:
    """Fit Surprise's SVD: biases and factors by stochastic gradient descent."""
    algorithm = _fitted(SVD, training, setting, seed, scale)
    return _by_stars(algorithm, training, algorithm.pu)


def svd_plus_plus(
    training: Training, setting: SvdSetting, seed: int, scale: tuple[float, float]
) -> RivalPredictions:
    """Fit Surprise's SVD++: SVD that also infers taste from which movies a user rated."""
    algorithm = _fitted(SVDpp, training, setting, seed, scale)
    tastes = algorithm.pu.copy()
    for user, rated in algorithm.trainset.ur.items():
        movies = [movie for movie, _ in rated]
        tastes[user] += algorithm.yj[movies].sum(axis=0) / np.sqrt(len(movies))
    return _by_stars(algorithm, training, tastes)


def _fitted(
    kind: Callable[..., AlgoBase],
    training: Training,
    setting: SvdSetting,
    seed: int,
    scale: tuple[float, float],
) -> AlgoBase:
    columns = (training.users, training.movies, training.stars)
    rows = [(*row, None) for row in zip(*(column.tolist() for column in columns), strict=True)]
    trainset = Dataset(Reader(rating_scale=scale)).construct_trainset(rows)
    algorithm = kind(
        n_factors=setting.factors,
        n_epochs=setting.epochs,
        reg_all=setting.regularisation,
        random_state=seed,
    )
    return algorithm.fit(trainset)


def _by_stars(
    algorithm: AlgoBase, training: Training, tastes: npt.NDArray[np.float64]
) -> RivalPredictions:
    """Predict all stars in one step: mean + biases + tastes by factors.

    Unknown users have neither bias nor taste.

    Raises:
        AssertionError: the library itself predicts other stars.
    """
    known = algorithm.trainset
    stars = np.full((training.user_count, training.movie_count), known.global_mean)
    users = np.array([known.to_raw_uid(user) for user in known.all_users()])
    movies = np.array([known.to_raw_iid(movie) for movie in known.all_items()])
    stars[users] += algorithm.bu[:, None]
    stars[:, movies] += algorithm.bi[None, :]
    stars[np.ix_(users, movies)] += tastes @ algorithm.qi.T
    for user, movie in zip(training.users[:5].tolist(), training.movies[-5:].tolist(), strict=True):
        own = algorithm.predict(user, movie, clip=False).est
        if abs(own - stars[user, movie]) > 1e-6:  # noqa: PLR2004
            raise AssertionError(f"{own} stars by the library, {stars[user, movie]} here")
    shown = stars.astype(np.float32)
    return RivalPredictions(shown, shown)


def best[T](settings: Sequence[T], cost: Callable[[T], float]) -> T:
    """Return the setting with the lowest cost."""
    return min(settings, key=cost)
