"""Follow visitors of several tastes from opening the page to ten picks, as on a slow phone.

Runs against a running deployment, in a Chromium with a phone's screen and touch, four times less
processor and a 4G connection. A visitor chooses the genres and decades of their taste, adds the
movies that they look for by title, and then answers questions: a movie of their taste gets stars,
any other "Haven't seen it". For each visitor the benchmark counts taps (choices and letters typed
included) and seconds, and reads two measures of the browser: the layout shift of the whole journey,
and the time from each interaction to the next paint (https://web.dev/articles/inp). It prints the
picks, so that people can judge them.
"""

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from playwright.sync_api import Browser, expect, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.first_view import FAST_4G
from benchmarks.machine import machine
from marquee.contracts import MIN_RATINGS
from tests.browser import chromium
from tests.browser.marquee_page import UNSEEN, MarqueePage, call

PHONE = (390, 664)  # as high as the browser's bars leave it
SLOWER = 4  # times less processor than this machine
MOST_QUESTIONS = 60
PATIENCE_MS = 120_000
GOAL_SHIFT = 0.0
GOAL_PAINT_MS = 100
LIKED = (5, 4, 5, 3)  # stars that a visitor gives in turn to movies of their taste

# Interactions faster than 16 ms are not reported to observers. The browser rounds to 8 ms.
OBSERVE = """
window.observed = {shift: 0, paints: {}};
new PerformanceObserver((list) => {
  for (const {hadRecentInput, value} of list.getEntries())
    if (!hadRecentInput) window.observed.shift += value;
}).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
  for (const {interactionId, duration} of list.getEntries()) if (interactionId)
    window.observed.paints[interactionId] =
      Math.max(duration, window.observed.paints[interactionId] ?? 0);
}).observe({type: "event", durationThreshold: 16, buffered: true});
"""

console = Console(width=110)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor's taste.

    Attributes:
        name: what to call it.
        topics: genres and first years of decades that the visitor chooses before the questions.
        genres: the visitor knows movies of one of these; empty for all.
        since: the visitor knows movies from this year on.
        titles: the only movies that the visitor knows, who adds them by title.
    """

    name: str
    topics: tuple[str, ...] = ()
    genres: frozenset[str] = frozenset()
    since: int = 0
    titles: tuple[str, ...] = ()

    def knows(self, line: str) -> bool:
        """Return whether the visitor knows a movie, by the card's line of year and genres."""
        year = re.match(r"\d{4}", line)
        if self.since and not (year and int(year[0]) >= self.since):
            return False
        return not self.genres or any(genre in line.casefold() for genre in self.genres)


VISITORS = (
    Visitor("knows everything"),
    Visitor("horror fan", topics=("Horror",), genres=frozenset({"horror"})),
    Visitor(
        "parent", topics=("Children", "Animation"), genres=frozenset({"children", "animation"})
    ),
    Visitor("only films from 2010 on", topics=("2010",), since=2010),
    Visitor(
        "Bollywood fan",
        titles=("3 Idiots", "Dangal", "Lagaan", "PK", "My Name Is Khan", "Taare Zameen Par"),
    ),
)


@dataclass(slots=True)
class Journey:
    """What one visitor's way to ten picks took.

    Attributes:
        taps: taps and letters typed.
        seconds: from opening the page until ten picks are shown; NaN if they never were.
        shift: sum of the layout shifts that no tap within the last 500 ms explains.
        paints: milliseconds from each interaction of 16 ms or more to the next paint.
        picks: titles and reasons.
    """

    taps: int = 0
    seconds: float = math.nan
    shift: float = 0.0
    paints: list[float] = field(default_factory=list)
    picks: list[str] = field(default_factory=list)


