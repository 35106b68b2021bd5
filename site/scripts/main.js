// Starts the site: opens the view that the address names, and sets focus, title and navigation.

import { Api, ApiProblem } from "./api.js";
import { button, byId, make, say, viewHeading } from "./dom.js";
import { keepPage } from "./offline.js";
import { showOperator } from "./operator.js";
import { PicksFinder } from "./picks_finder.js";
import { usePosters } from "./poster.js";
import { credentialsIn, routeOf } from "./router.js";
import { showSavedMovies } from "./save_button.js";
import { ScrollMemory } from "./scroll_memory.js";
import { unsavedCount } from "./shelf.js";
import { Store } from "./store.js";
import { openPicks } from "./views/picks.js";
import { openRate } from "./views/rate.js";
import { VisitKeeper } from "./visit.js";
import { wordsForProblem } from "./wording.js";

/** @typedef {{api: Api, store: Store, finder: PicksFinder, visit: VisitKeeper, go: (fragment: string) => void}} App */
/** @typedef {{title: string, element: HTMLElement}} View */
/** @typedef {(app: App, argument: string, signal: AbortSignal) => View | Promise<View>} OpenView
 *  argument: the rest of the address; signal: aborts when the visitor opens another view */

// Views that a first visit does not need are loaded when they are opened.
/** @type {Record<string, OpenView>} */
const VIEWS = {
  rate: openRate,
  picks: openPicks,
  text: async (...view) => (await import("./views/text.js")).openText(...view),
  mine: async (...view) => (await import("./views/mine.js")).openMine(...view),
  bring: async (...view) => (await import("./views/bring.js")).openBring(...view),
  search: async (...view) => (await import("./views/search.js")).openSearch(...view),
  movie: async (...view) => (await import("./views/movie.js")).openMovie(...view),
  list: async (...view) => (await import("./views/list.js")).openList(...view),
  taste: async (...view) => (await import("./views/taste.js")).openTaste(...view),
  privacy: async (...view) => (await import("./views/privacy.js")).openPrivacy(...view),
  terms: async (...view) => (await import("./views/terms.js")).openTerms(...view),
};

const api = new Api();
const store = new Store();
const visit = new VisitKeeper(api, store);
const finder = new PicksFinder(api, store, visit);
/** @type {App} */
const app = {
  api,
  store,
  finder,
  visit,
  go: (fragment) => {
    if (location.hash === `#${fragment}`) route();
    else location.hash = fragment;
  },
};

usePosters(async () => {
  const dataset = api.dataset ?? store.shelf.dataset;
  if (dataset === null || !(await api.posters()).includes(dataset)) return null;
  addTmdbAttribution(await api.tmdbLogo());
  return `posters/${encodeURIComponent(dataset)}/`;
});

/**
 * Add the attribution that TMDB's terms require wherever its posters are shown.
 * @param {string | null} logo the logo's address; null without one
 */
function addTmdbAttribution(logo) {
  if (document.getElementById("tmdb")) return;
  byId("colophon").append(
    make(
      "p",
      { id: "tmdb" },
      "Posters: ",
      make(
        "a",
        { href: "https://www.themoviedb.org/", rel: "noreferrer external" },
        logo ? make("img", { class: "tmdb-logo", src: logo, alt: "TMDB" }) : "TMDB",
      ),
      ". This product uses the TMDB API but is not endorsed or certified by TMDB.",
    ),
  );
}

// The files that are kept for a visit without a connection must not delay the first view.
const KEEP_AFTER_MS = 2000;
const scrollMemory = new ScrollMemory();
/** Ends the listeners of the current view. */
let current = new AbortController();
let isFirst = true;

/**
 * Open the view that the address names, or the link of a text.
 * @param {number} [place] how far to scroll, in pixels
 */
async function route(place = 0) {
  current.abort();
  const controller = new AbortController();
  current = controller;
  const { name, argument } = routeOf(location.hash);
  markCurrent(name);
  showOperator(api);
  try {
    const credentials = credentialsIn(location.hash);
    if (credentials) return await openLink(credentials, controller.signal);
    const open = VIEWS[name] ?? openNotFound;
    const opened = open(app, argument, controller.signal);
    if (opened instanceof Promise) byId("main").setAttribute("aria-busy", "true");
    const view = await opened;
    if (!controller.signal.aborted) show(view, place);
  } catch (error) {
    if (controller.signal.aborted) return;
    if (error instanceof ApiProblem) return show(problemView(error));
    // Most likely `import()` could not load the view's script.
    show(
      problemView(new ApiProblem(navigator.onLine ? "unreachable" : "offline"), () => {
        // A browser may keep a failed import until the page is loaded again, and without a
        // connection it would show a page of its own.
        if (navigator.onLine) location.reload();
        else route();
      }),
    );
    throw error;
  }
}

