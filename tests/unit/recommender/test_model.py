"""The model folder is written completely, and read only if it is complete."""

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marquee.recommender.model import Counts, GaussianFactors, Model, ModelError, Movie, RatingModel
from marquee.recommender.model_folder import MANIFEST, RATING, read_model, to_files, write_folder
from tests.models import ranking_of

MOVIES = [
    Movie(2, "Amélie", 2001, ("Romance", "Comedy"), alternative_titles=("Le Fabuleux destin",)),
    Movie(5, "A film without a year", None, ()),
    Movie(9, "Heat", 1995, ("Crime",)),
]


def a_model() -> Model:
    offset = np.array([3.7, 3.4, 3.9], dtype=np.float32)
    rating = RatingModel(
        movie_ids=np.array([2, 5, 9], dtype=np.int32),
        support=np.array([7, 8, 9], dtype=np.int32),
        parts=(
            GaussianFactors(offset, np.arange(6, dtype=np.float32).reshape(3, 2)),
            GaussianFactors(offset + 0.1, np.ones((3, 1), dtype=np.float32)),
        ),
        noise=0.6,
        global_mean=3.6,
        lowest=0.5,
        highest=5.0,
    )
    return Model(
        model_id="20261121t200000z-abc123",
        dataset="embedded",
        trained_at="2026-11-21T20:00:00.000Z",
        counts=Counts(users=10, movies=3, ratings=24, visitors=1),
        rating=rating,
        ranking=ranking_of(np.arange(6, dtype=np.float64).reshape(3, 2)),
        movies={movie.movie_id: movie for movie in MOVIES},
        questionnaire=(9, 2),
        metrics={"test_rmse": 0.9},
    )


def signed(files: dict[str, bytes], **changed: bytes) -> dict[str, bytes]:
    """Return the files with some replaced, and with their checksums in the manifest."""
    files = {**files, **{name.replace("_", "."): content for name, content in changed.items()}}
    manifest = json.loads(files[MANIFEST])
    manifest["sha256"] = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name != MANIFEST
    }
    return {**files, MANIFEST: json.dumps(manifest).encode()}


def with_manifest(**changed: Any) -> dict[str, bytes]:
    files = to_files(a_model())
    return {**files, MANIFEST: json.dumps({**json.loads(files[MANIFEST]), **changed}).encode()}


def in_a_folder(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(in_a_folder, id="a directory"),
        pytest.param(lambda files, folder: files, id="a mapping"),
        pytest.param(lambda files, folder: files.__getitem__, id="a function"),
    ],
)
def test_a_model_survives_being_written_and_read_from_any_source(
    source: Callable[[dict[str, bytes], Path], Any], tmp_path: Path
) -> None:
    read = read_model(source(to_files(a_model()), tmp_path))
    assert to_files(read) == to_files(a_model())


def test_a_model_written_to_a_folder_can_be_read_back(tmp_path: Path) -> None:
    write_folder(a_model(), tmp_path / "m")
    assert read_model(tmp_path / "m").movies[2] == MOVIES[0]


def test_the_manifest_is_written_last() -> None:
    assert list(to_files(a_model()))[-1] == MANIFEST


def test_the_arrays_of_a_read_model_are_float32() -> None:
    assert read_model(to_files(a_model())).rating.parts[0].loadings.dtype == np.float32


def test_a_model_without_a_manifest_fails_as_half_written() -> None:
    files = to_files(a_model())
    del files[MANIFEST]
    with pytest.raises(ModelError, match=r"no manifest\.json: it is missing or half-written"):
        read_model(files)


def test_a_missing_folder_fails_as_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing or half-written"):
        read_model(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["rating.npz", "movies.json", "questionnaire.json"])
def test_the_error_of_a_lost_file_names_it(name: str) -> None:
    files = to_files(a_model())
    del files[name]
    with pytest.raises(ModelError, match=f"lacks {name}"):
        read_model(files)


@pytest.mark.parametrize("name", ["rating.npz", "movies.json", "metrics.json"])
def test_the_error_of_a_damaged_file_names_it(name: str) -> None:
    files = to_files(a_model())
    files[name] = files[name][:-3] + b"xyz"
    with pytest.raises(ModelError, match=f"{name} of model .* is damaged"):
        read_model(files)


