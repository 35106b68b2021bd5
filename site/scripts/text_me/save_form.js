// The form that saves a new visitor, with or without a phone number.

import { ApiProblem } from "../api.js";
import { keepingFocus, make } from "../dom.js";
import { toSave } from "../shelf.js";
import { wordsForProblem } from "../wording.js";
import { consentField } from "./consent_field.js";
import { FormProblem, showFieldError } from "./form_errors.js";
import { PhoneField } from "./phone_field.js";
import { SendingWords } from "./sending_words.js";

/** @typedef {import("../api.js").FieldError} FieldError */
/** @typedef {import("../main.js").App} App */

/** The form that saves a new visitor, with or without a phone number. */
export class SaveForm {
  #isSending = false;
  /**
   * The last form that was sent and its idempotency key. Sending the same form again uses the same
   * key, so that it does not make a second visitor.
   * @type {{form: string, key: string} | null}
   */
  #attempt = null;

  /** @param {App} app @param {() => void} onSaved */
  constructor(app, onSaved) {
    this.app = app;
    this.onSaved = onSaved;
    this.name = make("input", {
      id: "name",
      type: "text",
      autocomplete: "given-name",
      dir: "auto",
      maxlength: 60,
      "aria-describedby": "name-error",
      value: app.store.shelf.name,
    });
    this.nameOptional = make("span", { class: "optional" }, " optional");
    this.nameError = make("p", { class: "field-error", id: "name-error", hidden: true });
    this.consent = consentField(app.api, () =>
      showFieldError(this.consent.box, this.consent.error, ""),
    );
    this.phone = new PhoneField(app.api, true, () => {
      this.#showConsent();
      if (!this.phone.isEmpty) app.visit.proofs.prepare();
    });
    this.problem = new FormProblem();
    this.submit = keepingFocus(make("button", { type: "submit", class: "button primary wide" }));
    this.sending = new SendingWords(app.visit.proofs, "Sending your ratings…");
    this.name.addEventListener("input", () => {
      showFieldError(this.name, this.nameError, "");
      this.app.store.change((shelf) => ({ ...shelf, name: this.name.value }));
    });
    this.element = make(
      "form",
      { class: "panel", novalidate: true, "aria-label": "Save and text my picks" },
      this.problem.element,
      make(
        "div",
        { class: "field" },
        make("label", { for: "name" }, "Your name", this.nameOptional),
        this.name,
        this.nameError,
      ),
      this.phone.element,
      this.consent.element,
      make("div", {}, this.submit, this.sending.element),
      make(
        "p",
        { class: "hint" },
        "We store your name, ratings and saved movies under a secret link that only you have. This browser stores them, but never your number.",
      ),
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#showConsent();
  }

  get #fields() {
    return {
      name: { input: this.name, error: this.nameError },
      phone: { input: this.phone.number, error: this.phone.error },
      consent: { input: this.consent.box, error: this.consent.error },
    };
  }

  #showConsent() {
    this.consent.element.hidden = this.phone.isEmpty;
    // Only the text needs a name, for its greeting.
    this.nameOptional.hidden = !this.phone.isEmpty;
    this.name.required = !this.phone.isEmpty;
    if (this.phone.isEmpty) showFieldError(this.name, this.nameError, "");
    this.submit.textContent = this.phone.isEmpty ? "Save without a number" : "Save and text me";
  }

  async #send() {
    if (this.#isSending) return;
    this.problem.clear();
    const errors = this.#errors();
    if (errors.length > 0) {
      this.problem.show("Please check the following:", errors, this.#fields);
      return;
    }
    this.#setSending(true);
    try {
      const phone = this.phone.isEmpty ? null : await this.phone.e164();
      await this.app.visit.create(this.name.value.trim(), phone, this.#keyFor(phone));
      this.onSaved();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (error.kind === "refused" && error.fieldErrors.length > 0)
        this.problem.show("Please check the following:", error.fieldErrors, this.#fields);
      else
        this.problem.show(
          `${wordsForProblem(error)} Nothing you entered is lost.`,
          [],
          this.#fields,
        );
    } finally {
      this.#setSending(false);
    }
  }

  /**
   * Return what is obviously missing or malformed. The API checks everything else.
   * @returns {FieldError[]}
   */
  #errors() {
    const errors = [];
    if (!this.phone.isEmpty && this.name.value.trim() === "")
      errors.push({ field: "name", message: "Enter your name; a first name is enough." });
    if (!this.phone.isEmpty && !this.consent.box.checked) {
      errors.push({
        field: "consent",
        message: "Tick the box to get the text, or remove the number.",
      });
    }
    return errors;
  }

  /** Return the idempotency key for the form as it is now. @param {string | null} phone */
  #keyFor(phone) {
    const form = JSON.stringify([this.name.value.trim(), phone, toSave(this.app.store.shelf)]);
    if (this.#attempt?.form !== form)
      this.#attempt = { form, key: crypto.getRandomValues(new Uint32Array(4)).join("-") };
    return this.#attempt.key;
  }

  /** @param {boolean} isSending */
  #setSending(isSending) {
    this.#isSending = isSending;
    // Not `disabled`: that would move the keyboard focus back to the top of the page.
    this.submit.setAttribute("aria-disabled", String(isSending));
    this.sending.isShown = isSending;
  }
}
