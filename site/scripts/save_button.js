// The button "Save", which puts a movie on the watchlist. All views use it.

import { announce, draw, make } from "./dom.js";
import {
  answerTo,
  isSaved,
  MAX_WATCHLIST,
  savedForLater,
  takenOffWatchlist,
  UNSEEN,
} from "./shelf.js";
import { titleAndYear } from "./wording.js";

/** @typedef {import("./api.js").Movie} Movie */
/** @typedef {import("./main.js").App} App */
/** @typedef {import("./shelf.js").Shelf} Shelf */

/** The movie of each button. @type {WeakMap<Element, Movie>} */
const movies = new WeakMap();

/**
 * Make a button that puts a movie on the watchlist or takes it off. It is hidden while the movie is
 * rated: the watchlist is for movies that the visitor has not rated.
 * @param {App} app
 * @param {Movie} movie
 */
export function saveButton(app, movie) {
  const bookmark = draw(
    "svg",
    { viewBox: "0 0 16 20", "aria-hidden": "true" },
    draw("path", { d: "M2 2h12v16l-6-5-6 5z" }),
  );
  const words = make("span", { class: "save-words" });
  const onclick = () => toggle(app, movie);
  const element = make(
    "button",
    { type: "button", class: "chip save", "data-act": "save", onclick },
    bookmark,
    words,
  );
  movies.set(element, movie);
  show(element, app.store.shelf);
  return element;
}

/** Make all buttons on the page show whether their movies are saved. @param {Shelf} shelf */
export function showSavedMovies(shelf) {
  for (const element of document.querySelectorAll(".save")) show(element, shelf);
}

/** @param {App} app @param {Movie} movie */
function toggle({ store }, movie) {
  const wasSaved = isSaved(store.shelf, movie.movie_id);
  store.change((shelf) =>
    wasSaved ? takenOffWatchlist(shelf, movie.movie_id) : savedForLater(shelf, movie),
  );
  const isListed = isSaved(store.shelf, movie.movie_id);
  announce(
    isListed
      ? `${movie.title}: saved for later.`
      : wasSaved
        ? `${movie.title}: no longer saved.`
        : `Your list is full: ${MAX_WATCHLIST} movies are saved for later. Remove one under My movies.`,
  );
}

/** @param {Element} element @param {Shelf} shelf */
function show(element, shelf) {
  const movie = movies.get(element);
  const words = element.querySelector(".save-words");
  if (movie === undefined || words === null) return;
  const isListed = isSaved(shelf, movie.movie_id);
  const label = isListed ? "Saved" : "Save";
  words.textContent = label;
  element.setAttribute("aria-label", `${label}: ${titleAndYear(movie)}`);
  element.setAttribute("aria-pressed", String(isListed));
  element.toggleAttribute("hidden", (answerTo(shelf, movie.movie_id)?.stars ?? UNSEEN) !== UNSEEN);
}
