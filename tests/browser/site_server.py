"""A web server with the site as it is published, and an API with a few made-up movies.

Tests of the service worker publish new releases on it and take it off the network, which they must
not do to the deployment that all other tests share.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from operations.site import CACHE_CONTROL, FOLDER, cache_control, content_type, pages

TITLES = [f"Movie {number}" for number in range(1, 41)]
MOVIES = [
    {"movie_id": place, "title": title, "year": 1990 + place, "genres": ["Drama"]}
    for place, title in enumerate(TITLES, start=1)
]
QUESTIONS = 4
PICKS = [{**movie, "stars": 4.0, "score": 1.0, "because": []} for movie in MOVIES[30:]]


class SiteServer:
    """A running server. `files` is what it serves, by path; replace it to publish a release."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.api_url = f"{self.url}api"
        self.is_reachable = True
        self.files = self.release()

    def release(self, folder: Path = FOLDER) -> dict[str, bytes]:
        """Return what publishing this folder of the site would upload."""
        facts = {"operator": {}, "retention": {"visitorDays": 365, "batchDays": 3, "logDays": 30}}
        facts["retention"]["backupDays"] = 35
        return pages(self.api_url, folder, facts=facts)

    def answer(self, path: str, body: bytes) -> tuple[int, str, str, bytes]:
        """Return status, type, Cache-Control and body of the answer to a request."""
        if path.startswith("/api/"):
            said = json.dumps(api_answer(path.removeprefix("/api/"), json.loads(body or b"{}")))
            return 200, "application/json", "no-store", said.encode()
        name = path.removeprefix("/").partition("?")[0] or "index.html"
        if name in self.files:
            return 200, content_type(name), cache_control(name), self.files[name]
        return 404, "text/html", CACHE_CONTROL, self.files["404.html"]


def api_answer(call: str, form: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a call of the API."""
    if call == "questionnaire":
        known = {*form.get("answered", []), *form.get("unseen", [])}
        movies = [movie for movie in MOVIES[:30] if movie["movie_id"] not in known]
        return {"dataset": "films", "model_id": "m", "movies": movies[:QUESTIONS]}
    if call == "picks":
        return {"dataset": "films", "picks": PICKS, "nothing_fits": False, "liked_share": None}
    return {"dataset": "films", "genres": ["Drama"], "first_year": 1991, "last_year": 2030}


@contextmanager
def site_server() -> Iterator[SiteServer]:
    """Run a server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not site.is_reachable:
                self.close_connection = True
                return
            status, kind, caching, answer = site.answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", caching)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815 - http.server calls it by this name

        def log_message(self, *_: object) -> None:
            """Print nothing for each request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = SiteServer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
