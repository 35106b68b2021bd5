// A button that opens a panel with further actions.

import { bottomInSight, make } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */

const SPACE_PX = 4; // between the panel and its button, and the edge of the window
const LEAST_PX = 120; // two actions

let menus = 0;

/**
 * Make a button and the panel that it opens. The panel is a popover: the browser closes it on Escape
 * and on a press elsewhere, and gives the focus back to the button. Any of its links and buttons
 * closes it, too.
 * @param {string} label the button's
 * @param {string} named what the actions are for, such as "Heat (1995)"
 * @param {...Child} children of the panel
 * @returns {[HTMLButtonElement, HTMLElement]} the button and the panel, to be placed next to it
 */
export function menu(label, named, ...children) {
  const id = `menu-${++menus}`;
  if (menus === 1) window.addEventListener("resize", placeOpenMenus);
  const name = `${label}: ${named}`;
  const panel = make(
    "div",
    { id, class: "menu", popover: "auto", role: "group", "aria-label": name },
    ...children,
  );
  const toggle = make(
    "button",
    {
      type: "button",
      class: "chip",
      popovertarget: id,
      "aria-label": name,
      "aria-expanded": "false",
      "data-act": "more",
    },
    label,
  );
  panel.addEventListener("beforetoggle", (event) => {
    const isOpening = /** @type {ToggleEvent} */ (event).newState === "open";
    toggle.setAttribute("aria-expanded", String(isOpening));
    if (isOpening) place(panel, toggle);
  });
  // While the event is on its way down: the action then finds the menu closed, and the focus on the
  // button that opened it.
  panel.addEventListener(
    "click",
    ({ target }) => {
      if (target instanceof Element && target.closest("a, button")) panel.hidePopover();
    },
    { capture: true },
  );
  return [toggle, panel];
}

function placeOpenMenus() {
  for (const panel of document.querySelectorAll(".menu:popover-open")) {
    const toggle = document.querySelector(`[popovertarget="${panel.id}"]`);
    if (panel instanceof HTMLElement && toggle) place(panel, toggle);
  }
}

/**
 * Put the panel under its button or, if there is more room, above it. The panel scrolls with the page.
 * @param {HTMLElement} panel
 * @param {Element} toggle
 */
function place(panel, toggle) {
  const { top, bottom, right } = toggle.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const below = bottomInSight() - bottom;
  const isAbove = top > below;
  const room = Math.floor(isAbove ? top : below) - 2 * SPACE_PX;
  panel.style.top = isAbove ? "auto" : `${bottom + window.scrollY + SPACE_PX}px`;
  panel.style.bottom = isAbove ? `${clientHeight - top - window.scrollY + SPACE_PX}px` : "auto";
  panel.style.right = `${clientWidth - right}px`;
  panel.style.maxHeight = `${Math.max(room, LEAST_PX)}px`;
}
