"""Reading a data set: columns, ids, times, scales, titles, and the rows that are left out."""

import errno
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from marquee.datasets import DatasetError
from operations.dataset.archives import Archives
from operations.dataset.convert import read_data_set
from operations.dataset.output import Output
from operations.dataset.recognise import sources_of
from tests.unit.operations.dataset.made import (
    GOOD,
    HEADER,
    MOVIES,
    MOVIES_HEADER,
    RATINGS,
    Read,
    put,
    read,
    read_files,
    sample,
)

READ = [(1, 1, 4.0, "1100000001"), (1, 2, 2.5, "1100000002"), (2, 1, 5.0, "1100000003")]
type Files = dict[str, str | bytes]


def with_ratings(folder: Path, *rows: str, header: str = HEADER, movies: str = MOVIES) -> Read:
    lines = "\n".join([header, *rows] if header else rows)
    return read_files(folder, {"ratings.csv": f"{lines}\n", "movies.csv": movies})


def with_movies(folder: Path, *rows: str, header: str = MOVIES_HEADER) -> Read:
    lines = "\n".join([header, *rows] if header else rows)
    return read_files(folder, {"ratings.csv": RATINGS, "movies.csv": f"{lines}\n"})


def test_ratings_and_movies_are_written_in_the_canonical_form(tmp_path: Path) -> None:
    assert read_files(tmp_path, GOOD).files == {
        "ratings.csv": [
            ["userId", "movieId", "rating", "timestamp"],
            ["1", "1", "4.0", "1100000001"],
            ["1", "2", "2.5", "1100000002"],
            ["2", "1", "5.0", "1100000003"],
        ],
        "movies.csv": [
            ["movieId", "title", "genres"],
            ["1", "First Made Up (1995)", "Comedy|Drama"],
            ["2", "Second Made Up (1996)", "Drama"],
        ],
    }


def test_without_a_folder_only_the_report_is_made(tmp_path: Path) -> None:
    put(tmp_path, GOOD)
    with Archives(tmp_path) as archives:
        report = read_data_set(sources_of(tmp_path, archives), None)
    assert (report.ratings, sorted(path.name for path in tmp_path.iterdir())) == (3, sorted(GOOD))


# Columns


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("userId,movieId,rating,timestamp", "{u},{m},{r},{t}"),
        ("user_id,movie_id,rating,timestamp", "{u},{m},{r},{t}"),
        ("USERID,MOVIEID,RATING,TIMESTAMP", "{u},{m},{r},{t}"),
        ('"User ID","Movie ID","Rating","Date"', '"{u}","{m}","{r}","{t}"'),
        ("timestamp,rating,movieId,userId", "{t},{r},{m},{u}"),
        (",userId,movieId,rating,timestamp", "0,{u},{m},{r},{t}"),
        ("userId,movieId,rating", "{u},{m},{r}"),
        ("userId,movieId,review,rating,timestamp", '{u},{m},"Good, or ""not""\nso bad",{r},{t}'),
        ("user;item;score;time", "{u};{m};{r};{t}"),
        ("user\titem\tstars\tdate", "{u}\t{m}\t{r}\t{t}"),
        ("Cust_Id|Movie_Id|Rating|Date", "{u}|{m}|{r}|{t}"),
        ("UserID::MovieID::Rating::Timestamp", "{u}::{m}::{r}::{t}"),
        ("user_id:token\titem_id:token\trating:float\ttimestamp:float", "{u}\t{m}\t{r}\t{t}"),
        ("userId, movieId, rating, timestamp", " {u} , {m} , {r} , {t} "),
        ("sep=;\nuser;movie;rating;timestamp", "{u};{m};{r};{t}"),
        ("# made up\nuser,movie,rating,timestamp", "{u},{m},{r},{t}"),
        ("userId movieId rating timestamp", "{u} {m} {r} {t}"),
        ("utilisateur;film;note;date", "{u};{m};{r};{t}"),
        ("userId,movieId,rating,timestamp", "{u},{m},{r},{t},"),
        ("", "{u},{m},{r},{t}"),
        ("", "{u},{m},{r}"),
        ("", "{u}\t{m}\t{r}\t{t}"),
        ("", "{u}::{m}::{r}::{t}"),
        ("", "{u}  {m}  {r}"),
        ("", '"{u}";"{m}";"{r}";"{t}"'),
    ],
)
def test_columns_are_found_by_name_or_by_content(tmp_path: Path, header: str, row: str) -> None:
    rows = [row.format(u=u, m=m, r=r, t=t) for u, m, r, t in READ]
    found = with_ratings(tmp_path, *rows, header=header)
    assert [rating[:3] for rating in found.ratings] == [rating[:3] for rating in READ]
    if "{t}" in row:
        assert found.ratings == READ


