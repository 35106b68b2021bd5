// An item of the lists under "My movies".

import { announce, button, make, undoItem } from "./dom.js";
import { poster } from "./poster.js";
import { answered } from "./shelf.js";
import { starRating } from "./stars.js";
import { counted, titleAndYear } from "./wording.js";

/** @typedef {import("./api.js").Movie} Movie */
/** @typedef {import("./main.js").App} App */
/** @typedef {Parameters<typeof import("./dom.js").showItems>[2][number]} Row */

/**
 * Make an item with a movie, stars to rate it and a button to remove it from the list.
 * @param {App} app
 * @param {Movie} movie
 * @param {number} stars the visitor's; 0 means no rating yet
 * @param {() => void} onRemove
 */
export function myMovieItem(app, movie, stars, onRemove) {
  const named = titleAndYear(movie);
  return make(
    "li",
    { class: "my-movie", "data-movie-id": movie.movie_id },
    poster(movie, "poster-thumb"),
    make(
      "div",
      { class: "my-words" },
      make(
        "p",
        { class: "my-title" },
        make("a", { href: `#movie/${movie.movie_id}` }, movie.title),
        movie.year ? make("span", { class: "year" }, ` ${movie.year}`) : null,
      ),
      make("p", { class: "genres" }, movie.genres.join(", ")),
    ),
    starRating({
      legend: `Your rating for ${named}`,
      stars,
      onRate: (given) => {
        app.store.change((shelf) => answered(shelf, movie, given, new Date().toISOString()));
        announce(`${movie.title}: ${counted(given, "star")}.`);
      },
    }),
    button("Remove", "chip", onRemove, { "aria-label": `Remove ${named}`, "data-act": "remove" }),
  );
}

/**
 * Return the row that replaces a removed movie, with a button to undo the removal.
 * @param {Movie} movie
 * @param {() => void} onUndo
 * @returns {Row}
 */
export function removedRow(movie, onUndo) {
  const words = `Removed: ${titleAndYear(movie)}`;
  return [`undo ${movie.movie_id}`, () => undoItem(movie.movie_id, words, onUndo)];
}
