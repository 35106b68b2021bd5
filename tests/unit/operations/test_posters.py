"""Fetching posters from TMDB, with a fake TMDB on loopback and S3 by moto."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import numpy as np
import pytest
from moto import mock_aws

from marquee.contracts import CurrentModel
from marquee.recommender.links import ExternalIds, pack_links
from marquee.recommender.model_folder import LINKS, to_files
from operations import posters as fetching
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.posters import (
    ATTEMPTS,
    KEY_VARIABLE,
    RENEWED_AFTER,
    PosterFolder,
    PosterLookup,
    Tmdb,
    TmdbMovie,
    fetch,
    fetch_posters,
    key_from,
    remove_posters,
    still_true,
    to_ask,
)
from tests.models import FIRST, random_model

JPEG = b"\xff\xd8\xff\xe0 a poster"
KEY = "0123456789abcdef0123456789abcdef"
SITE, RATINGS, MODELS = "site-bucket", "ratings-bucket", "models-bucket"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


class StandIn:
    """A fake TMDB: answers by path (status, headers, body), and a count of the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.asked: Counter[str] = Counter()
        self.keys: set[str] = set()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                stand_in.asked[path] += 1
                stand_in.keys.add(self.headers.get("Authorization") or query)
                queue = stand_in.answers.get(path, [(404, {}, b"{}")])
                status, headers, body = queue.pop(0) if len(queue) > 1 else queue[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def movie(self, tmdb_id: int, poster_path: object, image: bytes | None = JPEG) -> None:
        sent = json.dumps({"id": tmdb_id, "poster_path": poster_path}).encode()
        self.answers[f"/3/movie/{tmdb_id}"] = [(200, {}, sent)]
        if image is not None:
            self.answers[f"/t/p/w342{poster_path}"] = [(200, {}, image)]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    there = StandIn()
    yield there
    there.close()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def tmdb(stand_in: StandIn, slept: list[float]) -> Tmdb:
    return tmdb_at(stand_in, slept)


def tmdb_at(stand_in: StandIn, slept: list[float], key: str = KEY) -> Tmdb:
    api, images = f"{stand_in.address}/3", f"{stand_in.address}/t/p/w342"
    return Tmdb(key, api, images, sleep=slept.append)


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        for bucket in (SITE, RATINGS, MODELS):
            boto3.client("s3").create_bucket(Bucket=bucket)
        yield


@pytest.fixture
def folder(buckets: None) -> PosterFolder:
    return PosterFolder(boto3.client("s3"), SITE, RATINGS, "films")


def test_a_poster_is_found_by_the_path_of_the_movie(tmdb: Tmdb, stand_in: StandIn) -> None:
    stand_in.movie(603, "/matrix.jpg")
    assert tmdb.poster(603) == JPEG


@pytest.mark.parametrize(
    ("key", "sent"), [(KEY, f"api_key={KEY}"), ("eyJhbGciOi.x.y", "Bearer eyJhbGciOi.x.y")]
)
def test_both_kinds_of_key_are_sent_to_the_api_and_none_to_the_images(
    stand_in: StandIn, slept: list[float], key: str, sent: str
) -> None:
    stand_in.movie(603, "/matrix.jpg")
    tmdb_at(stand_in, slept, key).poster(603)
    assert stand_in.keys == {sent, ""}


@pytest.mark.parametrize("path", [None, "/../secret.jpg", "/drawing.svg", "https://x/y.jpg", 7])
def test_a_path_outside_tmdb_is_not_a_poster(tmdb: Tmdb, stand_in: StandIn, path: object) -> None:
    stand_in.movie(603, path, image=None)
    assert tmdb.poster(603) is None
    assert stand_in.asked == {"/3/movie/603": 1}


@pytest.mark.parametrize("image", [b"<html>", JPEG + bytes(600_000)])
def test_a_file_that_is_not_a_small_jpeg_is_not_a_poster(
    tmdb: Tmdb, stand_in: StandIn, image: bytes
) -> None:
    stand_in.movie(603, "/matrix.jpg", image)
    assert tmdb.poster(603) is None


def test_a_movie_that_tmdb_lacks_has_no_poster(tmdb: Tmdb) -> None:
    assert tmdb.poster(1) is None


def test_a_busy_tmdb_is_asked_again_after_the_stated_time(
    tmdb: Tmdb, stand_in: StandIn, slept: list[float]
) -> None:
    stand_in.movie(603, "/matrix.jpg")
    stand_in.answers["/3/movie/603"].insert(0, (429, {"Retry-After": "7"}, b""))
    assert tmdb.poster(603) == JPEG
    assert 7.0 in slept


@pytest.mark.parametrize(
    "answer", [(503, {}, b""), (200, {"Content-Encoding": "gzip"}, b"cut off")]
)
def test_a_tmdb_that_does_not_recover_fails_with_the_fix(
    tmdb: Tmdb, stand_in: StandIn, slept: list[float], answer: tuple[int, dict[str, str], bytes]
) -> None:
    stand_in.answers["/3/movie/603"] = [answer]
    with pytest.raises(OperationError, match="run 'make posters' again later"):
        tmdb.poster(603)
    assert stand_in.asked["/3/movie/603"] == ATTEMPTS
    assert [wait for wait in slept if wait >= 1] == [1, 2, 4, 8]


@pytest.mark.parametrize("status", [302, 403])
def test_a_permanent_error_is_not_retried(tmdb: Tmdb, stand_in: StandIn, status: int) -> None:
    stand_in.answers["/3/movie/603"] = [(status, {}, b"")]
    with pytest.raises(OperationError, match=f"status {status}"):
        tmdb.poster(603)
    assert stand_in.asked["/3/movie/603"] == 1


def test_a_rejected_key_is_reported_and_not_shown(tmdb: Tmdb, stand_in: StandIn) -> None:
    stand_in.answers["/3/movie/603"] = [(401, {}, b'{"status_code":7}')]
    with pytest.raises(OperationError, match="rejects the key") as refused:
        tmdb.poster(603)
    assert KEY not in str(refused.value)
    assert stand_in.asked["/3/movie/603"] == 1


@pytest.mark.parametrize("body", [b"not json", b"[]", b"{}"])
def test_an_unreadable_answer_is_an_error_and_not_a_missing_poster(
    tmdb: Tmdb, stand_in: StandIn, body: bytes
) -> None:
    stand_in.answers["/3/movie/603"] = [(200, {}, body)]
    with pytest.raises(OperationError, match="movie 603"):
        tmdb.poster(603)


def ignore_progress(_: float, __: float) -> None: ...


def test_posters_are_stored_and_all_answers_noted(
    tmdb: Tmdb, stand_in: StandIn, folder: PosterFolder
) -> None:
    stand_in.movie(603, "/matrix.jpg")
    assert fetch(tmdb, [TmdbMovie(1, 603), TmdbMovie(2, 604)], folder, {}, ignore_progress) == 1
    assert folder.posters().keys() == {1}
    assert folder.notes() == {
        1: PosterLookup(603, has_poster=True),
        2: PosterLookup(604, has_poster=False),
    }


def test_notes_from_before_an_error_are_kept(
    tmdb: Tmdb, stand_in: StandIn, folder: PosterFolder
) -> None:
    notes = {1: PosterLookup(603, has_poster=True)}
    stand_in.answers["/3/movie/604"] = [(401, {}, b"")]
    with pytest.raises(OperationError):
        fetch(tmdb, [TmdbMovie(2, 604)], folder, notes, ignore_progress)
    assert folder.notes() == notes


@pytest.mark.parametrize("body", [b"", b"[]", b'{"1": 2}', b'{"x": [603, true]}'])
def test_damaged_notes_fail_with_the_fix(folder: PosterFolder, body: bytes) -> None:
    key = "reports/dataset=films/posters.json"
    boto3.client("s3").put_object(Bucket=RATINGS, Key=key, Body=body)
    with pytest.raises(OperationError, match=r"posters\.json is damaged .* delete it"):
        folder.notes()


def test_posters_are_stored_with_their_content_type(folder: PosterFolder) -> None:
    folder.keep(1, JPEG)
    kept = boto3.client("s3").get_object(Bucket=SITE, Key="posters/films/1.jpg")
    assert (kept["ContentType"], kept["Body"].read()) == ("image/jpeg", JPEG)


@pytest.mark.parametrize(
    ("lookup", "age", "is_requested"),
    [
        (None, timedelta(0), True),
        (PosterLookup(603, has_poster=False), None, False),
        (PosterLookup(603, has_poster=True), timedelta(1), False),
        (PosterLookup(603, has_poster=True), RENEWED_AFTER, True),
        (PosterLookup(603, has_poster=True), None, True),
    ],
    ids=["never asked", "none", "fetched", "old", "expired"],
)
def test_only_old_or_missing_posters_are_requested_again(
    lookup: PosterLookup | None, age: timedelta | None, is_requested: bool
) -> None:
    notes = {} if lookup is None else {1: lookup}
    since = {} if age is None else {1: NOW - age}
    assert bool(to_ask([TmdbMovie(1, 603)], notes, since, NOW)) is is_requested


def test_a_note_about_another_movie_with_the_same_id_is_dropped() -> None:
    notes = {1: PosterLookup(603, has_poster=True), 2: PosterLookup(9, has_poster=True)}
    assert still_true(notes, [TmdbMovie(1, 604)]) == {}


# The operation as a whole


@pytest.fixture
def deployment(buckets: None, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setattr(Deployment, "parameter", lambda _, name: name)
    monkeypatch.setattr(fetching, "publish_site", lambda _: 1)
    return Deployment("prod")


def use_model(links: dict[int, ExternalIds] | None, support: Sequence[int] = (5, 9, 7)) -> None:
    """Publish a model of three movies."""
    model = random_model(3)
    rating = replace(model.rating, support=np.array(support, np.int32))
    beside = {} if links is None else {LINKS: pack_links(links)}
    current = CurrentModel(model.model_id, model.dataset, model.trained_at, 10, 100)
    files = {
        f"{model.model_id}/{name}": content
        for name, content in to_files(replace(model, rating=rating), beside).items()
    }
    for key, content in {**files, "current.json": current.to_json().encode()}.items():
        boto3.client("s3").put_object(Bucket=MODELS, Key=key, Body=content)


def objects(bucket: str) -> set[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=bucket)
    return {item["Key"] for item in listed.get("Contents", [])}


def run(deployment: Deployment, tmdb: Tmdb) -> None:
    with Phases() as phases:
        fetch_posters(deployment, phases, tmdb)


def test_a_second_run_requests_nothing(
    deployment: Deployment, tmdb: Tmdb, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    use_model(
        {
            FIRST: ExternalIds(None, 603),
            FIRST + 1: ExternalIds(None, 604),
            FIRST + 2: ExternalIds("1", None),
        }
    )
    stand_in.movie(603, "/matrix.jpg")
    run(deployment, tmdb)
    assert "1 fetched, 0 already asked for, 1 without a poster" in capsys.readouterr().out
    assert objects(SITE) == {f"posters/tested/{FIRST}.jpg"}
    stand_in.asked.clear()
    run(deployment, tmdb)
    assert "0 fetched, 2 already asked for, 1 without a poster" in capsys.readouterr().out
    assert not stand_in.asked


def test_the_movies_with_the_most_ratings_come_first(
    deployment: Deployment, tmdb: Tmdb, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_model({FIRST + each: ExternalIds(None, 600 + each) for each in range(3)}, support=(5, 9, 7))
    asked: list[int] = []
    monkeypatch.setattr(tmdb, "poster", asked.append)
    monkeypatch.setattr(fetching, "AT_ONCE", 1)
    run(deployment, tmdb)
    assert asked == [601, 602, 600]


def test_posters_of_other_movies_in_a_data_set_of_the_same_name_are_deleted(
    deployment: Deployment, tmdb: Tmdb, stand_in: StandIn
) -> None:
    stand_in.movie(603, "/matrix.jpg")
    use_model({FIRST: ExternalIds(None, 603), FIRST + 1: ExternalIds(None, 603)})
    run(deployment, tmdb)
    use_model({FIRST: ExternalIds(None, 604)})
    run(deployment, tmdb)
    assert objects(SITE) == set()


def test_a_rejected_key_leaves_no_folder_of_posters(
    deployment: Deployment, tmdb: Tmdb, stand_in: StandIn
) -> None:
    use_model({FIRST: ExternalIds(None, 603)})
    stand_in.answers["/3/movie/603"] = [(401, {}, b"")]
    with pytest.raises(OperationError, match="rejects the key"):
        run(deployment, tmdb)
    assert objects(SITE) == set()


@pytest.mark.parametrize("links", [None, {FIRST: ExternalIds("0133093", None)}])
def test_movies_without_tmdb_ids_fail_with_an_error_that_says_so(
    deployment: Deployment, tmdb: Tmdb, links: dict[int, ExternalIds] | None
) -> None:
    use_model(links)
    with pytest.raises(OperationError, match="have no TMDB ids"):
        run(deployment, tmdb)


def test_damaged_links_fail_with_an_error_that_says_so(deployment: Deployment, tmdb: Tmdb) -> None:
    use_model({FIRST: ExternalIds(None, 603)})
    boto3.client("s3").put_object(Bucket=MODELS, Key=f"m1/{LINKS}", Body=b"{")
    with pytest.raises(OperationError, match="cannot be read"):
        run(deployment, tmdb)


def test_before_the_first_training_there_is_nothing_to_fetch(
    deployment: Deployment, tmdb: Tmdb
) -> None:
    with pytest.raises(OperationError, match="no model yet"):
        run(deployment, tmdb)


def test_removing_posters_deletes_the_posters_and_their_notes(
    deployment: Deployment, tmdb: Tmdb, stand_in: StandIn
) -> None:
    use_model({FIRST: ExternalIds(None, 603), FIRST + 1: ExternalIds(None, 604)})
    stand_in.movie(603, "/matrix.jpg")
    run(deployment, tmdb)
    with Phases() as phases:
        remove_posters(deployment, phases)
    assert objects(SITE) | objects(RATINGS) == set()


def test_the_key_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert key_from(tmp_path / "key") == KEY
    monkeypatch.setenv(KEY_VARIABLE, "another")
    assert key_from(None) == "another"


@pytest.mark.parametrize("content", [b"", b"two words", "schlüssel".encode(), b"\xff\xfe\x00"])
def test_a_file_without_a_key_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(OperationError, match="contains no key"):
        key_from(tmp_path / "key")


def test_a_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="KEY_FILE"):
        key_from(tmp_path / "missing")


def test_the_error_without_a_key_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(OperationError, match=r"themoviedb\.org"):
        key_from(None)
