"""Bring your ratings: an export of Letterboxd or IMDb becomes ratings on the page."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.sync_api import Locator, Request, Route, expect

from tests.browser.conftest import Visit
from tests.browser.marquee_page import SHELF, MarqueePage, call, failing

OLD, NEW = "2001-05-04", "2024-01-02"
LETTERBOXD = ("Date", "Name", "Year", "Letterboxd URI", "Rating")
IMDB = ("Const", "Your Rating", "Date Rated", "Title", "URL", "Title Type", "Year")
type Movie = dict[str, Any]


def some_movies(marquee: MarqueePage, count: int) -> list[Movie]:
    """Return movies with different titles and years that the catalogue has."""
    movies = call("GET", marquee.api("/questionnaire")).json()["movies"]
    return [movie for movie in movies if movie["year"]][:count]


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([header, *rows])
    return written.getvalue().encode()


def letterboxd(movies: Sequence[Movie], rating: float = 4.5, day: str = NEW) -> bytes:
    rows = [(day, moved(each["title"]), each["year"], "https://x", rating) for each in movies]
    return table(LETTERBOXD, rows)


def moved(title: str) -> str:
    """Move an article to the end, as MovieLens writes titles."""
    return re.sub(r"^(The|A) (.+)$", r"\2, \1", title)


def zipped(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as into:
        for name, content in files.items():
            into.writestr(name, content)
    return archive.getvalue()


def adding(marquee: MarqueePage) -> Locator:
    return marquee.page.get_by_role("button", name=re.compile(r"^Add \d+ rating"))


def listed(marquee: MarqueePage, name: str) -> Locator:
    return marquee.page.get_by_role("list", name=name).get_by_role("listitem")


def heading(marquee: MarqueePage, words: str) -> Locator:
    return marquee.page.get_by_role("heading", name=words)


def on_the_shelf(marquee: MarqueePage) -> dict[int, tuple[int, str]]:
    """Return stars and time by movie id, as the browser stores them."""
    shelf = json.loads(marquee.page.evaluate("(key) => localStorage.getItem(key)", SHELF))
    return {each["movie"]["movie_id"]: (each["stars"], each["at"]) for each in shelf["answers"]}


def test_an_export_is_matched_unticked_and_added_and_picks_appear(marquee: MarqueePage) -> None:
    movies = some_movies(marquee, 8)
    unknown = {"title": "Nobody Made This Film", "year": 1999}
    ratings = letterboxd([*movies, unknown])
    archive = zipped({"watchlist.csv": b"", "ratings.csv": ratings, "deleted/ratings.csv": b""})
    marquee.open()
    marquee.page.get_by_role("link", name="Bring your ratings from Letterboxd or IMDb").click()
    expect(marquee.heading).to_have_text("Bring your ratings")
    marquee.choose_export(archive, "letterboxd-ada.zip")
    expect(heading(marquee, "Check the ratings")).to_be_focused()
    expect(listed(marquee, "New ratings")).to_have_count(8)
    expect(listed(marquee, "New ratings").first).to_contain_text("5 stars (4½ of 5 in the file)")
    left_out = listed(marquee, "Left out")
    expect(left_out).to_have_count(1)
    expect(left_out).to_contain_text("Nobody Made This Film (1999)")
    expect(left_out).to_contain_text("Not in our catalogue.")
    expect(adding(marquee)).to_have_text("Add 8 ratings")
    listed(marquee, "New ratings").first.get_by_role("checkbox").uncheck()
    expect(adding(marquee)).to_have_text("Add 7 ratings")
    adding(marquee).click()
    expect(heading(marquee, "7 ratings added")).to_be_focused()
    marquee.page.get_by_role("link", name="See your picks").click()
    expect(marquee.picks).to_have_count(10)
    given = (5, f"{NEW}T00:00:00.000Z")
    assert on_the_shelf(marquee) == {movie["movie_id"]: given for movie in movies[1:]}
    marquee.go("My movies")
    expect(marquee.mine).to_have_count(7)


def test_only_titles_years_and_ids_leave_the_browser(marquee: MarqueePage) -> None:
    movies = some_movies(marquee, 2)
    rows = [
        ("tt99999999", 7, NEW, each["title"], "https://x", "Movie", each["year"]) for each in movies
    ]
    sent: list[Request] = []
    marquee.page.on("request", lambda each: sent.append(each))  # noqa: PLW0108 - Playwright marks what it calls
    marquee.open("bring")
    marquee.choose_export(table(IMDB, rows), "my-private-file.csv")
    expect(heading(marquee, "Check the ratings")).to_be_visible()
    bodies = [json.loads(each.post_data or "") for each in sent if each.method == "POST"]
    matching = [body for body in bodies if "entries" in body]
    assert matching == [
        {
            "entries": [
                {"title": each["title"], "year": each["year"], "imdb_id": "tt99999999"}
                for each in movies
            ]
        }
    ]
    assert not [each.url for each in sent if "private" in each.url + (each.post_data or "")]


@pytest.mark.parametrize(
    ("day", "ticked", "which"),
    [(OLD, False, "yours here is newer"), ("2099-01-01", False, "the file gives no date")],
)
def test_a_rating_given_here_is_shown_and_stays_unless_ticked(
    marquee: MarqueePage, day: str, ticked: bool, which: str
) -> None:
    marquee.open()
    seen_first = marquee.title_on_card()
    marquee.rate(1)
    found = call("GET", marquee.api("/movies"), params={"q": seen_first}).json()["movies"]
    movie = next(each for each in found if each["title"] == seen_first)
    marquee.open("bring")
    marquee.choose_export(letterboxd([movie], day=day))
    row = listed(marquee, "You rated these here too, differently")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(f"here you gave 1 star; {which}")
    expect(row.get_by_role("checkbox")).to_be_checked(checked=ticked)
    expect(adding(marquee)).to_have_text("Add 0 ratings")
    expect(adding(marquee)).to_have_attribute("aria-disabled", "true")
    row.get_by_role("checkbox").check()
    adding(marquee).click()
    expect(heading(marquee, "1 rating added")).to_be_visible()
    assert on_the_shelf(marquee)[movie["movie_id"]][0] == 5


def test_a_rating_of_the_file_replaces_a_saved_one_and_can_be_saved(
    marquee: MarqueePage, visit: Visit
) -> None:
    marquee.open_link(visit.visitor_id, visit.token)
    expect(marquee.picks).to_have_count(10)
    movies = some_movies(marquee, 6)
    marquee.go("My movies")
    marquee.page.get_by_role("link", name="Bring your ratings").click()
    marquee.choose_export(
        letterboxd([each for each in movies if visit.ratings[each["movie_id"]] == 1])
    )
    row = listed(marquee, "You rated these here too, differently")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("yours here is newer")  # it was given seconds ago
    row.get_by_role("checkbox").check()
    adding(marquee).click()
    marquee.page.get_by_role("link", name="My movies").last.click()
    marquee.save_changes()
    expect(marquee.unsaved).to_have_count(0)
    stored = call("GET", marquee.api(f"/visitors/{visit.visitor_id}"), headers=visit.headers).json()
    brought = [each for each in stored["ratings"] if each["rated_at"].startswith(NEW)]
    assert [each["stars"] for each in brought] == [5]


def test_matching_goes_on_where_it_failed(marquee: MarqueePage) -> None:
    movies = some_movies(marquee, 5)
    others = [{"title": f"Unmade Film Number {number}", "year": 1999} for number in range(145)]
    calls: list[int] = []

    def failing_once(route: Route) -> None:
        if route.request.method == "POST":
            calls.append(len(json.loads(route.request.post_data or "")["entries"]))
        if len(calls) == 2:
            failing(503, retry_after=7)(route)
        else:
            route.continue_()

    marquee.page.route(marquee.api("/movies/matches"), failing_once)
    marquee.open("bring")
    marquee.choose_export(letterboxd([*movies, *others]))
    expect(marquee.problem).to_contain_text("Something went wrong on our end")
    expect(marquee.problem).to_contain_text("What was looked up is kept.")
    expect(marquee.page.get_by_text("100 of 150 movies are looked up.")).to_be_visible()
    marquee.page.get_by_role("button", name="Try again").click()
    expect(listed(marquee, "New ratings")).to_have_count(5)
    expect(marquee.page.get_by_text("145 left out")).to_be_visible()
    expect(listed(marquee, "Left out")).to_have_count(100)
    marquee.page.get_by_role("button", name="Show 45 more of 145").click()
    expect(listed(marquee, "Left out")).to_have_count(145)
    assert calls == [100, 50, 50]


def test_another_view_does_not_lose_the_review(marquee: MarqueePage) -> None:
    movies = some_movies(marquee, 3)
    marquee.open("bring")
    marquee.choose_export(letterboxd(movies))
    listed(marquee, "New ratings").first.get_by_role("checkbox").uncheck()
    marquee.go("Search")
    expect(marquee.heading).to_have_text("Search")
    marquee.page.go_back()
    expect(adding(marquee)).to_have_text("Add 2 ratings")
    expect(listed(marquee, "New ratings").first.get_by_role("checkbox")).not_to_be_checked()


WRONG = [
    ("watchlist.csv", b"Date,Name,Year,Letterboxd URI\n", "Choose ratings.csv instead"),
    ("ratings.csv", b"userId,movieId,rating,timestamp\n1,1,4,1\n", "the ratings of many people"),
    ("ratings.xlsx", zipped({"xl/workbook.xml": b"x"}), "is an Excel workbook"),
    ("letterboxd.zip", b"PK\x03\x04cut off", "was not downloaded completely"),
]


@pytest.mark.parametrize(("name", "content", "sentence"), WRONG)
def test_a_wrong_file_gets_a_sentence_and_a_right_one_follows(
    marquee: MarqueePage, name: str, content: bytes, sentence: str
) -> None:
    marquee.open("bring")
    marquee.choose_export(content, name)
    expect(marquee.problem).to_contain_text(sentence)
    marquee.choose_export(letterboxd(some_movies(marquee, 1)))
    expect(adding(marquee)).to_have_text("Add 1 rating")
    expect(marquee.problem).to_have_count(0)


def test_a_dropped_file_is_read(marquee: MarqueePage) -> None:
    marquee.open("bring")
    dropped = marquee.page.evaluate_handle(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "ratings.csv", {type: "text/csv"}));
          return data;
        }""",
        letterboxd(some_movies(marquee, 2)).decode(),
    )
    marquee.page.dispatch_event(".bring-drop", "drop", {"dataTransfer": dropped})
    expect(adding(marquee)).to_have_text("Add 2 ratings")


