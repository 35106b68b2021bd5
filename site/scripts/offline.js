// Lets the page open without a connection: registers the service worker, which keeps the page's
// files, and removes both again.

import { workerScript } from "./worker_scripts.js";

/** Keep the page's files in this browser. Without a service worker, the page works as before. */
export async function keepPage() {
  try {
    await navigator.serviceWorker?.register(workerScript("service_worker.js"));
  } catch (error) {
    console.info("The page is not kept for offline use:", error);
  }
}

/** Remove the service worker and the files that it keeps, until the page is loaded again. */
export async function removePage() {
  try {
    const registration = await navigator.serviceWorker?.getRegistration();
    await registration?.unregister();
    for (const name of await caches.keys()) await caches.delete(name);
  } catch (error) {
    // Private windows may refuse storage; then nothing is kept.
    console.info("No kept page was removed:", error);
  }
}
