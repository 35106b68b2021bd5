// The movies of a shared list, as its preview and its view show them.

import { make } from "../dom.js";
import { poster } from "../poster.js";
import { wordsForListReasons } from "../wording.js";

/** @typedef {import("../api.js").Movie & {reasons: string[]}} ListedMovie */

/**
 * Make the items of a list.
 * @param {ListedMovie[]} movies
 * @param {string | null} firstName of whoever shared the list
 * @param {{level?: "h2" | "h3", isLinked?: boolean, acts?: (movie: ListedMovie) => HTMLElement | null}} [about]
 *   level: heading level of the titles; isLinked: whether the titles lead to the movies' pages;
 *   acts: makes what follows the words
 */
export function listItems(movies, firstName, { level = "h2", isLinked = false, acts } = {}) {
  return movies.map((movie) => {
    const reasons = wordsForListReasons(movie.reasons, firstName);
    const act = acts?.(movie);
    return make(
      "li",
      { class: "pick listed", "data-movie-id": movie.movie_id },
      poster(movie, "poster-thumb"),
      make(
        "div",
        { class: "pick-words" },
        make(
          level,
          { class: "pick-title" },
          isLinked ? make("a", { href: `#movie/${movie.movie_id}` }, movie.title) : movie.title,
          movie.year ? make("span", { class: "year" }, ` ${movie.year}`) : null,
        ),
        reasons === "" ? null : make("p", { class: "because" }, reasons),
      ),
      act ? make("div", { class: "pick-acts" }, act) : null,
    );
  });
}
