// "How Marquee sees you": the visitor's taste, as a model derives it from the ratings on the shelf.

import { ApiProblem } from "../api.js";
import { button, make, say, viewHeading } from "../dom.js";
import { select } from "../picks_panel.js";
import { RATINGS_NEEDED, ratingsOf } from "../shelf.js";
import { tasteChart } from "../taste_chart.js";
import { counted, titleAndYear, wordsForProblem } from "../wording.js";

/** @typedef {import("../api.js").Leaning} Leaning */
/** @typedef {import("../api.js").Profile} Profile */
/** @typedef {import("../api.js").Surprise} Surprise */
/** @typedef {import("../main.js").App} App */

/** @type {[string, string][]} */
const MODELS = [
  ["ranking", "Ranking: what you would like next"],
  ["rating", "Rating: how many stars you would give"],
  ["tags", "Tags: how people describe your movies"],
  ["genres", "Genres: the kinds you like"],
  ["mean", "Mean: everyone’s average rating"],
  ["median", "Median: everyone’s median rating"],
];
const LEANINGS_SHOWN = 12;

/** @type {import("../main.js").OpenView} */
export function openTaste(app, argument, signal) {
  const title = "How Marquee sees you";
  const heading = viewHeading(title, { class: "board" });
  const missing = RATINGS_NEEDED - ratingsOf(app.store.shelf).length;
  if (missing > 0) {
    return {
      title,
      element: make(
        "div",
        { class: "message" },
        heading,
        make(
          "p",
          { class: "lede" },
          `Rate ${counted(missing, "more movie")} first. We don’t know enough about your taste yet.`,
        ),
        make(
          "p",
          { class: "actions" },
          make("a", { class: "button primary", href: "#rate" }, "Rate movies"),
        ),
      ),
    };
  }
  const words = make("p", { class: "taste-words", role: "status" });
  const sections = make("div", { class: "taste-sections" });
  const chosen = MODELS.find(([name]) => name === argument)?.[0] ?? "ranking";
  /** @type {AbortController | null} */
  let controller = null;

  const load = async (/** @type {string} */ model) => {
    controller?.abort();
    const call = new AbortController();
    controller = call;
    say(words, "Looking at your ratings…");
    sections.setAttribute("aria-busy", "true");
    try {
      const profile = await app.api.profile(
        ratingsOf(app.store.shelf),
        model,
        AbortSignal.any([call.signal, signal]),
      );
      sections.replaceChildren(...parts(profile));
      say(words, certaintyWords(profile));
    } catch (error) {
      if (call.signal.aborted || signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      say(words, wordsForProblem(error));
      sections.replaceChildren(button("Try again", "button", () => load(model)));
    }
    sections.removeAttribute("aria-busy");
  };
  const chooser = select("Model", MODELS, chosen, (model) => {
    history.replaceState(null, "", `#taste/${model}`);
    load(model);
  });
  load(chosen);
  return {
    title,
    element: make(
      "div",
      { class: "taste-view" },
      make(
        "div",
        { class: "opening" },
        heading,
        make(
          "p",
          { class: "lede" },
          "Marquee has several models, and each sees your ratings differently. Choose one:",
        ),
        chooser.element,
        words,
      ),
      sections,
    ),
  };
}

/** @param {Profile} profile */
function certaintyWords({ rated, certainty }) {
  if (!certainty) return `Based on ${counted(rated, "rating")}.`;
  const { share, stars_error } = certainty;
  return `Based on ${counted(rated, "rating")}, we know your taste ${howWell(share)}: about ${percent(share)}. Our predictions are off by ${stars_error.toFixed(1)} stars on average.`;
}

/** Return how well the visitor's taste is known, in words. @param {number} share from 0 to 1 */
function howWell(share) {
  if (share < 0.25) return "a little";
  if (share < 0.5) return "partly";
  if (share < 0.75) return "fairly well";
  return "well";
}

/** @param {number} share from 0 to 1 */
function percent(share) {
  return `${Math.round(share * 100)}%`;
}

/** @param {Profile} profile */
function parts(profile) {
  const { genres, tags, tags_note, surprises, map, certainty } = profile;
  return [
    certainty && meter(certainty.share),
    map &&
      map.movies.length > 0 &&
      section(
        "Your map",
        "Movies that the same people like are close together. The bright spot is you.",
        tasteChart(map),
      ),
    genres.length > 0 &&
      section(
        "Genres",
        "How much higher or lower than everyone else you rate these genres, in stars.",
        leanings(genres),
      ),
    tags.length > 0 &&
      section(
        "Tags",
        "How people describe the movies you like, and the ones you don’t.",
        leanings(tags),
      ),
    tags.length === 0 && tags_note && section("Tags", tags_note),
    surprises.length > 0 &&
      section(
        "Where you differ",
        "Your ratings compared with everyone’s, largest difference first.",
        surpriseTable(surprises),
      ),
    genres.length === 0 &&
      surprises.length === 0 &&
      !map &&
      make(
        "p",
        { class: "panel" },
        "This model is the same for everyone, so it says nothing about you.",
      ),
  ].filter((each) => each instanceof HTMLElement);
}

/** @param {string} title @param {string} words @param {...Node} content */
function section(title, words, ...content) {
  return make(
    "section",
    { class: "panel taste-section" },
    make("h2", {}, title),
    make("p", { class: "hint" }, words),
    ...content,
  );
}

/** Make the meter of the visitor's certainty. @param {number} share from 0 to 1 */
function meter(share) {
  return make(
    "section",
    { class: "panel taste-section certainty" },
    make("h2", { id: "certainty-heading" }, "How well we know your taste"),
    make(
      "div",
      { class: "certainty-row" },
      make("meter", {
        min: 0,
        max: 100,
        value: Math.round(share * 100),
        "aria-labelledby": "certainty-heading",
      }),
      make("span", { class: "figure" }, percent(share)),
    ),
  );
}

/**
 * Make bars to the left and right of zero for the 12 strongest leanings. To a screen reader, they
 * are a table.
 * @param {Leaning[]} all
 */
function leanings(all) {
  const shown = [...all]
    .sort((one, other) => Math.abs(other.weight) - Math.abs(one.weight))
    .slice(0, LEANINGS_SHOWN)
    .sort((one, other) => other.weight - one.weight);
  const widest = Math.max(...shown.map(({ weight }) => Math.abs(weight)), 0.01);
  return make(
    "table",
    { class: "leanings" },
    make(
      "thead",
      { class: "visually-hidden" },
      make(
        "tr",
        {},
        ...["Name", "Stars above average", "Movies rated"].map((words) =>
          make("th", { scope: "col" }, words),
        ),
      ),
    ),
    make(
      "tbody",
      {},
      ...shown.map(({ name, weight, rated }) => {
        const bar = make("span", {
          class: `bar ${weight < 0 ? "less" : "more"}`,
          "aria-hidden": "true",
        });
        bar.style.setProperty("--share", String(Math.abs(weight) / widest));
        return make(
          "tr",
          {},
          make("th", { scope: "row" }, name),
          make(
            "td",
            { class: "bar-cell" },
            bar,
            make("span", { class: "bar-figure" }, signed(weight)),
          ),
          make("td", { class: "hint" }, String(rated)),
        );
      }),
    ),
  );
}

/** Return a number with its sign and one decimal place. @param {number} value */
function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

/** @param {Surprise[]} surprises */
function surpriseTable(surprises) {
  return make(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Where you differ" },
    make(
      "table",
      { class: "surprises" },
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          ...["Movie", "You", "Everyone", "Predicted"].map((words) =>
            make("th", { scope: "col" }, words),
          ),
        ),
      ),
      make(
        "tbody",
        {},
        ...surprises.map((movie) =>
          make(
            "tr",
            {},
            make(
              "th",
              { scope: "row" },
              make("a", { href: `#movie/${movie.movie_id}` }, titleAndYear(movie)),
            ),
            make("td", {}, `${movie.stars}`),
            make("td", {}, movie.everyone.toFixed(1)),
            make("td", {}, movie.expected.toFixed(1)),
          ),
        ),
      ),
    ),
  );
}