/** @param {View} view @param {number} [place] how far to scroll, in pixels */
function show({ title, element }, place = 0) {
  const main = byId("main");
  main.removeAttribute("aria-busy");
  main.replaceChildren(element);
  document.title = `${title} · Marquee`;
  if (!isFirst || cameBack()) scrollMemory.restore(place);
  isFirst = false;
  document.getElementById("view-heading")?.focus({ preventScroll: true });
}

/** Whether the browser loaded the page for "Back" or "Forward". */
function cameBack() {
  const [load] = performance.getEntriesByType("navigation");
  return load instanceof PerformanceNavigationTiming && load.type === "back_forward";
}

/**
 * Open the link in a text. Once the browser has stored the token, remove it from the address. If
 * the shelf has unsaved changes of another visitor, ask first.
 * @param {import("./api.js").Credentials} credentials
 * @param {AbortSignal} signal
 */
async function openLink(credentials, signal) {
  const held = store.shelf.visit;
  if (held && held.visitor_id !== credentials.visitor_id && unsavedCount(store.shelf) > 0) {
    show(otherVisitorView(() => follow()));
    return;
  }
  await follow();

  async function follow() {
    show(waitingView("Loading your picks"));
    try {
      await visit.open(credentials);
    } catch (error) {
      if (!(error instanceof ApiProblem) || signal.aborted) throw error;
      show(error.kind === "missing" ? brokenLinkView() : problemView(error));
      return;
    }
    if (signal.aborted) return;
    if (store.isStored) history.replaceState(history.state, "", "#text");
    markCurrent("text");
    const view = await /** @type {OpenView} */ (VIEWS.text)(app, "", signal);
    if (!signal.aborted) show(view);
  }
}

/** @param {string} words @returns {View} */
function waitingView(words) {
  return {
    title: words,
    element: make(
      "div",
      { class: "message" },
      make("p", { class: "loading", role: "status" }, `${words}…`),
    ),
  };
}

/** @param {ApiProblem} problem @param {() => void} [tryAgain] @returns {View} */
function problemView(problem, tryAgain = () => route()) {
  return message(
    "Something went wrong",
    `${wordsForProblem(problem)} Your ratings are stored in this browser.`,
    button("Try again", "button primary", tryAgain),
  );
}

/** @returns {View} */
function brokenLinkView() {
  return message(
    "This link doesn’t work",
    "A newer link may have replaced it, for example because the phone number was changed. Open the link in your latest text, or use the browser you used last. Otherwise the link may be incomplete, or the picks may have expired or been deleted.",
    make("a", { class: "button primary", href: "#rate" }, "Rate movies"),
  );
}

/** @param {() => Promise<void>} open @returns {View} */
function otherVisitorView(open) {
  return message(
    "You have unsaved changes",
    "This link opens the movies of another visitor. If you open it now, you lose your unsaved changes. To keep them, save them under My movies first.",
    make("a", { class: "button primary", href: "#mine" }, "Go to My movies"),
    button("Open the link anyway", "button", () => open()),
  );
}

/** @type {OpenView} */
function openNotFound() {
  return message(
    "Page not found",
    "There is no page at this address. The link may be incomplete.",
    make("a", { class: "button primary", href: "#rate" }, "Rate movies"),
  );
}

/** @param {string} title @param {string} words @param {...HTMLElement} actions @returns {View} */
function message(title, words, ...actions) {
  return {
    title,
    element: make(
      "div",
      { class: "message" },
      viewHeading(title, { class: "board" }),
      make("p", { class: "lede" }, words),
      make("p", { class: "actions" }, ...actions),
    ),
  };
}

/** @param {string} name */
function markCurrent(name) {
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function showConnection() {
  const words = navigator.onLine
    ? ""
    : "You are offline. Your ratings are stored in this browser; new movies and picks load when you are back online.";
  say(byId("connection"), words);
}

byId("skip-link").addEventListener("click", (event) => {
  // Following the link would replace the fragment, which names the view.
  event.preventDefault();
  byId("main").focus();
});
window.addEventListener("hashchange", () => route(scrollMemory.enter()));
window.addEventListener("online", showConnection);
window.addEventListener("offline", showConnection);
window.addEventListener("load", () => setTimeout(keepPage, KEEP_AFTER_MS));
store.onChange(() => showSavedMovies(store.shelf));
showConnection();
finder.refresh();
if (store.shelf.visit && !credentialsIn(location.hash)) visit.follow();
route(scrollMemory.enter());
