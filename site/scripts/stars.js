// The control for rating a movie: five stars as a radio group. All views use it.

import { make } from "./dom.js";
import { counted, STAR_LABELS } from "./wording.js";

let groups = 0;

/**
 * Make five radio buttons drawn as stars. A tap gives the rating immediately. The arrow keys only
 * select; Enter, Space, a key from 1 to 5 or the button gives the rating. So nobody gives a rating
 * by accident while moving through the page with the keyboard.
 * @param {{legend: string, stars: number, size?: "large" | "small",
 *   onRate: (stars: number, byKeyboard: boolean) => void}} about stars: 0 means no rating yet
 * @returns {HTMLFieldSetElement}
 */
export function starRating({ legend, stars, size = "small", onRate }) {
  const name = `stars-${++groups}`;
  const words = make(
    "span",
    { class: "stars-mean", "aria-hidden": "true" },
    STAR_LABELS[stars] ?? "",
  );
  const show = (/** @type {number} */ shown) => {
    fieldset.dataset.shown = String(shown);
    words.textContent = STAR_LABELS[shown] ?? "";
  };
  const chosen = () => Number(fieldset.querySelector("input:checked")?.getAttribute("value") ?? 0);
  const submit = make("button", {
    type: "button",
    class: "button stars-give",
    hidden: true,
    onclick: () => onRate(chosen(), true),
  });
  const options = [1, 2, 3, 4, 5].map((value) => starOption(name, value, value === stars));
  const fieldset = make(
    "fieldset",
    { class: `stars stars-${size}`, "data-shown": stars },
    make("legend", { class: "visually-hidden" }, legend),
    make("div", { class: "stars-row" }, ...options),
    make("div", { class: "stars-feedback" }, words, submit),
  );

  fieldset.addEventListener("change", () => {
    show(chosen());
    submit.hidden = false;
    submit.textContent = `Give ${counted(chosen(), "star")}`;
  });
  fieldset.addEventListener("click", (event) => {
    // Arrow keys also fire click events, but without a pointer press: their detail is 0.
    if (event.target instanceof HTMLInputElement && event.detail > 0)
      onRate(Number(event.target.value), false);
  });
  fieldset.addEventListener("keydown", (event) => {
    const key = Number(event.key);
    const given =
      key >= 1 && key <= 5
        ? key
        : event.key === "Enter" || event.key === " "
          ? focusedStars(event)
          : 0;
    if (given === 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    // A key that is held down rates one movie only: the next card has the focus already.
    if (!event.repeat) onRate(given, true);
  });
  fieldset.addEventListener("pointermove", (event) => {
    // When a card appears under a resting mouse, the browser fires moves of length 0.
    const isMoved = event.movementX !== 0 || event.movementY !== 0;
    if (isMoved && event.pointerType === "mouse" && event.target instanceof HTMLInputElement)
      show(Number(event.target.value));
  });
  fieldset.addEventListener("pointerleave", () => show(chosen()));
  return fieldset;
}

/** @param {KeyboardEvent} event */
function focusedStars({ target }) {
  return target instanceof HTMLInputElement ? Number(target.value) : 0;
}

/** @param {string} name @param {number} value @param {boolean} checked */
function starOption(name, value, checked) {
  const label = `${value} ${value === 1 ? "star" : "stars"}: ${STAR_LABELS[value]}`;
  return make(
    "label",
    { class: "star" },
    make("input", {
      type: "radio",
      name,
      value,
      checked,
      autocomplete: "off",
      "aria-label": label,
    }),
    make("span", { class: "star-face", "aria-hidden": "true" }),
  );
}

/** Show the visitor's own stars, read-only. @param {number} stars from 1 to 5 */
export function starsGiven(stars) {
  return make(
    "span",
    { class: "stars-given" },
    make("span", { "aria-hidden": "true" }, `You: ${"★".repeat(stars)}`),
    make("span", { class: "visually-hidden" }, `You gave ${counted(stars, "star")} out of 5`),
  );
}
