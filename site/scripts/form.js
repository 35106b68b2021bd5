// Name, phone and consent; sending the form; and errors shown where they can be mended.

import { ApiProblem } from "./api.js";
import { byId, say } from "./page.js";
import { cardId, RATINGS_NEEDED } from "./questionnaire.js";
import { wordsForProblem } from "./wording.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").FieldError} FieldError */
/** @typedef {import("./api.js").VisitorForm} VisitorForm */
/** @typedef {import("./draft.js").Draft} Draft */

const FIELDS = ["name", "phone", "consent"];
const BUSY_RETRIES = 4;
const BUSY_WAIT_MS = 1500;

export class DetailsForm {
  /**
   * @param {Api} api
   * @param {(created: import("./api.js").VisitorCreated, form: VisitorForm) => void} onCreated
   */
  constructor(api, onCreated) {
    this.api = api;
    this.onCreated = onCreated;
    /** @type {Draft | null} */
    this.draft = null;
    this.sending = false;
    byId("questionnaire").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.submit();
    });
    byId("name").addEventListener("input", () => this.draft?.rename(byId("name").value));
    byId("phone").addEventListener("input", () => {
      this.draft?.forgetAttempt();
      showConsent();
    });
    byId("consent").addEventListener("change", () => this.draft?.forgetAttempt());
    for (const field of FIELDS) byId(field).addEventListener("input", () => showFieldError(field, ""));
  }

  /** @param {Draft} draft */
  show(draft) {
    this.draft = draft;
    byId("name").value = draft.name;
    clearErrors();
    showConsent();
  }

  async submit() {
    if (this.sending || this.draft === null) return;
    const form = formOf(this.draft);
    clearErrors();
    const errors = errorsIn(form);
    if (errors.length > 0) {
      showErrors("Something is missing before we can start:", errors, form);
      return;
    }
    this.markSending(true);
    try {
      const created = await this.send(form, this.draft.attemptKey("phone" in form));
      this.draft.forgetAttempt();
      byId("phone").value = "";
      byId("consent").checked = false;
      this.onCreated(created, form);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      showProblem(error, form);
    } finally {
      this.markSending(false);
    }
  }

  /**
   * @param {VisitorForm} form
   * @param {string} key
   */
  async send(form, key) {
    for (let retry = 0; ; retry += 1) {
      try {
        return await this.api.createVisitor(form, key);
      } catch (error) {
        const busy = error instanceof ApiProblem && error.kind === "busy";
        if (!busy || retry === BUSY_RETRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS));
      }
    }
  }

  /** @param {boolean} sending */
  markSending(sending) {
    this.sending = sending;
    // Not `disabled`: that would throw the keyboard's focus back to the top of the page.
    byId("submit").setAttribute("aria-disabled", String(sending));
    say(byId("submit-words"), sending ? "Sending your ratings…" : "");
  }
}

/**
 * @param {Draft} draft
 * @returns {VisitorForm}
 */
function formOf(draft) {
  const phone = byId("phone").value.trim();
  const form = { name: byId("name").value.trim(), ratings: draft.ratings };
  return phone ? { ...form, phone, consent: byId("consent").checked } : { ...form, consent: false };
}

function showConsent() {
  const withPhone = byId("phone").value.trim() !== "";
  byId("consent-field").hidden = !withPhone;
  byId("submit").textContent = withPhone ? "Show and text my picks" : "Show my picks";
}

/**
 * Only what is plainly missing; whether a phone number is one, the API knows better.
 * @param {VisitorForm} form
 * @returns {FieldError[]}
 */
function errorsIn(form) {
  const errors = [];
  const missing = RATINGS_NEEDED - form.ratings.length;
  if (missing > 0) {
    errors.push({ field: "ratings", message: `Rate ${missing} more ${missing === 1 ? "movie" : "movies"}.` });
  }
  if (form.name === "") errors.push({ field: "name", message: "Tell us your name." });
  if (form.phone && !form.consent) {
    errors.push({ field: "consent", message: "Tick this to be texted, or take the number out." });
  }
  return errors;
}

/**
 * @param {ApiProblem} problem
 * @param {VisitorForm} form
 */
function showProblem(problem, form) {
  if (problem.fieldErrors.length > 0) {
    showErrors("Please look at this again:", problem.fieldErrors, form);
  } else {
    showErrors(`${wordsForProblem(problem)} Nothing you entered is lost.`, [], form);
  }
}

/**
 * A summary that takes the focus, and each message again at its own field.
 * @param {string} words
 * @param {FieldError[]} errors
 * @param {VisitorForm} form
 */
function showErrors(words, errors, form) {
  say(byId("form-problem-words"), words);
  byId("form-problem-list").replaceChildren(...errors.map((error) => summaryItem(error, form)));
  for (const { field, message } of errors) {
    const place = placeOf(field, form);
    if (place.card) showCardError(place.card, message);
    else if (place.field) showFieldError(place.field, message);
  }
  byId("form-problem").hidden = false;
  byId("form-problem").focus();
}

/**
 * @param {FieldError} error
 * @param {VisitorForm} form
 */
function summaryItem({ field, message }, form) {
  const item = document.createElement("li");
  const target = placeOf(field, form).focus;
  if (!target) {
    item.textContent = message;
    return item;
  }
  const jump = document.createElement("button");
  jump.type = "button";
  jump.className = "text-button";
  jump.textContent = message;
  jump.addEventListener("click", () => target.focus());
  item.append(jump);
  return item;
}

/**
 * Where on the page the API's field is: `name`, `ratings`, or `ratings[3].stars` in a movie's card.
 * @param {string} field
 * @param {VisitorForm} form
 * @returns {{field?: string, card?: HTMLElement, focus?: HTMLElement | null}}
 */
function placeOf(field, form) {
  if (FIELDS.includes(field)) return { field, focus: byId(field) };
  const index = /^ratings\[(\d+)\]/.exec(field)?.[1];
  const rating = index === undefined ? undefined : form.ratings[Number(index)];
  const card = rating && document.getElementById(cardId(rating.movie_id));
  if (card) return { card, focus: card.querySelector("input:checked") };
  if (field.startsWith("ratings")) {
    return { field: "ratings", focus: document.querySelector(".movie-card:not([data-answer]) input, .movie-card input") };
  }
  return {};
}

/**
 * @param {string} field
 * @param {string} message empty: no error
 */
function showFieldError(field, message) {
  const place = byId(`${field}-error`);
  place.textContent = message;
  place.hidden = message === "";
  if (FIELDS.includes(field)) byId(field).setAttribute("aria-invalid", String(message !== ""));
}

/**
 * @param {HTMLElement} card
 * @param {string} message empty: no error
 */
function showCardError(card, message) {
  const place = /** @type {HTMLElement} */ (card.querySelector(".field-error"));
  place.id = `${card.id}-error`;
  place.textContent = message;
  place.hidden = message === "";
  if (message) card.setAttribute("aria-describedby", place.id);
  else card.removeAttribute("aria-describedby");
}

function clearErrors() {
  byId("form-problem").hidden = true;
  for (const field of [...FIELDS, "ratings"]) showFieldError(field, "");
  for (const card of byId("movie-cards").children) showCardError(card, "");
}

/** An answer was given: what was said about missing ratings no longer holds. */
export function clearRatingsError() {
  showFieldError("ratings", "");
}
