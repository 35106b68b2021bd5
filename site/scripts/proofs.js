// Proofs of work. A worker makes a proof while the visitor is still typing. Each proof is used for
// one call.

import { ApiProblem } from "./api.js";
import { workerScript } from "./worker_scripts.js";

const SECONDS_TO_SPARE = 60;

/** Makes proofs, at most one at a time. Fires "change" when `share` changes. */
export class Proofs extends EventTarget {
  /** @type {Promise<Solved> | null} */
  #making = null;
  /**
   * How much of the current proof is done, from 0 to 1; null while none is being made.
   * @type {number | null}
   */
  share = null;

  /** @param {{challenge: () => Promise<import("./proof_solver.js").Challenge>}} api */
  constructor(api) {
    super();
    this.api = api;
  }

  /**
   * Start making a proof, unless one is ready or being made. Called when the visitor begins to type
   * a phone number.
   */
  prepare() {
    if (this.#making) return;
    const making = this.#make();
    this.#making = making;
    // `take` throws the failure. This handler only drops the failed proof, so that the next call
    // makes a new one.
    making.catch(() => {
      if (this.#making === making) this.#making = null;
    });
  }

  /**
   * Wait for a proof and return it; it is not returned again. A proof that expires within a minute
   * is replaced by a new one first.
   * @returns {Promise<string>}
   * @throws {ApiProblem} if the challenge cannot be fetched or solved
   */
  async take() {
    this.prepare();
    let solved = await this.#takeCurrent();
    if (solved.expiresAt - SECONDS_TO_SPARE < Date.now() / 1000) {
      this.prepare();
      // The second proof is not checked: on a device with a wrong clock, every challenge would seem
      // to have expired.
      solved = await this.#takeCurrent();
    }
    return solved.proof;
  }

  /** Return the proof being made, and forget it, so that no other call uses it. */
  #takeCurrent() {
    const making = /** @type {Promise<Solved>} */ (this.#making);
    this.#making = null;
    return making;
  }

  /** @typedef {{proof: string, expiresAt: number}} Solved */

  /** @returns {Promise<Solved>} */
  async #make() {
    this.#report(0);
    try {
      const challenge = await this.api.challenge();
      const proof = await solveInWorker(challenge, (share) => this.#report(share));
      return { proof, expiresAt: challenge.parameters.expiresAt };
    } finally {
      this.#report(null);
    }
  }

  /** @param {number | null} share */
  #report(share) {
    this.share = share;
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * Solve a challenge in a new worker.
 * @param {import("./proof_solver.js").Challenge} challenge
 * @param {(share: number) => void} onProgress called with the share of counters tried, from 0 to 1
 * @returns {Promise<string>} the proof
 * @throws {ApiProblem} of kind "unproven"
 */
function solveInWorker(challenge, onProgress) {
  const worker = new Worker(workerScript("proof_worker.js"), { type: "module" });
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => {
      console.error("Solving the challenge failed:", why);
      reject(new ApiProblem("unproven"));
    };
    worker.addEventListener("error", (event) => fail(event.message));
    worker.addEventListener("message", ({ data }) => {
      if (data.proof) resolve(data.proof);
      else if (data.error) fail(data.error);
      else onProgress(data.share);
    });
    worker.postMessage(challenge);
  }).finally(() => worker.terminate());
}
