// Removes the service worker and everything that it keeps. To get rid of the worker, an operator
// publishes this file in place of service_worker.js (docs/operating.md).

{
  const worker = /** @type {any} */ (self);

  const leave = async () => {
    for (const name of await caches.keys()) await caches.delete(name);
    await worker.registration.unregister();
  };

  worker.addEventListener("install", () => worker.skipWaiting());
  worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(leave()));
}
