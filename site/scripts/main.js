// Which view the address asks for: the questionnaire, or (`#<visitor_id>.<token>`) a visitor's picks.

import { Api, ApiProblem } from "./api.js";
import { Draft, forgetVisit, lastVisit, rememberVisit } from "./draft.js";
import { clearRatingsError, DetailsForm } from "./form.js";
import { byId, showView } from "./page.js";
import { showQuestionnaire } from "./questionnaire.js";
import { clearVisitor, VisitorFollower } from "./visitor.js";
import { wordsForProblem } from "./wording.js";

const VISITOR_FRAGMENT = /^#([0-9a-z]{26})\.([A-Za-z0-9_=-]+)$/;

/** @type {Api | null} */
let api = null;
/** @type {DetailsForm | null} */
let detailsForm = null;
/** @type {VisitorFollower | null} */
let follower = null;

// Counts the views asked for: an answer that comes after the visitor went elsewhere shows nothing.
let turn = 0;

async function route() {
  const mine = ++turn;
  follower?.stop();
  follower = null;
  showReturnLink();
  try {
    api ??= await Api.configured();
    const visitor = VISITOR_FRAGMENT.exec(location.hash);
    if (visitor) await openVisitor(api, visitor[1], visitor[2]);
    else await openQuestionnaire(api, mine);
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (mine === turn) openProblem(error);
  }
}

/**
 * @param {Api} connectedApi
 * @param {number} mine the turn that asked for it
 */
async function openQuestionnaire(connectedApi, mine) {
  showLoading("Fetching movies…");
  const questionnaire = await connectedApi.questionnaire();
  if (mine !== turn) return;
  const draft = new Draft(questionnaire.dataset);
  showQuestionnaire(questionnaire, draft, clearRatingsError);
  detailsForm ??= new DetailsForm(connectedApi, openCreated);
  detailsForm.show(draft);
  byId("start-over").onclick = () => {
    draft.clear();
    byId("questionnaire").reset();
    forgetVisit();
    route();
  };
  showView("questionnaire", "What should you watch next?");
}

/**
 * @param {import("./api.js").VisitorCreated} created
 * @param {import("./api.js").VisitorForm} form
 */
function openCreated(created, form) {
  const fragment = `${created.visitor_id}.${created.token}`;
  rememberVisit(fragment);
  // A new entry, so that the browser's Back leads to the answers.
  history.pushState(null, "", `#${fragment}`);
  follow(created.visitor_id, created.token);
  follower?.showCreated(created, "phone" in form);
  showReturnLink();
  showView("visitor", "Your ten picks");
  follower?.follow();
}

/**
 * @param {Api} connectedApi
 * @param {string} visitorId
 * @param {string} token
 */
async function openVisitor(connectedApi, visitorId, token) {
  showLoading("Fetching your picks…");
  const opened = follow(visitorId, token);
  await opened.look();
  if (opened.stopped) return;
  rememberVisit(`${visitorId}.${token}`);
  showView("visitor", "Your ten picks");
  opened.follow();
}

/**
 * @param {string} visitorId
 * @param {string} token
 */
function follow(visitorId, token) {
  if (api === null) throw new Error("a visitor is followed only once config.json has been read");
  clearVisitor();
  follower = new VisitorFollower(api, visitorId, token);
  return follower;
}

/** @param {ApiProblem} problem */
function openProblem(problem) {
  const brokenLink = problem.kind === "missing" && VISITOR_FRAGMENT.test(location.hash);
  byId("problem-heading").textContent = brokenLink ? "This link opens no picks" : "Marquee can’t be reached";
  byId("problem-words").textContent = brokenLink
    ? "It may have been cut off on its way to you, or the picks behind it have expired. Open it from the text again, or start anew."
    : `${wordsForProblem(problem)} Ratings you have given are kept in this browser.`;
  byId("problem-retry").hidden = brokenLink;
  byId("problem-start").hidden = !brokenLink;
  if (brokenLink && lastVisit() === location.hash.slice(1)) forgetVisit();
  showView("problem", byId("problem-heading").textContent);
}

/** @param {string} words */
function showLoading(words) {
  byId("loading-words").textContent = words;
  showView("loading", "Loading");
}

function showReturnLink() {
  const fragment = lastVisit();
  const link = byId("return-link");
  link.hidden = fragment === null || location.hash === `#${fragment}`;
  if (fragment) link.href = `#${fragment}`;
}

function leaveVisitor() {
  history.pushState(null, "", location.pathname + location.search);
  route();
}

byId("problem-retry").addEventListener("click", route);
byId("problem-start").addEventListener("click", leaveVisitor);
byId("change-answers").addEventListener("click", leaveVisitor);
byId("skip-link").addEventListener("click", (/** @type {Event} */ event) => {
  // Following the link would replace the fragment that names the visitor.
  event.preventDefault();
  byId("main").focus();
});
window.addEventListener("popstate", route);
window.addEventListener("online", () => {
  if (!byId("problem-view").hidden) route();
});
route();