def test_a_newer_format_fails_and_says_to_deploy_the_newer_release() -> None:
    with pytest.raises(ModelError, match="schema version 4, this release reads up to 3: deploy"):
        read_model(with_manifest(schema_version=4))


def test_an_older_format_fails_and_says_to_train_again() -> None:
    with pytest.raises(ModelError, match=r"schema version 1, which this release no longer reads"):
        read_model(with_manifest(schema_version=1))


def test_movies_of_a_model_from_before_alternative_titles_have_none() -> None:
    now = to_files(a_model())
    movies = json.dumps([row[:4] for row in json.loads(now["movies.json"])]).encode()
    then = signed(with_manifest(schema_version=2), movies_json=movies)
    read = read_model(then).movies
    assert read == {movie.movie_id: replace(movie, alternative_titles=()) for movie in MOVIES}


@pytest.mark.parametrize("version", [None, "1", True, 0])
def test_a_model_without_a_usable_schema_version_is_rejected(version: object) -> None:
    with pytest.raises(ModelError, match="has no schema version"):
        read_model(with_manifest(schema_version=version))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]"])
def test_a_manifest_that_is_not_a_json_object_is_rejected(
    content: bytes,
) -> None:
    with pytest.raises(ModelError, match=r"manifest\.json"):
        read_model({**to_files(a_model()), MANIFEST: content})


def test_a_pickle_in_the_arrays_is_not_opened() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, scalars=np.array([print], dtype=object))
    with pytest.raises(ModelError, match="train again"):
        read_model(signed(to_files(a_model()), rating_npz=buffer.getvalue()))


def test_arrays_that_are_not_a_zip_are_rejected() -> None:
    with pytest.raises(ModelError, match="train again"):
        read_model(signed(to_files(a_model()), rating_npz=b"not a zip"))


def test_movies_that_differ_from_those_of_the_arrays_are_rejected() -> None:
    files = signed(to_files(a_model()), movies_json=b'[[2,"Am\xc3\xa9lie",2001,[]]]')
    with pytest.raises(ModelError, match="do not contain the same movies"):
        read_model(files)


def test_a_questionnaire_of_unknown_movies_is_rejected() -> None:
    files = signed(to_files(a_model()), questionnaire_json=b'{"movie_ids":[2,77]}')
    with pytest.raises(ModelError, match=r"names unknown movies \[77\]"):
        read_model(files)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_rejected(
    bad: float,
) -> None:
    rating, ranking = a_model().rating, a_model().ranking
    loadings, factors = rating.parts[0].loadings.copy(), ranking.factors.copy()
    loadings[1, 1] = factors[1, 1] = bad
    with pytest.raises(ModelError, match="not finite"):
        replace(rating, parts=(GaussianFactors(rating.parts[0].offset, loadings),))
    with pytest.raises(ModelError, match="not finite"):
        replace(ranking, factors=factors)


def test_the_error_of_arrays_of_different_lengths_names_one() -> None:
    with pytest.raises(ModelError, match="support has shape"):
        replace(a_model().rating, support=np.array([1], dtype=np.int32))


def test_a_ranking_of_other_movies_is_rejected() -> None:
    other = replace(a_model(), ranking=ranking_of(np.ones((4, 2))))
    with pytest.raises(ModelError, match="ranking factors has shape"):
        read_model(to_files(other))


@pytest.mark.parametrize("noise", [0.0, -1.0])
def test_a_noise_that_is_not_a_variance_is_rejected(
    noise: float,
) -> None:
    with pytest.raises(ModelError, match="noise"):
        replace(a_model().rating, noise=noise)


def test_a_rating_model_without_parts_is_rejected() -> None:
    with pytest.raises(ModelError, match="no parts"):
        replace(a_model().rating, parts=())


def test_ids_out_of_order_are_rejected() -> None:
    with pytest.raises(ModelError, match="not ascending"):
        replace(a_model().rating, movie_ids=np.array([5, 2, 9], dtype=np.int32))


def test_the_same_model_is_always_written_as_the_same_bytes() -> None:
    assert to_files(a_model())[RATING] == to_files(a_model())[RATING]
