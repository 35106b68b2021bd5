// The visitor's secret link: copy it, or make a new one.

import { ApiProblem } from "../api.js";
import { button, make, say } from "../dom.js";
import { siteAddress } from "../picks_panel.js";
import { wordsForProblem } from "../wording.js";

/** @typedef {import("../main.js").App} App */

/** Make the panel that copies the visitor's secret link or makes a new one. @param {App} app */
export function linkPanel(app) {
  const words = make("span", { class: "hint", role: "status" });
  const copy = async () => {
    const { credentials } = app.visit;
    if (!credentials) return;
    const link = `${siteAddress()}#${credentials.visitor_id}.${credentials.token}`;
    try {
      await navigator.clipboard.writeText(link);
      say(words, "Copied.");
    } catch {
      words.replaceChildren(make("a", { href: link }, "Copy this link"));
    }
  };
  const renew = async () => {
    say(words, "Making a new link…");
    try {
      await app.visit.renewLink();
      say(
        words,
        "You have a new link, and your earlier links no longer work. Copy the new one to keep it.",
      );
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      say(words, wordsForProblem(error));
    }
  };
  return make(
    "section",
    { class: "panel quiet-panel", "aria-label": "Your link" },
    make(
      "p",
      {},
      "This browser remembers you. To come back in another browser, copy your link. Anyone who has it can see and change your movies.",
    ),
    make(
      "p",
      { class: "actions tight" },
      button("Copy my link", "button", copy),
      button("Make a new link", "button", renew),
    ),
    make(
      "p",
      { class: "hint" },
      "Does someone else have your link? Make a new one, and all earlier links stop working.",
    ),
    words,
    make(
      "p",
      { class: "actions tight" },
      make("a", { class: "button", href: "#rate" }, "Rate more"),
      make("a", { class: "button", href: "#mine" }, "My movies"),
    ),
  );
}
