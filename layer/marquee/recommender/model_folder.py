"""Read and write the model folder: training writes it, recommending and the API read it.

The folder holds:

- `rating.npz` and `ranking.npz` (arrays), `movies.json`, `questionnaire.json`, `metrics.json`.
- `manifest.json`, written last, with the sha256 of every other file. A folder without a manifest
  is half-written and is never read.
- Optional parts of the model, read if the manifest names them: `items.npz` for the picks, which
  models of older releases lack; `seen.npz` for the questionnaire; `profiles.npz` and `sizes.npz`
  for the models other than rating and ranking; `series.json` (marquee.recommender.series) for the
  order of a series' parts; `liked_share.json` for how many picks of a list a visitor will like.
- `movies.sqlite` and `links.json`, which only the API needs and reads on demand.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from marquee.recommender.model import (
    Counts,
    GaussianFactors,
    ItemWeights,
    LikedShareCalibration,
    Model,
    ModelError,
    Movie,
    Profiles,
    RankingModel,
    RatingModel,
    SeenModel,
    check_finite,
    check_shape,
)
from marquee.recommender.series import pack_series, unpack_series, with_parts

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
ITEMS = "items.npz"
SERIES = "series.json"
LIKED_SHARE = "liked_share.json"
OPTIONAL_FILE_NAMES = (ITEMS, SEEN, PROFILES, SIZES, SERIES, LIKED_SHARE)
TITLES = "movies.sqlite"  # marquee.recommender.title_index
LINKS = "links.json"  # marquee.recommender.links
BESIDE_FILE_NAMES = (TITLES, LINKS)  # in the manifest, but not part of a Model
# The rating model fitted without the held-out ratings. The next training's regression check
# compares with it. Recommending never reads it.
HELD_OUT = "held_out.npz"
type Source = Path | Mapping[str, bytes] | Callable[[str], bytes]


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
    if model.items is not None:
        files[ITEMS] = _pack_items(model.items)
    if model.seen is not None:
        files[SEEN] = _pack_seen(model.seen)
    if model.profiles is not None:
        files[PROFILES] = _pack_profiles(model.profiles)
    if model.sizes:
        files[SIZES] = _pack_sizes(model.sizes)
    if model.series:
        files[SERIES] = pack_series(model.series)
    if model.liked_share is not None:
        files[LIKED_SHARE] = _json(asdict(model.liked_share))
    files |= beside or {}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "model_id": model.model_id,
        "dataset": model.dataset,
        "data_version": model.data_version,
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


def file_names_of(source: Source) -> tuple[str, ...]:
    """Return the names of the files that belong to a model folder, the manifest last.

    The names follow from the manifest, not from a listing of the folder. The required files are
    always among them. A file of OPTIONAL_FILE_NAMES or BESIDE_FILE_NAMES is among them if the
    manifest names it. HELD_OUT is never among them.

    Args:
        source: the model folder, as for `read_model`.

    Raises:
        ModelError: if the manifest is missing or invalid, or this release cannot read its schema.
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
    check_shape("ranking factors", ranking.factors, (count, len(ranking.energy)))
    items = _unpack_items(files[ITEMS]) if ITEMS in files else None
    if items is not None and int(items.movies.max(initial=0)) >= count:
        raise ModelError(f"{ITEMS} has movies that {RATING} does not contain; train again")
    seen = _unpack_seen(files[SEEN]) if SEEN in files else None
    if seen is not None and not np.isin(seen.movie_ids, rating.movie_ids).all():
        raise ModelError(f"{SEEN} names movies that {RATING} does not contain; train again")
    profiles = _unpack_profiles(files[PROFILES]) if PROFILES in files else None
    if profiles is not None:
        check_shape("mean", profiles.mean, (count,))
    sizes = _unpack_sizes(files[SIZES]) if SIZES in files else {}
    for rank, factors in sizes.items():
        check_shape(f"offset of size {rank}", factors.offset, (count,))
        check_shape(f"loadings of size {rank}", factors.loadings, (count, rank))
        check_finite(factors.offset, factors.loadings)
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
    series = unpack_series(files[SERIES], movies) if SERIES in files else ()
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
        movies=with_parts(movies, series),
        questionnaire=questionnaire,
        metrics=json.loads(files[METRICS]),
        seen=seen,
        profiles=profiles,
        sizes=sizes,
        items=items,
        data_version=str(manifest.get("data_version", "")),
        series=series,
        liked_share=_unpack_liked_share(files[LIKED_SHARE]) if LIKED_SHARE in files else None,
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
        typical_weight, confidence, regularisation, liked = arrays["scalars"].tolist()
        return RankingModel(
            factors=arrays["factors"],
            energy=arrays["energy"],
            typical=arrays["typical"],
            typical_weight=typical_weight,
            confidence=confidence,
            regularisation=regularisation,
            liked=liked,
        )


def _pack_items(items: ItemWeights) -> bytes:
    if items.columns is None or items.starts is None:
        return _npz(movies=items.movies, weights=items.weights)
    return _npz(
        movies=items.movies, weights=items.weights, starts=items.starts, columns=items.columns
    )


def _unpack_items(content: bytes) -> ItemWeights:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        sparse = "columns" in arrays.files
        return ItemWeights(
            arrays["movies"],
            arrays["weights"],
            arrays["starts"] if sparse else None,
            arrays["columns"] if sparse else None,
        )


def _pack_seen(seen: SeenModel) -> bytes:
    return _npz(
        movie_ids=seen.movie_ids.astype(np.int32),
        chance=seen.chance.astype(np.float32),
        loadings=seen.loadings.astype(np.float32),
        noise=seen.noise.astype(np.float32),
    )


def _unpack_seen(content: bytes) -> SeenModel:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return SeenModel(arrays["movie_ids"], arrays["chance"], arrays["loadings"], arrays["noise"])


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


def _unpack_liked_share(content: bytes) -> LikedShareCalibration:
    read = json.loads(content)
    return LikedShareCalibration(float(read["intercept"]), float(read["slope"]))


def _npz(**arrays: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _json(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
