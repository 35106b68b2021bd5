// Helpers that make and update elements. Text from the API enters the page only here and in
// poster.js, always as text and never as HTML.

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | undefined | EventListener | ((event: any) => void)>} Properties
 */

/**
 * Make an element. Functions among the properties, named `on…`, become event listeners; all other
 * properties become attributes. False, null and undefined omit the attribute; true sets it without
 * a value. Strings among the children become text.
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
 * Make an SVG element, in the same way as `make`.
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
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, String(value));
  }
}

/** @param {Child[]} children */
function present(children) {
  return /** @type {(Node | string)[]} */ (children.filter((child) => child || child === ""));
}

/**
 * Return the element with an id. Throws an Error if index.html has none.
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
 * Set a live region's text only if it differs, so that a screen reader announces it once.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Return the height of the part of the window that nothing covers: above the on-screen keyboard and,
 * on a phone, above the navigation.
 */
export function bottomInSight() {
  const nav = document.querySelector("nav");
  const isFixed = nav !== null && getComputedStyle(nav).position === "fixed";
  const visible = window.visualViewport?.height ?? window.innerHeight;
  return isFixed ? Math.min(visible, nav.getBoundingClientRect().top) : visible;
}

/** Make a screen reader say something, without interrupting. @param {string} words */
export function announce(words) {
  say(byId("announcer"), words);
}

/**
 * Make a view's heading. It takes the focus when the view opens.
 * @param {string} words
 * @param {Properties} [properties]
 * @returns {HTMLHeadingElement}
 */
export function viewHeading(words, properties = {}) {
  return make("h1", { id: "view-heading", tabindex: -1, ...properties }, words);
}

/**
 * Make a button.
 * @param {string} label
 * @param {string} kind its CSS classes
 * @param {(event: Event) => void} onclick
 * @param {Properties} [properties]
 */
export function button(label, kind, onclick, properties = {}) {
  return make("button", { type: "button", class: kind, onclick, ...properties }, label);
}

/**
 * Keep a button from taking a field's focus when pressed. Otherwise the field would show its error
 * while the button is held down, the button would move, and the click would be lost.
 * @template {HTMLElement} T
 * @param {T} button
 * @returns {T}
 */
export function keepingFocus(button) {
  button.addEventListener("mousedown", (event) => event.preventDefault());
  return button;
}

/**
 * Make a list show the wanted items, in their order. Items that stay are not removed from the page
 * in between. So they keep the focus, whatever is open in them, and a click that has begun on them.
 * When the item that has the focus is removed, the item next to it takes the focus, at the control
 * with the same `data-act`.
 * @param {HTMLElement} list
 * @param {HTMLElement} heading takes the focus when no item is left
 * @param {[key: string, makeItem: () => Element, update?: (item: Element) => void][]} wanted
 *   `makeItem` is called if the list has no item with the key; `update` is called in any case
 */
export function showItems(list, heading, wanted) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const before = [...list.children];
  const there = new Map(before.map((item) => [item.getAttribute("data-key"), item]));
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
  const next = list.contains(focused) ? focused : controlNextTo(focused, before, items);
  (next instanceof HTMLElement ? next : heading).focus({ preventScroll: true });
}

/**
 * Return the control to focus after the focused one was removed from a list; null if there is none.
 * @param {Element} focused
 * @param {Element[]} before the list's items before
 * @param {Element[]} after the list's items now
 */
function controlNextTo(focused, before, after) {
  const place = before.findIndex((item) => item.contains(focused));
  const movieId =
    before[place]?.getAttribute("data-movie-id") ?? before[place]?.getAttribute("data-restores");
  const replacement = after.find(
    (item) => movieId && item.getAttribute("data-movie-id") === movieId,
  );
  const isStaying = (/** @type {Element} */ item) => after.includes(item);
  const item =
    replacement ??
    before.slice(place + 1).find(isStaying) ??
    before.slice(0, Math.max(place, 0)).findLast(isStaying) ??
    null;
  const act = focused.closest("[data-act]")?.getAttribute("data-act");
  return (
    item?.querySelector(act ? `[data-act="${act}"]` : "input:checked") ??
    item?.querySelector("a, button, input") ??
    null
  );
}

/**
 * Make a list item that replaces one that the visitor took away, with a button to undo it.
 * @param {number} movieId the movie of the replaced item
 * @param {string} words what happened, such as "Removed: Heat (1995)"
 * @param {() => void} onUndo
 */
export function undoItem(movieId, words, onUndo) {
  return make(
    "li",
    { class: "undo-item", "data-restores": movieId },
    make("span", {}, words),
    button("Undo", "chip", onUndo, { "aria-label": `Undo. ${words}` }),
  );
}
