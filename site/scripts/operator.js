// Who runs this site: the operator's name and contact, as the deployment's settings give them.

import { ApiProblem } from "./api.js";
import { byId, make } from "./dom.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Operator} Operator */

/** Return whom the visitor deals with: the operator, or Marquee if none is named. @param {Operator} operator */
export function brandOf({ name }) {
  return name ?? "Marquee";
}

/**
 * Return the address that a link to the operator's contact has; null without a contact.
 * @param {Operator} operator contact: an e-mail address or an https address
 */
export function contactAddress({ contact }) {
  if (!contact) return null;
  if (contact.startsWith("https://")) return contact;
  return contact.includes("@") ? `mailto:${contact}` : null;
}

/** Return the operator's own page if its address begins with https, else the site's. @param {string | undefined} own @param {string} ours */
export function pageAddress(own, ours) {
  return own?.startsWith("https://") ? own : ours;
}

/**
 * Make a link to the operator's contact; null without a contact.
 * @param {Operator} operator
 * @param {string} [words] what the link says, if not the contact itself
 */
export function contactLink(operator, words = operator.contact) {
  const href = contactAddress(operator);
  return href && words ? make("a", { href, rel: "noreferrer external" }, words) : null;
}

/**
 * Make the sentence about who runs the site.
 * @param {Operator} operator
 */
export function whoRunsIt(operator) {
  const contact = contactLink(operator);
  const named = operator.name
    ? `This site is run by ${operator.name}.`
    : "This site does not name who runs it.";
  return contact
    ? make("p", { class: "lede" }, `${named} Contact: `, contact)
    : make("p", { class: "lede" }, named);
}

/**
 * Show in the footer who runs the site, and link to the operator's own pages if there are any.
 * Without config.json, the footer stays as it is; the next call tries again.
 * @param {Api} api
 */
export async function showOperator(api) {
  const place = byId("operator");
  if (place.dataset.isShown) return;
  try {
    const { operator } = await api.about();
    if (place.dataset.isShown) return;
    place.dataset.isShown = "true";
    byId("privacy-link").setAttribute("href", pageAddress(operator.privacyUrl, "#privacy"));
    byId("terms-link").setAttribute("href", pageAddress(operator.termsUrl, "#terms"));
    if (operator.name) place.prepend(make("span", {}, `Run by ${operator.name}`));
    const contact = contactLink(operator, "Contact");
    if (contact) place.append(contact);
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
  }
}
