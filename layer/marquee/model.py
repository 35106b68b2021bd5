"""The model folder that training writes and recommending reads: data classes, reader and writer.

This module also runs on EMR, so it uses only the standard library and numpy.

The folder holds:

- `rating.npz` and `ranking.npz` (arrays), `movies.json`, `questionnaire.json`, `metrics.json`.
- `manifest.json`, written last, with the sha256 of every other file. A folder without a manifest
  is half-written and is never read.
- Optional parts of the model, read if the manifest names them: `seen.npz` for the questionnaire,
  `profiles.npz` and `sizes.npz` for the models other than rating and ranking.
- `movies.sqlite` and `links.json`, which only the API needs and reads on demand.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SCHEMA_VERSION = 3
OLDEST_SCHEMA_VERSION = 2  # without alternative titles
MANIFEST = "manifest.json"
RATING = "rating.npz"
RANKING = "ranking.npz"
MOVIES = "movies.json"
QUESTIONNAIRE = "questionnaire.json"
METRICS = "metrics.json"
FILE_NAMES = (RATING, RANKING, MOVIES, QUESTIONNAIRE, METRICS, MANIFEST)
SEEN = "seen.npz"
PROFILES = "profiles.npz"
SIZES = "sizes.npz"
OPTIONAL_FILE_NAMES = (SEEN, PROFILES, SIZES)
TITLES = "movies.sqlite"  # marquee.titles
LINKS = "links.json"  # marquee.links
BESIDE_FILE_NAMES = (TITLES, LINKS)  # in the manifest, but not part of a Model
# The rating model fitted without the held-out ratings. The next training's regression check
# compares with it. Recommending never reads it.
HELD_OUT = "held_out.npz"

type Source = Path | Mapping[str, bytes] | Callable[[str], bytes]
type Floats = npt.NDArray[np.float32]
type Integers = npt.NDArray[np.int32]
type Counted = npt.NDArray[np.uint8]


class ModelError(ValueError):
    """The model folder is missing, half-written, damaged or of a newer format."""


@dataclass(frozen=True, slots=True)
class Movie:
    """A movie as visitors see it.

    `alternative_titles` is empty if the data set has none for the movie.
    """

    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]
    alternative_titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """The size of a model's training data; `users` includes the visitors."""

    users: int
    movies: int
    ratings: int
    visitors: int


@dataclass(frozen=True, eq=False)
class GaussianFactors:
    """An ALS model prepared for fold-in, with a Gaussian prior for a visitor's taste.

    The predicted stars of a visitor with taste z (K numbers) are `offset + loadings @ z`. Before
    the visitor's first rating, z has the standard normal distribution (docs/model.md).
    """

    offset: Floats  # M, stars
    loadings: Floats  # M by K, stars

    @property
    def rank(self) -> int:
        """The number of factors, K."""
        return int(self.loadings.shape[1])


@dataclass(frozen=True, eq=False)
class RatingModel:
    """The rating model: its predicted stars are the mean of its parts' predictions.

    All arrays have M movies in the order of `movie_ids`.

    Raises:
        ModelError: if shapes do not match, `movie_ids` is empty or not ascending, a number is not
            finite, or the noise is not positive.
    """

    movie_ids: Integers  # M, ascending
    support: Integers  # M, number of ratings in training
    parts: tuple[GaussianFactors, ...]
    noise: float  # variance of a rating around its prediction, squared stars
    global_mean: float  # stars
    lowest: float  # lowest and highest stars of the data set's scale
    highest: float

    def __post_init__(self) -> None:
        movies = self.movie_ids.shape[0]
        if not movies or bool(np.any(np.diff(self.movie_ids) <= 0)):
            raise ModelError("movie_ids is empty or not ascending; train again")
        _check_shape("support", self.support, (movies,))
        if not self.parts:
            raise ModelError("the rating model has no parts; train again")
        for number, part in enumerate(self.parts):
            _check_shape(f"offset {number}", part.offset, (movies,))
            _check_shape(f"loadings {number}", part.loadings, (movies, part.loadings.shape[-1]))
        _check_finite(
            *(array for part in self.parts for array in (part.offset, part.loadings)),
            np.array(self.scalars()),
        )
        if self.noise <= 0:
            raise ModelError(f"the noise of the rating model is {self.noise}; train again")

    def scalars(self) -> tuple[float, float, float, float]:
        """Return noise, global mean, lowest and highest stars, in the order of the .npz file."""
        return self.noise, self.global_mean, self.lowest, self.highest

    @cached_property
    def loadings(self) -> Floats:
        """The loadings of all parts, concatenated so that one matrix product covers all parts.

        The shape is M by the sum of the parts' ranks.
        """
        return np.concatenate([part.loadings for part in self.parts], axis=1)

    @cached_property
    def rows(self) -> dict[int, int]:
        """The row of each movie_id in the arrays."""
        return {movie_id: row for row, movie_id in enumerate(self.movie_ids.tolist())}


