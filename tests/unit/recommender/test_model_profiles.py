"""The optional files of a model folder: seen movies, profile counts and other sizes."""

from dataclasses import replace

import numpy as np
import pytest

from marquee.recommender.model import LikedShareCalibration, ModelError, Profiles, Series
from marquee.recommender.model_folder import (
    FILE_NAMES,
    LIKED_SHARE,
    MANIFEST,
    PROFILES,
    SEEN,
    SERIES,
    SIZES,
    TITLES,
    file_names_of,
    read_beside,
    read_model,
    to_files,
)
from tests.models import FIRST, random_model

MODEL = replace(
    random_model(20),
    series=(Series("Amélie", (FIRST + 3, FIRST)),),
    liked_share=LikedShareCalibration(intercept=-0.25, slope=1.5),
)


def test_the_additional_files_survive_being_written_and_read() -> None:
    read = read_model(to_files(MODEL))
    assert to_files(read) == to_files(MODEL)
    assert (read.series, read.liked_share) == (MODEL.series, MODEL.liked_share)


def test_tag_names_beyond_ascii_survive() -> None:
    names = ("très drôle", 'dark "comedy"')
    people = np.ones((20, 2), dtype=np.uint8)
    assert MODEL.profiles is not None
    model = replace(MODEL, profiles=replace(MODEL.profiles, tag_names=names, tag_people=people))
    found = read_model(to_files(model)).profiles
    assert found is not None
    assert found.tag_names == names


def test_a_model_of_data_without_tags_has_none() -> None:
    mean = np.full(20, 3, dtype=np.float32)
    found = read_model(to_files(replace(MODEL, profiles=Profiles(mean, mean)))).profiles
    assert found is not None
    assert (found.tag_names, found.tag_people) == ((), None)


def test_a_model_without_the_additional_files_is_whole() -> None:
    bare = replace(
        MODEL, seen=None, profiles=None, sizes={}, items=None, series=(), liked_share=None
    )
    files = to_files(bare)
    model = read_model(files)
    assert (model.seen, model.profiles, model.sizes, model.items) == (None, None, {}, None)
    assert (model.series, model.liked_share) == ((), None)
    assert set(files) == set(FILE_NAMES)


@pytest.mark.parametrize("name", [SEEN, PROFILES, SIZES, SERIES, LIKED_SHARE])
def test_a_lost_file_that_the_manifest_names_makes_the_model_unreadable(
    name: str,
) -> None:
    files = to_files(MODEL)
    del files[name]
    with pytest.raises(ModelError, match=f"lacks {name}; train again"):
        read_model(files)


@pytest.mark.parametrize("name", [SEEN, PROFILES, SIZES, SERIES, LIKED_SHARE])
def test_the_error_of_a_damaged_file_names_it(name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} of model 'm1' is damaged"):
        read_model({**to_files(MODEL), name: b"PK"})


def test_profiles_of_another_number_of_movies_are_rejected() -> None:
    files = to_files(replace(MODEL, profiles=random_model(19).profiles))
    with pytest.raises(ModelError, match=r"mean has shape \(19,\), not \(20,\)"):
        read_model(files)


def test_sizes_of_another_number_of_movies_are_rejected() -> None:
    with pytest.raises(ModelError, match="offset of size 8 has shape"):
        read_model(to_files(replace(MODEL, sizes=random_model(19).sizes)))


def test_seen_chances_of_other_movies_are_rejected() -> None:
    files = to_files(replace(MODEL, seen=random_model(20, first=900).seen))
    with pytest.raises(ModelError, match=r"seen.npz names movies that rating.npz does not contain"):
        read_model(files)


def test_tag_counts_and_tag_names_without_each_other_are_rejected() -> None:
    mean = np.full(20, 3, dtype=np.float32)
    with pytest.raises(ModelError, match="tags has shape"):
        Profiles(mean, mean, (), np.ones((20, 2), dtype=np.uint8))
    with pytest.raises(ModelError, match="names but no counts"):
        Profiles(mean, mean, ("dark",), None)


def test_the_manifest_is_the_last_of_the_named_files() -> None:
    files = to_files(MODEL)
    assert set(file_names_of(files)) == set(files)
    assert file_names_of(files)[-1] == MANIFEST


def test_files_next_to_the_model_are_named_and_checked_but_not_part_of_it() -> None:
    files = to_files(MODEL, {TITLES: b"titles"})
    assert (file_names_of(files)[-1], set(file_names_of(files))) == (MANIFEST, set(files))
    assert to_files(read_model(files)) == to_files(MODEL)
    assert read_beside(files, TITLES) == b"titles"
    with pytest.raises(ModelError, match=r"movies\.sqlite of model 'm1' is damaged"):
        read_beside({**files, TITLES: b"other"}, TITLES)
    del files[TITLES]
    with pytest.raises(ModelError, match=r"lacks movies\.sqlite; train again"):
        read_beside(files, TITLES)


def test_a_model_without_files_next_to_it_has_none() -> None:
    assert read_beside(to_files(MODEL), TITLES) is None