def test_names_of_rows_as_r_writes_them_are_no_column(tmp_path: Path) -> None:
    rows = [f'"{place}",{u},{m},{r},{t}' for place, (u, m, r, t) in enumerate(READ, start=1)]
    header = '"userId","movieId","rating","timestamp"'
    assert with_ratings(tmp_path, *rows, header=header).ratings == READ


def test_row_numbers_without_a_header_are_no_column(tmp_path: Path) -> None:
    rows = [f"{place},{u},{m},{r},{t}" for place, (u, m, r, t) in enumerate(READ)]
    assert with_ratings(tmp_path, *rows, header="").ratings == READ


def test_ratings_without_a_header_may_begin_with_the_movie(tmp_path: Path) -> None:
    rows = [f"{m + 500},{u},{r},{t}" for u, m, r, t in READ]
    movies = f"{MOVIES_HEADER}\n501,First (1995),\n502,Second,\n"
    found = with_ratings(tmp_path, *rows, header="", movies=movies)
    assert found.ratings == [(u, m + 500, r, t) for u, m, r, t in READ]
    assert found.report.notes == ["the first column is the movie, the second the user"]


def test_ratings_may_name_the_titles_of_a_file_of_titles(tmp_path: Path) -> None:
    titles = {1: "First Made Up (1995)", 2: "second made up (1996)"}
    rows = [f"{u},{titles[m]},{r},{t}" for u, m, r, t in READ]
    found = with_ratings(tmp_path, *rows, header="user,movie,rating,timestamp")
    assert (found.ratings, found.report.notes) == (READ, ["movies are found by their titles"])


def test_mean_ratings_next_to_titles_are_not_ratings(tmp_path: Path) -> None:
    movies = "movieId,title,genres,rating\n1,First (1995),Drama,8.1\n2,Second,Drama,7.5\n"
    found = read_files(tmp_path, {"rating.csv": RATINGS, "films.csv": movies})
    assert found.movies == {1: ("First (1995)", "Drama"), 2: ("Second", "Drama")}


def test_a_stray_zero_byte_costs_its_row_only(tmp_path: Path) -> None:
    rows = [f"{u},{m},{r},{t}" for u, m, r, t in sample()]
    movies = f"{MOVIES_HEADER}\n" + "".join(f"{m},Made Up {m},\n" for m in range(1, 21))
    report = with_ratings(tmp_path, *rows, "1,1,\0005,1100000001", movies=movies).report
    assert dict(report.left_out) == {"rating is not a number": 1}


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_ratings_may_have_decimal_commas(tmp_path: Path, separator: str) -> None:
    rows = [
        separator.join(map(str, (u, m, f"{r:.1f}".replace(".", ","), t))) for u, m, r, t in READ
    ]
    header = HEADER.replace(",", separator)
    assert with_ratings(tmp_path, *rows, header=header).ratings == READ


def test_a_header_that_is_repeated_is_no_row(tmp_path: Path) -> None:
    found = with_ratings(tmp_path, "1,1,4.0,1100000001", HEADER, "2,1,5.0,1100000003")
    assert (found.report.rows, found.report.left_out) == (2, {})


def test_titles_in_the_ratings_replace_a_file_of_titles(tmp_path: Path) -> None:
    content = (
        "userId,movieId,rating,title,genres,year\n"
        '1,7,4,"First, Made Up",Drama|Comedy,1995\n1,8,3,Second (1996),Drama,\n2,7,5,First,,\n'
    )
    found = read_files(tmp_path, {"data.csv": content})
    assert found.movies == {
        7: ("First, Made Up (1995)", "Drama|Comedy"),
        8: ("Second (1996)", "Drama"),
    }
    assert "titles: they are taken from data.csv" in " ".join(found.report.notes)