@dataclass(frozen=True, eq=False)
class RankingModel:
    """The ranking model: implicit ALS over liked movies (Hu, Koren, Volinsky 2008).

    The factors V are rotated so that VᵀV is diagonal, with `energy` on its diagonal. Fold-in then
    needs no K by K matrix.

    Raises:
        ModelError: if shapes do not match or a number is not finite.
    """

    factors: Floats  # M by K, in the order of the rating model's movie_ids; 0 if nobody liked it
    energy: Floats  # K
    typical: Floats  # K, mean of the users' factors; stands for a visitor without liked movies
    typical_weight: float  # weight of the typical user's scores, which are added to all scores
    confidence: float  # alpha: a liked movie has confidence 1 + alpha, any other movie 1
    regularisation: float  # lambda of ALS-WR, which multiplies it by the number of liked movies
    loved: float  # stars from which a movie counts as liked

    def __post_init__(self) -> None:
        rank = self.factors.shape[-1]
        _check_shape("ranking factors", self.factors, (self.factors.shape[0], rank))
        _check_shape("energy", self.energy, (rank,))
        _check_shape("typical", self.typical, (rank,))
        _check_finite(self.factors, self.energy, self.typical, np.array(self.scalars()))

    def scalars(self) -> tuple[float, float, float, float]:
        """Return the four numbers that are not arrays, in the order of the .npz file."""
        return self.typical_weight, self.confidence, self.regularisation, self.loved


@dataclass(frozen=True, eq=False)
class Seen:
    """A factor model of which questionnaire movies a visitor has seen.

    The probability that a visitor has seen the movies is `chance + loadings @ z`. Before the
    first answer, z has the standard normal distribution (docs/model.md).

    Raises:
        ModelError: if shapes do not match, a number is not finite, or a noise is not positive.
    """

    movie_ids: Integers  # Q, most rated first
    chance: Floats  # Q, mean probability that a user has seen the movie, from 0 to 1
    loadings: Floats  # Q by R
    noise: Floats  # Q, variance of having seen the movie (0 or 1) around its prediction

    def __post_init__(self) -> None:
        count = self.movie_ids.shape[0]
        _check_shape("chance", self.chance, (count,))
        _check_shape("seen loadings", self.loadings, (count, self.loadings.shape[-1]))
        _check_shape("seen noise", self.noise, (count,))
        _check_finite(self.chance, self.loadings, self.noise)
        if bool(np.any(self.noise <= 0)):
            raise ModelError("the noise of the seen model is not positive; train again")


@dataclass(frozen=True, eq=False)
class Profiles:
    """Mean stars, median stars and tag counts of each movie.

    Arrays are in the order of the rating model's movie_ids. A data set without tags has no tag
    names.

    Raises:
        ModelError: if shapes do not match, a number is not finite, or tag counts are missing.
    """

    mean: Floats  # M, stars
    median: Floats  # M, stars
    tag_names: tuple[str, ...] = ()  # T, most used first
    tag_people: Counted | None = None  # M by T, number of people who gave the tag, at most 255

    def __post_init__(self) -> None:
        movies = self.mean.shape[0]
        _check_shape("mean", self.mean, (movies,))
        _check_shape("median", self.median, (movies,))
        _check_finite(self.mean, self.median)
        if self.tag_people is not None:
            _check_shape("tags", self.tag_people, (movies, len(self.tag_names)))
        elif self.tag_names:
            raise ModelError("the tags have names but no counts; train again")


