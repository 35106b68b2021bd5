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
  ["ranking", "Ranking: what you would love next"],
  ["rating", "Rating: how many stars you would give"],
  ["tags", "Tags: what people say of your movies"],
  ["genres", "Genres: what kinds you like"],
  ["mean", "Mean: everyone’s average"],
  ["median", "Median: everyone’s middle"],
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
      element: make("div", { class: "message" }, heading,
        make("p", { class: "lede" }, `Rate ${counted(missing, "more movie")} first: there is not enough to see yet.`),
        make("p", { class: "actions" }, make("a", { class: "button primary", href: "#rate" }, "Rate movies"))),
    };
  }
  const words = make("p", { class: "taste-words", role: "status" });
  const sections = make("div", { class: "taste-sections" });
  const chosen = MODELS.find(([name]) => name === argument)?.[0] ?? "ranking";
  /** @type {AbortController | null} */
  let asking = null;

  const ask = async (/** @type {string} */ model) => {
    asking?.abort();
    const call = new AbortController();
    asking = call;
    say(words, "Looking at your ratings…");
    sections.setAttribute("aria-busy", "true");
    try {
      const profile = await app.api.profile(ratingsOf(app.store.shelf), model, AbortSignal.any([call.signal, signal]));
      sections.replaceChildren(...parts(profile));
      say(words, certaintyWords(profile));
    } catch (error) {
      if (call.signal.aborted || signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      say(words, wordsForProblem(error));
      sections.replaceChildren(button("Try again", "button", () => ask(model)));
    }
    sections.removeAttribute("aria-busy");
  };
  const chooser = select("Model", MODELS, chosen, (model) => {
    history.replaceState(null, "", `#taste/${model}`);
    ask(model);
  });
  ask(chosen);
  return {
    title,
    element: make("div", { class: "taste-view" },
      make("div", { class: "opening" }, heading,
        make("p", { class: "lede" }, "Several models pick here, and each sees something else in the same ratings. Choose one:"),
        chooser.element, words),
      sections),
  };
}

/** @param {Profile} profile */
function certaintyWords({ rated, certainty }) {
  if (!certainty) return `Seen through ${counted(rated, "rating")}.`;
  const share = Math.round(certainty.share * 100);
  return `From ${counted(rated, "rating")}, ${share} % of what is unknown of a new visitor is known. A guess at your stars is off by ${certainty.stars_error.toFixed(1)} on average.`;
}

/** @param {Profile} profile */
function parts(profile) {
  const { genres, tags, tags_note, surprises, map, certainty } = profile;
  return [
    certainty && meter(certainty.share),
    map && map.movies.length > 0 && section("Your map", "Movies near each other are liked by the same people; the bright spot is you.", tasteChart(map)),
    genres.length > 0 && section("Genres", "Stars you give above what the same movies get from everyone.", leanings(genres)),
    tags.length > 0 && section("Tags", "What people call the movies you like, and those you do not.", leanings(tags)),
    tags.length === 0 && tags_note && section("Tags", tags_note),
    surprises.length > 0 && section("Where you differ", "Your stars beside everyone’s, the largest difference first.", surpriseTable(surprises)),
    genres.length === 0 && surprises.length === 0 && !map && make("p", { class: "panel" }, "This model sees everyone alike: it has no view of you."),
  ].filter((each) => each instanceof HTMLElement);
}

/** @param {string} title @param {string} words @param {...Node} content */
function section(title, words, ...content) {
  return make("section", { class: "panel taste-section" }, make("h2", {}, title), make("p", { class: "hint" }, words), ...content);
}

/** Make the meter of the visitor's certainty. @param {number} share from 0 to 1 */
function meter(share) {
  const percent = Math.round(share * 100);
  return make("section", { class: "panel taste-section certainty" },
    make("h2", { id: "certainty-heading" }, "How sure it is"),
    make("div", { class: "certainty-row" },
      make("meter", { min: 0, max: 100, value: percent, "aria-labelledby": "certainty-heading" }),
      make("span", { class: "figure" }, `${percent} %`)));
}

/**
 * Make bars to the left and right of zero for the 12 strongest leanings. To a screen reader, they
 * are a table.
 * @param {Leaning[]} all
 */
function leanings(all) {
  const shown = [...all].sort((one, other) => Math.abs(other.weight) - Math.abs(one.weight)).slice(0, LEANINGS_SHOWN)
    .sort((one, other) => other.weight - one.weight);
  const widest = Math.max(...shown.map(({ weight }) => Math.abs(weight)), 0.01);
  return make("table", { class: "leanings" },
    make("thead", { class: "visually-hidden" }, make("tr", {}, ...["Name", "Stars above everyone’s", "Movies rated"].map((words) => make("th", { scope: "col" }, words)))),
    make("tbody", {}, ...shown.map(({ name, weight, rated }) => {
      const bar = make("span", { class: `bar ${weight < 0 ? "less" : "more"}`, "aria-hidden": "true" });
      bar.style.setProperty("--share", String(Math.abs(weight) / widest));
      return make("tr", {},
        make("th", { scope: "row" }, name),
        make("td", { class: "bar-cell" }, bar, make("span", { class: "bar-figure" }, signed(weight))),
        make("td", { class: "hint" }, String(rated)));
    })));
}

/** Return a number with its sign and one decimal place. @param {number} value */
function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

/** @param {Surprise[]} surprises */
function surpriseTable(surprises) {
  return make("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Where you differ" },
    make("table", { class: "surprises" },
      make("thead", {}, make("tr", {}, ...["Movie", "You", "Everyone", "Expected"].map((words) => make("th", { scope: "col" }, words)))),
      make("tbody", {}, ...surprises.map((movie) => make("tr", {},
        make("th", { scope: "row" }, make("a", { href: `#movie/${movie.movie_id}` }, titleAndYear(movie))),
        make("td", {}, `${movie.stars}`),
        make("td", {}, movie.everyone.toFixed(1)),
        make("td", {}, movie.expected.toFixed(1)))))));
}
