"""Fetch the movies' posters from TMDB into the site's bucket, which serves them itself.

This way, a visitor's browser contacts no third party. The data set's movies must have TMDB ids,
and the operator needs a key of their own. TMDB's answers are recorded, so a run continues where the
last one stopped. A run starts with the most rated movies and renews old posters. For TMDB's terms,
see docs/deploy.md.
"""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import boto3
import httpx
from mypy_boto3_s3 import S3Client

from marquee.aws.buckets import ModelsBucket
from marquee.recommender.links import read_links
from marquee.recommender.model import ModelError
from marquee.recommender.model_folder import LINKS, read_beside, read_model
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.models import current_model
from operations.objects import keys
from operations.site import FOLDER, POSTERS, TMDB_LOGO, publish_site

REPORTS = "reports/"  # in the ratings bucket
KEY_VARIABLE = "TMDB_API_KEY"
API, IMAGES = "https://api.themoviedb.org/3", "https://image.tmdb.org/t/p/w342"
NOTES = "posters.json"  # in the data set's reports: TMDB's answer about each movie
NOTED_EACH = 200  # answers between two writes of the notes
RENEWED_AFTER = timedelta(days=90)  # before they expire (terraform/variables.tf, for TMDB's terms)
CACHE_CONTROL = "public, max-age=86400"
AT_ONCE, A_SECOND = 8, 40  # requests; TMDB's limit is about 40 a second
ATTEMPTS = 5
LONGEST_WAIT = 60.0  # seconds
MOST_BYTES = 500_000
_OLD_KEY = re.compile(r"[0-9a-f]{32}")  # of TMDB's API 3; newer ones are bearer tokens
_PATH = re.compile(r"/[A-Za-z0-9_-]+\.jpg")
_JPEG = b"\xff\xd8\xff"


