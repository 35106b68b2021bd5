// The terms: what a visitor can expect of the picks and of the texts.

import { make, viewHeading } from "../dom.js";
import { brandOf, contactLink, pageAddress, whoRunsIt } from "../operator.js";
import { counted } from "../wording.js";

/** @type {import("../main.js").OpenView} */
export async function openTerms(app) {
  const { operator, textsADay } = await app.api.about();
  const contact = contactLink(operator);
  return {
    title: "Terms",
    element: make(
      "div",
      { class: "reading" },
      viewHeading("Terms", { class: "board" }),
      whoRunsIt(operator),
      operator.termsUrl
        ? make(
            "p",
            {},
            "This page says how the site works. There are also ",
            make(
              "a",
              { href: pageAddress(operator.termsUrl, "#terms"), rel: "noreferrer external" },
              `terms of ${brandOf(operator)}`,
            ),
            ".",
          )
        : null,
      make("h2", {}, "The picks"),
      make(
        "p",
        {},
        "The site recommends movies from your ratings and everyone else’s. Picks and stars are predictions and can be wrong. The site may be unavailable at times.",
      ),
      make("h2", {}, "Your link"),
      make(
        "p",
        {},
        "Your secret link opens your movies without a password: whoever has it can see and change them. You can make a new one at any time, and then the old one stops working.",
      ),
      make("h2", {}, "Texts"),
      make(
        "p",
        {},
        `Texts are from ${brandOf(operator)}. You get one each time you ask for your picks by text, in up to three parts, and a phone gets at most ${counted(textsADay, "text")} a day. Message and data rates may apply. Enter only a number of your own. You need no number to see your picks on the site. Carriers do not answer for texts that come late or not at all.`,
      ),
      make(
        "p",
        {},
        "Reply STOP to a text to get no more, or HELP for help.",
        ...(contact ? [" You can also write to ", contact, "."] : []),
      ),
      make(
        "p",
        {},
        "What is kept, for how long, and how to be forgotten: ",
        make("a", { href: "#privacy" }, "Privacy"),
        ".",
      ),
    ),
  };
}
