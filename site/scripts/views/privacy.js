// The page on privacy: what is kept of a visitor, for how long, and how to be forgotten.

import { make, viewHeading } from "../dom.js";
import { brandOf, pageAddress, whoRunsIt } from "../operator.js";
import { keptOnServers, wordsForForgetting } from "../retention.js";

/** @type {import("../main.js").OpenView} */
export async function openPrivacy(app) {
  const { operator, retention } = await app.api.about();
  return {
    title: "Privacy",
    element: make(
      "div",
      { class: "reading" },
      viewHeading("Privacy", { class: "board" }),
      whoRunsIt(operator),
      operator.privacyUrl
        ? make(
            "p",
            {},
            "This page says what the site does. There is also ",
            make(
              "a",
              { href: pageAddress(operator.privacyUrl, "#privacy"), rel: "noreferrer external" },
              `a privacy page of ${brandOf(operator)}`,
            ),
            ".",
          )
        : null,
      make("h2", {}, "In your browser"),
      make(
        "p",
        {},
        "This browser stores your answers about movies, your last picks, your name, your secret link and the keys to take back lists that you shared, and a copy of this site’s own files so that it opens without a connection, until you press “Forget me” or clear the site’s data. It never stores your phone number. There are no cookies and no trackers, and nothing is loaded from other sites; links to them do not tell them where you come from.",
      ),
      make("h2", {}, "On our servers"),
      make(
        "p",
        {},
        "As long as you only rate movies, the site sends your ratings to our servers to answer with picks, and keeps nothing. If you save your movies, this is kept:",
      ),
      make(
        "dl",
        { class: "kept" },
        ...keptOnServers(retention).flatMap(([what, until]) => [
          make("dt", {}, what),
          make("dd", {}, `Kept: ${until}.`),
        ]),
      ),
      make(
        "p",
        {},
        "Your ratings, without your name and number, help to compute everyone’s picks. What is computed from them describes movies, not people, and is replaced over time.",
      ),
      make("h2", {}, "Your phone number"),
      make(
        "p",
        {},
        "It is used only for the texts that you ask for, and shown to nobody. To send a text, it goes to Amazon Web Services and to your phone’s carrier. If you reply STOP, Amazon keeps your number on a list of phones that get no more texts.",
      ),
      make("h2", {}, "Forgetting you"),
      make(
        "p",
        {},
        "Press “Forget me” under ",
        make("a", { href: "#mine" }, "My movies"),
        `. ${wordsForForgetting(retention)}`,
      ),
    ),
  };
}