class Pace:
    """Limits the rate of requests of all threads together, in requests per second."""

    def __init__(self, a_second: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._gap, self._sleep = 1 / a_second, sleep
        self._lock, self._next = threading.Lock(), 0.0

    def wait(self) -> None:
        """Wait until the calling thread may send its next request."""
        with self._lock:
            now = time.monotonic()
            mine = max(now, self._next)
            self._next = mine + self._gap
        self._sleep(mine - now)


class Tmdb:
    """A client of The Movie Database (API 3) that fetches posters as JPEG.

    https://developer.themoviedb.org/reference/movie-details
    """

    def __init__(
        self,
        key: str,
        api: str = API,
        images: str = IMAGES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api, self._images, self._sleep = api, images, sleep
        self._pace = Pace(A_SECOND, sleep)
        if _OLD_KEY.fullmatch(key):
            self._headers, self._query = {}, {"api_key": key}
        else:
            self._headers, self._query = {"Authorization": f"Bearer {key}"}, {}
        self._http = httpx.Client(timeout=20)

    def poster(self, tmdb_id: int) -> bytes | None:
        """Return a movie's poster, or None if TMDB has no such movie or no usable poster.

        A poster is usable if it is a JPEG of at most `MOST_BYTES` bytes.

        Raises:
            OperationError: if TMDB rejects the key, stays unavailable, or sends an invalid answer.
        """
        answer = self._get(f"{self._api}/movie/{tmdb_id}", self._query, self._headers)
        if answer is None:
            return None
        try:
            path = answer.json()["poster_path"]
        except (ValueError, KeyError, TypeError) as error:
            raise OperationError(
                f"TMDB's answer about movie {tmdb_id} has no poster_path: a proxy may have answered"
                " in TMDB's place. Check that, then run 'make posters' again; it continues where"
                " it stopped."
            ) from error
        if path is None:
            return None
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            return None  # an SVG or another type that the site does not show
        image = self._get(f"{self._images}{path}", {}, {})
        if image is None or not image.content.startswith(_JPEG) or len(image.content) > MOST_BYTES:
            return None
        return image.content

    def _get(
        self, address: str, query: dict[str, str], headers: dict[str, str]
    ) -> httpx.Response | None:
        """Send a request, with retries; return the response, or None on 404.

        No error message contains the URL, because an old key is part of it.
        """
        problem, wait = "", 0.0
        for attempt in range(ATTEMPTS):
            self._sleep(min(wait, LONGEST_WAIT))
            self._pace.wait()
            try:
                answer = self._http.get(address, params=query, headers=headers)
            except httpx.RequestError as error:
                problem, wait = type(error).__name__, 2.0**attempt
            else:
                if answer.is_success:
                    return answer
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    raise OperationError(
                        "TMDB rejects the key: copy it again from"
                        " https://www.themoviedb.org/settings/api (either of the two works)."
                    )
                problem = f"status {answer.status_code}"
                if not _is_passing(answer.status_code):
                    raise OperationError(
                        f"TMDB does not answer ({problem}): see https://status.themoviedb.org and"
                        " check for a proxy in between."
                    )
                wait = _seconds(answer.headers.get("Retry-After"), 2.0**attempt)
        raise OperationError(
            f"TMDB failed to answer {ATTEMPTS} times ({problem}): run 'make posters' again later;"
            " it continues where it stopped."
        )


def _is_passing(status: int) -> bool:
    return status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR


def _seconds(retry_after: str | None, otherwise: float) -> float:
    return float(retry_after) if retry_after and retry_after.isdecimal() else otherwise


@dataclass(frozen=True)
class TmdbMovie:
    """A movie of the data set; `tmdb` is its id at TMDB."""

    movie_id: int
    tmdb: int


@dataclass(frozen=True)
class PosterLookup:
    """TMDB's answer about the movie with the TMDB id `tmdb`."""

    tmdb: int
    has_poster: bool


def key_from(file: Path | None) -> str:
    """Return the operator's key from a file or, without one, from `TMDB_API_KEY`.

    The key is no command-line argument, because every user of the machine can see those.

    Raises:
        OperationError: if the file cannot be read or there is no valid key.
    """
    if file is not None:
        try:
            key = file.read_text(errors="replace").strip()
        except OSError as error:
            raise OperationError(f"KEY_FILE is {file}: {error.strerror}.") from error
        where = f"KEY_FILE {file}"
    else:
        key, where = os.environ.get(KEY_VARIABLE, "").strip(), KEY_VARIABLE
    if not re.fullmatch(r"[!-~]+", key):
        raise OperationError(
            f"{where} contains no key: put one from https://www.themoviedb.org/settings/api into a"
            " file that only you can read, and run 'make posters KEY_FILE=<file>'."
        )
    return key


class PosterFolder:
    """The posters of a data set in the site's bucket, one JPEG per movie, and the notes on them.

    The notes are with the data set's reports, not with the posters, because a folder of posters
    marks a data set that has posters.
    """

    def __init__(self, s3: S3Client, site: str, ratings: str, dataset: str) -> None:
        self._s3, self._site, self._ratings = s3, site, ratings
        self._prefix = f"{POSTERS}{dataset}/"
        self._notes = f"{REPORTS}dataset={dataset}/{NOTES}"

    def posters(self) -> dict[int, datetime]:
        """Return the times at which the stored posters were stored, by movie."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._site, Prefix=self._prefix
        )
        return {
            int(Path(item["Key"]).stem): item["LastModified"]
            for page in pages
            for item in page.get("Contents", [])
        }

    def keep(self, movie_id: int, image: bytes) -> None:
        """Store a movie's poster, a JPEG."""
        self._s3.put_object(
            Bucket=self._site,
            Key=self._key(movie_id),
            Body=image,
            ContentType="image/jpeg",
            CacheControl=CACHE_CONTROL,
        )

    def remove(self, movie_ids: Iterable[int]) -> None:
        """Delete these movies' posters."""
        for movie_id in movie_ids:
            self._s3.delete_object(Bucket=self._site, Key=self._key(movie_id))

    def notes(self) -> dict[int, PosterLookup]:
        """Return TMDB's answers so far, by movie; raise OperationError if they are damaged."""
        try:
            kept = self._s3.get_object(Bucket=self._ratings, Key=self._notes)
        except self._s3.exceptions.NoSuchKey:
            return {}
        try:
            noted = json.loads(kept["Body"].read())
            return {int(movie_id): PosterLookup(*lookup) for movie_id, lookup in noted.items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise OperationError(
                f"s3://{self._ratings}/{self._notes} is damaged ({error}): delete it and run"
                " 'make posters' again, which then fetches everything again."
            ) from error

    def keep_notes(self, notes: Mapping[int, PosterLookup]) -> None:
        """Store TMDB's answers, replacing the stored ones."""
        body = {movie_id: [lookup.tmdb, lookup.has_poster] for movie_id, lookup in notes.items()}
        self._s3.put_object(
            Bucket=self._ratings,
            Key=self._notes,
            Body=json.dumps(body).encode(),
            ContentType="application/json",
        )

    def _key(self, movie_id: int) -> str:
        return f"{self._prefix}{movie_id}.jpg"


def fetch_posters(deployment: Deployment, phases: Phases, tmdb: Tmdb) -> None:
    """Fetch the missing posters of the active data set and publish the site with them.

    Raises:
        OperationError: if there is no model, if its movies have no TMDB ids, or if TMDB fails.
    """
    dataset, movies = _movies(deployment)
    folder = PosterFolder(
        boto3.client("s3"),
        deployment.parameter("site-bucket"),
        deployment.parameter("ratings-bucket"),
        dataset,
    )
    with phases.phase(f"posters of {dataset}") as phase:
        notes = still_true(folder.notes(), movies)
        posters = folder.posters()
        folder.remove(
            posters.keys() - {each for each, lookup in notes.items() if lookup.has_poster}
        )
        missing = to_ask(movies, notes, posters, datetime.now(UTC))
        fetched = fetch(tmdb, missing, folder, notes, phase.bar)
        none = sum(not lookup.has_poster for lookup in notes.values())
        before = len(movies) - len(missing)
        phase.result = f"{fetched} fetched, {before} already asked for, {none} without a poster"
    with phases.phase("publish the site") as phase:
        phase.result = f"{publish_site(deployment)} objects changed{logo_reminder(FOLDER)}"


def logo_reminder(site: Path) -> str:
    """Return what to do if the site lacks the logo that TMDB's terms demand; empty if it has it."""
    if (site / TMDB_LOGO).is_file():
        return ""
    return (
        f"; TMDB's terms also demand its logo: save one of"
        f" https://www.themoviedb.org/about/logos-attribution as site/{TMDB_LOGO} and run"
        " 'make posters' again"
    )


def remove_posters(deployment: Deployment, phases: Phases) -> None:
    """Delete all posters and the notes about them, then publish the site without posters."""
    s3 = boto3.client("s3")
    site, ratings = deployment.parameter("site-bucket"), deployment.parameter("ratings-bucket")
    with phases.phase("remove the posters") as phase:
        posters = keys(s3, site, POSTERS)
        for key in posters:
            s3.delete_object(Bucket=site, Key=key)
        for key in keys(s3, ratings, REPORTS):
            if key.endswith(f"/{NOTES}"):
                s3.delete_object(Bucket=ratings, Key=key)
        phase.result = f"{len(posters)} posters"
    with phases.phase("publish the site") as phase:
        phase.result = f"{publish_site(deployment)} objects changed"


def _movies(deployment: Deployment) -> tuple[str, list[TmdbMovie]]:
    """Return the active data set and its movies with TMDB ids, in descending order of support."""
    current = current_model(deployment)
    if current is None:
        raise OperationError("There is no model yet: import ratings with 'make import DATA=…'.")
    read = partial(
        ModelsBucket(boto3.client("s3"), deployment.parameter("models-bucket")).read,
        current.model_id,
    )
    try:
        model = read_model(read)
        packed = read_beside(read, LINKS)
        links = {} if packed is None else read_links(packed)
    except ModelError as error:
        raise OperationError(f"The model {current.model_id} cannot be read: {error}.") from error
    by_support = (-model.rating.support).argsort(kind="stable")
    ids = model.rating.movie_ids[by_support].tolist()
    movies = [
        TmdbMovie(movie_id, links[movie_id].tmdb or 0)
        for movie_id in ids
        if movie_id in links and links[movie_id].tmdb is not None
    ]
    if not movies:
        raise OperationError(
            f"The movies of {model.dataset!r} have no TMDB ids: import a data set with a"
            " links.csv, such as MovieLens 20M or newer, and train."
        )
    return model.dataset, movies


def still_true(
    notes: Mapping[int, PosterLookup], movies: Sequence[TmdbMovie]
) -> dict[int, PosterLookup]:
    """Return the notes that are still valid for these movies.

    An import under the same name may have assigned other movies or TMDB ids.
    """
    return {
        each.movie_id: notes[each.movie_id]
        for each in movies
        if each.movie_id in notes and notes[each.movie_id].tmdb == each.tmdb
    }


def to_ask(
    movies: Sequence[TmdbMovie],
    notes: Mapping[int, PosterLookup],
    posters: Mapping[int, datetime],
    now: datetime,
) -> list[TmdbMovie]:
    """Return the movies without an answer, and those whose poster is missing or old."""

    def is_settled(movie_id: int) -> bool:
        lookup = notes.get(movie_id)
        if lookup is None or not lookup.has_poster:
            return lookup is not None
        return movie_id in posters and now - posters[movie_id] < RENEWED_AFTER

    return [each for each in movies if not is_settled(each.movie_id)]


def fetch(
    tmdb: Tmdb,
    missing: Sequence[TmdbMovie],
    folder: PosterFolder,
    notes: dict[int, PosterLookup],
    progress: Callable[[float, float], None],
) -> int:
    """Fetch posters, store them and record TMDB's answers in `notes`.

    Stop at the first error, after storing the notes.

    Returns:
        The number of posters fetched.
    """

    def bring(one: TmdbMovie) -> bool:
        image = tmdb.poster(one.tmdb)
        if image is not None:
            folder.keep(one.movie_id, image)
        return image is not None

    fetched = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(bring, one): one for one in missing}
        try:
            for number, done in enumerate(as_completed(running), start=1):
                one, has_poster = running[done], done.result()
                notes[one.movie_id] = PosterLookup(one.tmdb, has_poster)
                fetched += has_poster
                progress(number, len(missing))
                if number % NOTED_EACH == 0:
                    folder.keep_notes(notes)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            folder.keep_notes(notes)
    return fetched
