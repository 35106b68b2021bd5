// What this browser keeps of the questionnaire, so that leaving loses nothing typed.
// The phone number is never kept.

/** @typedef {import("./api.js").Movie} Movie */
/** @typedef {import("./api.js").Rating} Rating */
/** @typedef {{movie: Movie, stars: number}} AnsweredMovie stars 0: haven't seen it */

export const UNSEEN = 0;
const ANSWERS = "marquee.answers";
const NAME = "marquee.name";
const ATTEMPT = "marquee.attempt";
const VISIT = "marquee.visit";

/** Answers to the questionnaire, by movie, of one data set. Movie ids mean nothing in another. */
export class Draft {
  /** @param {string} dataset */
  constructor(dataset) {
    this.dataset = dataset;
    const kept = read(localStorage, ANSWERS);
    /** @type {Map<number, AnsweredMovie>} */
    this.answers = new Map(kept?.dataset === dataset ? kept.answers : []);
    this.name = read(sessionStorage, NAME) ?? "";
    /** @type {string | null} */
    this.attempt = read(sessionStorage, ATTEMPT);
  }

  /** @returns {Rating[]} */
  get ratings() {
    return [...this.answers.values()]
      .filter(({ stars }) => stars !== UNSEEN)
      .map(({ movie, stars }) => ({ movie_id: movie.movie_id, stars }));
  }

  /**
   * @param {Movie} movie
   * @param {number} stars
   */
  answer(movie, stars) {
    this.answers.set(movie.movie_id, { movie, stars });
    write(localStorage, ANSWERS, { dataset: this.dataset, answers: [...this.answers] });
    this.forgetAttempt();
  }

  /** @param {string} name */
  rename(name) {
    this.name = name;
    write(sessionStorage, NAME, name);
    this.forgetAttempt();
  }

  /**
   * The key for trying to send this form: the same until something in the form changes.
   * With a phone number it lives only as long as the page does, because the number does too:
   * after a reload the same key could stand for a different number.
   * @param {boolean} withPhone
   */
  attemptKey(withPhone) {
    this.attempt ??= randomKey();
    if (!withPhone) write(sessionStorage, ATTEMPT, this.attempt);
    return this.attempt;
  }

  forgetAttempt() {
    this.attempt = null;
    drop(sessionStorage, ATTEMPT);
  }

  clear() {
    this.answers.clear();
    this.name = "";
    this.forgetAttempt();
    drop(localStorage, ANSWERS);
    drop(sessionStorage, NAME);
  }
}

/** @returns {string | null} the fragment (`<visitor_id>.<token>`) of the last visit from this browser */
export function lastVisit() {
  return read(localStorage, VISIT);
}

/** @param {string} fragment */
export function rememberVisit(fragment) {
  write(localStorage, VISIT, fragment);
}

export function forgetVisit() {
  drop(localStorage, VISIT);
}

function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A browser may refuse storage (private windows, a full disk): the page works on without it.

/**
 * @param {Storage} storage
 * @param {string} key
 */
function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 * @param {unknown} value
 */
function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch { /* kept in memory only */ }
}

/**
 * @param {Storage} storage
 * @param {string} key
 */
function drop(storage, key) {
  try {
    storage.removeItem(key);
  } catch { /* nothing was kept */ }
}