def test_a_title_may_be_the_only_name_of_a_movie(tmp_path: Path) -> None:
    content = "user,title,rating\nAda,First (1995),4\nAda,Second (1996),3\nBo,First (1995),5\n"
    found = read_files(tmp_path, {"data.csv": content})
    assert {number: title for number, (title, _) in found.movies.items()} == {
        1: "First (1995)",
        2: "Second (1996)",
    }
    assert [rating[:3] for rating in found.ratings] == [(1, 1, 4.0), (1, 2, 3.0), (2, 1, 5.0)]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "userId,movieId,timestamp",
            "'timestamp' in line 1, but none for rating: give the columns",
        ),
        ("movieId,rating,timestamp", "ratings.csv has no column for the user .*name it userId"),
        ("a,b,c,d", "'a', 'b', 'c', 'd' in line 1, but none for userId or movieId or rating"),
    ],
)
def test_a_header_without_the_needed_columns_is_refused(
    tmp_path: Path, header: str, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        with_ratings(tmp_path, "1,1,4,1100000001", "2,1,4,1100000001", header=header)


@pytest.mark.parametrize(
    ("header", "site"),
    [
        ("Date,Name,Year,Letterboxd URI,Rating", "Letterboxd"),
        ("Const,Your Rating,Date Rated,Title,URL,Title Type", "IMDb"),
    ],
)
def test_the_export_of_one_person_is_refused_and_sent_to_the_site(
    tmp_path: Path, header: str, site: str
) -> None:
    sentence = f"one person's export from {site}.*make site-url.*'Bring your ratings'"
    with pytest.raises(DatasetError, match=sentence):
        read_files(tmp_path, {"ratings.csv": f"{header}\n2020-01-01,8,Made Up,1999,4\n"})


def test_the_whole_export_of_letterboxd_is_sent_to_the_site(tmp_path: Path) -> None:
    rated, entry = "Date,Name,Year,Letterboxd URI,Rating", "2020-01-01,Made Up,1999,https://x"
    files = {
        "profile.csv": "Date Joined,Username,Given Name\n2020-01-01,ada,Ada\n",
        "ratings.csv": f"{rated}\n{entry},4.5\n",
        "diary.csv": f"{rated},Rewatch,Tags,Watched Date\n{entry},4.5,,,2020-01-01\n",
        "watchlist.csv": f"Date,Name,Year,Letterboxd URI\n{entry}\n",
        "likes/films.csv": f"Date,Name,Year,Letterboxd URI\n{entry}\n",
        "deleted/diary.csv": f"{rated},Rewatch,Tags,Watched Date\n",
    }
    with zipfile.ZipFile(tmp_path / "letterboxd-ada.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    sentence = "one person's export from Letterboxd.*'Bring your ratings'.* the ratings.csv in it"
    with pytest.raises(DatasetError, match=sentence):
        read(tmp_path / "letterboxd-ada.zip")


def test_a_matrix_is_refused_with_the_form_that_works(tmp_path: Path) -> None:
    rows = "".join("50" + ",99,-3.21" * 50 + "\n" for _ in range(20))
    with pytest.raises(DatasetError, match=r"Jester's .* one row per person .*one row per rating"):
        read_files(tmp_path, {"jester-data-1.csv": rows})


# Ids


@pytest.mark.parametrize(
    "write",
    [
        lambda number: f"u{number}",
        lambda number: f"9f1c2b3a-0000-4000-8000-{number:012d}",
        lambda number: f"ada{number}@example.com",
        lambda number: f"{number + 2**63}",
    ],
)
def test_ids_of_users_that_are_no_numbers_are_numbered(
    tmp_path: Path, write: Callable[[int], str]
) -> None:
    rows = [f"{write(u)},{m},{r},{t}" for u, m, r, t in READ]
    found = with_ratings(tmp_path, *rows)
    assert found.ratings == READ
    assert "user ids are numbered from 1" in found.report.ids[0]
    assert f"the first is {write(1)[:40]!r}" in found.report.ids[0]


@pytest.mark.parametrize("write", ["tt{:07d}", "B{:09d}", "{}.x", "300000000{}"])
def test_ids_of_movies_that_are_no_numbers_are_numbered(tmp_path: Path, write: str) -> None:
    rows = [f"{u},{write.format(m)},{r},{t}" for u, m, r, t in READ]
    movies = f"{MOVIES_HEADER}\n{write.format(1)},First (1995),\n{write.format(2)},Second,\n"
    found = with_ratings(tmp_path, *rows, movies=movies)
    assert found.ratings == READ
    assert set(found.movies) == {1, 2}
    assert "movie ids are numbered from 1" in found.report.ids[0]


@pytest.mark.parametrize("write", ["{}.0", "{:05d}", " {} ", "{:02d}.00"])
def test_ids_that_are_numbers_stay_as_they_are(tmp_path: Path, write: str) -> None:
    rows = [f"{write.format(u)},{write.format(m)},{r},{t}" for u, m, r, t in READ]
    found = with_ratings(tmp_path, *rows)
    assert (found.ratings, found.report.ids) == (READ, [])


def test_large_ids_of_users_stay_as_they_are(tmp_path: Path) -> None:
    assert with_ratings(tmp_path, f"{2**62},1,4.0,1100000001").ratings[0][0] == 2**62


def test_imdb_ids_become_links(tmp_path: Path) -> None:
    movies = f"{MOVIES_HEADER}\ntt0114709,First (1995),\ntt0113497,Second,\n"
    rows = ["1,tt0114709,4.0,1100000001", "2,tt0113497,3.0,1100000001"]
    links = with_ratings(tmp_path, *rows, movies=movies).files["links.csv"]
    assert links[1:] == [["1", "0114709", ""], ["2", "0113497", ""]]


def test_letters_before_the_ids_of_one_file_do_not_matter(tmp_path: Path) -> None:
    found = with_ratings(tmp_path, *(f"{u},tt{m:07d},{r},{t}" for u, m, r, t in READ))
    assert found.ratings == READ
    assert "by the numbers in their ids" in found.report.notes[0]


def test_movies_with_the_ids_of_another_catalogue_are_found_through_links(tmp_path: Path) -> None:
    metadata = "id,imdb_id,title\n862,tt0114709,Toy Made Up\n8844,tt0113497,Jungle Made Up\n"
    links = "movieId,imdbId,tmdbId\n1,0114709,862\n2,0113497,8844\n"
    files = {"ratings.csv": RATINGS, "movies_metadata.csv": metadata, "links.csv": links}
    found = read_files(tmp_path, files)
    assert [(user, found.movies[movie][0]) for user, movie, _, _ in found.ratings] == [
        (1, "Toy Made Up"),
        (1, "Jungle Made Up"),
        (2, "Toy Made Up"),
    ]
    assert found.files["links.csv"][1:] == [["862", "0114709", "862"], ["8844", "0113497", "8844"]]


def test_ratings_with_imdb_ids_find_movies_through_links(tmp_path: Path) -> None:
    links = "movieId,imdbId,tmdbId\n1,0114709,862\n2,0113497,8844\n"
    ratings = f"{HEADER}\n1,tt0114709,4.0,1100000001\n2,tt0113497,3.0,1100000001\n"
    files = {"ratings.csv": ratings, "movies.csv": MOVIES, "links.csv": links}
    assert [rating[1] for rating in read_files(tmp_path, files).ratings] == [1, 2]


def test_titles_of_another_catalogue_are_refused(tmp_path: Path) -> None:
    rows = [f"{u},{m + 500},{r},{t}" for u, m, r, t in READ]
    with pytest.raises(
        DatasetError, match=r"none of the ratings .*'501' there and '1' here.*links"
    ):
        with_ratings(tmp_path, *rows)


def test_ids_stand_for_titles_where_there_are_none(tmp_path: Path) -> None:
    content = "".join(f"A3{u}QQ,B00006{m:04d},{r},{t}\n" for u, m, r, t in READ)
    found = read_files(tmp_path, {"ratings_Movies_and_TV.csv": content})
    assert found.movies[1] == ("B000060001", "(no genres listed)")
    assert "the ids of movies are their titles" in found.report.notes[0]


def test_titles_may_be_given_for_a_table_of_amazon(tmp_path: Path) -> None:
    content = "".join(f"A3{u}QQ,B00006{m:04d},{r},{t}\n" for u, m, r, t in READ)
    titles = "asin,title\nB000060001,First\nB000060002,Second\n"
    found = read_files(tmp_path, {"ratings_Movies_and_TV.csv": content, "titles.csv": titles})
    assert [title for title, _ in found.movies.values()] == ["First", "Second"]


def test_a_table_of_amazon_that_begins_with_the_product_is_understood(tmp_path: Path) -> None:
    content = "".join(f"B00006{m:04d},A3{u:012d},{r},{t}\n" for u, m, r, t in READ)
    assert read_files(tmp_path, {"Movies_and_TV.csv": content}).ratings == READ


def test_of_yahoos_two_scales_the_one_of_five_is_taken(tmp_path: Path) -> None:
    ratings = "".join(f"{u}\t180000000{m}\t{2 * int(r)}\t{int(r)}\n" for u, m, r, _ in READ)
    titles = "1800000001\tFirst (1995)\t\\N\n1800000002\tSecond\t\\N\n"
    found = read_files(
        tmp_path,
        {
            "ydata-ymovies-user-movie-ratings-train-v1_0.txt": ratings,
            "ydata-ymovies-movie-content-descr-v1_0.txt": titles,
        },
    )
    assert [stars for _, _, stars, _ in found.ratings] == [4.0, 2.0, 5.0]
    assert "the one from 1 to 5 (column 4) is taken" in found.report.notes[0]


# Times


@pytest.mark.parametrize(
    "text",
    [
        "1100000001000",
        "1100000001.0",
        "2004-11-09 11:33:21",
        '"2004-11-09T11:33:21Z"',
        "1100000001",
    ],
)
def test_times_become_seconds(tmp_path: Path, text: str) -> None:
    assert with_ratings(tmp_path, f"1,1,4,{text}").ratings[0][3] == "1100000001"


def test_dates_with_slashes_are_read_if_their_order_is_clear(tmp_path: Path) -> None:
    found = with_ratings(tmp_path, "1,1,4,1/2/2004", "1,2,4,25/12/2003")
    assert [time for _, _, _, time in found.ratings] == ["1075593600", "1072310400"]


def test_dates_with_slashes_are_not_used_if_their_order_is_unclear(tmp_path: Path) -> None:
    found = with_ratings(tmp_path, "1,1,4,1/2/2004")
    assert (found.ratings[0][3], found.report.times) == ("", "none")
    assert "'1/2/2004' could begin with the day or the month" in found.report.notes[0]


@pytest.mark.parametrize("text", ["", "NULL", "yesterday"])
def test_a_rating_without_a_readable_time_is_kept_undated(tmp_path: Path, text: str) -> None:
    found = with_ratings(tmp_path, "1,1,4,1100000001", f"2,1,3,{text}")
    assert found.ratings[1] == (2, 1, 3.0, "")
    assert (text == "yesterday") == any("cannot be read" in note for note in found.report.notes)


def test_repeated_ratings_are_counted_and_the_report_says_which_counts(tmp_path: Path) -> None:
    dated = with_ratings(tmp_path / "a", "1,1,4,1100000001", "1,1,5,1100000000", "2,1,3,1100000000")
    assert dated.report.duplicates == 1
    assert "  1 rows rate a movie again: the latest counts" in dated.report.lines()
    undated = with_ratings(tmp_path / "b", "1,1,4", "1,1,5", header="userId,movieId,rating")
    assert "  1 rows rate a movie again: the last row counts" in undated.report.lines()


# Scales


def test_ratings_up_to_ten_are_halved_and_the_report_states_the_rule(tmp_path: Path) -> None:
    rows = [f"{u},{m},{2 * r:g},{t}" for u, m, r, t in sample()]
    movies = f"{MOVIES_HEADER}\n" + "".join(f"{m},Made Up {m},\n" for m in range(1, 21))
    found = with_ratings(tmp_path, *rows, movies=movies)
    assert [rating[:3] for rating in found.ratings] == [rating[:3] for rating in sample()]
    assert "  scale: 1 to 10, divided by 2, rounded to half stars" in found.report.lines()


def test_zeros_that_mean_no_rating_are_left_out_by_that_name(tmp_path: Path) -> None:
    rows = [f"{u},{m},{0 if u % 3 == 0 else r},{t}" for u, m, r, t in sample()]
    movies = f"{MOVIES_HEADER}\n" + "".join(f"{m},Made Up {m},\n" for m in range(1, 21))
    left_out = with_ratings(tmp_path, *rows, movies=movies).report.left_out
    assert list(left_out) == ["0 stands for no rating"]


def test_two_scales_in_one_file_are_refused(tmp_path: Path) -> None:
    rows = [f"{u},{m},{r if u % 2 else 2 * r:g},{t}" for u, m, r, t in sample()]
    movies = f"{MOVIES_HEADER}\n" + "".join(f"{m},Made Up {m},\n" for m in range(1, 21))
    with pytest.raises(DatasetError, match="13 of 25 users never rate above 5: two scales seem"):
        with_ratings(tmp_path, *rows, movies=movies)


@pytest.mark.parametrize(
    ("rating", "message"),
    [
        ("four", "no rating in ratings.csv is a number .the first is 'four'.: write ratings as"),
        ("13", "ratings.csv: the ratings reach from 13 to 13, which is none of the known scales"),
    ],
)
def test_ratings_on_no_known_scale_are_refused(tmp_path: Path, rating: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        with_ratings(tmp_path, f"1,1,{rating},1100000001")


# Titles


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("movieId,title,genres", '7,"Made Up, The (1995)",Drama|Comedy'),
        ("title,genres,movieId", '"Made Up, The (1995)",Drama|Comedy,7'),
        ("movie_id;name;year;genre", "7;Made Up, The;1995;Drama, Comedy"),
        ("id,title,release_date,genres", "7,\"Made Up, The\",1995-10-30,\"['Drama', 'Comedy']\""),
        ("movieId,title,genres", "7,Made Up, The (1995),Drama|Comedy"),
        ("movieId::title::genres", "7::Made Up, The (1995)::Drama|Comedy"),
        ("movie_id,movie,genres", '7,"Made Up, The (1995)",Drama|Comedy'),
        ("", '7,"Made Up, The (1995)",Drama|Comedy'),
        ("", "7::Made Up, The (1995)::Drama|Comedy"),
        ("", "7\tMade Up, The (1995)\tDrama|Comedy"),
    ],
)
def test_columns_of_movies_are_found_by_name_or_by_content(
    tmp_path: Path, header: str, row: str
) -> None:
    movies = "\n".join([*([header] if header else []), row]) + "\n"
    found = with_ratings(tmp_path, "1,7,4,1100000001", movies=movies)
    assert found.movies == {7: ("Made Up, The (1995)", "Drama|Comedy")}


@pytest.mark.parametrize(
    ("row", "title"),
    [
        ("1,1995,First", "First (1995)"),
        ("1,1995,First, Part Two", "First, Part Two (1995)"),
        ('1,1995,"First, Part Two"', "First, Part Two (1995)"),
        ('1,NULL,First, "Two"', 'First, "Two"'),
    ],
)
def test_titles_of_the_netflix_prize_may_contain_commas_and_quotes(
    tmp_path: Path, row: str, title: str
) -> None:
    files = {"combined_data_1.txt": "1:\n10,4,2005-01-02\n", "movie_titles.csv": f"{row}\n"}
    assert read_files(tmp_path, files).movies[1][0] == title


def test_a_title_may_contain_the_separator_of_its_file(tmp_path: Path) -> None:
    files = {
        "ratings.dat": "1::1::4::1100000001\n",
        "movies.dat": "1::Made: Up:: The Sequel (1999)::Drama\n",
    }
    assert read_files(tmp_path, files).movies[1] == ("Made: Up:: The Sequel (1999)", "Drama")


def test_a_title_on_two_lines_becomes_one(tmp_path: Path) -> None:
    found = with_movies(tmp_path, '1,"Made Up\nTwo Lines (1999)",Drama', "2,Second,Drama")
    assert found.movies[1][0] == "Made Up Two Lines (1999)"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2,   ,Drama", "title is empty"),
        ("2,(1995),Drama", "title is empty"),
        (f"2,{'x' * 501},Drama", "title is longer than 500 characters"),
        (f"2,{'x' * 600_000},Drama", "line is longer than 100,000 characters"),
        (",Made Up,Drama", "movie id is empty"),
        ("2,Made Up", "wrong number of columns"),
        ("2,Made Up,Drama,Comedy", "wrong number of columns"),
    ],
)
def test_an_unusable_movie_is_left_out_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    found = with_movies(tmp_path, "1,First (1995),Drama", row)
    [example, *_] = found.report.examples
    assert (example.file, example.line, example.reason) == ("movies.csv", 3, f"movies: {reason}")
    assert set(found.movies) == {1}


