// The shelf, kept in this browser so that leaving loses nothing typed. The phone number is never
// in it. Tabs of one browser share it: what one writes, the others take over at once.

import { EMPTY } from "./shelf.js";

/** @typedef {import("./shelf.js").Shelf} Shelf */

const KEY = "marquee.shelf";

export class Store extends EventTarget {
  constructor() {
    super();
    /** @type {Shelf} */
    this.shelf = read();
    /** Whether the browser keeps things; private windows may refuse, and the page works on. */
    this.isKept = true;
    window.addEventListener("storage", ({ key }) => {
      if (key !== KEY && key !== null) return;
      this.shelf = read();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** @param {(shelf: Shelf) => Shelf} act */
  change(act) {
    const after = act(this.shelf);
    if (after === this.shelf) return;
    this.shelf = after;
    this.#keep();
    this.dispatchEvent(new Event("change"));
  }

  /** Forget everything, here and in the browser's other tabs. */
  clear() {
    this.change(() => EMPTY);
    try {
      localStorage.removeItem(KEY);
    } catch { /* nothing was kept */ }
  }

  /**
   * Call `listener` after each change, until `signal` aborts.
   * @param {() => void} listener
   * @param {AbortSignal} [signal]
   */
  onChange(listener, signal) {
    this.addEventListener("change", listener, { signal });
  }

  #keep() {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.shelf));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }
}

/** @returns {Shelf} */
function read() {
  try {
    return { ...EMPTY, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return EMPTY;
  }
}
