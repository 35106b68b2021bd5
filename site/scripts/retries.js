// Repeats failed calls by itself: after growing waits, and at once when the browser is online again.

/** @typedef {import("./api.js").ApiProblem} ApiProblem */

// A device that comes back with many others must not call at the same moment as they do.
const SPREAD = 0.25;

/** The waits between the attempts of one call. They grow until `reset`. */
export class Waits {
  #wait;

  /** @param {{first: number, longest: number, growth: number}} waits milliseconds, and a factor */
  constructor(waits) {
    this.waits = waits;
    this.#wait = waits.first;
  }

  /** Begin with the shortest wait again. */
  reset() {
    this.#wait = this.waits.first;
  }

  /**
   * Wait until the next attempt is due. A page that is hidden then waits until it is visible. The
   * wait ends early when the browser is online again or the page becomes visible again.
   * @param {{atLeast?: number, signal: AbortSignal}} limits atLeast: milliseconds that the API asks for
   * @returns {Promise<boolean>} false if the signal aborted
   */
  next({ atLeast = 0, signal }) {
    const { longest, growth } = this.waits;
    const wait = Math.max(this.#wait * (1 + Math.random() * SPREAD), atLeast);
    this.#wait = Math.min(this.#wait * growth, longest);
    const startedAt = Date.now();
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const ending = new AbortController();
      const end = (/** @type {boolean} */ isDue) => {
        clearTimeout(timer);
        ending.abort();
        resolve(isDue);
      };
      const endEarly = () => {
        if (!document.hidden && Date.now() - startedAt >= atLeast) end(true);
      };
      const timer = setTimeout(() => document.hidden || end(true), wait);
      window.addEventListener("online", endEarly, { signal: ending.signal });
      document.addEventListener("visibilitychange", endEarly, { signal: ending.signal });
      signal.addEventListener("abort", () => end(false), { signal: ending.signal });
    });
  }
}

/**
 * Whether a problem may pass by itself, so that the same call can succeed later.
 * @param {Pick<ApiProblem, "kind">} problem
 */
export function isPassing({ kind }) {
  return ["offline", "unreachable", "slow", "unavailable", "too-many"].includes(kind);
}

/** Repeats a call that failed, until it succeeds or fails for good. */
export class Retries {
  #waits = new Waits({ first: 2000, longest: 60_000, growth: 2 });
  /** @type {AbortController | null} */
  #waiting = null;

  /** @param {() => void} again repeats the call */
  constructor(again) {
    this.again = again;
  }

  /**
   * Repeat the call later, if the problem may pass by itself.
   * @param {Pick<ApiProblem, "kind" | "retryAfterSeconds">} problem
   * @returns {Promise<void>} settled when the call is repeated or given up; need not be awaited
   */
  async after(problem) {
    this.stop();
    if (!isPassing(problem)) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    const { signal } = waiting;
    if (await this.#waits.next({ atLeast: problem.retryAfterSeconds * 1000, signal })) this.again();
  }

  /** Repeat nothing any more; the next failure waits longer than this one. */
  stop() {
    this.#waiting?.abort();
    this.#waiting = null;
  }

  /** The call succeeded: the next failure waits as short as the first one. */
  succeeded() {
    this.stop();
    this.#waits.reset();
  }
}
