// Remembers how far each entry of the browser's history was scrolled, so that "Back" returns to the
// same place. The browser's own restoration is off: it would scroll before a view has its content.

/** @typedef {{entry?: string, scroll?: number}} EntryState what `history.state` holds */

export class ScrollMemory {
  /** @type {Map<string, number>} places by history entry, of this page load */
  #places = new Map();
  #entry = "";
  /** Ends a restoration that still waits for the view's content. */
  #stopWaiting = () => {};

  constructor() {
    history.scrollRestoration = "manual";
    window.addEventListener("scroll", () => this.#places.set(this.#entry, window.scrollY), {
      passive: true,
    });
    // The place survives a visit to another site.
    window.addEventListener("pagehide", () => this.#write({ scroll: window.scrollY }));
  }

  /**
   * Note that the browser is now at its current history entry. Call this before the view changes.
   * @returns {number} how far the entry was scrolled when it was left; 0 for a new entry
   */
  enter() {
    this.#stopWaiting();
    const { entry, scroll } = /** @type {EntryState} */ (history.state ?? {});
    this.#entry = entry ?? crypto.getRandomValues(new Uint32Array(2)).join("-");
    if (entry === undefined) this.#write({ entry: this.#entry });
    return this.#places.get(this.#entry) ?? scroll ?? 0;
  }

  /**
   * Scroll to a place as soon as the page is long enough. Give up when the visitor scrolls, presses
   * a key or opens another view.
   * @param {number} place pixels from the top
   */
  restore(place) {
    this.#stopWaiting();
    window.scrollTo(0, place);
    if (isAt(place)) return;
    const waiting = new AbortController();
    const observer = new ResizeObserver(() => {
      window.scrollTo(0, place);
      if (isAt(place)) this.#stopWaiting();
    });
    observer.observe(document.body);
    this.#stopWaiting = () => {
      observer.disconnect();
      waiting.abort();
    };
    for (const act of ["wheel", "touchstart", "pointerdown", "keydown"])
      window.addEventListener(act, () => this.#stopWaiting(), {
        signal: waiting.signal,
        passive: true,
      });
  }

  /** @param {EntryState} state added to what `history.state` holds */
  #write(state) {
    history.replaceState({ ...history.state, ...state }, "");
  }
}

/** Whether the page is scrolled to a place; browsers round it. @param {number} place */
function isAt(place) {
  return Math.abs(window.scrollY - place) <= 1;
}
