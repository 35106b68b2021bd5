"""Split titles and search texts into comparable words.

The title index and the search use the same functions, so that both get the same words.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

FIRST_YEAR, LAST_YEAR = 1870, 2100  # a number in this range can be a year, after other words
# Words that people may add or leave out. `la` and `die` are not among them, because they matter in
# L.A. Confidential and Die Hard.
_ARTICLES = frozenset(
    ("the", "a", "an", "le", "les", "un", "une", "el", "los", "las", "una", "il", "der", "das")
)
_LAST_ARTICLES = _ARTICLES | {"la", "die"}
LOOSE = _ARTICLES | {"and"}
_NUMBERS = (
    ("1", "one"),
    ("2", "two", "ii"),
    ("3", "three", "iii"),
    ("4", "four", "iv"),
    ("5", "five", "v"),
    ("6", "six", "vi"),
    ("7", "seven", "vii"),
    ("8", "eight", "viii"),
    ("9", "nine", "ix"),
    ("10", "ten", "x"),
    ("11", "eleven", "xi"),
    ("12", "twelve", "xii"),
    ("13", "thirteen", "xiii"),
    ("20", "twenty", "xx"),
    ("21", "twentyone", "xxi"),
)
# Spellings with the same meaning; the first one is used for comparison. `I` is not a number here,
# because it is more often a word.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    word: group
    for group in (*_NUMBERS, ("mister", "mr"), ("doctor", "dr"), ("night", "nite"))
    for word in group
}
# Letters that Unicode does not decompose into a letter and an accent.
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "&": " and "}
)
# Characters used as an apostrophe: quotation marks, the modifier letter, accents on their own.
_QUOTES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u0060\u00b4", "'"))
_ELISIONS = re.compile(r"(?<![^\W_])(?:[cdjlmns]|qu)'(?=[^\W_]{2})")
_APOSTROPHES = re.compile(r"(?<=\w)'(?=\w)")
_FRACTIONS = re.compile(r"(?<=\d)([¼-¾⅐-⅞])")
_WORD = re.compile(r"[^\W_]+")
# Single letters in a row form one word: M*A*S*H, E.T., L.A.
_SPELLED_OUT = re.compile(r"(?<![^\W_])(?:[^\W\d_](?:[.*·-]\s?|\s)){1,9}[^\W\d_](?![^\W_])")
_JOINED = re.compile(r"[^\W_]+(?:[-·/:'.][^\W_]+)+")
_BRACKETS = re.compile(r"(?<=\s)\(([^()]+)\)")
_LAST_BRACKETS = re.compile(r"\s+\(([^()]*(?:\([^()]*\)[^()]*)*)\)$")
# Text in brackets that is not an alternative title: an edition or part (in the Netflix data, more
# common than titles), or the rest of the title, as in `I Do (But I Don't)`.
_NO_TITLE = re.compile(
    r"^(?:part|season|series|ep|episode|vol|volume|disc|chapter|but|and)\b"
    r"|\b(?:edition|version|cut|feature|documentary|theatre|play|ballet|wide-?screen|full-?screen"
    r"|uncensored|unrated|rerelease|animated|silent|imax|mini-?series|series|tv|pilot|episode"
    r"|sequence|material|specials)$"
    r"|^[\d\s,-]+s?$",
    re.IGNORECASE,
)
# Endings that no title has: `Birdman: Or (The Unexpected Virtue of Ignorance)` stays whole.
_UNFINISHED = re.compile(r"(?:[:,&-]|\b(?:or|and|of))$", re.IGNORECASE)
_ALSO = re.compile(r"^(?:a\.?k\.?a\.?:?|aka|or)\s+", re.IGNORECASE)
_LAST_ARTICLE = re.compile(r"^(.+), (\w+)$")


@lru_cache(maxsize=1024)  # a title is folded several times in a row
def fold(text: str) -> str:
    """Return the text in lower case without accents; punctuation and spaces stay."""
    if text.isascii():  # the same result in a tenth of the time
        return text.replace("`", "'").casefold().replace("&", " and ")
    spaced = _FRACTIONS.sub(r" \1", text.translate(_QUOTES))
    apart = unicodedata.normalize("NFKD", spaced.casefold()).translate(_LETTERS)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a title or search text, as `fold` writes them.

    `M*A*S*H` is one word, and so is `Schindler's`. A hyphen separates two words. Elided French
    and Italian words, as in `d'Amélie`, are left out.
    """
    plain = _APOSTROPHES.sub("", _ELISIONS.sub("", fold(text)))
    spelled = _SPELLED_OUT.sub(lambda found: "".join(_WORD.findall(found[0])), plain)
    return tuple(_WORD.findall(spelled))


