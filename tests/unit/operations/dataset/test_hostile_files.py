"""Whatever files contain, reading them ends with a report or with one sentence."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marquee.datasets import DatasetError
from tests.unit.operations.dataset.made import MOVIES, RATINGS, put, read

# Pieces that have a meaning in some layout.
PIECES = st.sampled_from(
    [
        *("userId", "movieId", "rating", "timestamp", "title", "genres", "tag", "imdbId", "id"),
        *(
            ",",
            ";",
            "\t",
            "|",
            "::",
            " ",
            '"',
            "\\",
            "\n",
            "\r\n",
            "\r",
            "1:",
            "-",
            "NULL",
            "sep=;",
        ),
        *("1", "2", "0007", "3.5", "4,5", "tt0000001", "1100000001", "2004-01-02", "1/2/2004"),
        *("Made Up (1995)", "(1995)", "&amp;", "é", "\ufeff", "\0", "\u202e", "1e400", "9" * 30),
        *("[{'name': 'Drama'}]", "[" * 50, "{", "<html>", "#", "99999999999999999999999999"),
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)
CONTENTS = st.one_of(
    TEXTS.map(str.encode),
    TEXTS.map(lambda text: text.encode("utf-16")),
    st.binary(max_size=200),
    st.binary(max_size=60).map(lambda rest: b"PK\3\4" + rest),
    st.binary(max_size=60).map(lambda rest: b"\x1f\x8b\x08\0" + rest),
)
NAMES = st.sampled_from(
    [
        *("ratings.csv", "ratings.dat", "u.data", "combined_data_1.txt", "r.tsv", "data.txt"),
        *("movies.csv", "movies.dat", "u.item", "movie_titles.csv", "u.genre", "tags.csv"),
        *("links.csv", "ml.zip", "ml.tar", "ratings.csv.gz", "movies_metadata.csv", "u1.test"),
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, CONTENTS, max_size=4), TEXTS, st.booleans())
@example({}, "1,1,1e400,1\n", True)
def test_any_files_end_with_a_report_or_one_sentence(
    files: dict[str, bytes], appended: str, usual: bool
) -> None:
    with tempfile.TemporaryDirectory() as made:
        if usual:
            put(Path(made), {"ratings.csv": RATINGS + appended, "movies.csv": MOVIES + appended})
        folder = put(Path(made), files)
        for path in (folder, *sorted(folder.iterdir())):
            assert is_sound(path)


def is_sound(path: Path) -> bool:
    """Return whether every row is accounted for, or the refusal is one line."""
    try:
        report = read(path).report
    except DatasetError as error:
        return "\n" not in str(error)
    # Reasons of other files than the ratings begin with their kind.
    unread = sum(count for why, count in report.left_out.items() if ": " not in why)
    return report.rows == report.ratings + unread