def _check_shape(name: str, array: npt.NDArray[Any], wanted: tuple[int, ...]) -> None:
    if array.shape != wanted:
        raise ModelError(f"{name} has shape {array.shape}, not {wanted}; train again")


def _check_finite(*arrays: npt.NDArray[Any]) -> None:
    if not all(bool(np.isfinite(array).all()) for array in arrays):
        raise ModelError("the model contains numbers that are not finite; train again")


@dataclass(frozen=True, eq=False)
class Model:
    """The contents of a model folder, without the files in BESIDE_FILE_NAMES."""

    model_id: str
    dataset: str
    trained_at: str
    counts: Counts
    rating: RatingModel
    ranking: RankingModel
    movies: Mapping[int, Movie]
    questionnaire: tuple[int, ...]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seen: Seen | None = None
    profiles: Profiles | None = None
    sizes: Mapping[int, GaussianFactors] = field(default_factory=dict)  # explicit ALS by rank


def to_files(model: Model, beside: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the folder's files by name, in the order to write them: the manifest comes last.

    Args:
        model: the model to write.
        beside: contents of files in BESIDE_FILE_NAMES, by name.
    """
    movies = [
        [
            movie.movie_id,
            movie.title,
            movie.year,
            list(movie.genres),
            list(movie.alternative_titles),
        ]
        for movie in (model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist())
    ]
    files = {
        RATING: pack_rating(model.rating),
        RANKING: _pack_ranking(model.ranking),
        MOVIES: _json(movies),
        QUESTIONNAIRE: _json(
            {"schema_version": SCHEMA_VERSION, "movie_ids": list(model.questionnaire)}
        ),
        METRICS: _json(model.metrics),
    }
    if model.seen is not None:
        files[SEEN] = _pack_seen(model.seen)
    if model.profiles is not None:
        files[PROFILES] = _pack_profiles(model.profiles)
    if model.sizes:
        files[SIZES] = _pack_sizes(model.sizes)
    files |= beside or {}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "model_id": model.model_id,
        "dataset": model.dataset,
        "trained_at": model.trained_at,
        "counts": {part.name: getattr(model.counts, part.name) for part in fields(Counts)},
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return {**files, MANIFEST: _json(manifest)}


def write_folder(model: Model, folder: Path) -> None:
    """Write the model folder to a local directory, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in to_files(model).items():
        (folder / name).write_bytes(content)


def read_model(source: Source) -> Model:
    """Read and check a model folder.

    Args:
        source: a directory, a mapping of file name to content, or a function that returns the
            content of a file by name and raises LookupError or OSError if there is no such file.

    Raises:
        ModelError: says what is wrong and how to fix it.
    """
    open_file = _opener(source)
    manifest = _manifest(open_file)
    files = _checked_files(open_file, manifest)
    try:
        return _assemble(manifest, files)
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"model {manifest.get('model_id')!r} does not have the format that this release writes "
            f"({type(error).__name__}: {error}); train again"
        ) from error


def _opener(source: Source) -> Callable[[str], bytes]:
    if isinstance(source, Path):
        return lambda name: (source / name).read_bytes()
    return source.__getitem__ if isinstance(source, Mapping) else source


def names_of(source: Source) -> tuple[str, ...]:
    """Return the names of the files in a model folder, the manifest last.

    Raises:
        ModelError: if the manifest is missing or invalid.
    """
    manifest = _manifest(_opener(source))
    beside = (name for name in BESIDE_FILE_NAMES if name in manifest["sha256"])
    return (*_parts_of(manifest), *beside, MANIFEST)


