// Making elements. Text from the API enters the page here and in poster.js, always as text.

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | undefined | EventListener | ((event: any) => void)>} Properties
 */

/**
 * Make an element: `on…` properties become listeners, `class` and the rest attributes; false and
 * null leave an attribute out, true gives it without a value. Strings among the children are text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Properties} [properties]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  setProperties(element, properties);
  element.append(...present(children));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Properties} [properties]
 * @param {Child[]} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function draw(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  setProperties(element, properties);
  element.append(...present(children));
  return element;
}

/**
 * @param {Element} element
 * @param {Properties} properties
 */
function setProperties(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
}

/** @param {Child[]} children */
function present(children) {
  return /** @type {(Node | string)[]} */ (children.filter((child) => child || child === ""));
}

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no element with the id ${id}`);
  return /** @type {T} */ (element);
}

/**
 * Change a live region's text only when it differs, so that it is announced once.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Tell a screen reader, politely. @param {string} words */
export function announce(words) {
  say(byId("announcer"), words);
}

/** @param {string} words @param {Properties} [properties] @returns {HTMLHeadingElement} a view's heading, which takes the focus */
export function viewHeading(words, properties = {}) {
  return make("h1", { id: "view-heading", tabindex: -1, ...properties }, words);
}

/** @param {string} label @param {string} kind @param {(event: Event) => void} onclick @param {Properties} [properties] */
export function button(label, kind, onclick, properties = {}) {
  return make("button", { type: "button", class: kind, onclick, ...properties }, label);
}

/**
 * Bring a list to these items. One that stays is not taken out of the page: the focus in it, what is
 * open in it and a press that is under way on it stay, too.
 * @param {HTMLElement} list
 * @param {HTMLElement} heading takes the focus of an item that goes
 * @param {[key: string, makeItem: () => Element, update?: (item: Element) => void][]} wanted an item of
 *   the same key is the same item
 */
export function showItems(list, heading, wanted) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const movieId = focused?.closest("[data-movie-id]")?.getAttribute("data-movie-id");
  const there = new Map([...list.children].map((item) => [item.getAttribute("data-key"), item]));
  const items = wanted.map(([key, makeItem, update]) => {
    const item = there.get(key) ?? makeItem();
    item.setAttribute("data-key", key);
    update?.(item);
    return item;
  });
  for (const item of there.values()) if (!items.includes(item)) item.remove();
  let place = list.firstElementChild;
  for (const item of items) {
    if (item === place) place = place.nextElementSibling;
    else list.insertBefore(item, place);
  }
  if (!focused || focused === document.activeElement) return;
  const again = list.contains(focused) ? focused : list.querySelector(`[data-movie-id="${movieId}"] input:checked`);
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  else heading.focus({ preventScroll: true });
}
