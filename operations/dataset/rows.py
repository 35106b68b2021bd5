"""Read the rows of ratings and of tags from files of any dialect."""

from collections.abc import Iterable, Iterator

from operations.dataset.dialect import records
from operations.dataset.recognise import PRIZE_HEADER, RecognisedFile
from operations.dataset.text import LONGEST_LINE, LongLine

# Line number, line, user, movie, rating, time. Without a user, the movie is the reason why the line
# cannot be divided into these.
type RatingRow = tuple[int, str, str | None, str, str, str]
# Line number, line, and user, movie, tag and time; None if the line cannot be divided into these.
type TagRow = tuple[int, str, tuple[str, str, str, str] | None]
# Line number, line, and user and movie; None if the line cannot be divided into these.
type DeletionRow = tuple[int, str, tuple[str, str] | None]

WRONG_WIDTH = "wrong number of columns"
TOO_LONG = f"line is longer than {LONGEST_LINE:,} characters"


def rating_rows(looked: RecognisedFile, lines: Iterable[tuple[int, str]]) -> Iterator[RatingRow]:
    """Yield each row of a file of ratings.

    Blank lines, headers (repeated ones, too) and lines that name a movie are not rows.
    """
    if looked.style == "prize":
        yield from _prize_rows(looked, lines)
        return
    columns = looked.columns
    width, skip, time = columns.width, looked.skip, columns.time
    user, movie, rating = columns.user or 0, columns.movie or 0, columns.rating or 0
    first_name = columns.names[0] if columns.names else None
    for number, line, fields in records(lines, looked.dialect):
        if number <= skip:
            continue
        row = fields if len(fields) == width else _of_width(looked, fields)
        if row is None:
            yield number, line, None, _reason(line), "", ""
        elif fields[0] != first_name or not _is_header(looked, fields):
            when = "" if time is None else row[time]
            yield number, line, row[user], row[movie], row[rating], when


def tag_rows(looked: RecognisedFile, lines: Iterable[tuple[int, str]]) -> Iterator[TagRow]:
    """Yield each row of a file of tags; a tag may contain the separator `::`."""
    columns = looked.columns
    places = (columns.user or 0, columns.movie or 0, columns.tag or 0)
    for number, line, fields in records(lines, looked.dialect):
        if number <= looked.skip:
            continue
        row = fields
        if len(row) > columns.width and looked.dialect.separator == "::":
            row = [*row[:2], "::".join(row[2:-1]), row[-1]]
        if len(row) == columns.width:
            user, movie, tag = (row[place] for place in places)
            time = row[columns.time] if columns.time is not None else ""
            yield number, line, (user, movie, tag, time)
        else:
            yield number, line, None


def deletion_rows(
    looked: RecognisedFile, lines: Iterable[tuple[int, str]]
) -> Iterator[DeletionRow]:
    """Yield each row of a file of deletions; the movie is empty where a row has only a user."""
    columns = looked.columns
    user, movie = columns.user or 0, columns.movie
    for number, line, fields in records(lines, looked.dialect):
        if number <= looked.skip or _is_header(looked, fields):
            continue
        filled = [*fields, *[""] * (columns.width - len(fields))]
        row = filled if len(filled) == columns.width else _of_width(looked, filled)
        if row is None or line.__class__ is LongLine:
            yield number, line, None
        else:
            yield number, line, (row[user], "" if movie is None else row[movie].strip())


def _prize_rows(looked: RecognisedFile, lines: Iterable[tuple[int, str]]) -> Iterator[RatingRow]:
    movie: str | None = None
    for number, line, fields in records(lines, looked.dialect):
        if number <= looked.skip:
            continue
        if len(fields) == 1 and (header := PRIZE_HEADER.fullmatch(line)):
            movie = header[1]
        elif len(fields) != looked.columns.width:
            yield number, line, None, _reason(line), "", ""
        elif movie is None:
            yield number, line, None, "rating before any movie header", "", ""
        else:
            yield number, line, fields[0], movie, fields[1], fields[2]


def _of_width(looked: RecognisedFile, fields: list[str]) -> list[str] | None:
    """Return a row of the right number of fields; the rest may be empty or a rating's decimals."""
    width, rating = looked.columns.width, looked.columns.rating
    if len(fields) > width and not any(field.strip() for field in fields[width:]):
        return fields[:width]
    if looked.decimal and rating is not None and len(fields) == width + 1:
        joined = f"{fields[rating].strip()}.{fields[rating + 1].strip()}"
        return [*fields[:rating], joined, *fields[rating + 2 :]]
    return None


def _is_header(looked: RecognisedFile, fields: list[str]) -> bool:
    """Return whether a row repeats the header, as in files that were put together from several."""
    return tuple(field.strip() for field in fields) == looked.columns.names


def _reason(line: str) -> str:
    return TOO_LONG if line.__class__ is LongLine else WRONG_WIDTH
