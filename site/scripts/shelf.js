// The shelf: everything that this browser knows about the visitor. The functions here return the
// shelf after an action; they do not change their arguments and use neither the DOM nor storage.

/** @typedef {import("./api.js").Movie} Movie */
/** @typedef {import("./api.js").OwnList} OwnList */
/** @typedef {import("./api.js").Rating} Rating */
/** @typedef {import("./api.js").Visitor} Visitor */

/**
 * @typedef {{movie: Movie, stars: number, at: string}} Answer stars: 0 means "Haven't seen it"; at:
 *   the time, ISO 8601; "" if it is not known
 * @typedef {{ratings: Rating[], dismissed: number[], unseen: number[], saved?: number[]}} Saved as the
 *   API last returned them; saved: the watchlist, absent in a shelf that an older page stored
 * @typedef {{visitor_id: string, token: string, version: number, phone_ends: string | null, saved: Saved}} Visit
 * @typedef {{movie: Movie, before: Answer | null, listedAt?: number}} Undoable listedAt: the place that
 *   the movie had on the watchlist, if the answer took it off
 * @typedef {Movie & {wished?: boolean}} Question wished: the visitor asked for it
 * @typedef {{genres: string[], decades: number[]}} Topics what to ask about first; decades: their
 *   first years
 * @typedef {{dataset: string | null, name: string, answers: Answer[], dismissed: Movie[], watchlist: Movie[],
 *   asking: Question[], topics: Topics, undo: Undoable[], genres: string[], seriesInOrder: boolean,
 *   lastPicks: LastPicks | null, visit: Visit | null, lists: OwnList[]}} Shelf seriesInOrder: pick of
 *   each series only the first part that is not rated; lists: the lists that this browser shared
 * @typedef {{picks: import("./api.js").Pick[], at: string}} LastPicks the last picks without a filter,
 *   to show while no others can be loaded; at: when they came, ISO 8601
 * @typedef {{movie: Movie, stars: number | null}} Change stars: null means the rating was removed
 */

export const UNSEEN = 0;
export const RATINGS_NEEDED = 5;
export const RATINGS_SUGGESTED = 10;
export const MAX_RATINGS = 500; // and the most movies not seen that the API stores
export const MAX_WATCHLIST = 500;
const MAX_UNDO = 20;

/** @type {Shelf} */
export const EMPTY = {
  dataset: null,
  name: "",
  answers: [],
  dismissed: [],
  watchlist: [],
  asking: [],
  topics: { genres: [], decades: [] },
  undo: [],
  genres: [],
  seriesInOrder: true,
  lastPicks: null,
  visit: null,
  lists: [],
};

/** Return the answers that are ratings, without "Haven't seen it". @param {Shelf} shelf */
export function ratedAnswers(shelf) {
  return shelf.answers.filter(({ stars }) => stars !== UNSEEN);
}

/** @param {Shelf} shelf @returns {Rating[]} */
export function ratingsOf(shelf) {
  return ratedAnswers(shelf).map(({ movie, stars }) => ({ movie_id: movie.movie_id, stars }));
}

/**
 * Return the answer to a movie; null if there is none.
 * @param {Shelf} shelf
 * @param {number} movieId
 */
export function answerTo(shelf, movieId) {
  return shelf.answers.find(({ movie }) => movie.movie_id === movieId) ?? null;
}

/** Return the ids of the movies answered with "Haven't seen it". @param {Shelf} shelf */
export function unseenIds(shelf) {
  return shelf.answers.filter(({ stars }) => stars === UNSEEN).map(({ movie }) => movie.movie_id);
}

/**
 * Return a movie without the fields that a pick or a search result adds.
 * @param {Movie} movie
 * @returns {Movie}
 */
export function bareMovie({ movie_id, title, year, genres, part }) {
  return { movie_id, title, year, genres, ...(part && { part }) };
}

/**
 * Add or replace the answer to a movie. A movie answered again keeps its place in the order. The
 * movie is no longer among the questions or the dismissed movies. A rated movie leaves the watchlist:
 * the visitor has seen it.
 * @param {Shelf} shelf
 * @param {Movie} movie
 * @param {number} stars
 * @param {string} at the time of the answer, ISO 8601
 * @returns {Shelf}
 */
