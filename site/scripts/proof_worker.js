// Solves one challenge away from the page, which stays quick to the touch meanwhile.

import { solve } from "./proof_solver.js";

addEventListener("message", async ({ data }) => {
  try {
    const proof = await solve(data, (share) => postMessage({ share }));
    postMessage({ proof });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
