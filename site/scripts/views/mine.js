// "My movies": the visitor's ratings and other answers, to sort, change, export or forget, and the
// movies saved for later.

import { ApiProblem } from "../api.js";
import { announce, button, make, say, showItems, viewHeading } from "../dom.js";
import { asCsv, asJson, download } from "../export.js";
import { myMovieItem, removedRow } from "../my_movie.js";
import { select } from "../picks_panel.js";
import { wordsForForgetting, wordsForForgotten } from "../retention.js";
import {
  answered,
  answerTo,
  ratedAnswers,
  removed,
  restored,
  UNSEEN,
  withQuestionFirst,
} from "../shelf.js";
import { unsavedBar } from "../unsaved_bar.js";
import { watchlist } from "../watchlist.js";
import { counted, dayInWords, listTitle, titleAndYear, wordsForProblem } from "../wording.js";

/** @typedef {import("../main.js").App} App */
/** @typedef {import("../shelf.js").Answer} Answer */
/** @typedef {import("../api.js").Movie} Movie */
/** @typedef {import("../my_movie.js").Row} Row */

/** @type {Record<string, {words: string, compare: (one: Answer, other: Answer) => number}>} */
const ORDERS = {
  recent: { words: "Recently rated", compare: compareTimes },
  title: {
    words: "Title",
    compare: (one, other) => sortTitle(one).localeCompare(sortTitle(other)),
  },
  stars: {
    words: "Highest rated",
    compare: (one, other) =>
      other.stars - one.stars || sortTitle(one).localeCompare(sortTitle(other)),
  },
  year: {
    words: "Newest movies",
    compare: (one, other) => (other.movie.year ?? 0) - (one.movie.year ?? 0),
  },
};

/**
 * Put the later of two ratings first, one without a known time last. The shelf has ratings in the
 * order in which they were first given.
 * @param {Answer} one
 * @param {Answer} other
 */
function compareTimes(one, other) {
  return one.at === other.at ? 0 : one.at < other.at ? 1 : -1;
}

/** Return the title to sort by: lower case, without its English article. @param {Answer} answer */
function sortTitle({ movie }) {
  return movie.title.replace(/^(the|an?) /i, "").toLowerCase();
}

const WATCHLIST = "saved"; // the argument of the address that opens the watchlist

/** @type {import("../main.js").OpenView} */
export function openMine(app, argument, signal) {
  const heading = viewHeading("My movies", { class: "board" });
  const isWatchlist = argument === WATCHLIST;
  const element = make(
    "div",
    { class: "mine-view" },
    make("div", { class: "opening" }, heading, listLinks(app, isWatchlist, signal)),
    make(
      "div",
      { class: "two-columns" },
      isWatchlist ? watchlist(app, heading, signal) : ratedMovies(app, heading, signal),
      make(
        "div",
        { class: "status-side" },
        unsavedBar(app, signal),
        sharedLists(app, signal),
        dataPanel(app, signal),
      ),
    ),
  );
  return { title: isWatchlist ? "Saved for later" : "My movies", element };
}

/**
 * Make the links to the two lists, each with its count.
 * @param {App} app
 * @param {boolean} isWatchlist whether the watchlist is shown
 * @param {AbortSignal} signal ends the updates
 */
function listLinks(app, isWatchlist, signal) {
  const current = (/** @type {boolean} */ isShown) => (isShown ? "page" : null);
  const rated = make("a", { href: "#mine", "aria-current": current(!isWatchlist) });
  const saved = make("a", { href: `#mine/${WATCHLIST}`, "aria-current": current(isWatchlist) });
  const show = () => {
    say(rated, `Rated (${ratedAnswers(app.store.shelf).length})`);
    say(saved, `Saved for later (${app.store.shelf.watchlist.length})`);
  };
  app.store.onChange(show, signal);
  show();
  return make(
    "ul",
    { class: "list-links", "aria-label": "Lists" },
    make("li", {}, rated),
    make("li", {}, saved),
  );
}

/**
 * Make the list of rated movies and those of the other answers.
 * @param {App} app
 * @param {HTMLElement} heading takes the focus when the last movie is removed
 * @param {AbortSignal} signal ends the updates
 */
