// The dialog in which a visitor chooses the genres and decades to be asked about first.

import { ApiProblem } from "../api.js";
import { button, make } from "../dom.js";
import { withTopics } from "../shelf.js";
import { wordsForProblem } from "../wording.js";

/** @typedef {import("../main.js").App} App */
/** @typedef {import("../shelf.js").Topics} Topics */

const DECADE = 10; // years

/**
 * Open the dialog. It is removed when it closes or when the visitor opens another view.
 * @param {App} app
 * @param {AbortSignal} signal aborts when the visitor opens another view
 */
export function chooseTopics(app, signal) {
  const body = make("div", { class: "topics" });
  const element = make(
    "dialog",
    { class: "dialog", "aria-labelledby": "topics-title" },
    make("h2", { id: "topics-title" }, "Which movies do you know?"),
    make("p", {}, "We ask about these first, and about others when none are left."),
    body,
    make(
      "p",
      { class: "actions" },
      button("Ask about these", "button primary", () => choose(chosenIn(body))),
      button("Ask about all movies", "button", () => choose({ genres: [], decades: [] })),
      button("Cancel", "button quiet", () => element.close()),
    ),
  );
  const choose = (/** @type {Topics} */ topics) => {
    app.store.change((shelf) => withTopics(shelf, topics));
    element.close();
  };
  element.addEventListener("close", () => element.remove());
  signal.addEventListener("abort", () => element.close());
  document.body.append(element);
  element.showModal();
  fill(body, app, signal);
}

/**
 * Show the catalogue's genres and decades in the dialog, or why they cannot be shown.
 * @param {HTMLElement} body
 * @param {App} app
 * @param {AbortSignal} signal
 */
async function fill(body, app, signal) {
  body.replaceChildren(make("p", { class: "loading", role: "status" }, "Loading the genres…"));
  try {
    const catalogue = await app.api.catalogue();
    if (signal.aborted) return;
    const { topics } = app.store.shelf;
    body.replaceChildren(
      chips(
        "Decades",
        "decades",
        decadesOf(catalogue).map((from) => [String(from), `${from}s`]),
        topics.decades.map(String),
      ),
      chips(
        "Genres",
        "genres",
        catalogue.genres.map((genre) => [genre, genre]),
        topics.genres,
      ),
    );
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    body.replaceChildren(
      make("p", { role: "alert" }, wordsForProblem(error)),
      button("Try again", "chip", () => fill(body, app, signal)),
    );
  }
}

/**
 * Return the first years of the catalogue's decades, the latest first.
 * @param {import("../api.js").Catalogue} catalogue
 */
export function decadesOf({ first_year, last_year }) {
  if (first_year === null || last_year === null) return [];
  const first = first_year - (first_year % DECADE);
  const last = last_year - (last_year % DECADE);
  return Array.from({ length: (last - first) / DECADE + 1 }, (_, place) => last - place * DECADE);
}

/**
 * Make a group of check boxes that look like chips.
 * @param {string} legend
 * @param {keyof Topics} name
 * @param {[value: string, words: string][]} options
 * @param {string[]} checked
 */
function chips(legend, name, options, checked) {
  return make(
    "fieldset",
    { hidden: options.length === 0 },
    make("legend", {}, legend),
    make(
      "div",
      { class: "topic-chips" },
      ...options.map(([value, words]) =>
        make(
          "label",
          { class: "chip" },
          make("input", { type: "checkbox", name, value, checked: checked.includes(value) }),
          words,
        ),
      ),
    ),
  );
}

/** @param {HTMLElement} body @returns {Topics} */
function chosenIn(body) {
  const values = (/** @type {keyof Topics} */ name) =>
    [...body.querySelectorAll(`input[name="${name}"]:checked`)].map(
      (input) => /** @type {HTMLInputElement} */ (input).value,
    );
  return { genres: values("genres"), decades: values("decades").map(Number) };
}