def test_a_movie_with_an_id_unlike_the_others_is_left_out_with_its_line(tmp_path: Path) -> None:
    rows = [f"{number},Made Up {number},Drama" for number in range(1, 20)]
    found = with_movies(tmp_path, *rows, "1997-08-20,Broken,Drama")
    [example] = found.report.examples
    assert (example.line, example.text) == (21, "1997-08-20 (Broken)")
    assert example.reason.startswith("movies: movie id is not a whole number")


def test_the_last_row_of_a_movie_that_is_listed_twice_counts(tmp_path: Path) -> None:
    found = with_movies(tmp_path, "1,First,Drama", "2,Second,Drama", "001,Third,Drama")
    assert found.movies[1][0] == "Third"
    assert "movies.csv lists 1 movies again: the last row" in found.report.notes[0]


def test_a_file_of_titles_without_a_readable_title_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no readable movie \(1: movies: title is empty\)"):
        with_movies(tmp_path, "1, ,Drama")


def test_without_u_genre_the_published_names_are_used_for_nineteen_flags(tmp_path: Path) -> None:
    flags = "|".join("1" if place == 5 else "0" for place in range(19))
    files = {"u.data": "1\t1\t4\t881250949\n", "u.item": f"1|First (1995)|01-Jan-1995||u|{flags}\n"}
    assert read_files(tmp_path, files).movies[1] == ("First (1995)", "Comedy")