def _parts_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the files that a Model is read from."""
    optional = (name for name in OPTIONAL_FILE_NAMES if name in manifest["sha256"])
    return (*FILE_NAMES[:-1], *optional)


def read_beside(source: Source, name: str) -> bytes | None:
    """Read and check a file in BESIDE_FILE_NAMES; return None if the model does not have it.

    Raises:
        ModelError: says what is wrong and how to fix it.
    """
    open_file = _opener(source)
    manifest = _manifest(open_file)
    if name not in manifest["sha256"]:
        return None
    return _checked(open_file, manifest, name)


def _manifest(open_file: Callable[[str], bytes]) -> dict[str, Any]:
    try:
        content = open_file(MANIFEST)
    except (LookupError, OSError) as error:
        raise ModelError(
            f"the model folder has no {MANIFEST}: it is missing or half-written; train again"
        ) from error
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise ModelError(f"{MANIFEST} is not JSON ({error}); train again") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ModelError(f"{MANIFEST} has no schema version; train again")
    if version < OLDEST_SCHEMA_VERSION:
        raise ModelError(
            f"model {manifest.get('model_id')!r} has schema version {version}, which this release "
            f"no longer reads (it reads from {OLDEST_SCHEMA_VERSION} on); train again"
        )
    if version > SCHEMA_VERSION:
        raise ModelError(
            f"model {manifest.get('model_id')!r} has schema version {version}, this release "
            f"reads up to {SCHEMA_VERSION}: deploy the newer release, or train again with this one"
        )
    if not isinstance(manifest.get("sha256"), dict):
        raise ModelError(f"{MANIFEST} lists no files; train again")
    return dict(manifest)


def _checked_files(
    open_file: Callable[[str], bytes], manifest: Mapping[str, Any]
) -> dict[str, bytes]:
    return {name: _checked(open_file, manifest, name) for name in _parts_of(manifest)}


def _checked(open_file: Callable[[str], bytes], manifest: Mapping[str, Any], name: str) -> bytes:
    model_id = manifest.get("model_id")
    try:
        content = open_file(name)
    except (LookupError, OSError) as error:
        raise ModelError(f"model {model_id!r} lacks {name}; train again") from error
    if hashlib.sha256(content).hexdigest() != manifest["sha256"].get(name):
        raise ModelError(
            f"{name} of model {model_id!r} is damaged (its sha256 differs from the manifest's); "
            "train again"
        )
    return content


def _assemble(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Model:
    rating = unpack_rating(files[RATING])
    ranking = _unpack_ranking(files[RANKING])
    count = len(rating.movie_ids)
    _check_shape("ranking factors", ranking.factors, (count, len(ranking.energy)))
    seen = _unpack_seen(files[SEEN]) if SEEN in files else None
    if seen is not None and not np.isin(seen.movie_ids, rating.movie_ids).all():
        raise ModelError(f"{SEEN} names movies that {RATING} does not contain; train again")
    profiles = _unpack_profiles(files[PROFILES]) if PROFILES in files else None
    if profiles is not None:
        _check_shape("mean", profiles.mean, (count,))
    sizes = _unpack_sizes(files[SIZES]) if SIZES in files else {}
    for rank, factors in sizes.items():
        _check_shape(f"offset of size {rank}", factors.offset, (count,))
        _check_shape(f"loadings of size {rank}", factors.loadings, (count, rank))
        _check_finite(factors.offset, factors.loadings)
    movies = {
        int(movie_id): Movie(
            int(movie_id),
            str(title),
            None if year is None else int(year),
            tuple(genres),
            tuple(alternative[0]) if alternative else (),
        )
        for movie_id, title, year, genres, *alternative in json.loads(files[MOVIES])
    }
    if movies.keys() != rating.rows.keys():
        raise ModelError(f"{MOVIES} and {RATING} do not contain the same movies; train again")
    questionnaire = tuple(int(i) for i in json.loads(files[QUESTIONNAIRE])["movie_ids"])
    if unknown := [movie_id for movie_id in questionnaire if movie_id not in movies]:
        raise ModelError(f"{QUESTIONNAIRE} names unknown movies {unknown[:3]}; train again")
    return Model(
        model_id=str(manifest["model_id"]),
        dataset=str(manifest["dataset"]),
        trained_at=str(manifest["trained_at"]),
        counts=Counts(**{part.name: int(manifest["counts"][part.name]) for part in fields(Counts)}),
        rating=rating,
        ranking=ranking,
        movies=movies,
        questionnaire=questionnaire,
        metrics=json.loads(files[METRICS]),
        seen=seen,
        profiles=profiles,
        sizes=sizes,
    )


def pack_rating(rating: RatingModel) -> bytes:
    """Return the content of an .npz file with the arrays of a rating model."""
    return _npz(
        movie_ids=rating.movie_ids.astype(np.int32),
        support=rating.support.astype(np.int32),
        scalars=np.array(rating.scalars(), dtype=np.float64),
        **{f"offset_{n}": p.offset.astype(np.float32) for n, p in enumerate(rating.parts)},
        **{f"loadings_{n}": p.loadings.astype(np.float32) for n, p in enumerate(rating.parts)},
    )


def unpack_rating(content: bytes) -> RatingModel:
    """Read a rating model from the bytes that `pack_rating` returned.

    Raises:
        ModelError: if the arrays do not fit together.
        KeyError: if an array is missing.
        ValueError: if the bytes are not a readable .npz file.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        noise, global_mean, lowest, highest = arrays["scalars"].tolist()
        count = sum(name.startswith("offset_") for name in arrays.files)
        return RatingModel(
            movie_ids=arrays["movie_ids"],
            support=arrays["support"],
            parts=tuple(
                GaussianFactors(arrays[f"offset_{n}"], arrays[f"loadings_{n}"])
                for n in range(count)
            ),
            noise=noise,
            global_mean=global_mean,
            lowest=lowest,
            highest=highest,
        )


