// Solves a challenge: tries counters until one gives a key that begins with the required prefix.
// The challenges are ALTCHA's, version 2 (altcha.org). This script runs in a worker, without a DOM.

/**
 * @typedef {{algorithm: string, cost: number, keyLength: number, keyPrefix: string, nonce: string,
 *   salt: string, expiresAt: number, data: {most: number}}} ChallengeParameters
 * @typedef {{parameters: ChallengeParameters, signature: string}} Challenge
 */

const HASHES = { "PBKDF2/SHA-256": "SHA-256" };
const COUNTER_BYTES = 4;
const TRIES_PER_REPORT = 10;

/**
 * Solve a challenge.
 * @param {Challenge} challenge
 * @param {(share: number) => void} [onProgress] called after every tenth counter with the share of
 *   counters tried so far, from 0 to 1
 * @returns {Promise<string>} the proof: challenge and solution in base64
 * @throws {RangeError} if the algorithm is unknown or no counter below `most` is the solution
 */
export async function solve(challenge, onProgress = () => {}) {
  const { algorithm, cost, keyLength, keyPrefix, nonce, salt, data } = challenge.parameters;
  const hash = HASHES[/** @type {keyof typeof HASHES} */ (algorithm)];
  if (!hash) throw new RangeError(`unknown challenge algorithm: ${algorithm}`);
  const derivation = { name: "PBKDF2", hash, salt: bytesOf(salt), iterations: cost };
  const password = new Uint8Array([...bytesOf(nonce), ...new Uint8Array(COUNTER_BYTES)]);
  const end = new DataView(password.buffer, password.length - COUNTER_BYTES);
  for (let counter = 0; counter < data.most; counter += 1) {
    end.setUint32(0, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derivedKey = hexOf(
      new Uint8Array(await crypto.subtle.deriveBits(derivation, key, keyLength * 8)),
    );
    if (derivedKey.startsWith(keyPrefix))
      return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey } }));
    if (counter % TRIES_PER_REPORT === 0) onProgress(counter / data.most);
  }
  throw new RangeError(`no counter below ${data.most} solves the challenge`);
}

/** @param {string} hex */
function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {Uint8Array} bytes */
function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
