// Tests of the solver of challenges.

import assert from "node:assert/strict";
import { test } from "node:test";

import { solve } from "../../site/scripts/proof_solver.js";

// Made with altcha 2.3.0 (Python). Its own solver finds this counter and this key.
const CHALLENGE = {
  parameters: {
    algorithm: "PBKDF2/SHA-256",
    cost: 50,
    keyLength: 32,
    keyPrefix: "a1b7aaf756d73d92eeb904fe1880fc5d",
    nonce: "bcdba1144ba4a9c383197de075041625",
    salt: "4334cdb61fc042287c0bdbd50492ca9a",
    keySignature: "3c146a204ed12a08121670850b0b29afb60282608aa6f6dfa704539c98d3dcc3",
    expiresAt: 1800000000,
    data: { most: 60 },
  },
  signature: "68a980fdb27139a0017a3bad0be63771b21d7f9c7ed37047a9b8690a1f772aca",
};
const SOLUTION = {
  counter: 37,
  derivedKey: "a1b7aaf756d73d92eeb904fe1880fc5d66f19528b8f9d3da30c99aeece7208f7",
};

/** @param {object} parameters */
const withParameters = (parameters) => ({
  ...CHALLENGE,
  parameters: { ...CHALLENGE.parameters, ...parameters },
});

test("a challenge gets the same solution as from ALTCHA's own solver", async () => {
  assert.deepEqual(JSON.parse(atob(await solve(CHALLENGE))), {
    challenge: CHALLENGE,
    solution: SOLUTION,
  });
});

test("progress is reported as shares that rise from 0", async () => {
  /** @type {number[]} */
  const shares = [];
  await solve(CHALLENGE, (share) => shares.push(share));
  assert.deepEqual(shares, [0, 10 / 60, 20 / 60, 30 / 60]);
});

test("an unsolvable challenge is rejected", async () => {
  await assert.rejects(solve(withParameters({ data: { most: 30 } })), /no counter below 30/);
  await assert.rejects(
    solve(withParameters({ algorithm: "SCRYPT" })),
    /unknown challenge algorithm: SCRYPT/,
  );
});
