// The preview of the text, next to the form.

import { make } from "../dom.js";
import { siteAddress } from "../picks_panel.js";
import { titleAndYear } from "../wording.js";

/** @typedef {import("../main.js").App} App */

const TITLES_SHOWN = 3;

/**
 * Make a preview of the text.
 * @param {App} app
 * @param {AbortSignal} signal ends the updates
 */
export function textPreview(app, signal) {
  const bubble = make("p", { class: "bubble" });
  const show = () => {
    const picks = app.finder.found.picks;
    const lines = picks
      .slice(0, TITLES_SHOWN)
      .map((pick, place) => `${place + 1}. ${titleAndYear(pick)}`);
    bubble.replaceChildren(
      ...[
        "Your Marquee picks:",
        ...lines,
        "… and seven more",
        `${new URL(siteAddress()).host}/…`,
        "Reply STOP to opt out.",
      ].flatMap((line) => [line, make("br")]),
    );
  };
  app.finder.addEventListener("change", show, { signal });
  show();
  return make(
    "aside",
    { class: "preview", "aria-labelledby": "preview-heading" },
    make("h2", { id: "preview-heading" }, "What you’ll get"),
    bubble,
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
        "Reply STOP to get no more texts. “Forget me” under My movies deletes everything, including your number, and explains what takes a little longer.",
      ),
      make(
        "li",
        {},
        "We use your number only for this text and show it to nobody. Your carrier may charge you for receiving it.",
      ),
    ),
  );
}
