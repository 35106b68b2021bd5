// The field for a phone number. The API's phone library reads and checks the number, here and when
// the form is sent, so that the page and the API never disagree.

import { ApiProblem } from "../api.js";
import { make, say } from "../dom.js";
import { asTyped } from "../movie_search.js";
import { namedCountries, regionIn } from "../phone.js";
import { listed, wordsForProblem } from "../wording.js";
import { showFieldError } from "./form_errors.js";

/** @typedef {import("../api.js").CheckedPhone} CheckedPhone */

/** A field for a phone number: country, digits, and what the API says about them. */
export class PhoneField {
  /** The last checked input and the answer to it. @type {{key: string, phone: CheckedPhone} | null} */
  #checked = null;
  /** @type {Promise<void> | null} */
  #countries = null;
  #names = "";

  /**
   * @param {import("../api.js").Api} api
   * @param {boolean} isOptional
   * @param {() => void} onChange called after each change of the number or the country
   */
  constructor(api, isOptional, onChange) {
    this.api = api;
    this.isOptional = isOptional;
    this.country = make("select", {
      id: "country",
      autocomplete: "tel-country-code",
      "aria-label": "Country",
    });
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
    const check = asTyped((_typed, signal) => this.#check(signal));
    const update = () => {
      this.hint.classList.remove("good");
      showFieldError(this.number, this.error, "");
      say(this.hint, this.isEmpty ? this.#invitation : "");
      // With no country listed yet, #check fetches the list first.
      check(this.isEmpty ? "" : this.#key);
      onChange();
    };
    this.number.addEventListener("input", update);
    this.country.addEventListener("change", () => {
      this.#showExample();
      update();
    });
    say(this.hint, this.#invitation);
    this.#listCountries().catch((error) => {
      // The next change or the submission fetches the list again.
      if (!(error instanceof ApiProblem)) throw error;
    });
  }

  get isEmpty() {
    return this.number.value.trim() === "";
  }

  /**
   * Return the number in E.164, checked by the API.
   * @returns {Promise<string>}
   * @throws {ApiProblem} with the field errors if the number cannot be texted
   */
  async e164() {
    await this.#listCountries();
    if (this.#checked?.key !== this.#key) await this.#ask();
    return this.#checked?.phone.phone ?? "";
  }

  /** What the answer of the API depends on. */
  get #key() {
    return JSON.stringify([this.country.value, this.number.value]);
  }

  get #invitation() {
    if (this.#names === "") return "Choose your country, then enter your number.";
    return `We text numbers of ${this.#names}.${this.isOptional ? " With another number, leave this empty: your picks will be here." : ""}`;
  }

  /** Fetch the countries that can be texted, once, and offer only those. */
  #listCountries() {
    this.#countries ??= this.api.textedCountries().then(
      ({ countries }) => this.#offer(countries),
      (error) => {
        this.#countries = null;
        throw error;
      },
    );
    return this.#countries;
  }

  /** @param {import("../phone.js").TextedCountry[]} texted */
  #offer(texted) {
    const language = navigator.language || "en";
    const named = namedCountries(texted, language);
    const likely = regionIn(language) ?? "US";
    this.country.replaceChildren(
      ...named.map(({ country, calling_code, example, name }) =>
        make(
          "option",
          { value: country, "data-example": example, selected: country === likely },
          `${name} +${calling_code}`,
        ),
      ),
    );
    this.#names = listed(named.map(({ name }) => name));
    this.#showExample();
    if (this.isEmpty) say(this.hint, this.#invitation);
  }

  #showExample() {
    this.number.placeholder = this.country.selectedOptions[0]?.dataset.example ?? "";
  }

  /** Ask the API about the input, and keep the answer. @param {AbortSignal} [signal] */
  async #ask(signal) {
    const key = this.#key;
    const phone = await this.api.checkPhone(this.number.value, this.country.value, signal);
    this.#checked = { key, phone };
    // A number with its own calling code selects its country.
    this.country.value = phone.country;
    this.#showExample();
    this.#checked = { key: this.#key, phone };
    return phone;
  }

  /** @param {AbortSignal} signal */
  async #check(signal) {
    try {
      await this.#listCountries();
      const { shown } = await this.#ask(signal);
      say(this.hint, `We’ll text ${shown}.`);
      this.hint.classList.add("good");
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      const words = error.fieldErrors[0]?.message ?? wordsForProblem(error);
      // While the visitor types, an unfinished number is no error yet.
      if (document.activeElement === this.number || error.kind !== "refused") say(this.hint, words);
      else showFieldError(this.number, this.error, words);
      this.number.addEventListener(
        "blur",
        () => {
          if (signal.aborted || error.kind !== "refused") return;
          say(this.hint, "");
          showFieldError(this.number, this.error, words);
        },
        { once: true, signal },
      );
    }
  }
}
