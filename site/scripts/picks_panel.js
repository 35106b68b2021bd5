// The list of picks. It is shown next to the questionnaire, in its own view and with the status.

import { announce, button, make, say, showItems, undoItem } from "./dom.js";
import { menu } from "./menu.js";
import { poster } from "./poster.js";
import { saveButton } from "./save_button.js";
import { answered, answerTo, dismissed, RATINGS_NEEDED, ratingsOf, restored } from "./shelf.js";
import { starRating } from "./stars.js";
import {
  counted,
  titleAndYear,
  wordsForKeptPicks,
  wordsForLikedShare,
  wordsForPart,
  wordsForProblem,
  wordsForReasons,
} from "./wording.js";

/** @typedef {import("./api.js").Pick} Pick */
/** @typedef {import("./main.js").App} App */
/** @typedef {import("./picks_finder.js").Found} Found */

const FIRST_DECADE = 1920;
const STARS_MEANING =
  "★ is the rating we expect from you. The order also counts how likely you are to choose a movie, so a later pick can have more ★.";

/**
 * Make the panel with the picks, the filters and the buttons to share and print.
 * @param {App} app
 * @param {AbortSignal} signal ends the panel's updates
 * @param {{heading: HTMLElement, itemLevel: "h2" | "h3"}} about heading: precedes the panel and
 *   takes the focus when the pick that had it is removed; itemLevel: heading level of the picks
 */
export function picksPanel(app, signal, { heading, itemLevel }) {
  const kind = make("p", { class: "picks-kind", role: "status" });
  const share = make("p", { class: "picks-share" });
  const problem = make("div", { class: "inline-problem", role: "alert" });
  const list = make("ol", { class: "pick-list", "aria-label": "Your picks" });
  const unfit = make(
    "p",
    { class: "actions tight", hidden: true },
    make("a", { class: "button", href: "#search" }, "Find a movie you liked"),
  );
  const meaning = make("p", { class: "hint stars-meaning", hidden: true }, STARS_MEANING);
  const waiting = placeholders();
  const tools = make(
    "div",
    { class: "picks-tools" },
    filters(app, signal),
    actions(app, seriesToggle(app, signal)),
  );
  const panel = make(
    "div",
    { class: "picks-panel" },
    kind,
    share,
    unfit,
    problem,
    tools,
    waiting.element,
    list,
    meaning,
  );
  /** @type {{pick: Pick, place: number}[]} what was dismissed here, by its place in the list */
  let dismissedHere = [];
  let shownKey = "";

  const dismiss = (/** @type {Pick} */ pick, /** @type {Element} */ item) => {
    dismissedHere.push({ pick, place: [...list.children].indexOf(item) });
    app.store.change((shelf) => dismissed(shelf, pick));
    announce(`${pick.title} won’t be picked again. Press Undo to take this back.`);
  };
  const undo = (/** @type {Pick} */ pick) => {
    app.store.change((shelf) => restored(shelf, pick.movie_id));
    announce(`${pick.title} can be picked again.`);
  };

  const show = () => {
    const { found } = app.finder;
    panel.dataset.kind = found.kind;
    kind.dataset.kind = found.kind;
    tools.hidden = found.kind === "few";
    waiting.show(ratingsOf(app.store.shelf).length, found);
    panel.setAttribute("aria-busy", String(!found.isCurrent && found.problem === null));
    say(kind, wordsForKind(found, app.finder.isFiltered));
    const isUnfit = found.nothingFits && found.picks.length > 0;
    unfit.hidden = !isUnfit;
    say(share, isUnfit ? "" : wordsForLikedShare(found.likedShare, found.picks.length));
    showProblem(problem, app, found);
    meaning.hidden = !found.picks.some(({ stars }) => typeof stars === "number");
    const stillDismissed = new Set(app.store.shelf.dismissed.map(({ movie_id }) => movie_id));
    dismissedHere = dismissedHere.filter(({ pick }) => stillDismissed.has(pick.movie_id));
    const reasons = found.picks.map((pick) => reasonsOf(app, pick));
    const key = JSON.stringify([found.kind, found.picks, reasons, [...found.added], dismissedHere]);
    if (key === shownKey) return;
    shownKey = key;
    /** @type {Parameters<typeof showItems>[2]} */
    const items = found.picks.map((pick, place) => [
      JSON.stringify([pick.movie_id, pick.title]),
      () => pickItem(app, pick, itemLevel, dismiss),
      (item) => showOpinion(item, pick, reasons[place] ?? "", found.added.has(pick.movie_id)),
    ]);
    for (const { pick, place } of [...dismissedHere].sort((one, other) => one.place - other.place))
      items.splice(place, 0, [
        `undo ${pick.movie_id}`,
        () => undoItem(pick.movie_id, `Not for you: ${titleAndYear(pick)}`, () => undo(pick)),
      ]);
    showItems(list, heading, items);
  };
  app.finder.addEventListener("change", show, { signal });
  show();
  return panel;
}

