"""Some films for tests of titles, and how many people rated each."""

from dataclasses import replace

import numpy as np

from marquee.recommender.model import Model, Movie
from marquee.recommender.title_words import titles_apart
from tests.models import FIRST, random_model

FILMS: tuple[tuple[str, int | None, int], ...] = (
    ("The Shawshank Redemption", 1994, 317),
    ("The Matrix", 1999, 278),
    ("Star Wars: Episode IV - A New Hope", 1977, 251),
    ("Star Wars: Episode V - The Empire Strikes Back", 1980, 211),
    ("Seven (a.k.a. Se7en)", 1995, 203),
    ("Raiders of the Lost Ark (Indiana Jones and the Raiders of the Lost Ark)", 1981, 200),
    ("The Godfather", 1972, 192),
    ("The Dark Knight", 2008, 149),
    ("Alien", 1979, 146),
    ("The Godfather: Part II", 1974, 129),
    ("Aliens", 1986, 126),
    ("E.T. the Extra-Terrestrial", 1982, 122),
    ("Spider-Man", 2002, 122),
    ("Amelie (Fabuleux destin d'Amélie Poulain, Le)", 2001, 120),
    ("Harry Potter and the Sorcerer's Stone", 2001, 107),
    ("WALL·E", 2008, 104),
    ("Harry Potter and the Chamber of Secrets", 2002, 102),
    ("The Matrix Reloaded", 2003, 96),
    ("Harry Potter and the Prisoner of Azkaban", 2004, 93),
    ("Die Hard", 1988, 145),
    ("Rocky", 1976, 64),
    ("The Magnificent Seven", 1960, 20),
    ("M*A*S*H (a.k.a. MASH)", 1970, 46),
    ("Dune", 1984, 37),
    ("Rocky II", 1979, 26),
    ("2012", 2009, 20),
    ("Dune", 2000, 4),
    ("Harry Potter: A Lost Film", 1999, 1),
    ("Godfather of Harlem", None, 1),
    ("$", 1971, 1),
)


def film_model() -> Model:
    base = random_model(len(FILMS), 2)
    titles = titles_apart((title, year) for title, year, _ in FILMS)
    movies = {
        FIRST + row: Movie(FIRST + row, title, year, (), others)
        for row, ((title, others), (_, year, _)) in enumerate(zip(titles, FILMS, strict=True))
    }
    support = np.array([ratings for _, _, ratings in FILMS], dtype=np.int32)
    return replace(base, rating=replace(base.rating, support=support), movies=movies)


def model_with(*films: tuple[str | int, ...]) -> Model:
    """Return a model of these films: each a title, a year and genres; the most rated film first."""
    base = random_model(len(films), 2)
    dated = [(str(title), int(year), tuple(map(str, genres))) for title, year, *genres in films]
    titles = titles_apart((title, year) for title, year, _ in dated)
    movies = {
        FIRST + row: Movie(FIRST + row, title, year, genres, others)
        for row, ((title, others), (_, year, genres)) in enumerate(zip(titles, dated, strict=True))
    }
    support = np.arange(len(films), 0, -1, dtype=np.int32) * 10
    return replace(base, rating=replace(base.rating, support=support), movies=movies)