def _pack_ranking(ranking: RankingModel) -> bytes:
    return _npz(
        factors=ranking.factors.astype(np.float32),
        energy=ranking.energy.astype(np.float32),
        typical=ranking.typical.astype(np.float32),
        scalars=np.array(ranking.scalars(), dtype=np.float64),
    )


def _unpack_ranking(content: bytes) -> RankingModel:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        typical_weight, confidence, regularisation, loved = arrays["scalars"].tolist()
        return RankingModel(
            factors=arrays["factors"],
            energy=arrays["energy"],
            typical=arrays["typical"],
            typical_weight=typical_weight,
            confidence=confidence,
            regularisation=regularisation,
            loved=loved,
        )


def _pack_seen(seen: Seen) -> bytes:
    return _npz(
        movie_ids=seen.movie_ids.astype(np.int32),
        chance=seen.chance.astype(np.float32),
        loadings=seen.loadings.astype(np.float32),
        noise=seen.noise.astype(np.float32),
    )


def _unpack_seen(content: bytes) -> Seen:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Seen(arrays["movie_ids"], arrays["chance"], arrays["loadings"], arrays["noise"])


def _pack_profiles(profiles: Profiles) -> bytes:
    """Return an .npz file; tag names are the UTF-8 bytes of a JSON list.

    Python strings in a numpy object array would need pickle, which the reader forbids.
    """
    names = json.dumps(profiles.tag_names, ensure_ascii=False).encode()
    tags = {} if profiles.tag_people is None else {"tag_people": profiles.tag_people}
    return _npz(
        mean=profiles.mean.astype(np.float32),
        median=profiles.median.astype(np.float32),
        tag_names=np.frombuffer(names, dtype=np.uint8),
        **tags,
    )


def _unpack_profiles(content: bytes) -> Profiles:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Profiles(
            mean=arrays["mean"],
            median=arrays["median"],
            tag_names=tuple(json.loads(arrays["tag_names"].tobytes())),
            tag_people=arrays["tag_people"] if "tag_people" in arrays.files else None,
        )


def _pack_sizes(sizes: Mapping[int, GaussianFactors]) -> bytes:
    return _npz(
        ranks=np.array(sorted(sizes), dtype=np.int32),
        **{f"offset_{rank}": each.offset.astype(np.float32) for rank, each in sizes.items()},
        **{f"loadings_{rank}": each.loadings.astype(np.float32) for rank, each in sizes.items()},
    )


def _unpack_sizes(content: bytes) -> dict[int, GaussianFactors]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {
            rank: GaussianFactors(arrays[f"offset_{rank}"], arrays[f"loadings_{rank}"])
            for rank in arrays["ranks"].tolist()
        }


def _npz(**arrays: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _json(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