/**
 * Make the head of the picks: the heading and, once there are picks, the link "Text me my picks".
 * It precedes the picks and is made only once, so that arriving picks do not move the link away
 * while the visitor presses it.
 * @param {App} app
 * @param {AbortSignal} signal ends the link's updates
 * @param {HTMLElement} heading
 */
export function picksHead(app, signal, heading) {
  const link = make("a", { class: "button primary text-me", href: "#text" });
  const show = () => {
    link.hidden = app.finder.found.picks.length === 0;
    say(link, app.store.shelf.visit ? "See status" : "Text me my picks");
  };
  app.finder.addEventListener("change", show, { signal });
  show();
  return make("div", { class: "picks-head" }, heading, link);
}

/** @param {Found} found @param {boolean} isFiltered */
function wordsForKind(found, isFiltered) {
  const { kind, picks, rated, isCurrent, problem, added, nothingFits, keptSince } = found;
  if (kind === "few") return "";
  if (keptSince !== null) return wordsForKeptPicks(keptSince);
  if (nothingFits && picks.length > 0)
    return `Nothing ${isFiltered ? "here fits you" : "fits you yet"}: we expect fewer than 3 of 5 stars from you for each of these. ${isFiltered ? "Remove the filter, or rate" : "Rate"} a movie that you liked.`;
  if (kind === "final") {
    return `Computed with everyone’s ratings.${added.size > 0 ? ` ${added.size} new.` : ""}`;
  }
  if (problem && picks.length > 0) return "These picks don’t include your latest answers yet.";
  if (picks.length === 0)
    return isCurrent ? "No movies match this filter. Remove the filter to see more." : "";
  return `From your ${counted(rated, "rating")}. Updated just now.`;
}

/** Make placeholders for the picks, of the same size, until there are five ratings and picks. */
function placeholders() {
  const words = make("p", { class: "seats-words" });
  const items = [1, 2, 3].map(() =>
    make("div", { class: "seat", "aria-hidden": "true" }, make("span"), make("span"), make("span")),
  );
  const element = make("div", { class: "seats" }, words, ...items);
  return {
    element,
    /** @param {number} rated @param {Found} found */
    show(rated, found) {
      element.hidden =
        found.picks.length > 0 ||
        found.problem !== null ||
        (found.kind !== "few" && found.isCurrent);
      const missing = RATINGS_NEEDED - rated;
      words.textContent =
        missing > 0
          ? `Rate ${missing === RATINGS_NEEDED ? RATINGS_NEEDED : `${missing} more`} ${missing === 1 ? "movie" : "movies"} to see your picks here.`
          : "Finding your picks…";
    },
  };
}

/**
 * @param {HTMLElement} place
 * @param {App} app
 * @param {Found} found
 */
function showProblem(place, app, found) {
  const words = found.problem ? wordsForProblem(found.problem) : "";
  if (place.dataset.words === words) return;
  place.dataset.words = words;
  place.replaceChildren();
  if (found.problem) {
    place.append(
      make("p", {}, `${words} Your ratings are stored in this browser.`),
      button("Try again", "button", () => app.finder.retry()),
    );
  }
}

/** Return the sentence with a pick's reasons. @param {App} app @param {Pick} pick */
function reasonsOf({ store }, { because, part }) {
  const reasons = wordsForReasons(
    (because ?? []).map(({ movie_id, title }) => ({
      title,
      stars: answerTo(store.shelf, movie_id)?.stars || null,
    })),
  );
  return reasons || wordsForPart(part);
}

/**
 * Make a list item for a pick, without its predicted stars and reasons.
 * @param {App} app
 * @param {Pick} pick
 * @param {"h2" | "h3"} level
 * @param {(pick: Pick, item: Element) => void} onDismiss
 */
function pickItem(app, pick, level, onDismiss) {
  const named = titleAndYear(pick);
  const rating = make("div", { class: "pick-rating", hidden: true });
  const seen = button("Seen it", "chip", () => openRating(app, pick, rating));
  const item = make(
    "li",
    { class: "pick", "data-movie-id": pick.movie_id },
    poster(pick, "poster-thumb"),
    make(
      "div",
      { class: "pick-words" },
      make(
        level,
        { class: "pick-title" },
        make("a", { href: `#movie/${pick.movie_id}` }, pick.title),
        pick.year ? make("span", { class: "year" }, ` ${pick.year}`) : null,
      ),
      make("p", { class: "pick-stars" }),
      make("p", { class: "because" }),
    ),
    make(
      "div",
      { class: "pick-acts" },
      saveButton(app, pick),
      ...menu(
        "More",
        named,
        make("p", { class: "genres" }, pick.genres.join(", ")),
        make("p", { class: "reasons" }),
        make(
          "a",
          { class: "chip", href: `#movie/${pick.movie_id}` },
          "More like this",
          make("span", { class: "visually-hidden" }, `: ${named}`),
        ),
        seen,
        button("Not for me", "chip", () => onDismiss(pick, item), {
          "aria-label": `Not for me: ${named}`,
        }),
      ),
    ),
    rating,
  );
  return item;
}