export function answered(shelf, movie, stars, at) {
  const before = answerTo(shelf, movie.movie_id);
  const answer = { movie: bareMovie(movie), stars, at };
  const listedAt = stars === UNSEEN ? -1 : placeOnWatchlist(shelf, movie.movie_id);
  const answers = before
    ? shelf.answers.map((each) => (each === before ? answer : each))
    : [...shelf.answers, answer];
  return {
    ...shelf,
    answers,
    asking: shelf.asking.filter(({ movie_id }) => movie_id !== movie.movie_id),
    dismissed: shelf.dismissed.filter(({ movie_id }) => movie_id !== movie.movie_id),
    watchlist: listedAt < 0 ? shelf.watchlist : shelf.watchlist.toSpliced(listedAt, 1),
    undo: [
      ...shelf.undo,
      { movie: answer.movie, before, ...(listedAt >= 0 && { listedAt }) },
    ].slice(-MAX_UNDO),
  };
}

/**
 * Take back the last answer and ask about its movie again. If the answer took the movie off the
 * watchlist, it returns to its place there.
 * @param {Shelf} shelf
 * @returns {Shelf}
 */
export function undone(shelf) {
  const last = shelf.undo.at(-1);
  if (last === undefined) return shelf;
  const { movie, before, listedAt } = last;
  const others = shelf.answers.filter((each) => each.movie.movie_id !== movie.movie_id);
  const answers =
    before === null
      ? others
      : shelf.answers.map((each) => (each.movie.movie_id === movie.movie_id ? before : each));
  const after = { ...shelf, answers, undo: shelf.undo.slice(0, -1) };
  return withQuestionFirst(
    listedAt === undefined ? after : savedForLater(after, movie, listedAt),
    movie,
  );
}

/**
 * Make a movie that the visitor wants to rate the next question.
 * @param {Shelf} shelf
 * @param {Movie} movie
 * @returns {Shelf}
 */
export function withQuestionFirst(shelf, movie) {
  const others = shelf.asking.filter(({ movie_id }) => movie_id !== movie.movie_id);
  return { ...shelf, asking: [{ ...bareMovie(movie), wished: true }, ...others] };
}

/**
 * Make the movies of a list that are not rated yet the next questions, in their order.
 * @param {Shelf} shelf
 * @param {Movie[]} movies
 * @returns {Shelf} the same shelf if all of them are rated
 */
export function withQuestionsOf(shelf, movies) {
  return movies
    .filter(({ movie_id }) => (answerTo(shelf, movie_id)?.stars ?? UNSEEN) === UNSEEN)
    .reduceRight(withQuestionFirst, shelf);
}

/**
 * Choose the topics to be asked about first. The questions are removed, because they were chosen
 * for other topics; movies that the visitor asked for stay.
 * @param {Shelf} shelf
 * @param {Topics} topics
 * @returns {Shelf}
 */
export function withTopics(shelf, topics) {
  return { ...shelf, topics, asking: shelf.asking.filter(({ wished }) => wished) };
}

/**
 * Replace the questions after the shown one with newer ones, which are chosen from more answers.
 * Movies that the visitor asked for stay.
 * @param {Shelf} shelf
 * @param {Movie[]} movies
 * @returns {Shelf}
 */
export function withNewQuestions(shelf, movies) {
  const kept = shelf.asking.filter(({ wished }, place) => place === 0 || wished);
  const known = new Set([
    ...shelf.answers.map(({ movie }) => movie.movie_id),
    ...kept.map(({ movie_id }) => movie_id),
  ]);
  return {
    ...shelf,
    asking: [...kept, ...movies.filter(({ movie_id }) => !known.has(movie_id)).map(bareMovie)],
  };
}

/**
 * Remove the answer to a movie.
 * @param {Shelf} shelf
 * @param {number} movieId
 * @returns {Shelf}
 */
export function removed(shelf, movieId) {
  return {
    ...shelf,
    answers: shelf.answers.filter(({ movie }) => movie.movie_id !== movieId),
    undo: shelf.undo.filter(({ movie }) => movie.movie_id !== movieId),
  };
}

/**
 * Dismiss a movie ("Not for me"): it is not picked again.
 * @param {Shelf} shelf
 * @param {Movie} movie
 * @returns {Shelf}
 */
export function dismissed(shelf, movie) {
  return {
    ...restored(shelf, movie.movie_id),
    dismissed: [...restored(shelf, movie.movie_id).dismissed, bareMovie(movie)],
  };
}

/**
 * Undo the dismissal of a movie, if there is one.
 * @param {Shelf} shelf
 * @param {number} movieId
 * @returns {Shelf}
 */
