// One visitor's page: how far the picks are, followed live, and the picks themselves.

import { ApiProblem } from "./api.js";
import { byId, copyOf, say, writeMovie } from "./page.js";
import { listed, wordsForProblem, wordsForStatus } from "./wording.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Pick} Pick */
/** @typedef {import("./api.js").Visitor} Visitor */

const STEPS = ["received", "submitted", "recommended", "texted"];
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;
const BACK_OFF = 1.4;
const PATIENCE_MS = 45 * 60_000;

/** Follows one visitor until nothing more is to happen, or the page turns to something else. */
export class VisitorFollower {
  /**
   * @param {Api} api
   * @param {string} visitorId
   * @param {string} token
   */
  constructor(api, visitorId, token) {
    this.api = api;
    this.visitorId = visitorId;
    this.token = token;
    this.stopped = false;
    /** @type {Pick[] | null} */
    this.firstPicks = null;
    this.finalShown = false;
    this.wait = FIRST_WAIT_MS;
    this.startedAt = Date.now();
    /** @type {() => void} */
    this.wake = () => {};
    this.onVisible = () => {
      if (!document.hidden) this.wake();
    };
    document.addEventListener("visibilitychange", this.onVisible);
    window.addEventListener("online", this.onVisible);
  }

  stop() {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.onVisible);
    window.removeEventListener("online", this.onVisible);
    this.wake();
  }

  /**
   * What POST /visitors answered, before the first look at the status.
   * @param {import("./api.js").VisitorCreated} created
   * @param {boolean} texts
   */
  showCreated(created, texts) {
    this.showFirstPicks(created.picks);
    showJourney({
      ...created, texts, status: "received", status_at: "", reason: null, ratings: [], picks: null,
    });
  }

  /**
   * One look: fetch the visitor and show what is new.
   * @returns {Promise<Visitor>}
   * @throws {ApiProblem}
   */
  async look() {
    const visitor = await this.api.visitor(this.visitorId, this.token);
    if (this.stopped) return visitor;
    say(byId("connection-words"), "");
    showJourney(visitor);
    if (visitor.picks) this.showFinalPicks(visitor.picks);
    else if (this.firstPicks === null) await this.askForFirstPicks(visitor);
    return visitor;
  }

  /** Look again and again, more and more slowly, until the visitor's status is an end. */
  async follow() {
    byId("check-again").hidden = true;
    let visitor = null;
    let seen = "";
    while (!this.stopped) {
      try {
        visitor = await this.look();
        if (visitor.status !== seen) this.wait = FIRST_WAIT_MS;
        seen = visitor.status;
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        if (!this.stopped) this.showLostSight(error);
      }
      if (this.stopped || (visitor && isEnd(visitor))) return;
      if (Date.now() - this.startedAt > PATIENCE_MS) {
        this.offerAnotherLook();
        return;
      }
      await this.pause();
    }
  }

  /** Wait, longer each time; while nobody looks at the page, until somebody does. */
  async pause() {
    await new Promise((resolve) => {
      this.wake = () => resolve(undefined);
      setTimeout(() => !document.hidden && this.wake(), this.wait);
    });
    this.wait = Math.min(this.wait * BACK_OFF, LONGEST_WAIT_MS);
  }

  /** @param {ApiProblem} problem */
  showLostSight(problem) {
    this.wait = Math.max(this.wait, problem.retryAfterSeconds * 1000);
    say(byId("connection-words"), `${wordsForProblem(problem)} Your request goes on meanwhile, and this page keeps looking.`);
  }

  offerAnotherLook() {
    say(byId("connection-words"), "This is taking longer than usual, so the page has stopped looking by itself.");
    const button = byId("check-again");
    button.hidden = false;
    button.onclick = () => {
      this.startedAt = Date.now();
      this.wait = FIRST_WAIT_MS;
      this.follow();
    };
  }

  /** @param {Visitor} visitor */
  async askForFirstPicks(visitor) {
    this.firstPicks = [];
    if (visitor.ratings.length === 0) return;
    try {
      const { picks } = await this.api.picks(visitor.ratings);
      if (!this.stopped && !this.finalShown) this.showFirstPicks(picks);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      // The final picks are on their way all the same; these were only to shorten the wait.
      say(byId("picks-kind"), "Your picks appear here as soon as they are computed.");
    }
  }

  /** @param {Pick[]} picks */
  showFirstPicks(picks) {
    this.firstPicks = picks;
    showPicks(picks, new Set());
    byId("picks-kind").dataset.kind = "first";
    say(byId("picks-kind"), "First picks, from your ratings alone.");
  }

  /** @param {Pick[]} picks */
  showFinalPicks(picks) {
    if (this.finalShown) return;
    this.finalShown = true;
    const before = new Set((this.firstPicks ?? []).map((pick) => pick.movie_id));
    const added = before.size === 0 ? [] : picks.filter((pick) => !before.has(pick.movie_id));
    showPicks(picks, new Set(added.map((pick) => pick.movie_id)));
    byId("picks-kind").dataset.kind = "final";
    say(byId("picks-kind"), finalWords(before.size > 0, added.length));
  }
}