def main() -> None:
    """Print the journeys and their picks; exits with 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site_url")
    options = parser.parse_args()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.executable()), args=list(chromium.ARGUMENTS)
        )
        journeys = {}
        for visitor in VISITORS:
            journeys[visitor.name] = followed(browser, options.site_url, visitor)
            console.print(f"{visitor.name}: {journeys[visitor.name].taps} taps", highlight=False)
        browser.close()
    sys.exit(0 if report(journeys) else 1)


def followed(browser: Browser, site_url: str, visitor: Visitor) -> Journey:
    """Use the page as this visitor until there are ten picks."""
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True, is_mobile=True
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.add_init_script(OBSERVE)
    devtools = context.new_cdp_session(page)
    FAST_4G.throttle(devtools)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    api_url = json.loads(call("GET", site_url.rstrip("/") + "/config.json").text)["apiUrl"]
    marquee, journey = MarqueePage(page, site_url, api_url), Journey()
    begun = time.perf_counter()
    marquee.open()
    choose_topics(marquee, visitor, journey)
    rated = add_by_title(marquee, visitor, journey)
    asked = 0 if visitor.titles else MOST_QUESTIONS
    while rated < MIN_RATINGS and asked > 0:
        asked -= 1
        marquee.wait_until_card_takes_taps()
        title = marquee.title_on_card()
        if visitor.knows(marquee.card.locator(".poster-line").inner_text()):
            marquee.stars(LIKED[rated % len(LIKED)]).tap()
            rated += 1
        else:
            marquee.card.get_by_role("button", name=UNSEEN).tap()
        journey.taps += 1
        expect(marquee.card_title).not_to_have_text(title)
    if rated >= MIN_RATINGS:
        marquee.go("Picks")
        journey.taps += 1
        expect(marquee.picks).to_have_count(10)
        journey.seconds = time.perf_counter() - begun
        journey.picks = [
            " ".join(pick.inner_text().split())
            for pick in marquee.picks.locator(".pick-words").all()
        ]
    observed = page.evaluate("() => window.observed")
    journey.shift = float(observed["shift"])
    journey.paints = [float(each) for each in observed["paints"].values()]
    context.close()
    return journey


def choose_topics(marquee: MarqueePage, visitor: Visitor, journey: Journey) -> None:
    """Choose those of the visitor's genres and decades that the page offers."""
    if not visitor.topics:
        return
    page = marquee.page
    page.get_by_role("button", name="Choose genres and decades").tap()
    dialog = page.get_by_role("dialog", name="Which movies do you know?")
    expect(dialog.get_by_role("checkbox").first).to_be_attached()
    chips = [dialog.locator(f'label:has(input[value="{topic}"])') for topic in visitor.topics]
    offered = [chip for chip in chips if chip.count()]
    for chip in offered:
        chip.tap()
    dialog.get_by_role("button", name="Ask about these").tap()
    expect(dialog).to_have_count(0)
    journey.taps += 2 + len(offered)


def add_by_title(marquee: MarqueePage, visitor: Visitor, journey: Journey) -> int:
    """Look for the visitor's movies and rate those that are found; return how many."""
    rated = 0
    for wanted in visitor.titles:
        marquee.find_movie.tap()
        marquee.find_movie.press_sequentially(wanted)
        journey.taps += 1 + len(wanted)
        option = marquee.page.get_by_role("option").filter(has_text=wanted).first
        nothing = marquee.page.get_by_text("is not in our catalogue")
        expect(option.or_(nothing).first).to_be_visible()
        if not option.is_visible():
            marquee.find_movie.fill("")
            continue
        option.tap()
        marquee.wait_until_card_takes_taps()
        title = marquee.title_on_card()
        marquee.stars(LIKED[rated % len(LIKED)]).tap()
        expect(marquee.card_title).not_to_have_text(title)
        journey.taps += 2
        rated += 1
    return rated


def p98(paints: Sequence[float]) -> float:
    """Return the 98th percentile of milliseconds; 0 if there are none."""
    return float(np.percentile(paints, 98, method="higher")) if paints else 0.0


def report(journeys: dict[str, Journey]) -> bool:
    """Print a row for each visitor and their picks; return whether the goals are met."""
    title = f"From opening the page to ten picks; processor {SLOWER} times slower, {FAST_4G.name}"
    table = Table(title=f"{title}; {machine()}")
    for heading in ("visitor", "taps", "seconds", "layout shift", "next paint p98, ms"):
        table.add_column(heading, justify="left" if heading == "visitor" else "right")
    for name, journey in journeys.items():
        table.add_row(
            name,
            str(journey.taps),
            f"{journey.seconds:.1f}",
            f"{journey.shift:.3f}",
            f"{p98(journey.paints):.0f}",
        )
    console.print(table)
    for name, journey in journeys.items():
        console.print(f"\n[bold]{name}[/bold]")
        if not journey.picks:
            console.print("  This catalogue has too few movies of this taste.")
        for pick in journey.picks:
            console.print(f"  {pick}", markup=False, highlight=False)
    paint = p98([each for every in journeys.values() for each in every.paints])
    shift = max(journey.shift for journey in journeys.values())
    met = paint < GOAL_PAINT_MS and shift <= GOAL_SHIFT
    console.print(
        f"\nlayout shift at most {shift:.3f} (goal {GOAL_SHIFT:.0f}), next paint p98 of all "
        f"{paint:.0f} ms (goal under {GOAL_PAINT_MS}): {'met' if met else 'NOT met'}"
    )
    return met


if __name__ == "__main__":
    main()
