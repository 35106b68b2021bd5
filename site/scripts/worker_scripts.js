// The scripts that may run as workers. The page's Trusted Types policy allows these two and no other.

/** @type {Record<"proof_worker.js" | "service_worker.js", () => string>} */
const ADDRESSES = {
  "proof_worker.js": () => new URL("proof_worker.js", import.meta.url).href,
  // Beside the page and not beside the other scripts: a service worker serves its own folder only.
  "service_worker.js": () => new URL("service_worker.js", document.baseURI).href,
};

const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("marquee-worker", {
  createScriptURL: (/** @type {string} */ address) => {
    if (!Object.values(ADDRESSES).some((allowed) => allowed() === address))
      throw new TypeError(`unexpected worker script: ${address}`);
    return address;
  },
});

/**
 * Return a worker's address in the form that the browser accepts.
 * @param {keyof typeof ADDRESSES} name
 * @returns {string}
 */
export function workerScript(name) {
  const address = ADDRESSES[name]();
  return policy?.createScriptURL(address) ?? address;
}