/**
 * Show the stars to rate a pick, or hide them again.
 * @param {App} app
 * @param {Pick} pick
 * @param {HTMLElement} place
 */
function openRating(app, pick, place) {
  place.hidden = !place.hidden;
  if (place.hidden) return;
  if (place.childElementCount === 0) {
    place.append(
      starRating({
        legend: `Your rating for ${titleAndYear(pick)}`,
        stars: 0,
        onRate: (stars) => {
          app.store.change((shelf) => answered(shelf, pick, stars, new Date().toISOString()));
          announce(`${pick.title}: ${counted(stars, "star")}. Your picks are updating.`);
        },
      }),
    );
  }
  place.querySelector("input")?.focus();
}

/**
 * Show a pick's current predicted stars and reasons. Without a model, the picks are popular movies
 * that have neither.
 * @param {Element} item
 * @param {Pick} pick
 * @param {string} reasons in one sentence; "" without any
 * @param {boolean} isNew whether to mark the pick as new
 */
function showOpinion(item, { stars }, reasons, isNew) {
  const part = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (item.querySelector(`.${name}`));
  part("pick-stars").replaceChildren(
    ...(typeof stars === "number"
      ? [
          make("span", { "aria-hidden": "true" }, "★ "),
          stars.toFixed(1),
          make("span", { class: "visually-hidden" }, " stars"),
          " for you",
        ]
      : []),
    ...(isNew ? [make("span", { class: "new" }, "New")] : []),
  );
  for (const name of ["because", "reasons"]) {
    part(name).hidden = reasons === "";
    say(part(name), reasons);
  }
}

/** @param {App} app @param {AbortSignal} signal */
function filters(app, signal) {
  const { choice } = app.finder;
  const genres = [...app.store.shelf.genres];
  const decades = range(FIRST_DECADE, new Date().getFullYear()).reverse();
  const genre = select(
    "Genre",
    [["", "Any genre"], ...genres.map((name) => /** @type {[string, string]} */ ([name, name]))],
    choice.genre,
    (value) => app.finder.choose({ genre: value }),
  );
  app.store.onChange(() => {
    const listedAlready = new Set([...genre.field.options].map(({ value }) => value));
    for (const name of app.store.shelf.genres)
      if (!listedAlready.has(name)) genre.field.add(new Option(name, name));
  }, signal);
  const decade = select(
    "Decade",
    [
      ["", "Any year"],
      ...decades.map((from) => /** @type {[string, string]} */ ([String(from), `${from}s`])),
    ],
    choice.decade,
    (value) => app.finder.choose({ decade: value }),
  );
  return make("div", { class: "filters" }, genre.element, decade.element);
}

/** @param {number} from @param {number} to */
function range(from, to) {
  return Array.from({ length: Math.floor((to - from) / 10) + 1 }, (_, place) => from + place * 10);
}

/**
 * Make a drop-down list.
 * @param {string} label its name for screen readers
 * @param {[string, string][]} options value and words of each
 * @param {string} value the selected option's
 * @param {(value: string) => void} onChoose
 */
export function select(label, options, value, onChoose) {
  const field = make(
    "select",
    { "aria-label": label, autocomplete: "off" },
    ...options.map(([each, words]) =>
      make("option", { value: each, selected: each === value }, words),
    ),
  );
  field.addEventListener("change", () => onChoose(field.value));
  return { field, element: make("span", { class: "select" }, field) };
}

/**
 * Make the check box "Series in order". The browser keeps the choice, and all tabs share it.
 * @param {App} app
 * @param {AbortSignal} signal ends the check box's updates
 */
function seriesToggle(app, signal) {
  const box = make("input", { type: "checkbox", autocomplete: "off" });
  const show = () => {
    box.checked = app.store.shelf.seriesInOrder;
  };
  box.addEventListener("change", () =>
    app.store.change((shelf) => ({ ...shelf, seriesInOrder: box.checked })),
  );
  app.store.onChange(show, signal);
  show();
  const meaning = "Of each series, only the first part that you haven’t rated is picked.";
  return make("label", { class: "chip checked-chip", title: meaning }, box, "Series in order");
}

/** @param {App} app @param {HTMLElement} toggle */
function actions(app, toggle) {
  const words = make("span", { class: "hint", role: "status" });
  const place = make("div");
  const share = async () => {
    const loaded = await import("./share/share_dialog.js").catch(() => null);
    say(words, loaded ? "" : "This didn’t load. Check your connection and reload the page.");
    loaded?.openShareDialog(app, place, app.finder.found.picks);
  };
  return make(
    "div",
    { class: "picks-actions" },
    button("Share this list", "chip", share),
    button("Print", "chip", () => window.print()),
    toggle,
    words,
    place,
  );
}

/** Return the page's address without the fragment, which may contain the visitor's id and token. */
export function siteAddress() {
  return location.href.replace(/#.*/, "");
}
