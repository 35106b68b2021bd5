// The consent to be texted: by whom, how often and at what cost, and how to stop it.

import { ApiProblem } from "../api.js";
import { make, say } from "../dom.js";
import { brandOf, pageAddress } from "../operator.js";

/** @typedef {import("../api.js").Api} Api */
/** @typedef {import("../api.js").Operator} Operator */

/**
 * Make the checkbox of the consent to be texted.
 * @param {Api} api
 * @param {() => void} onChange
 */
export function consentField(api, onChange) {
  const box = make("input", {
    id: "consent",
    type: "checkbox",
    "aria-describedby": "consent-terms consent-error",
    autocomplete: "off",
  });
  const error = make("p", { class: "field-error", id: "consent-error", hidden: true });
  const label = make("label", { for: "consent" });
  const terms = make("p", { class: "hint", id: "consent-terms" });
  box.addEventListener("change", onChange);
  show({});
  api.about().then(
    ({ operator }) => show(operator),
    (problem) => {
      // Without config.json the form cannot be sent either, and says so.
      if (!(problem instanceof ApiProblem)) throw problem;
    },
  );
  return {
    box,
    error,
    element: make(
      "div",
      { class: "field consent" },
      make("div", { class: "consent-choice" }, box, label),
      terms,
      error,
    ),
  };

  /** @param {Operator} operator */
  function show(operator) {
    say(label, `Yes, I want ${brandOf(operator)} to text my ten picks to this number.`);
    terms.replaceChildren(
      "One text each time you ask for your picks by text, in up to three parts. Message and data rates may apply. Reply STOP to get no more texts, or HELP for help. ",
      make("a", { href: pageAddress(operator.termsUrl, "#terms") }, "Terms"),
      ", ",
      make("a", { href: pageAddress(operator.privacyUrl, "#privacy") }, "Privacy"),
      ".",
    );
  }
}
