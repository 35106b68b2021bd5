// A grid of movie posters.

import { make } from "./dom.js";
import { poster } from "./poster.js";
import { saveButton } from "./save_button.js";
import { answerTo, UNSEEN } from "./shelf.js";
import { starsGiven } from "./stars.js";

/** @typedef {import("./api.js").Movie & Partial<import("./api.js").TitledMovie>} Movie */
/** @typedef {import("./main.js").App} App */

/**
 * Make a list of posters with titles. Each links to its movie and shows the visitor's stars or, for
 * a movie that they have not rated, the button "Save".
 * @param {App} app
 * @param {Movie[]} movies
 * @param {string} label the list's name for screen readers
 */
export function tiles(app, movies, label) {
  return make(
    "ul",
    { class: "tiles", "aria-label": label },
    ...movies.map((movie) => {
      const stars = answerTo(app.store.shelf, movie.movie_id)?.stars ?? UNSEEN;
      return make(
        "li",
        {},
        make(
          "a",
          { class: "tile", href: `#movie/${movie.movie_id}` },
          poster(movie, "poster-tile"),
          make("span", { class: "tile-title" }, movie.title),
          movie.alternative_titles?.[0]
            ? make("span", { class: "hint" }, movie.alternative_titles[0])
            : null,
          make(
            "span",
            { class: "hint" },
            [movie.year, movie.genres[0]].filter(Boolean).join(" · "),
          ),
          stars === UNSEEN ? null : starsGiven(stars),
        ),
        saveButton(app, movie),
      );
    }),
  );
}