export function restored(shelf, movieId) {
  return { ...shelf, dismissed: shelf.dismissed.filter(({ movie_id }) => movie_id !== movieId) };
}

/** @param {Shelf} shelf @param {number} movieId */
function placeOnWatchlist(shelf, movieId) {
  return shelf.watchlist.findIndex(({ movie_id }) => movie_id === movieId);
}

/** Whether a movie is on the watchlist. @param {Shelf} shelf @param {number} movieId */
export function isSaved(shelf, movieId) {
  return placeOnWatchlist(shelf, movieId) >= 0;
}

/**
 * Put a movie on the watchlist ("Save"), unless it is there already, it is rated or the list is full.
 * @param {Shelf} shelf
 * @param {Movie} movie
 * @param {number} [place] where to put it, by default at the end
 * @returns {Shelf}
 */
export function savedForLater(shelf, movie, place = shelf.watchlist.length) {
  const isRated = (answerTo(shelf, movie.movie_id)?.stars ?? UNSEEN) !== UNSEEN;
  if (isRated || isSaved(shelf, movie.movie_id) || shelf.watchlist.length >= MAX_WATCHLIST)
    return shelf;
  return { ...shelf, watchlist: shelf.watchlist.toSpliced(place, 0, bareMovie(movie)) };
}

/**
 * Take a movie off the watchlist.
 * @param {Shelf} shelf
 * @param {number} movieId
 * @returns {Shelf}
 */
export function takenOffWatchlist(shelf, movieId) {
  return { ...shelf, watchlist: shelf.watchlist.filter(({ movie_id }) => movie_id !== movieId) };
}

/**
 * Keep picks, to show them when no others can be loaded.
 * @param {Shelf} shelf
 * @param {import("./api.js").Pick[]} picks
 * @param {string} at the time, ISO 8601
 * @returns {Shelf}
 */
export function withLastPicks(shelf, picks, at) {
  const areKept = JSON.stringify(shelf.lastPicks?.picks) === JSON.stringify(picks);
  return areKept && shelf.lastPicks?.at.slice(0, 10) === at.slice(0, 10)
    ? shelf
    : { ...shelf, lastPicks: { picks, at } };
}

/**
 * Switch to a data set. Movie ids are valid in one data set only. If the shelf belongs to another
 * one, everything but the name, the visit, the lists and the order of series is dropped.
 * @param {Shelf} shelf
 * @param {string} dataset
 * @returns {Shelf}
 */
export function inDataset(shelf, dataset) {
  if (shelf.dataset === dataset) return shelf;
  if (shelf.dataset === null) return { ...shelf, dataset };
  const { name, visit, lists, seriesInOrder } = shelf;
  return { ...EMPTY, dataset, name, visit, lists, seriesInOrder };
}

/**
 * Keep a list that this browser shared, so that it can be taken back. Expired lists are dropped.
 * @param {Shelf} shelf
 * @param {OwnList} list
 * @param {number} now milliseconds since 1970
 * @returns {Shelf}
 */
export function withOwnList(shelf, list, now) {
  const others = shelf.lists.filter(
    ({ list_id, expires_at }) => list_id !== list.list_id && Date.parse(expires_at) > now,
  );
  return { ...shelf, lists: [...others, list] };
}

/** Return the list of that id if this browser shared it. @param {Shelf} shelf @param {string} listId */
export function ownList(shelf, listId) {
  return shelf.lists.find(({ list_id }) => list_id === listId) ?? null;
}

/**
 * Drop a list that this browser shared and that nobody can read any more.
 * @param {Shelf} shelf
 * @param {string} listId
 * @returns {Shelf}
 */
export function withoutOwnList(shelf, listId) {
  return { ...shelf, lists: shelf.lists.filter(({ list_id }) => list_id !== listId) };
}

/**
 * Return the answers, dismissals and the watchlist to save at the API.
 * @param {Shelf} shelf
 * @returns {Required<Saved>}
 */
export function toSave(shelf) {
  return {
    ratings: ratedAnswers(shelf).map(({ movie, stars, at }) => ({
      movie_id: movie.movie_id,
      stars,
      ...(at && { rated_at: at }),
    })),
    dismissed: shelf.dismissed.map(({ movie_id }) => movie_id),
    unseen: unseenIds(shelf).slice(-MAX_RATINGS),
    saved: shelf.watchlist.map(({ movie_id }) => movie_id).slice(-MAX_WATCHLIST),
  };
}

