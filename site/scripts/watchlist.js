// "Saved for later": the movies that the visitor wants to watch, the last saved first.

import { announce, make, say, showItems } from "./dom.js";
import { myMovieItem, removedRow } from "./my_movie.js";
import { isSaved, savedForLater, takenOffWatchlist, UNSEEN } from "./shelf.js";
import { counted } from "./wording.js";

/** @typedef {import("./api.js").Movie} Movie */
/** @typedef {import("./main.js").App} App */
/** @typedef {import("./my_movie.js").Row} Row */

/**
 * Make the list of saved movies, with a sentence that says how to add some while there are none.
 * @param {App} app
 * @param {HTMLElement} heading takes the focus when the last movie is removed
 * @param {AbortSignal} signal ends the updates
 */
export function watchlist(app, heading, signal) {
  const summary = make("p", { class: "lede" });
  const list = make("ul", { class: "my-list", "aria-label": "Movies I saved" });
  const ways = make(
    "p",
    { class: "actions tight" },
    make("a", { class: "button", href: "#search" }, "Search"),
    make("a", { class: "button", href: "#picks" }, "See my picks"),
  );
  /** @type {{movie: Movie, place: number}[]} what was removed here, with its place on the watchlist */
  let removedHere = [];
  /** @type {number[]} the movies shown, with those removed here */
  let order = [];
  let shown = "";

  const remove = (/** @type {Movie} */ movie) => {
    const place = app.store.shelf.watchlist.findIndex(
      ({ movie_id }) => movie_id === movie.movie_id,
    );
    removedHere.push({ movie, place });
    app.store.change((shelf) => takenOffWatchlist(shelf, movie.movie_id));
    announce(`${movie.title} removed. Press Undo to take this back.`);
  };
  const undo = (/** @type {Movie} */ movie, /** @type {number} */ place) => {
    app.store.change((shelf) => savedForLater(shelf, movie, place));
    announce(`${movie.title}: saved for later.`);
  };
  const show = () => {
    const { shelf } = app.store;
    const key = JSON.stringify([shelf.watchlist, shelf.visit !== null]);
    if (key === shown) return;
    shown = key;
    removedHere = removedHere.filter(({ movie }) => !isSaved(shelf, movie.movie_id));
    const rows = new Map([
      ...shelf.watchlist.toReversed().map((movie) => savedRow(app, movie, remove)),
      ...removedHere.map(({ movie, place }) => undoRow(movie, () => undo(movie, place))),
    ]);
    order = [
      ...[...rows.keys()].filter((movieId) => !order.includes(movieId)),
      ...order.filter((movieId) => rows.has(movieId)),
    ];
    const count = shelf.watchlist.length;
    ways.hidden = count > 0;
    say(
      summary,
      count === 0
        ? "Nothing is saved for later. Press “Save” on a pick, on a movie you find or on a movie’s page, and it appears here."
        : `${counted(count, "movie")} saved for later. ${shelf.visit ? "They are kept under your link once you save your changes." : "They are only in this browser until you save your movies."} A movie leaves this list when you rate it.`,
    );
    showItems(
      list,
      heading,
      order.map((movieId) => rows.get(movieId)).filter((row) => row !== undefined),
    );
  };
  app.store.onChange(show, signal);
  show();
  return make("div", {}, summary, ways, list);
}

/**
 * Return a saved movie's id and row.
 * @param {App} app
 * @param {Movie} movie
 * @param {(movie: Movie) => void} onRemove
 * @returns {[number, Row]}
 */
function savedRow(app, movie, onRemove) {
  const makeItem = () => myMovieItem(app, movie, UNSEEN, () => onRemove(movie));
  return [movie.movie_id, [String(movie.movie_id), makeItem]];
}

/** @param {Movie} movie @param {() => void} onUndo @returns {[number, Row]} */
function undoRow(movie, onUndo) {
  return [movie.movie_id, removedRow(movie, onUndo)];
}
