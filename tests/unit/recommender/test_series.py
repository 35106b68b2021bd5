"""Series are found in titles and years, and movies that only look alike are left apart."""

import pytest

from marquee.recommender.model import ModelError, Movie, Series
from marquee.recommender.series import find_series, pack_series, unpack_series, with_parts
from marquee.recommender.title_words import titles_apart

type Film = tuple[str, int | None] | tuple[str, int | None, str]


def movies_of(films: list[Film]) -> list[Movie]:
    """Return films as training names them, with ids from 1; genres are separated by |."""
    titles = titles_apart((film[0], film[1]) for film in films)
    return [
        Movie(number, title, film[1], genres_of(film), others)
        for number, (film, (title, others)) in enumerate(zip(films, titles, strict=True), start=1)
    ]


def genres_of(film: Film) -> tuple[str, ...]:
    named = film[2] if len(film) > 2 else "Action"
    return tuple(named.split("|")) if named else ()


def found(films: list[Film]) -> list[tuple[str, list[int]]]:
    """Return each series' name and the numbers of its films, from 1."""
    return [(each.name, list(each.movie_ids)) for each in find_series(movies_of(films))]


SERIES: list[tuple[str, list[Film], list[int]]] = [
    ("Toy Story", [("Toy Story", 1995), ("Toy Story 3", 2010), ("Toy Story 2", 1999)], [1, 3, 2]),
    ("Rocky", [("Rocky IV", 1985), ("Rocky", 1976), ("Rocky II", 1979)], [2, 3, 1]),
    (
        "The Godfather",
        [("The Godfather", 1972), ("The Godfather: Part II", 1974)],
        [1, 2],
    ),
    ("The Karate Kid", [("The Karate Kid", 1984), ("The Karate Kid, Part II", 1986)], [1, 2]),
    ("Alien", [("Alien", 1979), ("Alien³ (a.k.a. Alien 3)", 1992)], [1, 2]),
    ("Hot Shots!", [("Hot Shots!", 1991), ("Hot Shots! Part Deux", 1993)], [1, 2]),
    ("Ocean's", [("Ocean's Eleven", 2001), ("Ocean's Twelve", 2004)], [1, 2]),
    ("The Ring", [("Ring, The", 2002), ("Ring Two, The", 2005)], [1, 2]),
    (
        "Star Wars",
        [
            ("Star Wars: Episode I - The Phantom Menace", 1999),
            ("Star Wars: Episode IV - A New Hope", 1977),
            ("Star Wars: Episode V - The Empire Strikes Back", 1980),
        ],
        [2, 3, 1],
    ),
    (
        "The Lord of the Rings",
        [
            ("Lord of the Rings: The Two Towers, The", 2002),
            ("Lord of the Rings: The Fellowship of the Ring, The", 2001),
        ],
        [2, 1],
    ),
    (
        "Harry Potter",
        [
            ("Harry Potter and the Chamber of Secrets", 2002),
            ("Harry Potter and the Sorcerer's Stone (a.k.a. The Philosopher's Stone)", 2001),
        ],
        [2, 1],
    ),
    (
        "Mission: Impossible",
        [
            ("Mission: Impossible", 1996),
            ("Mission: Impossible II", 2000),
            ("Mission: Impossible - Fallout", 2018),
        ],
        [1, 2, 3],
    ),
    (
        "Rambo",
        [
            ("First Blood (Rambo: First Blood)", 1982),
            ("Rambo: First Blood Part II", 1985),
            ("Rambo III", 1988),
            ("Rambo (Rambo 4)", 2008),
        ],
        [1, 2, 3, 4],
    ),
    ("Kill Bill", [("Kill Bill: Vol. 2", 2004), ("Kill Bill: Vol. 1", 2003)], [2, 1]),
    (
        "The Hunger Games",
        [
            ("The Hunger Games: Mockingjay - Part 2", 2015),
            ("The Hunger Games: Mockingjay - Part 1", 2014),
            ("The Hunger Games", 2012),
        ],
        [3, 2, 1],
    ),
    ("The Matrix", [("The Matrix", 1999), ("The Matrix Reloaded", 2003)], [1, 2]),
    (
        "Planet of the Apes",
        [("Planet of the Apes", 1968), ("Escape from the Planet of the Apes", 1971)],
        [1, 2],
    ),
    ("Project A", [("Project A", 1983), ("Project A 2", 1987), ("Project X", 1987)], [1, 2]),
]


@pytest.mark.parametrize(("name", "films", "parts"), SERIES, ids=[each[0] for each in SERIES])
def test_the_parts_of_a_series_are_found_in_order(
    name: str, films: list[Film], parts: list[int]
) -> None:
    assert found(films) == [(name, parts)]