/**
 * Count the ratings, dismissals and saved movies that differ from what the API has stored; 0 without
 * a visit. A movie that left the watchlist because it was rated counts once. Movies not seen do not
 * count: they change no picks, and are saved with the next change.
 * @param {Shelf} shelf
 */
export function unsavedCount(shelf) {
  if (shelf.visit === null) return 0;
  const { ratings, dismissed: dismissedIds, saved } = toSave(shelf);
  const before = shelf.visit.saved;
  const rated = new Set(ratings.map(({ movie_id }) => movie_id));
  const savedBefore = (before.saved ?? []).filter((movieId) => !rated.has(movieId));
  return (
    differences(before.ratings, ratings).size +
    symmetricDifference(before.dismissed, dismissedIds) +
    symmetricDifference(savedBefore, saved)
  );
}

/**
 * Return the ratings that changed.
 * @param {Rating[]} before
 * @param {Rating[]} after
 * @returns {Map<number, number | null>} the new stars by movie id; null if the rating was removed
 */
export function differences(before, after) {
  const starsBefore = new Map(before.map(({ movie_id, stars }) => [movie_id, stars]));
  const starsAfter = new Map(after.map(({ movie_id, stars }) => [movie_id, stars]));
  /** @type {Map<number, number | null>} */
  const changes = new Map();
  for (const [movieId, stars] of starsAfter)
    if (starsBefore.get(movieId) !== stars) changes.set(movieId, stars);
  for (const movieId of starsBefore.keys())
    if (!starsAfter.has(movieId)) changes.set(movieId, null);
  return changes;
}

/** Count the ids that are in one list only. @param {number[]} one @param {number[]} other */
function symmetricDifference(one, other) {
  return (
    one.filter((id) => !other.includes(id)).length + other.filter((id) => !one.includes(id)).length
  );
}

/** Return what the API has stored of the visitor. @param {Visitor} visitor @returns {Saved} */
export function savedStateOf(visitor) {
  return {
    ratings: visitor.ratings.map(({ movie_id, stars, rated_at }) => ({
      movie_id,
      stars,
      ...(rated_at && { rated_at }),
    })),
    dismissed: (visitor.dismissed ?? []).map(({ movie_id }) => movie_id),
    unseen: (visitor.unseen ?? []).map(({ movie_id }) => movie_id),
    saved: (visitor.saved ?? []).map(({ movie_id }) => movie_id),
  };
}

/**
 * Merge the visitor, as the API returned them, into the shelf. Changes made elsewhere are added,
 * and unsaved changes made here stay. If both changed the same movie, the change made here wins.
 * If the answer has a new token, it replaces the one that the call used.
 * @param {Shelf} shelf
 * @param {Visitor} visitor
 * @param {{visitor_id: string, token: string}} credentials those that the call used
 * @param {Saved} base what both sides last had in common: what the call sent if it saved changes,
 *   otherwise what the API last returned
 * @returns {{shelf: Shelf, remoteChanges: Change[]}} remoteChanges: the changes made elsewhere,
 *   except those also made here, with the stars given there
 */