function ratedMovies(app, heading, signal) {
  let order = "recent";
  const summary = make("p", { class: "lede" });
  const list = make("ul", { class: "my-list", "aria-label": "Movies I rated" });
  const others = make("div", { class: "my-others" });
  const sort = select(
    "Sort by",
    Object.entries(ORDERS).map(([value, { words }]) => [value, words]),
    order,
    (value) => {
      order = value;
      arrange();
      show(true);
    },
  );
  let shown = "";
  /**
   * The rows' places by movie id. They stay while the view is open, so that a movie does not move
   * away while it is rated again.
   * @type {Map<number, number>}
   */
  let places = new Map();
  /** @type {Answer[]} what was removed here, to be undone in its place */
  let removedHere = [];

  const sorted = () => ratedAnswers(app.store.shelf).reverse().sort(ORDERS[order]?.compare);
  const arrange = () => {
    removedHere = [];
    places = new Map(sorted().map(({ movie }, place) => [movie.movie_id, place]));
  };
  const remove = (/** @type {Answer} */ answer) => {
    removedHere.push(answer);
    app.store.change((shelf) => removed(shelf, answer.movie.movie_id));
    announce(`${answer.movie.title} removed. Press Undo to take this back.`);
  };
  const undo = (/** @type {Answer} */ { movie, stars, at }) => {
    app.store.change((shelf) => answered(shelf, movie, stars, at));
    announce(`${movie.title}: ${counted(stars, "star")}.`);
  };

  const show = (/** @type {boolean} */ isForced = false) => {
    const { shelf } = app.store;
    const rated = sorted();
    const key = JSON.stringify([shelf.answers, shelf.dismissed, shelf.visit !== null]);
    if (key === shown && !isForced) return;
    shown = key;
    removedHere = removedHere.filter(({ movie }) => answerTo(shelf, movie.movie_id) === null);
    /** @param {Answer} answer what another tab rates meanwhile comes first */
    const place = ({ movie }) => places.get(movie.movie_id) ?? -1;
    summary.textContent =
      rated.length === 0
        ? "You haven’t rated any movies yet."
        : `${counted(rated.length, "movie")} rated. ${shelf.visit ? "They are saved under your link. You can change them and save again at any time." : "They are only in this browser until you save them."}`;
    sort.element.hidden = rated.length < 2;
    const rows = [...rated, ...removedHere].sort((one, other) => place(one) - place(other));
    places = new Map(rows.map(({ movie }, at) => [movie.movie_id, at]));
    showItems(
      list,
      heading,
      rows.map((answer) =>
        removedHere.includes(answer)
          ? removedRow(answer.movie, () => undo(answer))
          : ratedRow(app, answer, remove),
      ),
    );
    others.replaceChildren(...otherLists(app));
  };
  app.store.onChange(() => show(), signal);

  arrange();
  show();
  return make(
    "div",
    {},
    summary,
    make(
      "div",
      { class: "list-tools" },
      sort.element,
      make(
        "p",
        { class: "actions tight" },
        make("a", { class: "button", href: "#rate" }, "Rate more"),
        make("a", { class: "button", href: "#bring" }, "Bring your ratings"),
      ),
    ),
    list,
    others,
  );
}

/** @param {App} app @param {Answer} answer @param {(answer: Answer) => void} onRemove @returns {Row} */
function ratedRow(app, answer, onRemove) {
  const { movie, stars } = answer;
  return [
    `${movie.movie_id}=${stars}`,
    () => myMovieItem(app, movie, stars, () => onRemove(answer)),
  ];
}

/** Make the collapsed lists of movies not seen and of dismissed movies. @param {App} app */
function otherLists(app) {
  const { answers, dismissed } = app.store.shelf;
  const unseen = answers.filter(({ stars }) => stars === UNSEEN).map(({ movie }) => movie);
  return [
    collapsedList("Haven’t seen", unseen, "Rate it", (movie) => {
      app.store.change((shelf) => withQuestionFirst(removed(shelf, movie.movie_id), movie));
      app.go("rate");
    }),
    collapsedList("Not for me", dismissed, "Restore", (movie) => {
      app.store.change((shelf) => restored(shelf, movie.movie_id));
      announce(`${movie.title} can be picked again.`);
    }),
  ].filter((each) => each !== null);
}

/**
 * Make a collapsed list of movies with a button for each; null without movies.
 * @param {string} title
 * @param {Movie[]} movies
 * @param {string} act the buttons' label
 * @param {(movie: Movie) => void} onAct
 */
function collapsedList(title, movies, act, onAct) {
  if (movies.length === 0) return null;
  return make(
    "details",
    {},
    make("summary", {}, `${title} (${movies.length})`),
    make(
      "ul",
      { class: "plain-list" },
      ...movies.map((movie) =>
        make(
          "li",
          {},
          make("a", { href: `#movie/${movie.movie_id}` }, titleAndYear(movie)),
          " ",
          button(act, "text-button", () => onAct(movie), {
            "aria-label": `${act}: ${titleAndYear(movie)}`,
          }),
        ),
      ),
    ),
  );
}

