"""What people type in place of a title: a genre, a decade, a year, or the common name of a series.

Series whose titles share a beginning need no entry here: the search derives them from the titles.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from marquee.recommender.title_words import words_of

# Abbreviations and nicknames, and the words of the titles that are meant.
ALIASES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    words_of(alias): words_of(meant)
    for alias, meant in (
        ("lotr", "lord of the rings"),
        ("hp", "harry potter"),
        ("potc", "pirates of the caribbean"),
        ("bttf", "back to the future"),
        ("sw", "star wars"),
        ("t2", "terminator 2"),
        ("tdk", "the dark knight"),
        ("tdkr", "the dark knight rises"),
        ("esb", "the empire strikes back"),
        ("007", "james bond"),
        ("bond", "james bond"),
    )
}

# Series whose titles do not tell that they belong together, in the order of their parts.
NAMED_SERIES: Mapping[tuple[str, ...], tuple[tuple[str, int], ...]] = {
    words_of("james bond"): (
        ("Dr. No", 1962),
        ("From Russia with Love", 1963),
        ("Goldfinger", 1964),
        ("Thunderball", 1965),
        ("You Only Live Twice", 1967),
        ("On Her Majesty's Secret Service", 1969),
        ("Diamonds Are Forever", 1971),
        ("Live and Let Die", 1973),
        ("The Man with the Golden Gun", 1974),
        ("The Spy Who Loved Me", 1977),
        ("Moonraker", 1979),
        ("For Your Eyes Only", 1981),
        ("Octopussy", 1983),
        ("A View to a Kill", 1985),
        ("The Living Daylights", 1987),
        ("Licence to Kill", 1989),
        ("GoldenEye", 1995),
        ("Tomorrow Never Dies", 1997),
        ("The World Is Not Enough", 1999),
        ("Die Another Day", 2002),
        ("Casino Royale", 2006),
        ("Quantum of Solace", 2008),
        ("Skyfall", 2012),
        ("Spectre", 2015),
        ("No Time to Die", 2021),
    ),
}

# Words that may stand before or after a genre, a decade or a year: `90s horror movies`.
FILLERS = frozenset(("movie", "movies", "film", "films"))
_LOOSE_IN_TOPICS = FILLERS | {"the", "of", "from", "in"}
# Other words for genres, run together and in the singular, and the genre's own name.
_GENRE_WORDS = {
    "sciencefiction": "scifi",
    "animated": "animation",
    "cartoon": "animation",
    "kid": "children",
    "romantic": "romance",
    "noir": "filmnoir",
    "scary": "horror",
    "funny": "comedy",
}
_DECADES = {
    name: 1900 + 10 * place
    for place, name in enumerate(
        ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties",
         "nineties"),
        start=2,
    )
}  # fmt: skip
_DECADE = re.compile(r"(?P<century>\d\d)?(?P<tens>\d0)s")
_YEAR = re.compile(r"\d{4}")
_FIRST_OF_THIS_CENTURY = 20  # `10s` means the 2010s, `20s` the 1920s


@dataclass(frozen=True, slots=True)
class Topic:
    """A genre, a range of years, or both."""

    genre: str | None
    first_year: int | None
    last_year: int | None

    @property
    def is_a_year(self) -> bool:
        """Whether the topic is one year, without a genre; such a text may also be a title."""
        return self.genre is None and self.first_year == self.last_year


def spelled_out(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words with an abbreviation or nickname at their beginning replaced.

    `lotr 2` becomes `lord of the rings 2`.
    """
    if words in ALIASES:
        return ALIASES[words]
    if len(words) > 1 and words[-1].isdecimal() and words[:-1] in ALIASES:
        return (*ALIASES[words[:-1]], words[-1])
    return words


def topic_of(
    words: tuple[str, ...], genres: Iterable[str], years: tuple[int, int] | None
) -> Topic | None:
    """Return the topic that the words name; None if a word belongs to no topic.

    Args:
        words: the words of the search text.
        genres: all genres of the catalogue.
        years: first and last year of the catalogue; None if no movie has a year.
    """
    dates = {word: _years_of(word, years) for word in words}
    dated = [range_ for range_ in dates.values() if range_ is not None]
    rest = [word for word in words if dates[word] is None]
    bare = [word for word in rest if word not in _LOOSE_IN_TOPICS]
    if len(dated) > 1 or not (dated or bare):
        return None
    first, last = dated[0] if dated else (None, None)
    if not bare:
        return Topic(None, first, last)
    named = {"".join(words_of(genre)): genre for genre in genres}
    genre = _genre(rest, named) or _genre(bare, named)
    return None if genre is None else Topic(genre, first, last)


def _genre(words: list[str], named: Mapping[str, str]) -> str | None:
    word = "".join(words)
    singular = re.sub("ie$", "y", word.removesuffix("s")) if word.endswith("s") else word
    for each in (word, singular):
        if (found := _GENRE_WORDS.get(each, each)) in named:
            return named[found]
    return None


def _years_of(word: str, years: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return first and last year of a decade or year; None if the catalogue has none of them."""
    if years is None:
        return None
    if (decade := _DECADE.fullmatch(word)) is not None:
        tens = int(decade["tens"])
        century = decade["century"] or ("20" if tens < _FIRST_OF_THIS_CENTURY else "19")
        first, last = int(f"{century}{decade['tens']}"), int(f"{century}{decade['tens']}") + 9
    elif word in _DECADES:
        first, last = _DECADES[word], _DECADES[word] + 9
    elif _YEAR.fullmatch(word):
        first = last = int(word)
    else:
        return None
    return (first, last) if first <= years[1] and last >= years[0] else None
