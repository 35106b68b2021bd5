// Solves one challenge in a worker, so that the page stays responsive meanwhile.

import { solve } from "./proof_solver.js";

addEventListener("message", async ({ data }) => {
  try {
    const proof = await solve(data, (share) => postMessage({ share }));
    postMessage({ proof });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
