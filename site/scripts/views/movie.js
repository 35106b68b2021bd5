// The view of one movie: its details, the visitor's stars and similar movies.

import { ApiProblem } from "../api.js";
import { announce, button, make, say, viewHeading } from "../dom.js";
import { poster } from "../poster.js";
import { saveButton } from "../save_button.js";
import { answered, answerTo, dismissed, removed, restored, UNSEEN } from "../shelf.js";
import { starRating, starsGiven } from "../stars.js";
import { tiles } from "../tiles.js";
import { whereToWatch } from "../where_to_watch.js";
import { counted, titleAndYear, wordsForExpectedStars, wordsForProblem } from "../wording.js";

/** @typedef {import("../api.js").Movie} Movie */
/** @typedef {import("../api.js").MovieDetails} MovieDetails */
/** @typedef {import("../main.js").App} App */

/** @type {import("../main.js").OpenView} */
export async function openMovie(app, argument, signal) {
  const movieId = Number(argument);
  if (!Number.isInteger(movieId)) return noSuchMovie();
  let movie;
  try {
    ({ movie } = await app.api.movie(movieId));
  } catch (error) {
    if (error instanceof ApiProblem && error.kind === "missing") return noSuchMovie();
    throw error;
  }
  const similar = make(
    "section",
    { class: "similar", "aria-labelledby": "similar-heading" },
    make("h2", { id: "similar-heading", class: "board-small" }, "More like this"),
    make("p", { class: "hint", role: "status" }, "Finding similar movies…"),
  );
  showSimilar(app, movie, similar, signal);
  return {
    title: titleAndYear(movie),
    element: make(
      "div",
      { class: "movie-view" },
      make(
        "div",
        { class: "movie-head" },
        poster(movie, "poster-large"),
        make(
          "div",
          { class: "movie-facts" },
          viewHeading(movie.title),
          movie.alternative_titles.length > 0
            ? make("p", { class: "hint" }, `Also known as ${movie.alternative_titles.join(", ")}`)
            : null,
          make("p", { class: "genres" }, [movie.year, ...movie.genres].filter(Boolean).join(" · ")),
          make("p", { class: "everyone" }, everyoneWords(movie)),
          expected(app, movie, signal),
          opinion(app, movie, signal),
          links(movie),
        ),
      ),
      series(app, movie),
      similar,
    ),
  };
}

/**
 * List the parts of the movie's series in order, with the visitor's stars or the button "Save".
 * @param {App} app
 * @param {MovieDetails} movie
 */
function series(app, { movie_id, series }) {
  if (!series) return null;
  return make(
    "section",
    { class: "series", "aria-labelledby": "series-heading" },
    make("h2", { id: "series-heading", class: "board-small" }, "The series in order"),
    make(
      "ol",
      { class: "series-parts" },
      ...series.movies.map((part) => {
        const stars = answerTo(app.store.shelf, part.movie_id)?.stars ?? UNSEEN;
        return make(
          "li",
          {},
          make(
            "a",
            {
              href: `#movie/${part.movie_id}`,
              "aria-current": part.movie_id === movie_id ? "page" : null,
            },
            part.title,
          ),
          part.year ? make("span", { class: "year" }, ` ${part.year}`) : null,
          stars === UNSEEN ? null : starsGiven(stars),
          part.movie_id === movie_id ? null : saveButton(app, part),
        );
      }),
    ),
  );
}

/** @returns {import("../main.js").View} */
function noSuchMovie() {
  return {
    title: "Movie not found",
    element: make(
      "div",
      { class: "message" },
      viewHeading("Movie not found", { class: "board" }),
      make(
        "p",
        { class: "lede" },
        "We don’t have this movie. The catalogue may have changed since the link was made.",
      ),
      make(
        "p",
        { class: "actions" },
        make("a", { class: "button primary", href: "#search" }, "Search"),
      ),
    ),
  };
}

/** @param {MovieDetails} movie */
function everyoneWords({ ratings, mean_stars }) {
  if (ratings === 0 || mean_stars === null) return "No ratings yet.";
  return `${mean_stars.toFixed(1)} out of 5 stars on average, from ${ratings.toLocaleString()} ${ratings === 1 ? "rating" : "ratings"}.`;
}

