"""Adding ratings to a data set, and taking deleted ones away."""

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from marquee.datasets import DatasetError
from operations.dataset.archives import Archives
from operations.dataset.convert import read_data_set
from operations.dataset.guards import objections_to_append
from operations.dataset.ids import KeptReading
from operations.dataset.recognise import sources_of
from operations.dataset.report import AppendCounts, DatasetReport
from tests.unit.operations.dataset.made import HEADER, MOVIES, RATINGS, add_to, put, read_into

type Files = Mapping[str, str | bytes]

BASE: Files = {"ratings.csv": RATINGS, "movies.csv": MOVIES}
# The ratings in RATINGS, by user and movie.
THERE = {(1, 1): (4.0, "1100000001"), (1, 2): (2.5, "1100000002"), (2, 1): (5.0, "1100000003")}


class Sets:
    """A data set, and what it becomes as files are added to it."""

    def __init__(self, folder: Path, base: Files) -> None:
        self._folder = folder
        self._count = 0
        self.now = folder / "canonical-0"
        read_into(put(folder / "files-0", base), self.now)

    def add(self, files: Files, scale: str | None = None) -> DatasetReport:
        self._count += 1
        into = self._folder / f"canonical-{self._count}"
        source = put(self._folder / f"files-{self._count}", files)
        report = add_to(self.now, source, into, scale=scale)
        self.now = into
        return report

    def counts(self, files: Files) -> AppendCounts:
        counts = self.add(files).append
        assert counts is not None
        return counts

    def rows(self, name: str) -> list[list[str]]:
        with (self.now / name).open(newline="", encoding="utf-8") as file:
            return list(csv.reader(file))[1:]

    @property
    def ratings(self) -> dict[tuple[int, int], tuple[float, str]]:
        rows = self.rows("ratings.csv")
        found = {(int(user), int(movie)): (float(stars), time) for user, movie, stars, time in rows}
        assert len(found) == len(rows)
        return found

    @property
    def titles(self) -> dict[str, tuple[str, str]]:
        return {movie: (title, genres) for movie, title, genres in self.rows("movies.csv")}

    @property
    def ids(self) -> dict[str, list[str] | None]:
        kept = json.loads((self.now / "ids.json").read_bytes())
        return {"users": kept["users"], "movies": kept["movies"]}

    def digests(self) -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.now.iterdir()
        }


@pytest.fixture
def films(tmp_path: Path) -> Sets:
    return Sets(tmp_path, BASE)


def ratings(*rows: str) -> Files:
    return {"ratings.csv": "\n".join([HEADER, *rows]) + "\n"}


def deleted(*rows: str, header: str = "userId,movieId") -> Files:
    return {"deleted.csv": "\n".join([header, *rows]) + "\n"}


# Pairs


def test_pairs_of_only_one_of_both_are_kept(films: Sets) -> None:
    counts = films.counts(ratings("2,2,3,1100000009", "9,1,1,"))

    assert films.ratings == THERE | {(2, 2): (3.0, "1100000009"), (9, 1): (1.0, "")}
    assert (counts.added, counts.changed, counts.deleted) == (2, 0, 0)
    assert (counts.ratings, counts.users, counts.movies_rated) == (5, 3, 2)


@pytest.mark.parametrize(
    ("before", "added", "winner"),
    [
        ("100", "101", "new"),
        ("100", "99", "old"),
        ("100", "100", "new"),  # as the last row of one file does
        ("100", "", "new"),
        ("", "100", "new"),
        ("", "", "new"),
    ],
)
def test_of_a_pair_in_both_the_old_rating_stays_only_if_it_is_later(
    tmp_path: Path, before: str, added: str, winner: str
) -> None:
    old, new = (f"1100000{time}" if time else "" for time in (before, added))
    films = Sets(tmp_path, {**ratings(f"1,1,4,{old}", "2,2,3,"), "movies.csv": MOVIES})

    counts = films.counts(ratings(f"1,1,2,{new}"))

    assert films.ratings[1, 1] == ((2.0, new) if winner == "new" else (4.0, old))
    assert (counts.changed, counts.older) == ((1, 0) if winner == "new" else (0, 1))


def test_of_a_pair_that_the_new_file_has_twice_its_latest_rating_counts(films: Sets) -> None:
    films.add(ratings("7,1,1,1100000005", "7,1,5,1100000009", "7,1,3,", "7,1,2,1100000001"))

    assert films.ratings[7, 1] == (5.0, "1100000009")


def test_ratings_that_the_data_set_has_twice_are_replaced_together(tmp_path: Path) -> None:
    twice = ratings("1,1,4,1100000005", "1,1,3,", "1,1,2,1100000002", "1,2,4,")
    films = Sets(tmp_path, {**twice, "movies.csv": MOVIES})

    films.add(ratings("1,1,1,1100000009"))

    assert films.ratings == {(1, 1): (1.0, "1100000009"), (1, 2): (4.0, "")}