# Rows that are left out


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,1,five,1100000001", "rating is not a number"),
        ("1,1,,1100000001", "rating is empty"),
        ("1,1,50,1100000001", "rating is not on the scale 0.5 to 5"),
        (",1,5,1100000001", "user id is empty"),
        ("NULL,1,5,1100000001", "user id is empty"),
        ("ada,1,5,1100000001", "user id is not a whole number from 0 up, unlike the others"),
        ("-2,1,5,1100000001", "user id is not a whole number from 0 up, unlike the others"),
        (f"{2**64},1,5,1100000001", "user id is too large"),
        ("1,,5,1100000001", "movie id is empty"),
        ("1,999,5,1100000001", "movie is not in the movies file"),
        ("1,1,5", "wrong number of columns"),
        ("1,1,5,1100000001,extra", "wrong number of columns"),
        ("9" * 200_000, "line is longer than 100,000 characters"),
    ],
)
def test_an_unusable_rating_is_left_out_with_its_line(
    tmp_path: Path, row: str, reason: str
) -> None:
    rows = [f"{u},{m},{r},{t}" for u, m, r, t in sample()]
    movies = f"{MOVIES_HEADER}\n" + "".join(f"{m},Made Up {m},\n" for m in range(1, 21))
    report = with_ratings(tmp_path, *rows, row, movies=movies).report
    assert (report.rows, report.ratings, dict(report.left_out)) == (301, 300, {reason: 1})
    [example] = report.examples
    assert (example.file, example.line, example.text) == ("ratings.csv", 302, row[:120])


