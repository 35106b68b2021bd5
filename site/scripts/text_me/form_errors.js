// The errors of a form: at their fields, and in a summary.

import { button, make } from "../dom.js";

/** @typedef {import("../api.js").FieldError} FieldError */

/**
 * Show a field's error, or remove it.
 * @param {HTMLElement} input
 * @param {HTMLElement} error the element for the message
 * @param {string} message "" for no error
 */
export function showFieldError(input, error, message) {
  error.textContent = message;
  error.hidden = message === "";
  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** The errors of a form: a summary that takes the focus, and each message at its field. */
export class FormProblem {
  constructor() {
    this.words = make("p", { class: "form-problem-words" });
    this.list = make("ul");
    this.element = make(
      "div",
      { class: "form-problem", role: "alert", tabindex: -1, hidden: true },
      this.words,
      this.list,
    );
  }

  clear() {
    this.element.hidden = true;
  }

  /**
   * Show the errors and focus the summary.
   * @param {string} words the summary's first line
   * @param {FieldError[]} errors
   * @param {Record<string, {input: HTMLElement, error: HTMLElement}>} fields by field name
   */
  show(words, errors, fields) {
    this.words.textContent = words;
    this.list.replaceChildren(
      ...errors.map(({ field, message }) => {
        const at = fields[field];
        if (!at) return make("li", {}, message);
        showFieldError(at.input, at.error, message);
        return make(
          "li",
          {},
          button(message, "text-button", () => at.input.focus()),
        );
      }),
    );
    this.element.hidden = false;
    this.element.focus();
  }
}
