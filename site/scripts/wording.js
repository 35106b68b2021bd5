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
      return "You are offline. Check your connection and try again.";
    case "unreachable":
      return "We can’t reach Marquee. Check your connection, or try again in a minute.";
    case "slow":
      return "This is taking too long. Try again in a minute.";
    case "changed":
      return "Your movies were changed in another browser. Check the changes and save again.";
    case "too-many":
      return `${problem.fieldErrors[0]?.message ?? "Too many requests."} Try again in ${inWords(problem.retryAfterSeconds)}.`;
    case "unavailable":
      return `Something went wrong on our end. Try again in ${inWords(problem.retryAfterSeconds)}.`;
    case "unproven":
      return "Your browser could not complete the check for robots. Reload the page and try again, or continue without a phone number.";
    case "taken-back":
      return "Whoever shared this list has taken it back.";
    case "missing":
      return "We couldn’t find that. Reload the page and try again.";
    default:
      return (
        problem.fieldErrors[0]?.message ?? "We couldn’t accept that. Reload the page and try again."
      );
  }
}

/** @param {number} seconds */
function inWords(seconds) {
  if (seconds < 90) return counted(Math.ceil(seconds), "second");
  if (seconds < 5400) return counted(Math.ceil(seconds / 60), "minute");
  return counted(Math.ceil(seconds / 3600), "hour");
}

/**
 * Describe the status of the visitor's request.
 * @param {Pick<Visitor, "status" | "status_at" | "texts" | "picks" | "reason">} visitor
 * @returns {{now: string, next: string}} the status, and what happens next
 */
export function wordsForStatus(visitor) {
  switch (visitor.status) {
    case "saved":
      return {
        now: "Your movies are saved.",
        next: "To get picks, rate at least five movies and save again.",
      };
    case "received":
      return {
        now: "We have your ratings.",
        next: "Next, we compute your picks with everyone’s ratings. Until then, here are picks from your own ratings.",
      };
    case "submitted":
      return {
        now: "Computing with everyone’s ratings…",
        next: `This can take a few minutes. ${whereToWait(visitor.texts)}`,
      };
    case "recommended":
      return visitor.texts
        ? { now: "Your picks are ready.", next: "Your text is on its way." }
        : { now: "Your picks are ready.", next: "Copy your link to see them on any device." };
    case "texted":
      // The words do not depend on whether the text was delivered: the number may be a stranger's,
      // and the visitor must not learn anything about it.
      return {
        now: `Finished at ${clockTime(visitor.status_at)}.`,
        next: "If this phone can get our texts, yours should arrive within minutes, with a link back to this page. A phone that replied STOP gets no texts, and each phone gets only a few a day. Either way, your picks are here.",
      };
    case "failed":
      return wordsForFailure(visitor);
    default:
      return { now: "We’re working on your picks.", next: whereToWait(visitor.texts) };
  }
}

/** The reason that the API gives for a text over the day's cap (docs/contracts.md). */
export const NO_MORE_TODAY = "no more texts are sent today";

/** @param {Pick<Visitor, "picks" | "reason">} visitor */
function wordsForFailure({ picks, reason }) {
  if (picks && reason === NO_MORE_TODAY) {
    return {
      now: "Your picks are ready, but we can’t send any more texts today.",
      next: "Copy your link to come back to your picks. To get a text, come back tomorrow, change or add a rating, and ask for one.",
    };
  }
  const why = reason ? ` (${reason.replace(/\.$/, "")})` : "";
  if (picks) {
    return {
      now: `Your picks are ready, but the text may not have reached you${why}.`,
      next: "We don’t resend it automatically, so that nobody is texted twice. Copy your link to come back, or change a rating and ask for another text.",
    };
  }
  return {
    now: `We couldn’t compute your picks with everyone’s ratings${why}.`,
    next: "We have been notified. The picks here are from your own ratings. To try again, change or add a rating and save.",
  };
}

/**
 * Describe what a search found.
 * @param {string} typed
 * @param {Pick<import("./api.js").Search, "movies" | "topic" | "last_year">} found
 */
export function wordsForSearch(typed, { movies, topic, last_year: lastYear }) {
  if (movies.length === 0)
    return lastYear
      ? `“${typed}” is not in our catalogue, which ends in ${lastYear}.`
      : `“${typed}” is not in our catalogue.`;
  if (topic === null) return `${counted(movies.length, "movie")}, best matches first.`;
  const { genre, first_year: first, last_year: last } = topic;
  const years = first === last ? first && ` of ${first}` : ` of ${first}–${last}`;
  return `${genre ? `${genre} movies` : "Movies"}${years ?? ""}, most rated first.`;
}

