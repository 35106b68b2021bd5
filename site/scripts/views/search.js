// The search view. It searches while the visitor types and keeps the search words in the address.

import { ApiProblem } from "../api.js";
import { button, make, say, viewHeading } from "../dom.js";
import { asTyped } from "../movie_search.js";
import { tiles } from "../tiles.js";
import { wordsForProblem, wordsForSearch } from "../wording.js";

const MAX_RESULTS = 20;

/** @type {import("../main.js").OpenView} */
export function openSearch(app, argument, signal) {
  const words = make("p", { class: "search-words", role: "status" });
  const found = make("div", { class: "search-found" });
  const input = make("input", {
    id: "search",
    type: "search",
    value: argument,
    maxlength: 100,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    enterkeyhint: "search",
    placeholder: "matrix, amelie, star wars 4 …",
  });
  const search = asTyped(async (typed, call) => {
    try {
      const answer = await app.api.search(typed, MAX_RESULTS, AbortSignal.any([call, signal]));
      say(words, wordsForSearch(typed, answer));
      found.replaceChildren(tiles(app, answer.movies, "Movies found"));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      say(words, wordsForProblem(error));
      found.replaceChildren(button("Try again", "button", () => search(typed)));
    }
  });
  const update = () => {
    const typed = input.value.trim();
    search(typed);
    if (typed) return;
    found.replaceChildren();
    say(
      words,
      "Type all or part of a title, or a genre, a decade or a year. Accents, “the” and small typos don’t matter.",
    );
  };
  input.addEventListener("input", () => {
    // Replace the history entry: "Back" leaves the search instead of undoing one letter.
    history.replaceState(history.state, "", `#search/${encodeURIComponent(input.value.trim())}`);
    update();
  });
  update();
  return {
    title: "Search",
    element: make(
      "div",
      { class: "search-view" },
      viewHeading("Search", { class: "board" }),
      make(
        "form",
        {
          class: "search-form",
          role: "search",
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            update();
          },
        },
        make("label", { for: "search" }, "Title"),
        input,
      ),
      words,
      found,
    ),
  };
}