def spellings_of(word: str) -> tuple[str, ...]:
    """Return all spellings of a word, for example `4`, `four` and `iv`."""
    return SPELLINGS.get(word, (word,))


def spell_for_comparison(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words in the spelling for comparison: numbers in digits."""
    return tuple(spellings_of(word)[0] for word in words)


def without_loose(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without loose ones (LOOSE); all of them if every word is loose."""
    return tuple(word for word in words if word not in LOOSE) or words


def titles_apart(movies: Iterable[tuple[str, int | None]]) -> list[tuple[str, tuple[str, ...]]]:
    """Separate each movie's main title from its alternative titles.

    MovieLens writes alternative titles in brackets after the main title:
    `Amelie (Fabuleux destin d'Amélie Poulain, Le)` becomes `Amelie` with the alternative title
    `Le Fabuleux destin d'Amélie Poulain`. Brackets that hold no title stay: `Duplex (Widescreen)`.
    If two movies of the same year would get the same main title, both keep their whole titles.

    Args:
        movies: title and year of each movie.

    Returns:
        Main title and alternative titles of each movie, in the same order.
    """
    found = [(whole, year, *_apart(whole)) for whole, year in movies]
    times = Counter((fold(title), year) for _, year, title, _ in found)
    return [
        (title, others) if times[fold(title), year] == 1 else (whole, ())
        for whole, year, title, others in found
    ]


def _apart(title: str) -> tuple[str, tuple[str, ...]]:
    """Return the main title and the alternative titles.

    If the brackets hold no title, or the rest would be unfinished, return the whole title and none.
    """
    said, others = title, list[str]()
    while found := _LAST_BRACKETS.search(said):
        if _NO_TITLE.search(found[1]):
            return title, ()
        said = said[: found.start()]
        others.append(_article_first(_ALSO.sub("", found[1].strip())))
    if not words_of(said) or _UNFINISHED.search(said):
        return title, ()
    titles: dict[tuple[str, ...], str] = {}
    for each in (_article_first(said), *reversed(others)):
        titles.setdefault(without_loose(words_of(each)), each)
    first, *rest = (each for words, each in titles.items() if words)
    return first, tuple(rest)


def names_of(title: str) -> tuple[str, ...]:
    """Return the names by which a title can be found: `Seven (a.k.a. Se7en)` has two.

    A trailing article moves to the front, as the prepare step does with the title itself.
    """
    bare = " ".join(_BRACKETS.sub(" ", title).split())
    inner = (_ALSO.sub("", found.strip()) for found in _BRACKETS.findall(title))
    names = (_article_first(name) for name in (bare, *inner))
    return tuple(dict.fromkeys(name for name in names if words_of(name))) or (title,)


def _article_first(name: str) -> str:
    found = _LAST_ARTICLE.match(name)
    return f"{found[2]} {found[1]}" if found and fold(found[2]) in _LAST_ARTICLES else name


def joined_words(name: str) -> tuple[str, ...]:
    """Return the compounds in a name, written as one word: `Spider-Man`, `WALL·E`.

    Such a word has a hyphen or another sign inside, but people also write it without.
    """
    joined = ("".join(_WORD.findall(found)) for found in _JOINED.findall(fold(name)))
    return tuple(word for word in joined if word not in words_of(name))


def run_together(words: tuple[str, ...]) -> tuple[str, str]:
    """Return a name's words run together, without loose words, in two spellings.

    The first is as written, the second has numbers in digits.
    """
    bare = without_loose(words)
    return "".join(bare), "".join(spell_for_comparison(bare))


keys_of = lru_cache(maxsize=8192)(run_together)