/** @param {App} app @param {MovieDetails} movie @param {AbortSignal} signal */
function opinion(app, movie, signal) {
  const place = make("div", { class: "opinion" });
  let shown = "";
  const show = () => {
    const { shelf } = app.store;
    const answer = answerTo(shelf, movie.movie_id);
    const isDismissed = shelf.dismissed.some(({ movie_id }) => movie_id === movie.movie_id);
    const key = JSON.stringify([answer?.stars, isDismissed]);
    if (key === shown) return;
    const hadFocus = place.contains(document.activeElement);
    shown = key;
    const give = (/** @type {number} */ stars) => {
      app.store.change((now) => answered(now, movie, stars, new Date().toISOString()));
      announce(
        stars === UNSEEN
          ? `${movie.title}: not seen.`
          : `${movie.title}: ${counted(stars, "star")}.`,
      );
    };
    place.replaceChildren(
      make(
        "p",
        { class: "opinion-words" },
        answer
          ? answer.stars === UNSEEN
            ? "You haven’t seen it."
            : "Your rating"
          : "Seen it? Rate it.",
      ),
      starRating({
        legend: `Your rating for ${titleAndYear(movie)}`,
        stars: answer?.stars ?? 0,
        size: "large",
        onRate: give,
      }),
      make(
        "p",
        { class: "actions tight" },
        saveButton(app, movie),
        answer
          ? button(
              answer.stars === UNSEEN ? "Undo “Haven’t seen it”" : "Remove my rating",
              "chip",
              () => app.store.change((now) => removed(now, movie.movie_id)),
            )
          : button("Haven’t seen it", "chip", () => give(UNSEEN)),
        answer
          ? null
          : isDismissed
            ? button("Undo “Not for me”", "chip", () =>
                app.store.change((now) => restored(now, movie.movie_id)),
              )
            : button("Not for me", "chip", () => app.store.change((now) => dismissed(now, movie))),
      ),
    );
    if (!hadFocus) return;
    const radio = place.querySelector("input:checked") ?? place.querySelector("input");
    if (radio instanceof HTMLElement) radio.focus({ preventScroll: true });
  };
  app.store.onChange(show, signal);
  show();
  return place;
}

/**
 * Make the links to other sites, from which the page itself loads nothing.
 * @param {MovieDetails} movie
 */
function links({ title, links: { imdb, tmdb } }) {
  const link = (/** @type {string} */ name, /** @type {string} */ href) =>
    make("a", { href, rel: "noreferrer external" }, name);
  const known = [
    ["IMDb", imdb ?? ""],
    ["TMDB", tmdb ?? ""],
  ].filter(([, address = ""]) => address.startsWith("https://"));
  return make(
    "p",
    { class: "hint movie-links" },
    link("Where to watch", whereToWatch(title, navigator.language)),
    " (JustWatch)",
    known.length > 0 ? ". More info: " : "",
    ...known.flatMap(([name = "", address = ""], place) => [
      place > 0 ? ", " : "",
      link(name, address),
    ]),
    ".",
  );
}

/**
 * Say how many stars are expected of the visitor. Only picks have a prediction.
 * @param {App} app
 * @param {MovieDetails} movie
 * @param {AbortSignal} signal
 */
function expected(app, movie, signal) {
  const words = make("p", { class: "expected" });
  const show = () => {
    const pick = app.finder.found.picks.find(({ movie_id }) => movie_id === movie.movie_id);
    const given = answerTo(app.store.shelf, movie.movie_id)?.stars ?? UNSEEN;
    say(words, given === UNSEEN ? wordsForExpectedStars(pick?.stars) : "");
    words.hidden = words.textContent === "";
  };
  app.finder.addEventListener("change", show, { signal });
  app.store.onChange(show, signal);
  show();
  return words;
}

/** @param {App} app @param {Movie} movie @param {HTMLElement} place @param {AbortSignal} signal */
async function showSimilar(app, movie, place, signal) {
  const [heading, words] = [...place.children];
  if (!heading || !(words instanceof HTMLElement)) return;
  try {
    const { movies, ratings, few_ratings: isRare } = await app.api.similar(movie.movie_id);
    if (signal.aborted) return;
    if (movies.length === 0)
      words.textContent = "Too few people have rated it to find similar movies.";
    else {
      words.textContent = `Only ${counted(ratings, "person has", "people have")} rated it, too few to tell by taste: these are alike in genre, themes and years.`;
      words.hidden = !isRare;
      place.replaceChildren(heading, words, tiles(app, movies, `Movies like ${movie.title}`));
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof ApiProblem)) return;
    words.textContent = wordsForProblem(error);
    place.replaceChildren(
      heading,
      words,
      button("Try again", "button", () => showSimilar(app, movie, restart(), signal)),
    );
  }

  function restart() {
    place.replaceChildren(...[heading, words].filter((each) => each !== undefined));
    return place;
  }
}