/** @param {boolean} texts */
function whereToWait(texts) {
  return texts
    ? "You can close this page; the text has a link back to it."
    : "Keep this page open, or copy your link and come back later.";
}

/** @param {string} timestamp ISO 8601 */
function clockTime(timestamp) {
  return new Date(timestamp).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

/** Say from when the picks of an earlier visit are. @param {string} since ISO 8601 */
export function wordsForKeptPicks(since) {
  const day = new Date(since).toLocaleDateString("en", { day: "numeric", month: "long" });
  return `These picks are from your last visit, ${day}. New ones load as soon as Marquee can be reached.`;
}

/**
 * Say how many of the shown picks the visitor will probably like; nothing if that is unknown.
 * @param {number | null} share from 0 to 1
 * @param {number} shown the number of picks
 */
export function wordsForLikedShare(share, shown) {
  if (share === null || shown === 0) return "";
  const liked = Math.round(share * shown);
  if (liked === 0) return "We can’t tell yet what you like. Rate a movie you liked.";
  return `We expect you to like ${liked === shown ? "all" : `about ${liked}`} of these ${shown}.`;
}

/**
 * Say which part of a series a pick is, where it has no other reason.
 * @param {import("./api.js").Part | null | undefined} part
 */
export function wordsForPart(part) {
  return part ? `Part ${part.number} of the series “${part.series}”` : "";
}

/**
 * Say how many stars are expected of the visitor for a movie; nothing without a prediction.
 * @param {number | null | undefined} stars
 */
export function wordsForExpectedStars(stars) {
  return typeof stars === "number" ? `We expect ${stars.toFixed(1)} of 5 stars from you.` : "";
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

const TOPICS_NAMED = 2;

/**
 * Return the label of the button that chooses what to ask about; it names the first few topics.
 * @param {import("./shelf.js").Topics} topics
 */
export function topicsWords({ genres, decades }) {
  const names = [...genres, ...decades.map((from) => `${from}s`)];
  if (names.length === 0) return "Choose genres and decades";
  const others = names.length - TOPICS_NAMED;
  if (others <= 0) return `First: ${names.join(", ")}`;
  return `First: ${names.slice(0, TOPICS_NAMED).join(", ")} and ${others} more`;
}

const LIKED = 4; // stars; docs/glossary.md

/**
 * Return why a movie is among the picks. The API gives liked movies as reasons, but the visitor may
 * have rated one of them again since.
 * @param {{title: string, stars: number | null}[]} reasons stars: the visitor's now; null if unknown
 */
export function wordsForReasons(reasons) {
  const named = reasons.filter(({ title }) => title);
  const liked = named.filter(({ stars }) => stars === null || stars >= LIKED);
  const titles = (liked.length > 0 ? liked : named).map(({ title }) => title);
  return titles.length === 0
    ? ""
    : `Because you ${liked.length > 0 ? "liked" : "rated"} ${listed(titles)}`;
}

/**
 * Return the heading of a shared list.
 * @param {string | null} firstName of whoever shared it
 */
export function listTitle(firstName) {
  return firstName ? `${firstName}’s movies` : "A list of movies";
}

/**
 * Return why a movie is on a shared list; "" without reasons.
 * @param {string[]} reasons titles
 * @param {string | null} firstName of whoever shared it
 */
export function wordsForListReasons(reasons, firstName) {
  if (reasons.length === 0) return "";
  return firstName
    ? `Because ${firstName} liked ${listed(reasons)}`
    : `For people who liked ${listed(reasons)}`;
}

/** Return a day in words, such as "27 February 2027". @param {string} timestamp ISO 8601 */
export function dayInWords(timestamp) {
  const parts = /** @type {const} */ ({ day: "numeric", month: "long", year: "numeric" });
  return new Date(timestamp).toLocaleDateString([], parts);
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
export const STAR_LABELS = [
  "",
  "Didn’t like it",
  "Not great",
  "It was OK",
  "Liked it",
  "Really liked it",
];

/**
 * Return picks as plain text to share, with one movie per line.
 * @param {{title: string, year: number | null}[]} picks
 * @param {string} address
 */
export function picksAsText(picks, address) {
  const lines = picks.map((pick, place) => `${place + 1}. ${titleAndYear(pick)}`);
  return ["My picks from Marquee", ...lines, address].join("\n");
}
