// Keeps the shelf in the browser's local storage, so that nothing is lost when the visitor leaves
// the page. The shelf never contains the phone number. All tabs of a browser share the shelf: when
// one tab writes it, the others read it again immediately.

import { EMPTY } from "./shelf.js";

/** @typedef {import("./shelf.js").Shelf} Shelf */

const KEY = "marquee.shelf";

/** The shelf and its copy in local storage. Fires "change" when this or another tab changes it. */
export class Store extends EventTarget {
  constructor() {
    super();
    /** @type {Shelf} */
    this.shelf = read();
    /** Whether local storage works. Private windows may refuse it; the page still works then. */
    this.isStored = true;
    window.addEventListener("storage", ({ key }) => {
      if (key !== KEY && key !== null) return;
      this.shelf = read();
      this.dispatchEvent(new Event("change"));
    });
  }

  /**
   * Replace the shelf with what `act` returns, and store it. Do nothing if `act` returns the same
   * object.
   * @param {(shelf: Shelf) => Shelf} act
   */
  change(act) {
    const after = act(this.shelf);
    if (after === this.shelf) return;
    this.shelf = after;
    this.#write();
    this.dispatchEvent(new Event("change"));
  }

  /** Empty the shelf, in this tab and in the browser's other tabs. */
  clear() {
    this.change(() => EMPTY);
    try {
      localStorage.removeItem(KEY);
    } catch {
      /* Local storage is not available, so there is nothing to remove. */
    }
  }

  /**
   * Call `listener` after each change, until `signal` aborts.
   * @param {() => void} listener
   * @param {AbortSignal} [signal]
   */
  onChange(listener, signal) {
    this.addEventListener("change", listener, { signal });
  }

  #write() {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.shelf));
      this.isStored = true;
    } catch {
      this.isStored = false;
    }
  }
}

/** Read the shelf from local storage; an empty one if it has none. @returns {Shelf} */
function read() {
  try {
    return { ...EMPTY, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return EMPTY;
  }
}