def test_adding_what_is_there_changes_no_byte(films: Sets) -> None:
    before = films.digests()

    counts = films.counts(BASE)

    assert films.digests() == before
    assert (counts.same, counts.added, counts.changed, counts.titles_changed) == (3, 0, 0, 0)


def test_adding_the_same_twice_changes_no_byte_the_second_time(films: Sets) -> None:
    files = {
        **ratings("2,1,1,1100000009", "3,1,2,", "3,2,5,1100000001", "1,1,1,1"),
        **deleted("1,2", "3,2", "9,9"),
        "movies.csv": "movieId,title,genres\n3,Third Made Up (1997),Drama\n",
        "tags.csv": "userId,movieId,tag,timestamp\n2,1,odd,1\n2,1,odd,2\n",
    }
    films.add(files)
    once = films.digests()

    counts = films.counts(files)

    assert films.digests() == once
    assert (counts.added, counts.changed, counts.deleted) == (0, 0, 0)


# Deletions


def test_a_deletion_takes_a_pair_away_and_an_unknown_one_is_counted(films: Sets) -> None:
    counts = films.counts(deleted("1,2", "2,2", "8,1", "1,99"))

    assert films.ratings == {pair: THERE[pair] for pair in [(1, 1), (2, 1)]}
    assert (counts.deletions, counts.deleted, counts.unknown_deletions) == (4, 1, 3)


@pytest.mark.parametrize(
    "files",
    [
        deleted("1,"),
        deleted("1"),
        deleted("1", header="user"),
        deleted(";1", header="movie;user"),
        {"deleted.csv": "\ufeffUser ID\tMovie ID\r\n1\t\r\n".encode("utf-16")},
    ],
)
def test_a_deletion_of_only_a_user_deletes_all_of_the_users_ratings(
    films: Sets, files: Files
) -> None:
    assert films.counts(files).deleted == 2
    assert films.ratings == {(2, 1): THERE[2, 1]}


def test_a_deletion_also_takes_the_new_rating_of_the_same_files_away(films: Sets) -> None:
    counts = films.counts({**ratings("1,2,5,1900000000", "3,1,5,"), **deleted("1,2", "3")})

    assert films.ratings == {pair: THERE[pair] for pair in [(1, 1), (2, 1)]}
    assert (counts.deleted, counts.withheld, counts.unknown_deletions) == (1, 1, 0)


def test_a_pair_that_was_deleted_can_be_added_again(films: Sets) -> None:
    films.add(deleted("1,2"))
    films.add(ratings("1,2,5,"))

    assert films.ratings[1, 2] == (5.0, "")


def test_the_tags_of_a_deleted_user_go_and_those_of_a_deleted_pair_stay(tmp_path: Path) -> None:
    tags = 'userId,movieId,tag,timestamp\n1,1,"odd, or not",5\n2,1,Slow,6\n'
    films = Sets(tmp_path, {**BASE, "tags.csv": tags})
    more = "userId,movieId,tag,timestamp\n1,2,new,7\n2,1,slow,8\n2,2,fine,9\n"

    counts = films.counts({**ratings("2,2,4,"), **deleted("1", "2,1"), "tags.csv": more})

    assert films.rows("tags.csv") == [["2", "1", "Slow", "6"], ["2", "2", "fine", "9"]]
    assert (counts.tags_added, counts.tags_deleted) == (1, 1)


def test_deleted_pairs_leave_the_published_test_sets(tmp_path: Path) -> None:
    rated = [f"{user}\t{movie}\t3\t881250949" for user in (1, 2) for movie in (1, 2)]
    films = Sets(
        tmp_path,
        {
            "u.data": "\n".join(rated),
            "u.item": "".join(f"{n}|Made Up {n} (1995)||||{'|'.join('0' * 19)}\n" for n in (1, 2)),
            "u1.test": "\n".join(rated),
        },
    )

    films.add(deleted("1,2", "2"))

    assert (films.now / "u1.test").read_text() == "1\t1\t3\n"


