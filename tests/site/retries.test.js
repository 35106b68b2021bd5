// Tests of repeating failed calls, on a clock that the tests move.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { isPassing, Retries, Waits } from "../../site/scripts/retries.js";

const page = Object.assign(new EventTarget(), { hidden: false });
const never = new AbortController().signal;

beforeEach(() => {
  page.hidden = false;
  Object.assign(globalThis, { window: new EventTarget(), document: page });
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(Math, "random", () => 0);
});
afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

/** Let the promises that are settled call their handlers. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** @param {Promise<boolean>} waiting @returns {Promise<boolean | "waiting">} */
const stateOf = async (waiting) => {
  await settle();
  return Promise.race([waiting, Promise.resolve(/** @type {const} */ ("waiting"))]);
};

test("waits grow up to the longest one and begin anew after a reset", async () => {
  const waits = new Waits({ first: 1000, longest: 3000, growth: 2 });
  for (const wait of [1000, 2000, 3000, 3000]) {
    const waiting = waits.next({ signal: never });
    mock.timers.tick(wait - 1);
    assert.equal(await stateOf(waiting), "waiting");
    mock.timers.tick(1);
    assert.equal(await stateOf(waiting), true);
  }
  waits.reset();
  const waiting = waits.next({ signal: never });
  mock.timers.tick(1000);
  assert.equal(await stateOf(waiting), true);
});

test("a wait ends when the browser is online again, but not before the API allows it", async () => {
  const waits = new Waits({ first: 1000, longest: 1000, growth: 1 });
  const waiting = waits.next({ signal: never });
  window.dispatchEvent(new Event("online"));
  assert.equal(await stateOf(waiting), true);

  const limited = waits.next({ atLeast: 5000, signal: never });
  mock.timers.tick(4999);
  window.dispatchEvent(new Event("online"));
  assert.equal(await stateOf(limited), "waiting");
  mock.timers.tick(1);
  assert.equal(await stateOf(limited), true);
});

test("a hidden page waits until it is visible", async () => {
  page.hidden = true;
  const waiting = new Waits({ first: 1000, longest: 1000, growth: 1 }).next({ signal: never });
  mock.timers.tick(60_000);
  assert.equal(await stateOf(waiting), "waiting");
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(await stateOf(waiting), true);
});

test("a wait ends at its signal", async () => {
  const ending = new AbortController();
  const waits = new Waits({ first: 1000, longest: 1000, growth: 1 });
  const waiting = waits.next({ signal: ending.signal });
  ending.abort();
  assert.equal(await stateOf(waiting), false);
  assert.equal(await stateOf(waits.next({ signal: ending.signal })), false);
});

test("only problems that may pass are repeated", () => {
  for (const kind of /** @type {const} */ (["offline", "unreachable", "slow", "unavailable"]))
    assert.ok(isPassing({ kind }));
  for (const kind of /** @type {const} */ (["refused", "missing", "changed", "unproven"]))
    assert.ok(!isPassing({ kind }));
});

test("a call is repeated once per failure, later each time, until it succeeds", async () => {
  const again = mock.fn();
  const retries = new Retries(again);
  const problem = { kind: /** @type {const} */ ("unreachable"), retryAfterSeconds: 0 };
  const calls = () => again.mock.callCount();

  retries.after(problem);
  retries.after(problem); // replaces the first wait
  mock.timers.tick(4000);
  await settle();
  assert.equal(calls(), 1);

  retries.succeeded();
  retries.after(problem);
  mock.timers.tick(2000);
  await settle();
  assert.equal(calls(), 2);

  retries.after(problem);
  retries.stop();
  retries.after({ ...problem, kind: "refused" });
  mock.timers.tick(600_000);
  await settle();
  assert.equal(calls(), 2);
});
