// "Text me my picks": the form that saves the visitor, with or without a phone number, and then the
// status of their request.

import { ApiProblem } from "../api.js";
import { announce, button, make, say, viewHeading } from "../dom.js";
import {
  callingCodeIn,
  countries,
  international,
  likelyRegion,
  phoneFormatError,
} from "../phone.js";
import { picksPanel, siteAddress } from "../picks_panel.js";
import { RATINGS_NEEDED, ratingsOf, toSave } from "../shelf.js";
import { unsavedBar } from "../unsaved_bar.js";
import { isFinished } from "../visit.js";
import { counted, titleAndYear, wordsForProblem, wordsForStatus } from "../wording.js";

/** @typedef {import("../api.js").FieldError} FieldError */
/** @typedef {import("../main.js").App} App */

const STEPS = /** @type {const} */ (["received", "submitted", "recommended", "texted"]);
const STEP_NAMES = {
  received: "Received",
  submitted: "Computing",
  recommended: "Picks ready",
  texted: "Finished",
};
const TITLES_SHOWN = 3;

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

/**
 * Make a preview of the text.
 * @param {App} app
 * @param {AbortSignal} signal ends the updates
 */
function textPreview(app, signal) {
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

/** A field for a phone number: country, digits, and a hint about their format during typing. */
class PhoneField {
  /**
   * @param {boolean} isOptional
   * @param {() => void} onChange called after each change of the number or the country
   */
  constructor(isOptional, onChange) {
    const language = navigator.language || "en";
    const likely = likelyRegion(language);
    this.country = make(
      "select",
      { id: "country", autocomplete: "tel-country-code", "aria-label": "Country" },
      ...countries(language).map(({ region, code, name }) =>
        make(
          "option",
          { value: region, "data-code": code, selected: region === likely },
          `${name} +${code}`,
        ),
      ),
    );
    this.number = make("input", {
      id: "phone",
      type: "tel",
      inputmode: "tel",
      autocomplete: "tel-national",
      "aria-describedby": "phone-hint phone-error",
      required: !isOptional,
    });
    this.hint = make("p", { class: "hint", id: "phone-hint", role: "status" });
    this.error = make("p", { class: "field-error", id: "phone-error", hidden: true });
    this.element = make(
      "div",
      { class: "field" },
      make(
        "label",
        { for: "phone" },
        "Mobile number",
        isOptional ? make("span", { class: "optional" }, " optional") : null,
      ),
      make("div", { class: "phone" }, make("span", { class: "select" }, this.country), this.number),
      this.hint,
      this.error,
    );
    this.number.addEventListener("input", () => {
      this.#followTypedCode();
      this.#show();
      onChange();
    });
    this.number.addEventListener("blur", () => this.#show());
    this.country.addEventListener("change", () => {
      this.#show();
      onChange();
    });
    this.#show();
  }

  get isEmpty() {
    return this.number.value.trim() === "";
  }

  /** The number with + and the calling code. @returns {string} */
  get value() {
    return international(this.number.value, this.#code);
  }

  /** The calling code of the chosen country. */
  get #code() {
    return this.country.selectedOptions[0]?.dataset.code ?? "1";
  }

  /** What is wrong with the number's format; null if nothing is. @returns {string | null} */
  get problem() {
    return this.isEmpty ? null : phoneFormatError(this.number.value, this.#code);
  }

  /** Select the country whose calling code the visitor typed: for +1 the US, for +44 the UK. */
  #followTypedCode() {
    const typed = callingCodeIn(this.number.value);
    if (typed === null || typed === this.#code) return;
    const match = [...this.country.options].find(
      ({ dataset, value }) =>
        dataset.code === typed &&
        (typed !== "1" || value === "US") &&
        (typed !== "44" || value === "GB"),
    );
    if (match) match.selected = true;
  }

  #show() {
    const { problem } = this;
    if (this.isEmpty) say(this.hint, "Choose your country, then enter your number.");
    else if (problem === null) say(this.hint, `Looks right: ${this.value}`);
    else if (document.activeElement === this.number) say(this.hint, problem);
    else say(this.hint, "");
    this.hint.classList.toggle("good", !this.isEmpty && problem === null);
    showFieldError(
      this.number,
      this.error,
      !this.isEmpty && document.activeElement !== this.number ? (problem ?? "") : "",
    );
  }
}

/**
 * Show a field's error, or remove it.
 * @param {HTMLElement} input
 * @param {HTMLElement} error the element for the message
 * @param {string} message "" for no error
 */
function showFieldError(input, error, message) {
  error.textContent = message;
  error.hidden = message === "";
  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** Make the checkbox of the consent to be texted. @param {() => void} onChange */
function consentField(onChange) {
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

/** The errors of a form: a summary that takes the focus, and each message at its field. */
class FormProblem {
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

/** Shows the progress of sending a form: first the check against robots, if it is still running. */
class SendingWords {
  #isShown = false;

  /** @param {import("../proofs.js").Proofs} proofs @param {string} words shown after the check */
  constructor(proofs, words) {
    this.proofs = proofs;
    this.words = words;
    this.status = make("p", { class: "hint", role: "status" });
    this.bar = make("progress", {
      max: 1,
      value: 0,
      "aria-label": "Check for robots",
      hidden: true,
    });
    this.element = make("div", { class: "sending" }, this.status, this.bar);
    proofs.addEventListener("change", () => this.#show());
  }

  /** @param {boolean} isShown */
  set isShown(isShown) {
    this.#isShown = isShown;
    this.#show();
  }

  #show() {
    const { share } = this.proofs;
    const isChecking = this.#isShown && share !== null;
    // The status does not contain the share: a screen reader would read out every step.
    say(
      this.status,
      !this.#isShown
        ? ""
        : isChecking
          ? "Checking that you’re not a robot. This takes a few seconds…"
          : this.words,
    );
    this.bar.hidden = !isChecking;
    this.bar.value = share ?? 1;
  }
}

/** The form that saves a new visitor, with or without a phone number. */
class SaveForm {
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
      required: true,
      maxlength: 60,
      "aria-describedby": "name-error",
      value: app.store.shelf.name,
    });
    this.nameError = make("p", { class: "field-error", id: "name-error", hidden: true });
    this.consent = consentField(() => showFieldError(this.consent.box, this.consent.error, ""));
    this.phone = new PhoneField(true, () => {
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
        make("label", { for: "name" }, "Your name"),
        this.name,
        this.nameError,
      ),
      this.phone.element,
      this.consent.element,
      make("div", {}, this.submit, this.sending.element),
      make(
        "p",
        { class: "hint" },
        "We store your name and ratings under a secret link that only you have. This browser stores your ratings, but never your number.",
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
    const phone = this.phone.isEmpty ? null : this.phone.value;
    this.#setSending(true);
    try {
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
    if (this.name.value.trim() === "")
      errors.push({ field: "name", message: "Enter your name; a first name is enough." });
    if (this.phone.problem) errors.push({ field: "phone", message: this.phone.problem });
    else if (!this.phone.isEmpty && !this.consent.box.checked) {
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

/** @param {App} app @param {AbortSignal} signal */
function statusView(app, signal) {
  const journey = make(
    "ol",
    { class: "journey", "aria-label": "Progress" },
    ...STEPS.map((step) => make("li", { "data-step": step }, STEP_NAMES[step])),
  );
  const now = make("p", { class: "status-words", role: "status" }, "Loading your status…");
  const next = make("p", { class: "status-next" });
  const connection = make("p", { class: "connection", role: "status" });
  const again = button("Check again", "button", () => app.visit.follow(), { hidden: true });
  const phonePlace = make("div");
  const laterPlace = make("div");
  const heading = viewHeading("Your ten picks", { class: "board" });

  const show = () => {
    const { visitor, statusError, hasTimedOut } = app.visit;
    if (!app.store.shelf.visit) {
      app.go("text");
      return;
    }
    if (visitor) {
      const words = wordsForStatus(visitor);
      say(now, words.now);
      say(next, words.next);
      showJourney(journey, visitor);
      showPhone(phonePlace, laterPlace, app, visitor);
    }
    const isGone = statusError?.kind === "missing";
    say(
      connection,
      isGone
        ? "The link in this browser no longer works. A newer link replaced it, or your picks have expired or been deleted. If you have a newer text, open its link. Your ratings are still stored in this browser."
        : statusError
          ? `${wordsForProblem(statusError)} Your request continues, and this page keeps checking.`
          : hasTimedOut
            ? "This is taking longer than usual, so this page has stopped checking automatically."
            : "",
    );
    again.hidden = !hasTimedOut;
    if (isGone) {
      phonePlace.replaceChildren(
        button("Save again", "button", () =>
          app.store.change((shelf) => ({ ...shelf, visit: null })),
        ),
      );
      laterPlace.replaceChildren();
    }
  };
  app.visit.addEventListener("change", show, { signal });
  app.store.onChange(show, signal);

  const element = make(
    "div",
    { class: "status-view" },
    heading,
    make(
      "section",
      { class: "panel status-now", "aria-label": "Status" },
      journey,
      now,
      next,
      connection,
      again,
      phonePlace,
    ),
    picksPanel(app, signal, { heading, itemLevel: "h2" }),
    make("div", { class: "status-side" }, unsavedBar(app, signal), laterPlace, linkPanel(app)),
  );
  show();
  return { title: "Your ten picks", element };
}

/** @param {HTMLElement} journey @param {import("../api.js").Visitor} visitor */
function showJourney(journey, visitor) {
  journey.hidden = visitor.status === "saved";
  journey.classList.toggle("without-text", !visitor.texts);
  for (const item of journey.children) {
    if (!(item instanceof HTMLElement)) continue;
    const state = stateOf(item.dataset.step ?? "", visitor);
    item.dataset.state = state;
    if (state === "now") item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
}

/**
 * Return the state of a step of the journey.
 * @param {string} step one of STEPS
 * @param {import("../api.js").Visitor} visitor
 * @returns {"done" | "now" | "failed" | "ahead"}
 */
function stateOf(step, visitor) {
  const steps = /** @type {readonly string[]} */ (STEPS);
  const here = steps.indexOf(step);
  if (visitor.status === "failed") {
    const failedStep = visitor.picks ? "texted" : "submitted";
    if (step === failedStep) return "failed";
    return here < steps.indexOf(failedStep) ? "done" : "ahead";
  }
  const reached = steps.indexOf(visitor.status);
  if (here < reached || (here === reached && isFinished(visitor))) return "done";
  return here === reached ? "now" : "ahead";
}

/**
 * Show whether and where a text is sent. If the visitor gave no number, show the form for it, and a
 * button next to the status that leads there. The form comes after the picks, so that it does not
 * precede them on a phone.
 * @param {HTMLElement} place next to the status
 * @param {HTMLElement} laterPlace after the picks, for the form
 * @param {App} app
 * @param {import("../api.js").Visitor} visitor
 */
function showPhone(place, laterPlace, app, visitor) {
  const ends = app.store.shelf.visit?.phone_ends ?? visitor.phone_ends ?? null;
  const key = `${ends}-${visitor.texts}`;
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  if (ends || visitor.texts) {
    const words = ends
      ? `We text your number ending in ${ends}. Reply STOP to a text to stop them.`
      : "A text is on its way to your number.";
    const whereTo = make("p", { class: "hint", tabindex: -1 }, words);
    const hadFocus = laterPlace.contains(document.activeElement);
    place.replaceChildren(whereTo);
    laterPlace.replaceChildren();
    if (ends) {
      const another = button("Use another number", "text-button", () => {
        const { form, number } = laterPhoneForm(app, "Text my picks to another number", () => {
          form.remove();
          whereTo.focus();
        });
        laterPlace.replaceChildren(form);
        number.focus();
      });
      place.append(another);
    }
    if (hadFocus) whereTo.focus();
    return;
  }
  const { form, number } = laterPhoneForm(app);
  place.replaceChildren(button("Get them by text", "button to-later-phone", () => number.focus()));
  laterPlace.replaceChildren(form);
}

/**
 * Keep a button from taking a field's focus when pressed. Otherwise the field would show its error
 * while the button is held down, the button would move, and the click would be lost.
 * @template {HTMLElement} T
 * @param {T} button
 * @returns {T}
 */
function keepingFocus(button) {
  button.addEventListener("mousedown", (event) => event.preventDefault());
  return button;
}

/**
 * Make the form that sets the phone number of a saved visitor.
 * @param {App} app
 * @param {string} [title]
 * @param {() => void} [onSaved]
 */
function laterPhoneForm(app, title = "Text me my picks", onSaved = () => {}) {
  const consent = consentField(() => showFieldError(consent.box, consent.error, ""));
  const phone = new PhoneField(false, () => {
    consent.element.hidden = phone.isEmpty;
    if (!phone.isEmpty) app.visit.proofs.prepare();
  });
  consent.element.hidden = true;
  const problem = new FormProblem();
  const sending = new SendingWords(app.visit.proofs, "Sending…");
  const fields = {
    phone: { input: phone.number, error: phone.error },
    consent: { input: consent.box, error: consent.error },
  };
  const form = make(
    "form",
    { class: "panel", novalidate: true, "aria-label": title },
    make("h2", {}, title),
    problem.element,
    phone.element,
    consent.element,
    make(
      "p",
      { class: "hint" },
      "One text with ten titles and a link back here, in up to three parts; your carrier may charge for it. Reply STOP to get no more texts. If you change your number, you get a new link, and the link in earlier texts stops working.",
    ),
    keepingFocus(make("button", { type: "submit", class: "button primary" }, "Text me my picks")),
    sending.element,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.clear();
    const message = phone.isEmpty ? "Enter your phone number." : phone.problem;
    if (message)
      return problem.show("Please check the following:", [{ field: "phone", message }], fields);
    if (!consent.box.checked)
      return problem.show(
        "Please check the following:",
        [{ field: "consent", message: "Tick the box to get the text." }],
        fields,
      );
    sending.isShown = true;
    try {
      await app.visit.givePhone(phone.value);
      onSaved();
      announce("Your number is saved. We’ll text you when your picks are ready.");
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      sending.isShown = false;
      if (error.kind === "refused" && error.fieldErrors.length > 0)
        problem.show("Please check the following:", error.fieldErrors, fields);
      else problem.show(`${wordsForProblem(error)} Nothing you entered is lost.`, [], fields);
    }
    return undefined;
  });
  return { form, number: phone.number };
}

/** Make the panel that copies the visitor's secret link or makes a new one. @param {App} app */
function linkPanel(app) {
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
