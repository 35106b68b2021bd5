// Tests of the service worker, in a scope of its own with a cache in memory and a network that the
// tests control.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import vm from "node:vm";

const SCOPE = "https://site.example/";
const SCRIPT = "releases/aa/scripts/main.js";
const FILES = { "index.html": "page", "config.json": "{}", [SCRIPT]: "script" };
const folder = new URL("../../site/", import.meta.url);

/** @typedef {(request: {url: string, cache?: string, integrity?: string}) => Promise<any>} Network */

/** Caches in memory that all releases of a test share. */
class Caches {
  /** @type {Map<string, Map<string, any>>} */
  all = new Map();
  /** @type {Network} */
  network = async ({ url }) => answerOf(FILES[url.slice(SCOPE.length)]);

  async keys() {
    return [...this.all.keys()];
  }
  /** @param {string} name */
  async delete(name) {
    return this.all.delete(name);
  }
  /** @param {string} name */
  async open(name) {
    const files = this.all.get(name) ?? new Map();
    this.all.set(name, files);
    return {
      match: async (/** @type {string} */ address) => files.get(address),
      addAll: async (/** @type {any[]} */ requests) => {
        const answers = await Promise.all(requests.map((request) => this.network(request)));
        if (answers.some(({ status }) => status !== 200)) throw new TypeError("not all there");
        for (const [place, { url }] of requests.entries()) files.set(url, answers[place]);
      },
    };
  }
}

/** @param {string | undefined} body @param {number} [status] */
function answerOf(body, status = body === undefined ? 404 : 200) {
  return { status, body };
}

/**
 * Run a worker's script as a browser does.
 * @param {Caches} caches
 * @param {{file?: string, version?: string, shell?: Record<string, string>}} [release]
 */
async function workerOf(
  caches,
  { file = "service_worker.js", version = "v1", shell = FILES } = {},
) {
  /** @type {Record<string, (event: any) => void>} */
  const listeners = {};
  /** @type {string[]} */
  const acts = [];
  const sums = Object.fromEntries(Object.keys(shell).map((name) => [name, `sha256-${name}`]));
  const source = (await readFile(new URL(file, folder), "utf8"))
    .replace("__VERSION__", version)
    .replace('{ __SHELL__: "" }', JSON.stringify(sums));
  /** @type {(() => void)[]} */
  const timers = [];
  vm.runInNewContext(source, {
    caches,
    URL,
    Request: class {
      /** @param {string} url @param {object} init */
      constructor(url, init) {
        Object.assign(this, { url, ...init });
      }
    },
    fetch: (/** @type {any} */ request) => caches.network(request),
    setTimeout: (
      /** @type {(value: unknown) => void} */ act,
      /** @type {number} */ _,
      /** @type {unknown} */ value,
    ) => timers.push(() => act(value)),
    self: {
      registration: { scope: SCOPE, unregister: async () => acts.push("unregister") },
      clients: { claim: async () => acts.push("claim") },
      skipWaiting: async () => acts.push("skipWaiting"),
      addEventListener: (/** @type {string} */ name, /** @type {any} */ listener) => {
        listeners[name] = listener;
      },
    },
  });
  const run = async (/** @type {string} */ name) => {
    /** @type {Promise<unknown>[]} */
    const until = [];
    listeners[name]?.({ waitUntil: (/** @type {any} */ promise) => until.push(promise) });
    await Promise.all(until);
  };
  return {
    acts,
    listeners,
    timers,
    install: async () => {
      await run("install");
      await run("activate");
    },
    /** Return the answer's body; null if the worker leaves the request to the browser. */
    get: (/** @type {string} */ address, mode = "cors", method = "GET") => {
      /** @type {Promise<any> | null} */
      let answer = null;
      listeners.fetch?.({
        request: { url: new URL(address, SCOPE).href, mode, method },
        respondWith: (/** @type {Promise<any>} */ promise) => {
          answer = promise;
        },
      });
      return answer === null
        ? null
        : /** @type {Promise<any>} */ (answer).then((each) => each.body);
    },
  };
}

/** @type {Network} */
const offline = async () => {
  throw new TypeError("no connection");
};