@pytest.mark.parametrize("word", ["null", "NaN", "-"])
def test_a_word_for_a_missing_movie_deletes_nothing(films: Sets, word: str) -> None:
    report = films.add(deleted(f"1,{word}", "2,1", ",1"))

    assert (1, 1) in films.ratings
    assert report.left_out == {
        "deletions: movie id is a word for a missing value: leave it empty to delete all of the"
        " user's": 1,
        "deletions: user id is empty": 1,
    }
    assert not report.lost()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("userId,title\n1,First\n", r"has the columns 'userId', 'title'.*needs userId and movieId"),
        ("1,2\n3,4\n", "has the columns '1', '2'"),
        ("movieId\n1\n", "needs userId"),
        ('{"user": 1}', "is JSON"),
        (b"\x00\x01\x02" * 99, "is a binary file"),
    ],
)
def test_deletions_that_cannot_be_read_stop_everything(
    films: Sets, content: str | bytes, words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        films.add({**ratings("2,2,4,"), "deleted.csv": content})


def test_an_empty_file_of_deletions_deletes_nothing(films: Sets) -> None:
    report = films.add({**ratings("2,2,4,"), "deleted.csv": ""})

    assert report.ignored == ["deleted.csv"]
    assert len(films.ratings) == 4


def test_a_plain_import_does_not_use_deletions(tmp_path: Path) -> None:
    put(tmp_path / "files", {**BASE, **deleted("1")})
    with Archives(tmp_path) as archives:
        report = read_data_set(sources_of(tmp_path / "files", archives), None)

    assert (report.ratings, report.ignored) == (3, ["deleted.csv"])


# Ids and titles


TEXT: Files = {
    "ratings.csv": f"{HEADER}\nann,tt1,4,\nbob,tt2,3,\n",
    "movies.csv": "movieId,title,genres\ntt1,First (1995),Drama\ntt2,Second (1996),Comedy\n",
}


def test_ids_of_text_keep_their_integers_and_new_ones_get_new_integers(tmp_path: Path) -> None:
    films = Sets(tmp_path, TEXT)
    movies = "movieId,title,genres\ntt9,Ninth (1999),Drama\ntt2,Second (1996),Comedy\n"

    films.add({**ratings("cy,tt9,5,", "bob,tt2,1,", "7,tt1,2,"), "movies.csv": movies})

    assert films.ids == {"users": ["ann", "bob", "cy", "7"], "movies": ["tt1", "tt2", "tt9"]}
    assert films.ratings == {
        (1, 1): (4.0, ""),
        (2, 2): (1.0, ""),
        (3, 3): (5.0, ""),
        (4, 1): (2.0, ""),
    }
    assert films.titles["3"] == ("Ninth (1999)", "Drama")


def test_a_user_who_was_deleted_keeps_the_integer(tmp_path: Path) -> None:
    films = Sets(tmp_path, TEXT)
    films.add(deleted("ann"))
    films.add(ratings("cy,tt1,5,", "ann,tt2,2,"))

    assert films.ratings == {(2, 2): (3.0, ""), (3, 1): (5.0, ""), (1, 2): (2.0, "")}


def test_ids_of_text_are_refused_where_ids_are_whole_numbers(films: Sets) -> None:
    with pytest.raises(DatasetError, match="users have ids such as 'ann', but whole numbers"):
        films.add(ratings("ann,1,4,", "bob,2,4,"))


def test_ratings_of_known_movies_need_no_titles_and_others_are_left_out(films: Sets) -> None:
    report = films.add(ratings("5,1,4,", "5,2,4,", "5,77,4,"))

    assert report.left_out == {"movie is not in the movies file": 1}
    assert set(films.titles) == {"1", "2"}


def test_a_new_title_replaces_a_known_one_and_missing_genres_are_kept(films: Sets) -> None:
    counts = films.counts({**ratings("5,1,4,"), "movies.csv": "movieId,title\n1,Renamed (1995)\n"})

    assert films.titles == {
        "1": ("Renamed (1995)", "Comedy|Drama"),
        "2": ("Second Made Up (1996)", "Drama"),
    }
    assert (counts.movies_added, counts.titles_changed) == (0, 1)


def test_a_title_in_a_column_of_the_ratings_is_used_for_new_movies_only(films: Sets) -> None:
    header = "userId,movieId,rating,title"
    films.add({"ratings.csv": f"{header}\n5,1,4,Other (2000)\n5,3,4,Third (2001)\n"})

    assert films.titles["1"][0] == "First Made Up (1995)"
    assert films.titles["3"][0] == "Third (2001)"


def test_where_ids_are_the_titles_new_ids_are_titles_too(tmp_path: Path) -> None:
    films = Sets(tmp_path, {"ratings.csv": f"{HEADER}\nu1,B0000001AB,4,\nu2,B0000002AB,4,\n"})

    films.add(ratings("u3,B0000003AB,5,", "u3,B0000001AB,5,"))

    assert [title for title, _ in films.titles.values()] == [
        "B0000001AB",
        "B0000002AB",
        "B0000003AB",
    ]


def test_links_are_joined(tmp_path: Path) -> None:
    links = "movieId,imdbId,tmdbId\n1,0000001,11\n2,0000002,\n"
    films = Sets(tmp_path, {**BASE, "links.csv": links})

    films.add({**ratings("5,1,4,"), "links.csv": "movieId,imdbId,tmdbId\n2,0000022,22\n"})

    assert films.rows("links.csv") == [["1", "0000001", "11"], ["2", "0000022", "22"]]


def test_where_links_explain_the_ids_they_are_needed_again(tmp_path: Path) -> None:
    metadata = "id,title,imdb_id\n862,First (1995),tt0000001\n8844,Second (1996),tt0000002\n"
    links = "movieId,imdbId,tmdbId\n1,0000001,862\n2,0000002,8844\n"
    films = Sets(
        tmp_path, {"ratings.csv": RATINGS, "movies_metadata.csv": metadata, "links.csv": links}
    )

    films.add({**ratings("5,2,4,"), "links.csv": links})
    assert films.ratings[5, 8844] == (4.0, "")
    with pytest.raises(DatasetError, match=r"same links\.csv"):
        films.add(ratings("5,862,4,"))


# Scales and objections


def test_another_scale_is_mapped_by_its_rule(films: Sets) -> None:
    films.add(ratings("5,1,9,", "5,2,3,"))

    assert (films.ratings[5, 1], films.ratings[5, 2]) == ((4.5, ""), (1.5, ""))


def test_the_scale_can_be_named(films: Sets) -> None:
    films.add(ratings("5,1,4,", "5,2,0,"), scale="1 to 10")

    assert films.ratings[5, 1] == (2.0, "")
    assert (5, 2) not in films.ratings


def test_an_unknown_scale_is_refused(films: Sets) -> None:
    with pytest.raises(DatasetError, match="SCALE is '1-10': write one of the known scales"):
        films.add(ratings("5,1,4,"), scale="1-10")


@pytest.mark.parametrize(
    ("scale", "known", "named", "objects"),
    [
        ("1 to 5", ["1 to 10"], False, True),
        ("1 to 5", ["1 to 5", "0 to 100"], False, True),
        ("1 to 10", ["-10 to 10"], False, True),
        ("1 to 5", ["1 to 10"], True, False),
        ("1 to 5", ["0.5 to 5"], False, False),
        ("1 to 10", ["0 to 10", "1 to 5"], False, False),
        ("-10 to 10", ["0 to 100"], False, False),
    ],
)
def test_a_scale_that_may_be_another_known_one_must_be_named(
    scale: str, known: list[str], named: bool, objects: bool
) -> None:
    counts = AppendCounts(users=50, movies_with_five_ratings=50)
    report = DatasetReport(rows=10, ratings=10, scale=scale, append=counts)

    found = objections_to_append(report, known, scale_is_named=named)

    assert [
        f"SCALE='{known[-1] if scale == '1 to 5' else known[0]}'" in each for each in found
    ] == ([True] if objects else [])


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (AppendCounts(users=9, movies_with_five_ratings=50), "only 9 users rated"),
        (AppendCounts(users=50, movies_with_five_ratings=19), "only 19 movies have"),
        (
            AppendCounts(
                users=50, movies_with_five_ratings=50, before_ratings=100, deleted=11, deletions=1
            ),
            "11 of 100 ratings would be deleted",
        ),
        (
            AppendCounts(users=50, movies_with_five_ratings=50, titles_seen=9, titles_changed=5),
            "5 of 9 movies would get another title",
        ),
    ],
)
def test_an_append_that_seems_wrong_is_objected_to(counts: AppendCounts, words: str) -> None:
    report = DatasetReport(append=counts)

    (found,) = objections_to_append(report, [], scale_is_named=False)

    assert words in found


def test_few_new_ratings_are_no_objection() -> None:
    counts = AppendCounts(
        *("films", 100),
        users=50,
        movies_with_five_ratings=50,
        deleted=10,
        titles_seen=4,
        titles_changed=4,
    )
    report = DatasetReport(rows=1, ratings=1, users=1, scale="1 to 5", append=counts)

    assert objections_to_append(report, ["1 to 5"], scale_is_named=False) == []


# What is kept


def test_what_is_kept_is_read_again() -> None:
    kept = (
        b'{"schema_version":1,"users":["a\\n","b"],"movies":null,"through_links":true,"scales":[]}'
    )
    reading = KeptReading.from_json(kept)

    assert reading.users.by_key == {"a\n": 1, "b": 2}
    assert (reading.movies.numbers, reading.through_links) == (True, True)
    assert KeptReading.from_json(reading.to_json()) == reading


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"schema_version":2}', "schema version 2, not 1"),
        (b"{}", "is damaged"),
        (b"[", "is damaged"),
        (b'{"schema_version":1,"users":3,"movies":null,"through_links":0,"scales":[]}', "damaged"),
    ],
)
def test_what_is_kept_wrongly_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        KeptReading.from_json(content)
