// Compares the ratings of a file with the shelf, and adds those that the visitor chooses. No DOM.

import { answerTo, inDataset, MAX_RATINGS, ratedAnswers, UNSEEN } from "../shelf.js";

/** @typedef {import("../shelf.js").Shelf} Shelf */
/** @typedef {import("../shelf.js").Answer} Answer */
/** @typedef {import("../api.js").Match} Match */
/** @typedef {import("./exports.js").BroughtRating} BroughtRating */
/** @typedef {import("./exports.js").LeftOut} LeftOut */

/**
 * @typedef {{rating: BroughtRating, answer: Answer, here: Answer | null, isNewer: boolean}} Row
 *   answer: what would be added; here: the shelf's answer to the movie; isNewer: the file's rating
 *   is the newer one, or the shelf has none
 * @typedef {{changed: Row[], added: Row[], same: Row[], missing: LeftOut[]}} Review
 *   changed: the shelf has another answer; same: the shelf has the same stars
 */

const REASONS = {
  unknown: "Not in our catalogue.",
  ambiguous: "Several movies in our catalogue have this title.",
  no_such_year: "Our catalogue has this title only for other years.",
};

/**
 * Compare the ratings with the shelf.
 * @param {Shelf} shelf
 * @param {BroughtRating[]} ratings
 * @param {Match[]} matches one for each rating, in the same order
 * @returns {Review}
 */
export function reviewOf(shelf, ratings, matches) {
  /** @type {Review} */
  const review = { changed: [], added: [], same: [], missing: [] };
  const { kept, doubled } = newestOfEach(ratings, matches);
  review.missing.push(...doubled);
  for (const [place, rating] of ratings.entries()) {
    const match = matches[place];
    if (match && match.movie === null) {
      const { title, year } = rating;
      review.missing.push({ title, year, reason: REASONS[match.reason ?? "unknown"] });
    }
  }
  for (const { rating, movie } of kept) {
    const here = answerTo(shelf, movie.movie_id);
    const row = {
      rating,
      answer: { movie, stars: rating.stars, at: rating.at },
      here,
      isNewer: here === null || rating.at > here.at,
    };
    if (here === null) review.added.push(row);
    else if (here.stars === rating.stars) review.same.push(row);
    else review.changed.push(row);
  }
  return review;
}

/**
 * Of several ratings of one movie, keep the newest; of ratings of one day, the last.
 * @param {BroughtRating[]} ratings
 * @param {Match[]} matches
 */
function newestOfEach(ratings, matches) {
  /** @type {Map<number, {rating: BroughtRating, movie: import("../api.js").Movie}>} */
  const kept = new Map();
  /** @type {LeftOut[]} */
  const doubled = [];
  for (const [place, rating] of ratings.entries()) {
    const movie = matches[place]?.movie;
    if (!movie) continue;
    const other = kept.get(movie.movie_id);
    const older = other && rating.at < other.rating.at ? rating : other?.rating;
    if (older !== rating) kept.set(movie.movie_id, { rating, movie });
    if (older) {
      const { title, year } = older;
      doubled.push({ title, year, reason: "The file rates this movie again; the newest counts." });
    }
  }
  return { kept: [...kept.values()], doubled };
}

/**
 * Return how many ratings of movies that have none here can still be added.
 * @param {Shelf} shelf
 */
export function roomOn(shelf) {
  return Math.max(0, MAX_RATINGS - ratedAnswers(shelf).length);
}

/**
 * Return the movies to tick at first: those whose rating in the file is newer, as far as there is
 * room. The newest ratings come first.
 * @param {Shelf} shelf
 * @param {Review} review
 * @returns {Set<number>} movie ids
 */
export function tickedAtFirst(shelf, { changed, added }) {
  const newer = changed.filter(({ isNewer }) => isNewer);
  const replaced = newer.filter(({ here }) => here?.stars !== UNSEEN);
  const others = [...added, ...newer.filter(({ here }) => here?.stars === UNSEEN)];
  others.sort((one, other) =>
    one.rating.at < other.rating.at ? 1 : one.rating.at > other.rating.at ? -1 : 0,
  );
  return new Set(
    [...replaced, ...others.slice(0, roomOn(shelf))].map(({ answer }) => answer.movie.movie_id),
  );
}

/**
 * Count how many ratings the shelf would have too many of if these rows were added.
 * @param {Shelf} shelf
 * @param {Row[]} rows
 */
export function tooMany(shelf, rows) {
  const more = rows.filter(({ here }) => here === null || here.stars === UNSEEN).length;
  return Math.max(0, more - roomOn(shelf));
}

/**
 * Add answers as if they had been given on the page, except that "Undo" does not take them back one
 * by one. A movie that has an answer keeps its place in the order.
 * @param {Shelf} shelf
 * @param {string} dataset the data set of the movies
 * @param {Answer[]} answers
 * @returns {Shelf}
 */
export function withBrought(shelf, dataset, answers) {
  const now = inDataset(shelf, dataset);
  const brought = new Map(answers.map((answer) => [answer.movie.movie_id, answer]));
  const isOther = (/** @type {{movie_id: number}} */ { movie_id }) => !brought.has(movie_id);
  const before = new Set(now.answers.map(({ movie }) => movie.movie_id));
  return {
    ...now,
    answers: [
      ...now.answers.map((answer) => brought.get(answer.movie.movie_id) ?? answer),
      ...answers.filter(({ movie }) => !before.has(movie.movie_id)),
    ],
    asking: now.asking.filter(isOther),
    dismissed: now.dismissed.filter(isOther),
    undo: now.undo.filter(({ movie }) => isOther(movie)),
  };
}