test("without a connection the page and its files come from the browser", async () => {
  const caches = new Caches();
  const worker = await workerOf(caches);
  await worker.install();
  assert.deepEqual(worker.acts, ["skipWaiting", "claim"]);
  caches.network = offline;
  assert.equal(await worker.get("./", "navigate"), "page");
  assert.equal(await worker.get("index.html", "navigate"), "page");
  assert.equal(await worker.get("./?from=home", "navigate"), "page");
  assert.equal(await worker.get("config.json"), "{}");
  assert.equal(await worker.get(SCRIPT), "script");
});

test("with a connection the page is the published one, and a release's files are not asked for again", async () => {
  const caches = new Caches();
  const worker = await workerOf(caches);
  await worker.install();
  caches.network = async ({ url }) => answerOf(`new ${url.slice(SCOPE.length)}`);
  assert.equal(await worker.get("./", "navigate"), "new ");
  assert.equal(await worker.get("config.json"), "new config.json");
  assert.equal(await worker.get(SCRIPT), "script");
});

test("a server that fails or is late is replaced by the browser's copy", async () => {
  const caches = new Caches();
  const worker = await workerOf(caches);
  await worker.install();
  caches.network = async () => answerOf("sorry", 503);
  assert.equal(await worker.get("./", "navigate"), "page");
  caches.network = async () => answerOf("moved", 404);
  assert.equal(await worker.get("./", "navigate"), "moved");

  caches.network = () => new Promise(() => {});
  worker.timers.length = 0;
  const late = worker.get("./", "navigate");
  for (const ring of worker.timers) ring();
  assert.equal(await late, "page");
});

test("calls of the API, posters and other pages pass by the worker", async () => {
  const worker = await workerOf(new Caches());
  await worker.install();
  for (const address of [
    "https://api.example/visitors/v",
    "posters/films/1.jpg",
    "service_worker.js",
    "releases/bb/scripts/main.js",
    `${SCRIPT}?other`,
    "https://site.example.org/index.html",
  ])
    assert.equal(worker.get(address), null, address);
  assert.equal(worker.get("404.html", "navigate"), null);
  assert.equal(worker.get(SCRIPT, "navigate"), null);
  assert.equal(worker.get("config.json", "cors", "POST"), null);
});

test("a new release replaces the kept one, and a rollback brings it back", async () => {
  const caches = new Caches();
  caches.all.set("of another page", new Map());
  await (await workerOf(caches)).install();
  await (await workerOf(caches, { version: "v2" })).install();
  assert.deepEqual(await caches.keys(), ["of another page", "marquee-v2"]);
  const former = await workerOf(caches);
  await former.install();
  assert.deepEqual(await caches.keys(), ["of another page", "marquee-v1"]);
  caches.network = offline;
  assert.equal(await former.get("./", "navigate"), "page");
});

test("a release that is not wholly there does not replace the kept one", async () => {
  const caches = new Caches();
  await (await workerOf(caches)).install();
  const next = await workerOf(caches, { version: "v2", shell: { ...FILES, "gone.js": "" } });
  await assert.rejects(next.install());
  assert.deepEqual(next.acts, []);
  const kept = await (await caches.open("marquee-v1")).match(`${SCOPE}index.html`);
  assert.equal(kept.body, "page");
});

test("every file is kept only with the sum that the release names, and the page is revalidated", async () => {
  const caches = new Caches();
  /** @type {Record<string, [string | undefined, string | undefined]>} */
  const asked = {};
  caches.network = async ({ url, cache, integrity }) => {
    asked[url.slice(SCOPE.length)] = [cache, integrity];
    return answerOf("x");
  };
  await (await workerOf(caches)).install();
  assert.deepEqual(asked, {
    "index.html": ["no-cache", "sha256-index.html"],
    "config.json": ["no-cache", "sha256-config.json"],
    [SCRIPT]: ["default", `sha256-${SCRIPT}`],
  });
});

test("the worker that ends it removes all kept files, itself and serves nothing", async () => {
  const caches = new Caches();
  await (await workerOf(caches)).install();
  const last = await workerOf(caches, { file: "service_worker_off.js" });
  await last.install();
  assert.deepEqual(await caches.keys(), []);
  assert.deepEqual(last.acts, ["skipWaiting", "unregister"]);
  assert.equal(last.listeners.fetch, undefined);
});
