// "Text me my picks": the form that saves the visitor; once they are saved, the status of their
// request.

import { make, viewHeading } from "../dom.js";
import { RATINGS_NEEDED, ratingsOf } from "../shelf.js";
import { textPreview } from "../text_me/preview.js";
import { SaveForm } from "../text_me/save_form.js";
import { counted } from "../wording.js";
import { statusView } from "./status.js";

/** @typedef {import("../main.js").App} App */

/** @type {import("../main.js").OpenView} */
export function openText(app, _argument, signal) {
  if (app.store.shelf.visit) return statusView(app, signal);
  if (ratingsOf(app.store.shelf).length < RATINGS_NEEDED) return tooFewView(app);
  return saveView(app, signal);
}

/** @param {App} app */
function tooFewView(app) {
  const missing = RATINGS_NEEDED - ratingsOf(app.store.shelf).length;
  return {
    title: "Text me my picks",
    element: make(
      "div",
      { class: "message" },
      viewHeading("Text me my picks", { class: "board" }),
      make(
        "p",
        { class: "lede" },
        `Rate ${counted(missing, "more movie")} first. Picks need at least ${RATINGS_NEEDED} ratings.`,
      ),
      make(
        "p",
        { class: "actions" },
        make("a", { class: "button primary", href: "#rate" }, "Rate movies"),
      ),
    ),
  };
}

/** @param {App} app @param {AbortSignal} signal */
function saveView(app, signal) {
  const form = new SaveForm(app, () => app.go("text"));
  return {
    title: "Text me my picks",
    element: make(
      "div",
      { class: "text-view" },
      make(
        "div",
        { class: "opening" },
        viewHeading("Text me my picks", { class: "board" }),
        make(
          "p",
          { class: "lede" },
          "We compute your picks again with everyone’s ratings, which takes a few minutes. Enter your number to get them by text, or leave it empty and find them here.",
        ),
      ),
      make("div", { class: "two-columns" }, form.element, textPreview(app, signal)),
    ),
  };
}
