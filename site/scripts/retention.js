// The sentences about what is kept of a visitor and for how long. Every period comes from the
// deployment's settings (config.json), so that these sentences agree with what the code does. No DOM.

import { counted } from "./wording.js";

/** @typedef {import("./api.js").Retention} Retention */

/** @param {number} days */
function inDays(days) {
  return counted(days, "day");
}

/** Say what forgetting deletes, and what takes longer. @param {Retention} retention */
export function wordsForForgetting({ batchDays, backupDays }) {
  return `This deletes your name, phone number, ratings, saved movies and picks right away and permanently, in this browser and on our servers. Lists that you shared from this browser are taken back. Some things take longer: If your picks are being computed right now, your ratings are kept, without your name and number, until that is done, usually within minutes and at most ${inDays(batchDays)}. A text that is already on its way still arrives. Database backups keep everything for up to ${inDays(backupDays)}.`;
}

/** Say what was forgotten. @param {Retention} retention */
export function wordsForForgotten({ backupDays }) {
  return `Your name, phone number, ratings and picks are deleted, and so are your saved movies. Your link no longer works. Backups keep everything for up to ${inDays(backupDays)}.`;
}

/**
 * Return what is kept on the servers: what, and until when.
 * @param {Retention} retention
 * @returns {[what: string, until: string][]}
 */
export function keptOnServers(retention) {
  const { visitorDays, listDays, batchDays, logDays, backupDays, failedTextDays } = retention;
  /** @type {[string, string][]} */
  const kept = [
    [
      "Your name, your phone number if you gave one, when you agreed to be texted, your answers about movies, the movies that you saved, and your picks",
      `until you press “Forget me”, or until ${inDays(visitorDays)} after your last change`,
    ],
    [
      "Lists that you shared, for everyone who has the link: the movies, and your first name and the reasons only if you chose to show them. Nothing in a list says which visitor you are",
      `until you take the list back or press “Forget me” in the browser that shared it, or ${inDays(listDays)}`,
    ],
    [
      "Copies of your ratings and picks while a batch is computed, without your name and number",
      `until they are computed, usually minutes and at most ${inDays(batchDays)}`,
    ],
    [
      "For limits against abuse: how many texts a phone got today, and how many forms a network sent this hour, each under a code that does not contain the number or the address",
      "a few days",
    ],
    [
      "Technical logs, in which a random id stands for you; never your name, number or ratings",
      inDays(logDays),
    ],
    ["Database backups", `${inDays(backupDays)}, also after you were forgotten`],
  ];
  if (failedTextDays)
    kept.push([
      "The number, in a log of texts that could not be delivered",
      inDays(failedTextDays),
    ]);
  return kept;
}
