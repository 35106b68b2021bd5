// The form that sets the phone number of a saved visitor.

import { ApiProblem } from "../api.js";
import { announce, keepingFocus, make } from "../dom.js";
import { wordsForProblem } from "../wording.js";
import { consentField } from "./consent_field.js";
import { FormProblem, showFieldError } from "./form_errors.js";
import { PhoneField } from "./phone_field.js";
import { SendingWords } from "./sending_words.js";

/** @typedef {import("../main.js").App} App */

/**
 * Make the form that sets the phone number of a saved visitor.
 * @param {App} app
 * @param {string} [title]
 * @param {() => void} [onSaved]
 */
export function laterPhoneForm(app, title = "Text me my picks", onSaved = () => {}) {
  const consent = consentField(app.api, () => showFieldError(consent.box, consent.error, ""));
  const phone = new PhoneField(app.api, false, () => {
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
      "The text has ten titles and a link back here. If you change your number, you get a new link, and the link in earlier texts stops working.",
    ),
    keepingFocus(make("button", { type: "submit", class: "button primary" }, "Text me my picks")),
    sending.element,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.clear();
    if (phone.isEmpty)
      return problem.show(
        "Please check the following:",
        [{ field: "phone", message: "Enter your phone number." }],
        fields,
      );
    if (!consent.box.checked)
      return problem.show(
        "Please check the following:",
        [{ field: "consent", message: "Tick the box to get the text." }],
        fields,
      );
    sending.isShown = true;
    try {
      await app.visit.givePhone(await phone.e164());
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
