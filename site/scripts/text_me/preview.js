// The preview of the text, next to the form. The API composes it with the function that composes
// the text.

import { ApiProblem } from "../api.js";
import { make, say } from "../dom.js";
import { asTyped } from "../movie_search.js";
import { counted, wordsForProblem } from "../wording.js";

/** @typedef {import("../main.js").App} App */

const TITLES = 10;

/**
 * Make a preview of the text.
 * @param {App} app
 * @param {AbortSignal} signal ends the updates
 */
export function textPreview(app, signal) {
  const bubble = make("p", { class: "bubble" }, "Finding your picks…");
  const about = make("p", { class: "hint", role: "status" });
  let shownKey = "";
  const compose = asTyped(async (key, call) => {
    const [name, movieIds] = JSON.parse(key);
    try {
      const { text, greeting, parts } = await app.api.previewText(
        name,
        movieIds,
        AbortSignal.any([call, signal]),
      );
      bubble.textContent = text;
      const unused =
        name !== "" && greeting === null
          ? " It doesn’t use your name, because it may be more than a name."
          : "";
      say(
        about,
        `${counted(parts, "part")}. Your own link takes the place of the x’s, and the titles can still change.${unused}`,
      );
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      shownKey = "";
      say(about, wordsForProblem(error));
    }
  });
  const show = () => {
    const movieIds = app.finder.found.picks.slice(0, TITLES).map(({ movie_id }) => movie_id);
    const key = JSON.stringify([app.store.shelf.name.trim(), movieIds]);
    if (movieIds.length === 0 || key === shownKey) return;
    shownKey = key;
    compose(key);
  };
  app.finder.addEventListener("change", show, { signal });
  app.store.onChange(show, signal);
  show();
  return make(
    "aside",
    { class: "preview", "aria-labelledby": "preview-heading" },
    make("h2", { id: "preview-heading" }, "What you’ll get"),
    bubble,
    about,
    make(
      "ul",
      { class: "plain-facts" },
      make(
        "li",
        {},
        "One text with ten titles and a link back here. It may arrive in up to three parts.",
      ),
      make(
        "li",
        {},
        "Reply STOP to get no more texts, or HELP for help. “Forget me” under My movies deletes everything, including your number, and explains what takes a little longer.",
      ),
      make(
        "li",
        {},
        "We use your number only for this text and show it to nobody. Your carrier may charge you for receiving it.",
      ),
    ),
  );
}
