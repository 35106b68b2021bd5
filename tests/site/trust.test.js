// Tests of who runs the site and of the sentences about what is kept, without a DOM.

import assert from "node:assert/strict";
import { test } from "node:test";

import { brandOf, contactAddress, pageAddress } from "../../site/scripts/operator.js";
import {
  keptOnServers,
  wordsForForgetting,
  wordsForForgotten,
} from "../../site/scripts/retention.js";

const RETENTION = { visitorDays: 201, listDays: 77, batchDays: 5, logDays: 91, backupDays: 36 };

test("the brand is the operator's name, or Marquee's", () => {
  assert.equal(brandOf({ name: "Example Cinema" }), "Example Cinema");
  assert.equal(brandOf({}), "Marquee");
});

test("a contact becomes a link only if it is an e-mail address or an https address", () => {
  assert.equal(contactAddress({ contact: "help@example.com" }), "mailto:help@example.com");
  assert.equal(contactAddress({ contact: "https://example.com/x" }), "https://example.com/x");
  for (const contact of ["javascript:alert(1)", "http://example.com", "", undefined])
    assert.equal(contactAddress({ contact }), null);
});

test("an own page replaces the site's only with https", () => {
  assert.equal(pageAddress("https://example.com/terms", "#terms"), "https://example.com/terms");
  assert.equal(pageAddress("javascript:alert(1)", "#terms"), "#terms");
  assert.equal(pageAddress(undefined, "#terms"), "#terms");
});

test("every period that is stated is one of the deployment's", () => {
  const said = keptOnServers(RETENTION)
    .map(([, until]) => until)
    .join(" ");
  assert.deepEqual(said.match(/\d+ days?/g), [
    "201 days",
    "77 days",
    "5 days",
    "91 days",
    "36 days",
  ]);
  assert.deepEqual(wordsForForgetting(RETENTION).match(/\d+ days?/g), ["5 days", "36 days"]);
  assert.deepEqual(wordsForForgotten(RETENTION).match(/\d+ days?/g), ["36 days"]);
});

test("the log of failed texts is named only where there is one", () => {
  const kept = (/** @type {number} */ failedTextDays) =>
    keptOnServers({ ...RETENTION, failedTextDays }).at(-1);
  assert.deepEqual(kept(1), ["The number, in a log of texts that could not be delivered", "1 day"]);
  assert.doesNotMatch(keptOnServers(RETENTION).join(), /could not be delivered/);
});
