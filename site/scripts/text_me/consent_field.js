// The consent to be texted.

import { make } from "../dom.js";

/** Make the checkbox of the consent to be texted. @param {() => void} onChange */
export function consentField(onChange) {
  const box = make("input", {
    id: "consent",
    type: "checkbox",
    "aria-describedby": "consent-error",
    autocomplete: "off",
  });
  const error = make("p", { class: "field-error", id: "consent-error", hidden: true });
  box.addEventListener("change", onChange);
  return {
    box,
    error,
    element: make(
      "div",
      { class: "field consent" },
      make(
        "div",
        { class: "consent-choice" },
        box,
        make("label", { for: "consent" }, "Yes, text my ten picks to this number."),
      ),
      error,
    ),
  };
}
