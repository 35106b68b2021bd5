"""The embedded catalogue and its taste model."""

import csv
from pathlib import Path

import pytest

from catalogue import taste
from catalogue.__main__ import main
from marquee.datasets import recognise_folder

FILMS = taste.films()


@pytest.fixture(scope="module")
def given() -> list[taste.InventedRating]:
    return list(taste.draw_ratings(FILMS))


def test_the_catalogue_holds_204_films_each_once() -> None:
    assert len({(film.title, film.year) for film in FILMS}) == len(FILMS) == 204


def test_the_ids_of_the_catalogue_count_from_1() -> None:
    assert [film.movie_id for film in FILMS] == list(range(1, len(FILMS) + 1))


def test_every_group_has_enough_films_to_like_five_and_pick_ten() -> None:
    assert {
        name: len(films) for name, films in taste.groups(FILMS).items() if len(films) < 15
    } == {}


def test_every_film_is_from_the_age_of_cinema() -> None:
    assert all(1895 <= film.year <= 2026 for film in FILMS)


def test_every_genre_is_a_group() -> None:
    assert {genre for film in FILMS for genre in film.genres} == taste.groups(FILMS).keys()


def test_the_same_seed_draws_the_same_ratings() -> None:
    assert list(taste.draw_ratings(FILMS, users=20)) == list(taste.draw_ratings(FILMS, users=20))


def test_another_seed_draws_other_ratings() -> None:
    assert list(taste.draw_ratings(FILMS, users=20)) != list(
        taste.draw_ratings(FILMS, users=20, seed=4)
    )


def test_every_drawn_rating_is_a_half_star_on_the_scale(
    given: list[taste.InventedRating],
) -> None:
    scale = {half / 2 for half in range(1, 11)}
    assert {rating.stars for rating in given} == scale


def test_no_user_rates_a_film_twice(given: list[taste.InventedRating]) -> None:
    assert len({(rating.user_id, rating.movie_id) for rating in given}) == len(given)


def test_every_film_has_enough_ratings_to_learn_from(
    given: list[taste.InventedRating],
) -> None:
    rated = {film.movie_id: 0 for film in FILMS}
    for rating in given:
        rated[rating.movie_id] += 1
    assert min(rated.values()) >= 30


def test_the_error_of_a_title_without_a_year_names_it(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,Heat,Crime\n")
    with pytest.raises(ValueError, match="title 'Heat' does not end with its year"):
        taste.films(tmp_path / "movies.csv")


def test_the_folder_that_the_command_writes_is_recognised_as_movielens_csv(
    tmp_path: Path,
) -> None:
    main(["--out", str(tmp_path), "--users", "5"])
    assert recognise_folder(tmp_path).form.name == "movielens-csv"


def test_the_command_writes_what_was_drawn(tmp_path: Path) -> None:
    main(["--out", str(tmp_path), "--users", "5"])
    with (tmp_path / "ratings.csv").open(newline="") as lines:
        rows = [tuple(row.values()) for row in csv.DictReader(lines)]
    drawn = taste.draw_ratings(FILMS, users=5)
    assert rows == [(str(r.user_id), str(r.movie_id), str(r.stars), str(r.rated_at)) for r in drawn]
