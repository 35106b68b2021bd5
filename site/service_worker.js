// Keeps the page's own files in the browser, so that the page opens without a connection. It keeps
// nothing else: answers of the API and posters never pass through it. Publishing replaces the two
// constants (operations/site.py), so that every release is another worker. Decision 30 says why it
// works this way, and docs/operating.md how to get rid of it.

/** Names this release of the site. */
const VERSION = "__VERSION__";
/** The page's files and their sums, as Subresource Integrity writes them. @type {Record<string, string>} */
const SHELL = { __SHELL__: "" };

{
  const CACHES = "marquee-";
  const CACHE = CACHES + VERSION;
  /** Files under this folder never change: its name is made from their contents. */
  const IMMUTABLE = "releases/";
  const PAGE = "index.html";
  // After so long without an answer, the kept file is used.
  const PATIENCE_MS = 3000;
  const worker = /** @type {any} */ (self);

  /** @param {string} name */
  const addressOf = (name) => new URL(name, worker.registration.scope).href;

  /** Keep every file of the release. If one is missing or of another release, the former worker stays. */
  const keepShell = async () => {
    const cache = await caches.open(CACHE);
    const requests = Object.entries(SHELL).map(
      ([name, integrity]) =>
        new Request(addressOf(name), {
          integrity,
          cache: name.startsWith(IMMUTABLE) ? "default" : "no-cache",
        }),
    );
    await cache.addAll(requests);
    // The page comes from the network first, so a new worker need not wait for old pages to close.
    await worker.skipWaiting();
  };

  const takeOver = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(CACHES) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await worker.clients.claim();
  };

  /** @param {string} name */
  const kept = async (name) => (await caches.open(CACHE)).match(addressOf(name));

  /**
   * Answer from the network; without an answer in time, or with a server's error, from the cache.
   * @param {Request} request
   * @param {string} name
   */
  const networkFirst = async (request, name) => {
    const answer = fetch(request);
    const usable = answer.then(
      (response) => (response.status < 500 ? response : null),
      () => null,
    );
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null));
    return (await Promise.race([usable, late])) ?? (await kept(name)) ?? answer;
  };

  /**
   * Return the shell's file that a request is for; null for every other request.
   * @param {Request} request
   */
  const nameOf = ({ method, mode, url }) => {
    const scope = worker.registration.scope;
    const { origin, pathname, search } = new URL(url);
    const address = origin + pathname;
    if (method !== "GET" || !address.startsWith(scope)) return null;
    const name = address.slice(scope.length);
    if (mode === "navigate") return name === "" || name === PAGE ? PAGE : null;
    return search === "" && Object.hasOwn(SHELL, name) ? name : null;
  };

  worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(keepShell()));
  worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(takeOver()));
  worker.addEventListener("fetch", (/** @type {any} */ event) => {
    const { request } = event;
    const name = nameOf(request);
    if (name === null) return;
    event.respondWith(
      name.startsWith(IMMUTABLE)
        ? kept(name).then((response) => response ?? fetch(request))
        : networkFirst(request, name),
    );
  });
}
