"""Read the values of fields: ids, ratings, times, titles and genres."""

import ast
import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

_MISSING = {"", "nan", "null", "none", "\\n", "na", "n/a", "nil", "-"}
_WHOLE = re.compile(r"0*(\d+)(?:[.,]0+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)", re.ASCII)
LONGEST_TITLE = 500  # characters


def is_missing(text: str) -> bool:
    """Return whether a field stands for no value."""
    return text.strip().lower() in _MISSING


def id_key(text: str) -> str:
    """Return an id in the form in which ids are compared; empty if there is none.

    Numbers lose leading zeros and a decimal part of zeros, as in `007` and `862.0`. Anything else
    stays as it is.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and text[0] != "0":
        return text
    if whole := _WHOLE.fullmatch(text):
        return whole[1]
    return "" if is_missing(text) else text


def number_in(key: str) -> str | None:
    """Return the number in an id such as `tt0000007`: `7`; None if there is no single number."""
    found = re.fullmatch(r"[A-Za-z_:/-]*0*(\d+)", key, re.ASCII)
    return found[1] if found else None


def number(text: str) -> float | None:
    """Return a number with a decimal point or a decimal comma; None if it is not one."""
    text = text.strip()
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


# Times

LAST_SECOND = 253_402_300_799  # end of the year 9999
_MILLISECONDS, _MICROSECONDS, _NANOSECONDS = 10**11, 10**14, 10**17  # the first number of each
_MOST_DIGITS = 19  # of nanoseconds until the year 2286
_COMPACT_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_SLASHED = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ ,T]+(\d{1,2})(:\d\d(?::\d\d)?) ?([AP]M)?)?", re.IGNORECASE
)
_FRACTION = re.compile(r"(\d+)\.\d*")
_WRITTEN = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m %d, %Y",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S %z",
)


@dataclass(slots=True)
class Times:
    """Reads times, and learns from all of a file whether `1/2/2004` begins with the day.

    Attributes:
        first: the largest first number of a date such as 1/2/2004; 0 if there are none.
        second: the largest second number.
    """

    first: int = 0
    second: int = 0

    def look(self, text: str) -> bool:
        """Note the order of day and month, and return whether the text is a date with slashes."""
        found = _SLASHED.fullmatch(text.strip())
        if found:
            self.first = max(self.first, int(found[1]))
            self.second = max(self.second, int(found[2]))
        return found is not None

    @property
    def slashed(self) -> bool:
        """Whether dates have slashes."""
        return self.first > 0

    @property
    def day_first(self) -> bool | None:
        """Whether the day precedes the month; None if the dates do not show it."""
        months = 12
        if (self.first > months) == (self.second > months):
            return None
        return self.first > months

    def seconds(self, text: str) -> int | None:
        """Return the seconds since 1970 (UTC) of a time; None if it cannot be read."""
        text = text.strip()
        if text.isascii() and text.isdigit():
            return _epoch(text)
        if found := _FRACTION.fullmatch(text):
            return _epoch(found[1])
        if found := _SLASHED.fullmatch(text):
            return self._slashed_seconds(found)
        return _written(text)

    def _slashed_seconds(self, found: re.Match[str]) -> int | None:
        if self.day_first is None:
            return None
        day, month = (found[1], found[2]) if self.day_first else (found[2], found[1])
        hour = int(found[4] or 0)
        if half := found[6]:
            # 12 AM is midnight, 12 PM noon.
            hour = hour % 12 + (12 if half.upper() == "PM" else 0)
        clock = f"{hour:02d}{found[5] or ':00'}"
        return _written(f"{found[3]}-{month:0>2}-{day:0>2} {clock}")


def kind_of_time(text: str) -> str:
    """Return how a time is written, in words for the report."""
    text = text.strip()
    digits = text.partition(".")[0]
    if digits.isascii() and digits.isdigit():
        if _COMPACT_DATE.fullmatch(text):
            return "dates without separators"
        size = int(digits)
        units = {_NANOSECONDS: "nanoseconds", _MICROSECONDS: "microseconds"}
        units[_MILLISECONDS] = "milliseconds"
        found = next((name for least, name in units.items() if size >= least), "seconds")
        return f"{found} since 1970"
    return "dates"


def _epoch(text: str) -> int | None:
    if _COMPACT_DATE.fullmatch(text):
        return _written(f"{text[:4]}-{text[4:6]}-{text[6:]}")
    if len(text) > _MOST_DIGITS:
        return None
    value = int(text)
    if value >= _MILLISECONDS:
        value //= 10**9 if value >= _NANOSECONDS else 10**6 if value >= _MICROSECONDS else 10**3
    return value if value <= LAST_SECOND else None


def _written(text: str) -> int | None:
    """Return the seconds of a date or a date and time; without a time zone, it is UTC."""
    for read in _READERS:
        try:
            time = read(text.removesuffix(" UTC"))
        except ValueError:
            continue
        seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        return int(seconds) if 0 <= seconds <= LAST_SECOND else None
    return None


def _reader(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)


_READERS = (datetime.fromisoformat, *map(_reader, _WRITTEN))


# Titles and genres

_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_SPACES = re.compile(r"\s+")
_YEAR = re.compile(r"\(\s*(\d{4})\s*(?:[-\u2013\u2014]\s*(?:\d{4})?\s*)?\)\s*$")
_NO_YEAR = re.compile(r"\s*\((?:NULL|null|None|nan|n/a|\?+)\)\s*$")
_PLAIN_YEAR = re.compile(r"(?:^|\D)(1[89]\d\d|20\d\d)(?!\d)")
_ENDS_WITH_YEAR = re.compile(r"\(\d{4}[^()]{0,7}\)\s*$")
_NAME_IN_LIST = re.compile(r"""['"]name['"]\s*:\s*(?:'([^']*)'|"([^"]*)")""")
_NO_GENRES = {"(no genres listed)", "unknown", "n/a", "na", "none", "nan", "null", "\\n", "[]"}


def clean_text(text: str) -> str:
    r"""Return text without control characters, entities such as `&amp;`, `\"` and double spaces."""
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if not text.isprintable():
        text = "".join(each for each in map(_printable, text))
    return _SPACES.sub(" ", text.replace('\\"', '"')).strip()


def title_with_year(title: str, year: str = "") -> str:
    """Return a clean title that ends with its year in brackets, if a year is known.

    The title's own year comes before `year`, which may be a date. The result is empty if nothing
    but a year is left of the title.
    """
    title = clean_text(title)
    if is_missing(title):
        return ""
    title = _NO_YEAR.sub("", title)
    if found := _YEAR.search(title):
        name = title[: found.start()].strip()
        return f"{name} ({found[1]})" if name else ""
    found = _PLAIN_YEAR.search(year)
    return f"{title} ({found[1]})" if found and title else title


def ends_with_year(text: str) -> bool:
    """Return whether a text ends with a year in brackets, as titles do."""
    return bool(_ENDS_WITH_YEAR.search(text))


def split_genres(text: str) -> list[str]:
    """Return the genres in a field, separated by bars, commas, semicolons or slashes, or a list."""
    text = text.strip()
    if text.startswith(("[", "{")):
        return _unique(_listed(text))
    separator = next((each for each in "|;,/" if each in text), "|")
    return _unique(text.split(separator))


def _unique(names: list[str]) -> list[str]:
    cleaned = (clean_text(name).replace("|", "/") for name in names)
    return list(dict.fromkeys(name for name in cleaned if name and name.lower() not in _NO_GENRES))


def _listed(text: str) -> list[str]:
    """Return the names in a Python or JSON list of names, or of objects with a name."""
    if found := _NAME_IN_LIST.findall(text):
        return [single or double for single, double in found]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return re.findall(r"[^\[\]{}'\",|]+", text)
    return [str(each) for each in value] if isinstance(value, list | tuple | set) else []


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    category = unicodedata.category(character)
    if category.startswith("Z") or character in "\t\n\r\v\f\x85":
        return " "
    # Scripts need the joiners; other format characters can reverse or hide text.
    return character if character in "\u200c\u200d" else ""
