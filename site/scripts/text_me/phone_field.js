// The field for a phone number.

import { make, say } from "../dom.js";
import {
  callingCodeIn,
  countries,
  international,
  likelyRegion,
  phoneFormatError,
} from "../phone.js";
import { showFieldError } from "./form_errors.js";

/** A field for a phone number: country, digits, and a hint about their format during typing. */
export class PhoneField {
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
