// Proofs of work: made in a worker while the visitor still types, each used for one call.

import { ApiProblem } from "./api.js";

const WORKER = new URL("proof_worker.js", import.meta.url).href;
const SECONDS_TO_SPARE = 60;

/** The page's policy lets scripts start this one worker and nothing else. */
const scripts = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("marquee-worker", {
  createScriptURL: (/** @type {string} */ address) => {
    if (address !== WORKER) throw new TypeError(`no worker of the page: ${address}`);
    return address;
  },
});

/** Fires "change" as the share of the work that is done moves. */
export class Proofs extends EventTarget {
  /** @type {Promise<Made> | null} */
  #making = null;
  /** How much of the present proof is done, from 0 to 1; null while none is being made. @type {number | null} */
  share = null;

  /** @param {{challenge: () => Promise<import("./proof_solver.js").Challenge>}} api */
  constructor(api) {
    super();
    this.api = api;
  }

  /** Begin with a proof, if none is there or being made: the visitor has begun with a number. */
  prepare() {
    if (this.#making) return;
    const making = this.#make();
    this.#making = making;
    // `take` throws the failure. Here a failed proof is only forgotten, so that a new one can be made.
    making.catch(() => {
      if (this.#making === making) this.#making = null;
    });
  }

  /**
   * Wait for a proof and use it up.
   * @returns {Promise<string>}
   * @throws {ApiProblem}
   */
  async take() {
    this.prepare();
    let made = await this.#makingNow();
    if (made.expiresAt - SECONDS_TO_SPARE < Date.now() / 1000) {
      this.prepare();
      // Taken as it is: where this device's clock is wrong, every challenge seems to have expired.
      made = await this.#makingNow();
    }
    return made.proof;
  }

  #makingNow() {
    const making = /** @type {Promise<Made>} */ (this.#making);
    this.#making = null;
    return making;
  }

  /** @typedef {{proof: string, expiresAt: number}} Made */

  /** @returns {Promise<Made>} */
  async #make() {
    this.#tell(0);
    try {
      const challenge = await this.api.challenge();
      const proof = await solveInWorker(challenge, (share) => this.#tell(share));
      return { proof, expiresAt: challenge.parameters.expiresAt };
    } finally {
      this.#tell(null);
    }
  }

  /** @param {number | null} share */
  #tell(share) {
    this.share = share;
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {import("./proof_solver.js").Challenge} challenge
 * @param {(share: number) => void} onProgress
 * @returns {Promise<string>}
 */
function solveInWorker(challenge, onProgress) {
  const worker = new Worker(scripts?.createScriptURL(WORKER) ?? WORKER, { type: "module" });
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => {
      console.error("no proof of work:", why);
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