export function merged(shelf, visitor, { visitor_id, token }, base = lastSaved(shelf, visitor_id)) {
  const theirs = savedStateOf(visitor);
  const mine = differences(base.ratings, ratingsOf(shelf));
  const answersBefore = new Map(shelf.answers.map((answer) => [answer.movie.movie_id, answer]));
  const movies = new Map(visitor.ratings.map((rating) => [rating.movie_id, movieIn(rating)]));

  /** @type {Change[]} */
  const remoteChanges = [];
  for (const [movieId, stars] of differences(base.ratings, theirs.ratings)) {
    if (mine.has(movieId) && mine.get(movieId) === stars) continue;
    const movie = movies.get(movieId) ?? answersBefore.get(movieId)?.movie;
    if (movie) remoteChanges.push({ movie, stars });
  }

  const remoteAnswers = visitor.ratings
    .filter(({ movie_id }) => mine.get(movie_id) !== null)
    .map((rating) =>
      mergedAnswer(rating, mine.get(rating.movie_id), answersBefore.get(rating.movie_id)),
    );
  const there = new Set(remoteAnswers.map(({ movie }) => movie.movie_id));
  const localRatings = ratedAnswers(shelf).filter(
    ({ movie }) => !there.has(movie.movie_id) && mine.has(movie.movie_id),
  );
  const rated = [...remoteAnswers, ...localRatings].slice(0, MAX_RATINGS);
  const ratedIds = new Set(rated.map(({ movie }) => movie.movie_id));
  const unseen = mergedUnseen(shelf, base.unseen ?? [], visitor.unseen ?? []).filter(
    ({ movie }) => !ratedIds.has(movie.movie_id),
  );
  const answers = [...rated, ...unseen];
  const answeredIds = new Set(answers.map(({ movie }) => movie.movie_id));

  return {
    remoteChanges,
    shelf: {
      ...shelf,
      name: visitor.name ?? shelf.name,
      answers,
      dismissed: mergedMovies(shelf.dismissed, base.dismissed, visitor.dismissed ?? []),
      watchlist: mergedMovies(shelf.watchlist, base.saved ?? [], visitor.saved ?? []).filter(
        ({ movie_id }) => !ratedIds.has(movie_id),
      ),
      asking: shelf.asking.filter(({ movie_id }) => !answeredIds.has(movie_id)),
      undo: remoteChanges.length > 0 ? [] : shelf.undo,
      visit: {
        visitor_id,
        token: visitor.token ?? token,
        version: visitor.version,
        phone_ends: visitor.phone_ends ?? null,
        saved: theirs,
      },
    },
  };
}

/** @param {Shelf} shelf @param {string} visitorId @returns {Saved} */
function lastSaved(shelf, visitorId) {
  return shelf.visit?.visitor_id === visitorId
    ? shelf.visit.saved
    : { ratings: [], dismissed: [], unseen: [], saved: [] };
}

/**
 * Return the answer to a movie after the merge. An answer with the same stars keeps its time; a
 * rating from elsewhere has the time that the API has stored, if any.
 * @param {Rating & Partial<Movie>} rating the rating that the API has stored
 * @param {number | null | undefined} mine the stars of an unsaved change made here, if any
 * @param {Answer | undefined} before the answer on the shelf
 * @returns {Answer}
 */
function mergedAnswer(rating, mine, before) {
  const stars = mine ?? rating.stars;
  const at = rating.rated_at ?? "";
  if (before && before.stars === stars) return before.at ? before : { ...before, at };
  return { movie: before?.movie ?? movieIn(rating), stars, at };
}

/**
 * Return the answers "Haven't seen it" of both sides, without those that one side took back.
 * @param {Shelf} shelf
 * @param {number[]} base ids of the movies not seen that were last saved
 * @param {Movie[]} theirs the movies not seen that the API has stored
 * @returns {Answer[]}
 */
function mergedUnseen(shelf, base, theirs) {
  const here = new Set(unseenIds(shelf));
  const there = new Set(theirs.map(({ movie_id }) => movie_id));
  const newThere = theirs.filter(({ movie_id }) => !here.has(movie_id) && !base.includes(movie_id));
  return [
    ...shelf.answers.filter(
      ({ movie, stars }) =>
        stars === UNSEEN && (there.has(movie.movie_id) || !base.includes(movie.movie_id)),
    ),
    ...newThere.map((movie) => ({ movie: bareMovie(movie), stars: UNSEEN, at: "" })),
  ];
}

/**
 * Return the movie of a rating, with placeholders for details that the rating lacks.
 * @param {Rating & Partial<Movie>} rating
 * @returns {Movie}
 */
function movieIn({ movie_id, title = `Movie ${movie_id}`, year = null, genres = [], part }) {
  return bareMovie({ movie_id, title, year, genres, part });
}

/**
 * Return the movies of a list (the dismissed movies or the watchlist) of both sides, without those
 * that one side took off.
 * @param {Movie[]} mine the list on the shelf
 * @param {number[]} base ids of the movies on the list that was last saved
 * @param {Movie[]} theirs the list that the API has stored
 * @returns {Movie[]}
 */
function mergedMovies(mine, base, theirs) {
  const here = new Set(mine.map(({ movie_id }) => movie_id));
  const takenOffHere = new Set(base.filter((movieId) => !here.has(movieId)));
  const there = new Set(theirs.map(({ movie_id }) => movie_id));
  const newHere = mine.filter(({ movie_id }) => !there.has(movie_id) && !base.includes(movie_id));
  return [
    ...theirs.filter(({ movie_id }) => !takenOffHere.has(movie_id)).map(bareMovie),
    ...newHere,
  ];
}
