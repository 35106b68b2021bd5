"""The optional files of a model folder: seen movies, profile counts and other sizes."""

from dataclasses import replace

import numpy as np
import pytest

from marquee.model import (
    FILE_NAMES,
    MANIFEST,
    PROFILES,
    SEEN,
    SIZES,
    TITLES,
    ModelError,
    Profiles,
    names_of,
    read_beside,
    read_model,
    to_files,
)
from tests.models import random_model

MODEL = random_model(20)


def test_given_such_files_when_read_then_they_are_what_was_written() -> None:
    assert to_files(read_model(to_files(MODEL))) == to_files(MODEL)


def test_given_tag_names_beyond_ascii_when_read_then_they_are_whole() -> None:
    names = ("très drôle", 'dark "comedy"')
    people = np.ones((20, 2), dtype=np.uint8)
    assert MODEL.profiles is not None
    model = replace(MODEL, profiles=replace(MODEL.profiles, tag_names=names, tag_people=people))
    found = read_model(to_files(model)).profiles
    assert found is not None
    assert found.tag_names == names


def test_given_data_without_tags_when_read_then_there_are_none() -> None:
    mean = np.full(20, 3, dtype=np.float32)
    found = read_model(to_files(replace(MODEL, profiles=Profiles(mean, mean)))).profiles
    assert found is not None
    assert (found.tag_names, found.tag_people) == ((), None)


def test_given_a_model_without_them_when_read_then_it_is_whole() -> None:
    files = to_files(replace(MODEL, seen=None, profiles=None, sizes={}))
    model = read_model(files)
    assert (model.seen, model.profiles, model.sizes) == (None, None, {})
    assert set(files) == set(FILE_NAMES)


@pytest.mark.parametrize("name", [SEEN, PROFILES, SIZES])
def test_given_a_file_that_the_manifest_names_when_it_is_lost_then_the_model_is_not_read(
    name: str,
) -> None:
    files = to_files(MODEL)
    del files[name]
    with pytest.raises(ModelError, match=f"lacks {name}; train again"):
        read_model(files)


@pytest.mark.parametrize("name", [SEEN, PROFILES, SIZES])
def test_given_a_damaged_file_when_read_then_the_error_names_it(name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} of model 'm1' is damaged"):
        read_model({**to_files(MODEL), name: b"PK"})


def test_given_profiles_of_another_number_of_movies_when_read_then_it_is_an_error() -> None:
    files = to_files(replace(MODEL, profiles=random_model(19).profiles))
    with pytest.raises(ModelError, match=r"mean has shape \(19,\), not \(20,\)"):
        read_model(files)


def test_given_sizes_of_another_number_of_movies_when_read_then_it_is_an_error() -> None:
    with pytest.raises(ModelError, match="offset of size 8 has shape"):
        read_model(to_files(replace(MODEL, sizes=random_model(19).sizes)))


def test_given_what_was_seen_of_other_movies_when_read_then_it_is_an_error() -> None:
    files = to_files(replace(MODEL, seen=random_model(20, first=900).seen))
    with pytest.raises(ModelError, match=r"seen.npz names movies that rating.npz does not contain"):
        read_model(files)


def test_given_numbers_without_names_of_tags_then_it_is_an_error() -> None:
    mean = np.full(20, 3, dtype=np.float32)
    with pytest.raises(ModelError, match="tags has shape"):
        Profiles(mean, mean, (), np.ones((20, 2), dtype=np.uint8))
    with pytest.raises(ModelError, match="names but no counts"):
        Profiles(mean, mean, ("dark",), None)


def test_given_a_model_when_its_files_are_named_then_the_manifest_is_the_last() -> None:
    files = to_files(MODEL)
    assert set(names_of(files)) == set(files)
    assert names_of(files)[-1] == MANIFEST


def test_files_beside_the_model_are_named_and_checked_but_no_part_of_it() -> None:
    files = to_files(MODEL, {TITLES: b"titles"})
    assert (names_of(files)[-1], set(names_of(files))) == (MANIFEST, set(files))
    assert to_files(read_model(files)) == to_files(MODEL)
    assert read_beside(files, TITLES) == b"titles"
    with pytest.raises(ModelError, match=r"movies\.sqlite of model 'm1' is damaged"):
        read_beside({**files, TITLES: b"other"}, TITLES)
    del files[TITLES]
    with pytest.raises(ModelError, match=r"has lost movies\.sqlite; train again"):
        read_beside(files, TITLES)


def test_a_model_without_files_beside_it_has_none() -> None:
    assert read_beside(to_files(MODEL), TITLES) is None