/**
 * @param {boolean} firstWereShown
 * @param {number} added
 */
function finalWords(firstWereShown, added) {
  const words = "Final picks, computed with everyone’s ratings";
  if (!firstWereShown) return `${words}.`;
  return added === 0 ? `${words}: the same movies as before.` : `${words}: ${added} new.`;
}

/** @param {Visitor} visitor */
function isEnd(visitor) {
  const { status, texts } = visitor;
  return status === "texted" || status === "failed" || (status === "recommended" && !texts);
}

export function clearVisitor() {
  byId("pick-list").replaceChildren();
  byId("check-again").hidden = true;
  for (const id of ["status-words", "status-next", "connection-words", "picks-kind"]) byId(id).textContent = "";
  for (const step of byId("journey").children) delete step.dataset.state;
}

/** @param {Visitor} visitor */
function showJourney(visitor) {
  const { now, next } = wordsForStatus(visitor);
  say(byId("status-words"), now);
  say(byId("status-next"), next);
  const journey = byId("journey");
  journey.classList.toggle("without-text", !visitor.texts);
  for (const step of journey.children) {
    const state = stateOf(step.dataset.step, visitor);
    step.dataset.state = state;
    if (state === "now") step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
}

/**
 * @param {string} step
 * @param {Visitor} visitor
 * @returns {"done" | "now" | "failed" | "ahead"}
 */
function stateOf(step, visitor) {
  if (visitor.status === "failed") {
    const failedStep = visitor.picks ? "texted" : "submitted";
    if (step === failedStep) return "failed";
    return STEPS.indexOf(step) < STEPS.indexOf(failedStep) ? "done" : "ahead";
  }
  const reached = STEPS.indexOf(visitor.status);
  const here = STEPS.indexOf(step);
  if (here < reached || (here === reached && isEnd(visitor))) return "done";
  return here === reached ? "now" : "ahead";
}

/**
 * @param {Pick[]} picks
 * @param {Set<number>} added movie ids to mark as new
 */
function showPicks(picks, added) {
  byId("pick-list").replaceChildren(...picks.map((pick) => pickItem(pick, added.has(pick.movie_id))));
}

/**
 * @param {Pick} pick
 * @param {boolean} isNew
 */
function pickItem(pick, isNew) {
  const item = copyOf("pick");
  writeMovie(item, pick);
  const because = (pick.because ?? []).map((movie) => movie.title).filter(Boolean);
  item.querySelector(".pick-because").textContent = because.length > 0 ? `Because you loved ${listed(because)}` : "";
  // Popular movies stand in where there is no model, and come without predicted stars.
  item.querySelector(".pick-stars").hidden = typeof pick.stars !== "number";
  item.querySelector(".pick-stars-figure").textContent = Number(pick.stars).toFixed(1);
  item.querySelector(".pick-new").hidden = !isNew;
  return item;
}
