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

// The models that see each visitor differently. Means and medians are the same for everyone.
/** @type {[string, string][]} */
const MODELS = [
  ["ranking", "What you would like next"],
  ["rating", "How many stars you would give"],
  ["tags", "How people describe your movies"],
  ["genres", "The genres you like"],
];
const LEANINGS_SHOWN = 12;
const LEAST_LEANING = 0.05; // stars; less rounds to 0.0
const FULL_BAR = 1; // stars that fill a bar, unless a larger leaning is shown

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
    history.replaceState(history.state, "", `#taste/${model}`);
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
        make("p", { class: "lede" }, "Marquee looks at your ratings in four ways. Choose one:"),
        chooser.element,
        words,
      ),
      sections,
    ),
  };
}

/** @param {Profile} profile */
function certaintyWords({ rated, certainty }) {
  if (!certainty) return `From your ${counted(rated, "rating")}.`;
  const { share, stars_error } = certainty;
  return `From your ${counted(rated, "rating")} we know your taste ${howWell(share)}. The stars we expect from you are typically within ${stars_error.toFixed(1)} of the stars you give.`;
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
        "Movies that are close together are liked by the same people. You are the large dot, near the movies we expect you to like.",
        tasteChart(map),
      ),
    genres.length > 0 &&
      section(
        "Genres",
        "+0.5 means that you give these movies half a star more than most people do.",
        leanings(genres),
      ),
    tags.length > 0 &&
      section(
        "Tags",
        "These words describe movies to which you give more (+) or fewer (−) stars than most people do.",
        leanings(tags),
      ),
    tags.length === 0 && tags_note && section("Tags", tags_note),
    surprises.length > 0 &&
      section(
        "Where you differ",
        "The movies that you rated most differently from other people.",
        surpriseTable(surprises),
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
 * Return the strongest leanings, greatest first, each with the share of the full bar that it fills.
 * A full bar is one star, or the strongest leaning if that is more. So a bar is long only if its
 * leaning is large. Leanings that round to 0.0 are left out.
 * @param {Leaning[]} all
 * @returns {(Leaning & {share: number})[]} share: from 0 to 1
 */
export function bars(all) {
  const strongest = all
    .filter(({ weight }) => Math.abs(weight) >= LEAST_LEANING)
    .sort((one, other) => Math.abs(other.weight) - Math.abs(one.weight))
    .slice(0, LEANINGS_SHOWN);
  const full = Math.max(FULL_BAR, ...strongest.map(({ weight }) => Math.abs(weight)));
  return strongest
    .map((leaning) => ({ ...leaning, share: Math.abs(leaning.weight) / full }))
    .sort((one, other) => other.weight - one.weight);
}

/**
 * Make bars to the left and right of zero for the strongest leanings. To a screen reader, they are a
 * table.
 * @param {Leaning[]} all
 */
function leanings(all) {
  const shown = bars(all);
  if (shown.length === 0) return make("p", {}, "You rate all of them about as most people do.");
  return make(
    "table",
    { class: "leanings" },
    make(
      "thead",
      { class: "visually-hidden" },
      make(
        "tr",
        {},
        ...["Name", "Stars more than most people", "Movies you rated"].map((words) =>
          make("th", { scope: "col" }, words),
        ),
      ),
    ),
    make(
      "tbody",
      {},
      ...shown.map(({ name, weight, rated, share }) => {
        const bar = make("span", {
          class: `bar ${weight < 0 ? "less" : "more"}`,
          "aria-hidden": "true",
        });
        bar.style.setProperty("--share", String(share));
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
          make("td", { class: "hint" }, `${rated} rated`),
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
          ...["Movie", "You gave", "Most people", "We expected"].map((words) =>
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