def test_rows_of_the_prize_before_any_movie_are_left_out(tmp_path: Path) -> None:
    files = {
        "combined_data_1.txt": "7,5,2005-01-01\n1:\n10,4,2005-01-02\n11,4\n2:\n11,3,2005-01-02\n",
        "movie_titles.csv": "1,2003,First\n2,2004,Second\n",
    }
    report = read_files(tmp_path, files).report
    assert [(each.line, each.reason) for each in report.examples] == [
        (1, "rating before any movie header"),
        (4, "wrong number of columns"),
    ]


def test_a_file_with_nothing_but_a_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"ratings.csv contains no row of ratings: name a file"):
        with_ratings(tmp_path)


def test_a_file_without_a_usable_row_is_refused_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none of the 2 rows .* used \(2: user id is empty\)"):
        with_ratings(tmp_path, "NULL,1,5,1100000001", "NULL,2,5,1100000001")


def test_examples_are_bounded_for_each_reason(tmp_path: Path) -> None:
    rows = ["1,1,4,1100000001"] * 300 + ["1,1,x,1100000001"] * 150
    report = with_ratings(tmp_path, *rows).report
    assert (report.left_out["rating is not a number"], len(report.examples)) == (150, 10)


# Tags and links


def test_tags_get_the_integers_of_the_data_set(tmp_path: Path) -> None:
    rows = "".join(f"u{u},{m},{r},{t}\n" for u, m, r, t in READ)
    tags = "userId,movieId,tag,timestamp\nu2,1,funny &amp; sad,1\nu7,2,slow,\nu2,9,x,1\nu2,1, ,1\n"
    files = {"ratings.csv": f"{HEADER}\n{rows}", "movies.csv": MOVIES, "tags.csv": tags}
    found = read_files(tmp_path, files)
    assert found.files["tags.csv"][1:] == [["2", "1", "funny & sad", "1"], ["3", "2", "slow", "0"]]
    assert dict(found.report.left_out) == {
        "tags: movie is not in the movies file": 1,
        "tags: tag is empty": 1,
    }


