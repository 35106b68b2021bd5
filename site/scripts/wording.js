// What the page says about problems and about how far a visitor's picks are. No DOM here.

/** @typedef {import("./api.js").ApiProblem} ApiProblem */
/** @typedef {import("./api.js").Visitor} Visitor */

/**
 * One sentence on what went wrong and one on what to do about it.
 * @param {ApiProblem} problem
 */
export function wordsForProblem(problem) {
  switch (problem.kind) {
    case "offline":
      return "You are offline. Connect to the internet and try again.";
    case "unreachable":
      return "We can’t be reached just now. Check your connection, or try again in a minute.";
    case "slow":
      return "The answer is taking too long. Try again in a minute.";
    case "busy":
      return "Your answers are already being worked on. Try again in a few seconds.";
    case "too-many":
      return `Too many requests have come from here. Try again in ${inWords(problem.retryAfterSeconds)}.`;
    case "unavailable":
      return `Something is wrong on our side. Try again in ${inWords(problem.retryAfterSeconds)}.`;
    case "missing":
      return "There is nothing at this address. Reload the page and try again.";
    default:
      return "These answers were not accepted. Reload the page and try again.";
  }
}

/** @param {number} seconds */
function inWords(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

/**
 * @param {Visitor} visitor
 * @returns {{now: string, next: string}} where the picks are, and what happens next
 */
export function wordsForStatus(visitor) {
  switch (visitor.status) {
    case "received":
      return {
        now: "Your ratings have arrived.",
        next: "They join the next batch in a moment. Meanwhile, here are your first picks.",
      };
    case "submitted":
      return {
        now: "Computing with everyone’s ratings…",
        next: `This can take a few minutes. ${whereToWait(visitor)}`,
      };
    case "recommended":
      return visitor.texts
        ? { now: "Your picks are ready.", next: "The text is on its way." }
        : { now: "Your picks are ready.", next: "Keep this page’s address to come back to them." };
    case "texted":
      return { now: `Texted at ${clockTime(visitor.status_at)}.`, next: "The text holds a link back to this page." };
    case "failed":
      return wordsForFailure(visitor);
    default:
      return { now: "Your picks are being worked on.", next: whereToWait(visitor) };
  }
}

/** @param {Visitor} visitor */
function wordsForFailure(visitor) {
  const reason = visitor.reason ? ` (${visitor.reason.replace(/\.$/, "")})` : "";
  if (visitor.picks) {
    return {
      now: `Your picks are ready, but the text may not have reached you${reason}.`,
      next: "It is not sent again by itself, so that nobody is texted twice. Keep this page’s address, or ask again with “Change my answers”.",
    };
  }
  return {
    now: `Your picks could not be computed with everyone’s ratings${reason}.`,
    next: "We have been told. The picks below come from your ratings alone; to ask again, choose “Change my answers”: they are kept.",
  };
}

/** @param {Visitor} visitor */
function whereToWait(visitor) {
  return visitor.texts
    ? "You may close this page: the text brings you back to it."
    : "Keep this page open, or keep its address and come back.";
}

/** @param {string} timestamp ISO 8601 */
function clockTime(timestamp) {
  return new Date(timestamp).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/**
 * @param {string[]} titles
 * @returns {string} "Alien", "Alien and Heat", "Alien, Heat and Up"
 */
export function listed(titles) {
  if (titles.length < 2) return titles.join("");
  return `${titles.slice(0, -1).join(", ")} and ${titles[titles.length - 1]}`;
}