APART: list[list[Film]] = [
    [("Apollo 13", 1995), ("Apollo 18", 2011)],
    [("The Magnificent Seven", 1960), ("Seven", 1995)],
    [("Death Race 2000", 1975), ("Death Race", 2008)],
    [("Area 51", 2015), ("The Area", 2010)],
    [("Malcolm X", 1992), ("Malcolm", 1986)],
    [("Robin Hood", 1973), ("Robin Hood: Prince of Thieves", 1991), ("Robin Hood", 2010)],
    [("Dracula", 1931), ("Dracula", 1979), ("Dracula: Dead and Loving It", 1995)],
    [("Beauty and the Beast", 1946), ("Beauty and the Beast", 1991)],
    [("The King and the Clown", 2005), ("The King and I", 1956)],
    [("Sunset", 1988), ("After the Sunset", 2004)],
    [("Alien", 1979), ("Alien Nation", 1988)],
    [("Frozen", 2010), ("Frozen", 2013)],
    [("Louis C.K.: Hilarious", 2010, "Comedy"), ("Louis C.K.: Oh My God", 2013, "Comedy")],
    [("Jennifer Lopez: The Reel Me", 2003, ""), ("Jennifer Lopez: Let's Get Loud", 2003, "")],
    [("Daredevil", 2003), ("Daredevil: Special Edition", 2004)],
    [("Batman", 1989), ("Batman: Year One", 2011, "Animation")],
    [("Rocky", None), ("Rocky II", 1979)],
]


@pytest.mark.parametrize("films", APART, ids=[each[0][0] for each in APART])
def test_movies_that_only_look_alike_are_no_series(films: list[Film]) -> None:
    assert found(films) == []


def test_a_remake_begins_a_series_of_its_own() -> None:
    films: list[Film] = [
        ("Halloween", 1978),
        ("Halloween II", 1981),
        ("Halloween", 2007),
        ("Halloween II", 2009),
    ]
    assert found(films) == [("Halloween", [1, 2]), ("Halloween", [3, 4])]


def test_the_nearest_earlier_movie_of_a_name_is_the_first_part() -> None:
    films: list[Film] = [("Frozen", 2010), ("Frozen", 2013), ("Frozen II", 2019)]
    assert found(films) == [("Frozen", [2, 3])]


def test_no_movie_is_in_two_series() -> None:
    films = [film for _, films, _ in SERIES for film in films]
    parts = [movie_id for _, movie_ids in found(films) for movie_id in movie_ids]
    assert len(parts) == len(set(parts))


def test_the_order_of_the_movies_does_not_change_the_series() -> None:
    movies = movies_of([film for _, films, _ in SERIES for film in films])
    assert find_series(movies) == find_series(reversed(movies))


MOVIES = {movie_id: Movie(movie_id, f"Film {movie_id}", 2000, ()) for movie_id in (1, 2, 3)}


def test_series_survive_being_packed() -> None:
    series = (Series("Amélie", (3, 1)),)
    assert unpack_series(pack_series(series), MOVIES) == series


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nonsense", "damaged"),
        (b"[1]", "damaged"),
        (b'[["A", ["x"]]]', "damaged"),
        (b'[["A", [1, 7]]]', r"unknown movies \[7\]"),
        (b'[["A", [1, 2]], ["B", [2, 3]]]', "twice"),
    ],
)
def test_unusable_series_are_rejected(content: bytes, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        unpack_series(content, MOVIES)


@pytest.mark.parametrize(
    ("titles", "numbers"),
    [
        (["Rocky", "Rocky II", "Rocky III"], [1, 2, 3]),
        (["Rocky", "Rocky III", "Rocky Returns"], [1, 3, 4]),
        (["Star Wars: Episode IV - A New Hope", "Star Wars: Episode I - Menace"], [4, 1]),
        (["The Godfather", "The Godfather: Part II"], [1, 2]),
        (["The Matrix", "The Matrix Reloaded", "The Matrix Revolutions"], [1, 2, 3]),
        (["Ocean's Eleven", "Ocean's Twelve", "Ocean's Thirteen"], [1, 2, 3]),
        (["Alien", "Alien³"], [1, 3]),
    ],
)
def test_a_part_has_the_number_of_its_title_or_the_next_one(
    titles: list[str], numbers: list[int]
) -> None:
    movies = {i: Movie(i, title, 1980 + i, ()) for i, title in enumerate(titles)}
    placed = with_parts(movies, [Series("Film", tuple(movies))])
    parts = [placed[i].part for i in movies]
    assert [(part.series, part.number) for part in parts if part] == [("Film", n) for n in numbers]


def test_a_movie_of_no_series_is_no_part() -> None:
    movies = {i: Movie(i, f"Film {i}", 1980, ()) for i in range(3)}
    assert with_parts(movies, [Series("Film", (0, 1))])[2] == movies[2]
