"""The model folder: what training leaves and what recommends from it.

Travels to EMR: standard library and numpy only. The folder holds `rating.npz` (arrays),
`movies.json`, `questionnaire.json`, `metrics.json` and, written last, `manifest.json` with the
sha256 of the others; a folder without a manifest is half-written and is never read.
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

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
RATING = "rating.npz"
MOVIES = "movies.json"
QUESTIONNAIRE = "questionnaire.json"
METRICS = "metrics.json"

type Source = Path | Mapping[str, bytes] | Callable[[str], bytes]
type Floats = npt.NDArray[np.float32]
type Integers = npt.NDArray[np.int32]


class ModelError(ValueError):
    """The model folder is missing, half-written, damaged or of a newer format."""


@dataclass(frozen=True, slots=True)
class Movie:
    """What visitors see of a movie."""

    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What a model was trained on; `users` includes the visitors."""

    users: int
    movies: int
    ratings: int
    visitors: int


@dataclass(frozen=True, eq=False)
class RatingModel:
    """Explicit ALS over residuals, M movies by K factors, in the order of `movie_ids`.

    A rating is predicted, in stars, as `global_mean + movie_bias + user_bias + user @ movie`
    (docs/decisions/0003-model.md).
    """

    movie_ids: Integers  # M, ascending
    factors: Floats  # M by K
    movie_bias: Floats  # M, stars
    support: Integers  # M, ratings that the movie had in training
    global_mean: float  # stars
    user_damping: float  # ratings' worth of doubt about a user's bias
    regularisation: float  # lambda of ALS-WR: multiplied by the user's number of ratings
    lowest: float  # the data set's scale, stars
    highest: float

    def __post_init__(self) -> None:
        movies = self.movie_ids.shape[0]
        shapes = {
            "movie_ids": (self.movie_ids.shape, (movies,)),
            "factors": ((*self.factors.shape[:1], self.factors.ndim), (movies, 2)),
            "movie_bias": (self.movie_bias.shape, (movies,)),
            "support": (self.support.shape, (movies,)),
        }
        for name, (found, wanted) in shapes.items():
            if found != wanted:
                raise ModelError(f"{name} has shape {found}, not {wanted}; train again")
        if not movies or bool(np.any(np.diff(self.movie_ids) <= 0)):
            raise ModelError("movie_ids is empty or not ascending; train again")
        numbers = (self.factors, self.movie_bias, np.array(self.scalars()))
        if not all(bool(np.isfinite(array).all()) for array in numbers):
            raise ModelError("the model holds numbers that are not finite; train again")

    def scalars(self) -> tuple[float, float, float, float, float]:
        return (
            self.global_mean,
            self.user_damping,
            self.regularisation,
            self.lowest,
            self.highest,
        )

    @cached_property
    def rows(self) -> dict[int, int]:
        """Row of each movie_id."""
        return {movie_id: row for row, movie_id in enumerate(self.movie_ids.tolist())}


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that a model folder holds."""

    model_id: str
    dataset: str
    trained_at: str
    counts: Counts
    rating: RatingModel
    movies: Mapping[int, Movie]
    questionnaire: tuple[int, ...]
    metrics: Mapping[str, Any] = field(default_factory=dict)


def to_files(model: Model) -> dict[str, bytes]:
    """The folder's files by name, in the order to write them: the manifest comes last."""
    movies = [
        [movie.movie_id, movie.title, movie.year, list(movie.genres)]
        for movie in (model.movies[movie_id] for movie_id in model.rating.movie_ids.tolist())
    ]
    files = {
        RATING: _pack(model.rating),
        MOVIES: _json(movies),
        QUESTIONNAIRE: _json(
            {"schema_version": SCHEMA_VERSION, "movie_ids": list(model.questionnaire)}
        ),
        METRICS: _json(model.metrics),
    }
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
    """Write the model folder into a directory of this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in to_files(model).items():
        (folder / name).write_bytes(content)


def read_model(source: Source) -> Model:
    """Read and check a model folder.

    `source` is a directory, a mapping of file name to content, or a function that gives the
    content of a file name (and raises LookupError or OSError where there is none).
    Raises ModelError with what is wrong and the mend.
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
            f"model {manifest.get('model_id')!r} is not in the shape this release writes "
            f"({type(error).__name__}: {error}); train again"
        ) from error


def _opener(source: Source) -> Callable[[str], bytes]:
    if isinstance(source, Path):
        return lambda name: (source / name).read_bytes()
    return source.__getitem__ if isinstance(source, Mapping) else source


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
        raise ModelError(f"{MANIFEST} names no schema version; train again")
    if version > SCHEMA_VERSION:
        raise ModelError(
            f"model {manifest.get('model_id')!r} has schema version {version}, this release "
            f"reads up to {SCHEMA_VERSION}: deploy the newer release, or train again with this one"
        )
    if not isinstance(manifest.get("sha256"), dict):
        raise ModelError(f"{MANIFEST} names no files; train again")
    return dict(manifest)


def _checked_files(
    open_file: Callable[[str], bytes], manifest: Mapping[str, Any]
) -> dict[str, bytes]:
    model_id = manifest.get("model_id")
    files: dict[str, bytes] = {}
    for name in (RATING, MOVIES, QUESTIONNAIRE, METRICS):
        wanted = manifest["sha256"].get(name)
        try:
            content = open_file(name)
        except (LookupError, OSError) as error:
            raise ModelError(f"model {model_id!r} has lost {name}; train again") from error
        if hashlib.sha256(content).hexdigest() != wanted:
            raise ModelError(
                f"{name} of model {model_id!r} is damaged (its sha256 is not the manifest's); "
                "train again"
            )
        files[name] = content
    return files


def _assemble(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Model:
    rating = _unpack(files[RATING])
    movies = {
        int(movie_id): Movie(
            int(movie_id), str(title), None if year is None else int(year), tuple(genres)
        )
        for movie_id, title, year, genres in json.loads(files[MOVIES])
    }
    if movies.keys() != rating.rows.keys():
        raise ModelError(f"{MOVIES} and {RATING} do not hold the same movies; train again")
    questionnaire = tuple(int(i) for i in json.loads(files[QUESTIONNAIRE])["movie_ids"])
    if unknown := [movie_id for movie_id in questionnaire if movie_id not in movies]:
        raise ModelError(f"{QUESTIONNAIRE} names unknown movies {unknown[:3]}; train again")
    return Model(
        model_id=str(manifest["model_id"]),
        dataset=str(manifest["dataset"]),
        trained_at=str(manifest["trained_at"]),
        counts=Counts(**{part.name: int(manifest["counts"][part.name]) for part in fields(Counts)}),
        rating=rating,
        movies=movies,
        questionnaire=questionnaire,
        metrics=json.loads(files[METRICS]),
    )


def _pack(rating: RatingModel) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        movie_ids=rating.movie_ids.astype(np.int32),
        factors=rating.factors.astype(np.float32),
        movie_bias=rating.movie_bias.astype(np.float32),
        support=rating.support.astype(np.int32),
        scalars=np.array(rating.scalars(), dtype=np.float64),
    )
    return buffer.getvalue()


def _unpack(content: bytes) -> RatingModel:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        global_mean, user_damping, regularisation, lowest, highest = arrays["scalars"].tolist()
        return RatingModel(
            movie_ids=arrays["movie_ids"],
            factors=arrays["factors"],
            movie_bias=arrays["movie_bias"],
            support=arrays["support"],
            global_mean=global_mean,
            user_damping=user_damping,
            regularisation=regularisation,
            lowest=lowest,
            highest=highest,
        )


def _json(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