def test_the_keyboard_is_enough(marquee: MarqueePage) -> None:
    marquee.open("bring")
    marquee.choose_export(letterboxd(some_movies(marquee, 6)))
    expect(heading(marquee, "Check the ratings")).to_be_focused()
    first = listed(marquee, "New ratings").first.get_by_role("checkbox")
    for _ in range(4):  # tick all, untick all, the list's summary, the first movie
        marquee.page.keyboard.press("Tab")
    expect(first).to_be_focused()
    marquee.page.keyboard.press("Space")
    expect(adding(marquee)).to_have_text("Add 5 ratings")
    adding(marquee).focus()
    marquee.page.keyboard.press("Enter")
    expect(heading(marquee, "5 ratings added")).to_be_focused()
    expect(marquee.announced).to_have_text("5 ratings added.")


def test_ratings_beyond_the_limit_are_not_added(marquee: MarqueePage) -> None:
    movies = some_movies(marquee, 3)
    marquee.open("bring")
    full = [
        {
            "movie": {"movie_id": 2_000_000 + n, "title": f"M{n}", "year": None, "genres": []},
            "stars": 3,
            "at": f"{OLD}T00:00:00.000Z",
        }
        for n in range(498)
    ]
    dataset = call("GET", marquee.api("/questionnaire")).json()["dataset"]
    marquee.page.evaluate(
        "([key, shelf]) => localStorage.setItem(key, shelf)",
        [SHELF, json.dumps({"dataset": dataset, "answers": full})],
    )
    marquee.page.reload()
    marquee.choose_export(letterboxd(movies))
    expect(adding(marquee)).to_have_text("Add 2 ratings")
    marquee.page.get_by_role("button", name="Tick all", exact=True).click()
    expect(adding(marquee)).to_have_attribute("aria-disabled", "true")
    expect(marquee.page.get_by_text("Untick 1 more movie to add the others.")).to_be_visible()
    adding(marquee).click(force=True)
    assert len(on_the_shelf(marquee)) == 498
    marquee.page.get_by_role("button", name="Untick all").click()
    listed(marquee, "New ratings").last.get_by_role("checkbox").check()
    adding(marquee).click()
    expect(heading(marquee, "1 rating added")).to_be_visible()
    assert len(on_the_shelf(marquee)) == 499


def test_forgetting_the_visitor_forgets_the_file(marquee: MarqueePage) -> None:
    marquee.open()
    marquee.rate(4)
    marquee.go("My movies")
    marquee.page.get_by_role("link", name="Bring your ratings").click()
    marquee.choose_export(letterboxd(some_movies(marquee, 3)))
    expect(heading(marquee, "Check the ratings")).to_be_visible()
    marquee.go("My movies")
    marquee.page.get_by_role("button", name="Forget me", exact=True).click()
    marquee.page.get_by_role("button", name="Yes, forget me").click()
    expect(marquee.page.get_by_text("Your data is deleted.")).to_be_visible()
    marquee.page.get_by_role("link", name="Bring your ratings").click()
    expect(marquee.heading).to_have_text("Bring your ratings")
    expect(heading(marquee, "Check the ratings")).to_have_count(0)
