// The page's texts about problems and about the status of a request, and helpers for texts. No DOM.

/** @typedef {import("./api.js").ApiProblem} ApiProblem */
/** @typedef {import("./api.js").Visitor} Visitor */

/**
 * Return a sentence about what went wrong and one about what the visitor can do.
 * @param {Pick<ApiProblem, "kind" | "fieldErrors" | "retryAfterSeconds">} problem
 */
export function wordsForProblem(problem) {
  switch (problem.kind) {
    case "offline":
      return "You are offline. Connect to the internet and try again.";
    case "unreachable":
      return "We can’t be reached just now. Check your connection, or try again in a minute.";
    case "slow":
      return "The answer is taking too long. Try again in a minute.";
    case "changed":
      return "Your movies were changed somewhere else meanwhile. Look at what changed and save again.";
    case "too-many":
      return `${problem.fieldErrors[0]?.message ?? "Too many requests have come from here."} Try again in ${inWords(problem.retryAfterSeconds)}.`;
    case "unavailable":
      return `Something is wrong on our side. Try again in ${inWords(problem.retryAfterSeconds)}.`;
    case "unproven":
      return "This browser could not do the short check that comes before a text. Reload the page and try again, or go on without a number.";
    case "missing":
      return "There is nothing at this address. Reload the page and try again.";
    default:
      return problem.fieldErrors[0]?.message ?? "This was not accepted. Reload the page and try again.";
  }
}

/** @param {number} seconds */
function inWords(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} seconds`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} minutes`;
  return `${Math.ceil(seconds / 3600)} hours`;
}

/**
 * Describe the status of the visitor's request.
 * @param {Pick<Visitor, "status" | "status_at" | "texts" | "picks" | "reason">} visitor
 * @returns {{now: string, next: string}} the status, and what happens next
 */
export function wordsForStatus(visitor) {
  switch (visitor.status) {
    case "saved":
      return { now: "Your movies are saved.", next: "Rate five or more and save again to have picks computed." };
    case "received":
      return {
        now: "Your ratings have arrived.",
        next: "They join the next batch in a moment. Meanwhile, here are your picks from your ratings alone.",
      };
    case "submitted":
      return {
        now: "Computing with everyone’s ratings…",
        next: `This can take a few minutes. ${whereToWait(visitor.texts)}`,
      };
    case "recommended":
      return visitor.texts
        ? { now: "Your picks are ready.", next: "The text is on its way." }
        : { now: "Your picks are ready.", next: "Keep the link to this page to come back to them from anywhere." };
    case "texted":
      // The words do not depend on whether the text was delivered: the number may be a stranger's,
      // and the visitor must not learn anything about it.
      return {
        now: `Finished at ${clockTime(visitor.status_at)}.`,
        next: "If this phone can get our texts, yours arrives within minutes, with a link back to this page. A phone that replied STOP gets none, and each phone gets only a few a day. Your picks are here all the same.",
      };
    case "failed":
      return wordsForFailure(visitor);
    default:
      return { now: "Your picks are being worked on.", next: whereToWait(visitor.texts) };
  }
}

/** The reason that the API gives for a text over the day's cap (docs/contracts.md). */
export const NO_MORE_TODAY = "no more texts are sent today";

/** @param {Pick<Visitor, "picks" | "reason">} visitor */
function wordsForFailure({ picks, reason }) {
  if (picks && reason === NO_MORE_TODAY) {
    return {
      now: "Your picks are ready and here. No more texts are sent today.",
      next: "Keep the link to this page to come back to them. For a text, come back tomorrow, change or add a rating and ask for one.",
    };
  }
  const why = reason ? ` (${reason.replace(/\.$/, "")})` : "";
  if (picks) {
    return {
      now: `Your picks are ready, but the text may not have reached you${why}.`,
      next: "It is not sent again by itself, so that nobody is texted twice. Keep the link to this page, or change a rating and ask for another text.",
    };
  }
  return {
    now: `Your picks could not be computed with everyone’s ratings${why}.`,
    next: "We have been told. The picks here come from your ratings alone; to ask again, change or add a rating and save.",
  };
}

/** @param {boolean} texts */
function whereToWait(texts) {
  return texts
    ? "You may close this page: the text brings you back to it."
    : "Keep this page open, or keep its link and come back.";
}

/** @param {string} timestamp ISO 8601 */
function clockTime(timestamp) {
  return new Date(timestamp).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

/**
 * Join titles into a phrase: "Alien", "Alien and Heat", "Alien, Heat and Up".
 * @param {string[]} titles
 * @returns {string}
 */
export function listed(titles) {
  if (titles.length < 2) return titles.join("");
  return `${titles.slice(0, -1).join(", ")} and ${titles.at(-1)}`;
}

/**
 * Return a count with its noun: "1 movie", "2 movies".
 * @param {number} count
 * @param {string} one the singular
 * @param {string} [more] the plural, if not the singular with -s
 */
export function counted(count, one, more = `${one}s`) {
  return `${count} ${count === 1 ? one : more}`;
}

/** @param {{title: string, year: number | null}} movie */
export function titleAndYear({ title, year }) {
  return year ? `${title} (${year})` : title;
}

/** The meaning of each number of stars in the questionnaire. */
export const STARS_MEAN = ["", "I don’t like it", "Not for me", "It’s OK", "Like it", "Really love it!"];

/**
 * Return picks as plain text to share, with one movie per line.
 * @param {{title: string, year: number | null}[]} picks
 * @param {string} address
 */
export function picksAsText(picks, address) {
  const lines = picks.map((pick, place) => `${place + 1}. ${titleAndYear(pick)}`);
  return ["My picks from Marquee", ...lines, address].join("\n");
}
