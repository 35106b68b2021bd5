// The page's elements. Text from the API enters the page here, always as text.

const VIEWS = ["loading", "problem", "questionnaire", "visitor"];

/**
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no element with the id ${id}`);
  return element;
}

/**
 * @param {string} templateId
 * @returns {any} a copy of the one element in the template
 */
export function copyOf(templateId) {
  return byId(templateId).content.firstElementChild.cloneNode(true);
}

/**
 * Show one view and, for a screen reader and the keyboard, start at its heading.
 * @param {"loading" | "problem" | "questionnaire" | "visitor"} name
 * @param {string} title the browser tab's
 */
export function showView(name, title) {
  for (const view of VIEWS) byId(`${view}-view`).hidden = view !== name;
  document.title = `${title}: Marquee`;
  window.scrollTo(0, 0);
  if (name !== "loading") byId(`${name}-heading`).focus({ preventScroll: true });
}

/**
 * Change a live region's text only when it differs, so that it is announced once.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {HTMLElement} card element holding the movie's title, year and genres
 * @param {import("./api.js").Movie} movie
 */
export function writeMovie(card, movie) {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (card.querySelector(name));
  part(".movie-title").textContent = movie.title;
  part(".movie-year").textContent = movie.year ? String(movie.year) : "";
  part(".movie-genres").textContent = (movie.genres ?? []).join(", ");
}