def test_tags_without_a_header_may_contain_their_separator(tmp_path: Path) -> None:
    files = {
        "ratings.dat": "1::1::4::1100000001\n",
        "movies.dat": "1::First (1995)::Drama\n",
        "tags.dat": "1::1::a::b::1100000001\n",
    }
    assert read_files(tmp_path, files).files["tags.csv"][1:] == [["1", "1", "a::b", "1100000001"]]


def test_a_link_may_be_missing(tmp_path: Path) -> None:
    links = 'imdb_id;movie_id;tmdb_id\n"tt0114709";1;\n;2;8844\n'
    found = read_files(tmp_path, {**GOOD, "link.csv": links})
    assert found.files["links.csv"][1:] == [["1", "0114709", ""], ["2", "", "8844"]]


# The report


def test_the_report_names_files_columns_scale_times_and_encoding(tmp_path: Path) -> None:
    movies = MOVIES.replace("First", "Féerique").encode("latin-1")
    lines = read_files(
        tmp_path, {**GOOD, "movies.csv": movies, "README": "Made up\n"}
    ).report.lines()
    assert lines == [
        "  ratings.csv: separated by commas, in UTF-8; user from 'userId', movie from 'movieId',"
        " rating from 'rating', time from 'timestamp'",
        "  movies.csv: separated by commas, in Latin-1",
        "  3 rows: 3 ratings by 2 users of 2 movies; 2 movies have titles",
        "  scale: 0.5 to 5, unchanged, rounded to half stars",
        "  times: seconds since 1970",
        "  ignored: README",
    ]


def test_the_report_is_kept_as_json(tmp_path: Path) -> None:
    report = with_ratings(tmp_path, "1,1,4,1100000001", "1,2,x,1100000001").report
    assert b'"left_out": {\n  "rating is not a number": 1\n }' in report.to_json()


def test_a_full_disk_is_reported_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, GOOD)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Output, "movies", full)
    with Archives(tmp_path) as archives:
        sources = sources_of(tmp_path, archives)
        with pytest.raises(DatasetError, match=f"the disk of {tmp_path} is full"):
            read_data_set(sources, tmp_path)


def test_a_movie_that_one_user_rated_often_does_not_have_five_ratings(tmp_path: Path) -> None:
    again = [f"1,1,4.0,{seconds}" for seconds in range(5)]
    others = [f"{user},2,4.0,1" for user in range(5)]
    report = with_ratings(tmp_path, *again, *others).report
    assert (report.movies_rated, report.movies_with_five_ratings, report.duplicates) == (2, 1, 4)
