"""Measure the size of the site's first view, and how soon it is usable on slow connections.

Runs against a running deployment. Each connection loads the page a few times in a fresh Chromium,
with the network throttled as Chrome's developer tools do. The page is usable when the first movie
can be rated. The local website sends files uncompressed, CloudFront compresses them: both are
measured, the latter through a compressing proxy. The proxy does not imitate CloudFront's HTTP/2,
which requests all files in parallel, where HTTP/1.1 requests six.
"""

import argparse
import gzip
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, CDPSession, Response, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from tests.browser import chromium
from tests.browser.marquee_page import call

FIRST_CARD = "#card-title"
PHONE = {"width": 390, "height": 844}
GOAL = 1.0  # second, compressed and on 4G


@dataclass(frozen=True)
class Connection:
    """A throttled network: bytes per second down and up, milliseconds of latency per request."""

    name: str
    down: float
    up: float
    latency: int

    def throttle(self, devtools: CDPSession) -> None:
        """Throttle the page of this session of Chrome's developer tools."""
        devtools.send("Network.enable")
        devtools.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": self.latency,
                "downloadThroughput": self.down,
                "uploadThroughput": self.up,
            },
        )


FAST_4G = Connection("4G: 9 Mbit/s, 60 ms", 9e6 / 8, 1.5e6 / 8, 60)
CONNECTIONS = (
    Connection("not throttled", -1, -1, 0),
    FAST_4G,
    Connection("slow 4G: 1.6 Mbit/s, 150 ms", 1.6e6 / 8, 750e3 / 8, 150),
)
console = Console(width=100)


def main() -> None:
    """Run the benchmark and print times and goal; exits with 0 even if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site_url")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    table = Table("", "connection", "usable after, median (s)", "longest (s)")
    with sync_playwright() as playwright, compressing(options.site_url) as resolved:
        for how, arguments in (("uncompressed", ()), ("compressed", (resolved,))):
            browser = playwright.chromium.launch(
                executable_path=str(chromium.executable()),
                args=[*chromium.ARGUMENTS, *arguments],
            )
            if not arguments:
                print_weight(browser, options.site_url)
            add_times(table, how, browser, options)
            browser.close()
    console.print(table)
    console.print(f"Goal: compressed and on 4G, at most {GOAL:.0f} s. {machine()}")


@contextmanager
def compressing(site_url: str) -> Iterator[str]:
    """Serve the site's files compressed; yield the argument that makes Chromium use this server."""

    @cache
    def packed(path: str) -> tuple[httpx.Response, bytes]:
        answer = call("GET", site_url.rstrip("/") + path)
        return answer, gzip.compress(answer.content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # otherwise each answer is delayed by about 40 ms

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            answer, body = packed(self.path)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        host, port = urlsplit(site_url).hostname, server.server_address[1]
        yield f"--host-resolver-rules=MAP {host} 127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()


def print_weight(browser: Browser, site_url: str) -> None:
    """Load the page once and print the number and the bytes of the answers until the first card.

    Answers to OPTIONS requests are not counted.
    """
    page = browser.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - no builtins
    page.goto(site_url)
    page.wait_for_selector(FIRST_CARD)
    bodies = [answer.body() for answer in answers if answer.request.method != "OPTIONS"]
    page.close()
    plain, packed = (
        sum(map(len, bodies)),
        sum(len(gzip.compress(body)) for body in bodies),
    )
    console.print(f"{len(bodies)} answers, {plain:,} bytes uncompressed, {packed:,} compressed")


def add_times(table: Table, how: str, browser: Browser, options: argparse.Namespace) -> None:
    """Load the page `options.times` times on each connection; add a row of seconds for each."""
    for connection in CONNECTIONS:
        took = [
            seconds_to_first_card(browser, options.site_url, connection)
            for _ in range(options.times)
        ]
        table.add_row(how, connection.name, f"{statistics.median(took):.2f}", f"{max(took):.2f}")


def seconds_to_first_card(browser: Browser, site_url: str, connection: Connection) -> float:
    """Return the seconds from opening the page until the first movie can be rated."""
    context = browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]}, service_workers="block"
    )
    page = context.new_page()
    connection.throttle(context.new_cdp_session(page))
    started = time.perf_counter()
    page.goto(site_url, wait_until="commit")
    page.wait_for_selector(FIRST_CARD)
    took = time.perf_counter() - started
    context.close()
    return took


if __name__ == "__main__":
    main()