/**
 * Make the panel with links to the lists that this browser shared; it is hidden without any.
 * @param {App} app
 * @param {AbortSignal} signal ends the updates
 */
function sharedLists(app, signal) {
  const list = make("ul", { class: "plain-list" });
  const panel = make(
    "section",
    { class: "panel quiet-panel", "aria-labelledby": "shared-heading" },
    make("h2", { id: "shared-heading" }, "Lists I shared"),
    list,
  );
  const show = () => {
    const { lists } = app.store.shelf;
    panel.hidden = lists.length === 0;
    list.replaceChildren(
      ...lists
        .toReversed()
        .map(({ list_id, first_name, expires_at }) =>
          make(
            "li",
            {},
            make("a", { href: `#list/${list_id}` }, listTitle(first_name)),
            `, until ${dayInWords(expires_at)}`,
          ),
        ),
    );
  };
  app.store.onChange(show, signal);
  show();
  return panel;
}

/** @param {App} app @param {AbortSignal} signal */
function dataPanel(app, signal) {
  const words = make("p", { class: "hint", role: "status" });
  const save = make("a", { class: "button", href: "#text" }, "Save or text my picks");
  const exportAs = async (/** @type {"json" | "csv"} */ kind) => {
    const { shelf } = app.store;
    let { visitor } = app.visit;
    try {
      if (shelf.visit) visitor = await app.api.visitor(shelf.visit);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      say(words, `${wordsForProblem(error)} The file contains only what this browser has stored.`);
    }
    const now = new Date().toISOString();
    if (kind === "json")
      download("marquee.json", "application/json", asJson(app.store.shelf, visitor, now));
    else download("marquee.csv", "text/csv", asCsv(app.store.shelf));
  };
  const forgetting = forgetDialog(app, words);
  const forget = button("Forget me", "button danger", () => forgetting.ask());
  const show = () => {
    save.hidden = app.store.shelf.visit !== null;
  };
  app.store.onChange(show, signal);
  show();
  return make(
    "section",
    { class: "panel quiet-panel", "aria-labelledby": "data-heading" },
    make("h2", { id: "data-heading" }, "My data"),
    make(
      "p",
      { class: "actions tight" },
      save,
      button("Export as JSON", "button", () => exportAs("json")),
      button("Export as CSV", "button", () => exportAs("csv")),
    ),
    make("p", { class: "hint" }, "The file contains only the last digits of your phone number."),
    make("p", { class: "actions tight" }, forget),
    words,
    forgetting.element,
  );
}

/**
 * Make the dialog that asks before the visitor is forgotten.
 * @param {App} app
 * @param {HTMLElement} after shows the confirmation afterwards
 */
function forgetDialog(app, after) {
  const problem = make("p", { class: "field-error", role: "alert", hidden: true });
  const words = make("p", {});
  const confirm = button("Yes, forget me", "button danger", () => forget());
  const cancel = button("Cancel", "button", () => element.close());
  const element = make(
    "dialog",
    { class: "dialog", "aria-labelledby": "forget-heading" },
    make("h2", { id: "forget-heading" }, "Delete all your data?"),
    words,
    problem,
    make("p", { class: "actions" }, confirm, cancel),
  );
  const forget = async () => {
    if (confirm.getAttribute("aria-disabled") === "true") return;
    const wasSaved = app.visit.credentials !== null;
    const listsBefore = app.store.shelf.lists.length;
    confirm.setAttribute("aria-disabled", "true");
    try {
      const forgotten = wasSaved
        ? wordsForForgotten((await app.api.about()).retention)
        : "Your data is deleted. This browser no longer stores anything about you.";
      await app.visit.forget();
      element.close();
      say(after, forgotten);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      problem.hidden = false;
      const isStarted = app.store.shelf.lists.length < listsBefore;
      problem.textContent = `${wordsForProblem(error)} ${isStarted ? "Only lists that you shared have been taken back so far." : "Nothing has been deleted yet."}`;
    } finally {
      confirm.removeAttribute("aria-disabled");
    }
  };
  return {
    element,
    async ask() {
      problem.hidden = true;
      words.textContent =
        app.store.shelf.lists.length > 0
          ? "Your ratings and saved movies are only in this browser. This permanently deletes them, and takes back the lists that you shared."
          : "Your ratings and saved movies are only in this browser. This permanently deletes them.";
      try {
        if (app.visit.credentials)
          words.textContent = wordsForForgetting((await app.api.about()).retention);
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        say(after, wordsForProblem(error));
        return;
      }
      if (!element.open) element.showModal();
    },
  };
}
