// Tests of the functions that return a changed shelf.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  answered,
  dismissed,
  EMPTY,
  inDataset,
  isSaved,
  MAX_WATCHLIST,
  merged,
  ownList,
  ratingsOf,
  removed,
  restored,
  savedForLater,
  takenOffWatchlist,
  toSave,
  UNSEEN,
  undone,
  unsavedCount,
  unseenIds,
  withLastPicks,
  withNewQuestions,
  withOwnList,
  withoutOwnList,
  withQuestionFirst,
  withQuestionsOf,
  withTopics,
} from "../../site/scripts/shelf.js";

const AT = "2026-11-24T12:00:00.000Z";
const LATER = "2026-11-24T13:00:00.000Z";
const WHO = { visitor_id: "01jd000000000000000000000a", token: "secret" };

/** @param {number} id */
const movie = (id) => ({ movie_id: id, title: `Movie ${id}`, year: 1990 + id, genres: ["Drama"] });

/** Return an unsaved shelf with ratings. @param {Record<number, number>} stars by movie id */
function shelfWith(stars) {
  return Object.entries(stars).reduce(
    (shelf, [id, given]) => answered(shelf, movie(Number(id)), given, AT),
    EMPTY,
  );
}

/**
 * Return a visitor as the API does, at version 2.
 * @param {Record<number, number>} stars by movie id
 * @param {object} [more] further fields
 */
function visitorWith(stars, more = {}) {
  const ratings = Object.entries(stars).map(([id, given]) => ({
    ...movie(Number(id)),
    stars: given,
  }));
  return /** @type {any} */ ({
    visitor_id: WHO.visitor_id,
    version: 2,
    name: "Ada",
    status: "received",
    ratings,
    dismissed: [],
    picks: null,
    ...more,
  });
}

/** Return a shelf saved as version 1. @param {Record<number, number>} saved stars by movie id */
function savedShelf(saved) {
  const shelf = shelfWith(saved);
  return { ...shelf, visit: { ...WHO, version: 1, phone_ends: null, saved: toSave(shelf) } };
}

/** Return the stars by movie id. @param {import("../../site/scripts/shelf.js").Shelf} shelf */
const starsOn = (shelf) =>
  Object.fromEntries(ratingsOf(shelf).map(({ movie_id, stars }) => [movie_id, stars]));

test("a new token in the answer replaces the token that the call used", () => {
  const shelf = savedShelf({ 1: 5 });
  assert.equal(merged(shelf, visitorWith({ 1: 5 }), WHO).shelf.visit?.token, "secret");
  assert.equal(
    merged(shelf, visitorWith({ 1: 5 }, { token: "newer" }), WHO).shelf.visit?.token,
    "newer",
  );
});

test("a movie answered with 'Haven't seen it' is not a rating", () => {
  const shelf = answered(shelfWith({ 1: 5 }), movie(2), UNSEEN, AT);
  assert.deepEqual(starsOn(shelf), { 1: 5 });
  assert.deepEqual(unseenIds(shelf), [2]);
});

test("a movie rated again keeps its place in the order", () => {
  const shelf = answered(shelfWith({ 1: 5, 2: 4 }), movie(1), 2, LATER);
  assert.deepEqual(ratingsOf(shelf), [
    { movie_id: 1, stars: 2 },
    { movie_id: 2, stars: 4 },
  ]);
});

test("an answered movie is removed from the questions", () => {
  const shelf = answered(withQuestionFirst(EMPTY, movie(1)), movie(1), 3, AT);
  assert.deepEqual(shelf.asking, []);
});

test("undo removes the last answer and asks about its movie again", () => {
  const shelf = undone(shelfWith({ 1: 5, 2: 4 }));
  assert.deepEqual(starsOn(shelf), { 1: 5 });
  assert.equal(shelf.asking[0]?.movie_id, 2);
});

test("undo of a movie rated again restores the previous stars", () => {
  const shelf = undone(answered(shelfWith({ 1: 5 }), movie(1), 1, LATER));
  assert.deepEqual(starsOn(shelf), { 1: 5 });
});

test("undo on an empty shelf changes nothing", () => {
  assert.equal(undone(EMPTY), EMPTY);
});

test("movies that are answered or already among the questions are not added again", () => {
  const shelf = withNewQuestions(withQuestionFirst(shelfWith({ 1: 5 }), movie(2)), [
    movie(1),
    movie(2),
    movie(3),
  ]);
  assert.deepEqual(
    shelf.asking.map(({ movie_id }) => movie_id),
    [2, 3],
  );
});

test("newer questions replace all but the shown one and those that the visitor chose", () => {
  const waiting = withNewQuestions(EMPTY, [movie(1), movie(2), movie(3)]);
  const shelf = withNewQuestions(
    withNewQuestions(withQuestionFirst(withQuestionFirst(waiting, movie(8)), movie(9)), []),
    [movie(4), movie(2)],
  );
  assert.deepEqual(
    shelf.asking.map(({ movie_id }) => movie_id),
    [9, 8, 4, 2],
  );
  assert.deepEqual(
    withNewQuestions(waiting, [movie(3), movie(4)]).asking.map(({ movie_id }) => movie_id),
    [1, 3, 4],
  );
});

test("new topics remove the questions about former ones, but not those that the visitor chose", () => {
  const topics = { genres: ["Horror"], decades: [2010] };
  const waiting = withNewQuestions(withQuestionFirst(EMPTY, movie(9)), [movie(1), movie(2)]);
  const shelf = withTopics(waiting, topics);
  assert.deepEqual(shelf.topics, topics);
  assert.deepEqual(
    shelf.asking.map(({ movie_id }) => movie_id),
    [9],
  );
});

test("a rating undoes a dismissal", () => {
  const shelf = answered(dismissed(EMPTY, movie(1)), movie(1), 4, AT);
  assert.deepEqual(shelf.dismissed, []);
});

test("a movie dismissed twice is listed once and can be restored", () => {
  const shelf = dismissed(dismissed(EMPTY, movie(1)), movie(1));
  assert.equal(shelf.dismissed.length, 1);
  assert.deepEqual(restored(shelf, 1).dismissed, []);
});

test("a change of data set drops the ratings and keeps the visit", () => {
  const shelf = inDataset({ ...savedShelf({ 1: 5 }), dataset: "old" }, "new");
  assert.deepEqual(shelf.answers, []);
  assert.equal(shelf.visit?.visitor_id, WHO.visitor_id);
});

test("changed stars, removals and dismissals count as unsaved changes", () => {
  let shelf = savedShelf({ 1: 5, 2: 4, 3: 3 });
  assert.equal(unsavedCount(shelf), 0);
  shelf = dismissed(removed(answered(shelf, movie(1), 1, LATER), 2), movie(9));
  assert.equal(unsavedCount(shelf), 3);
});

test("changes made elsewhere are merged and reported", () => {
  const { shelf, remoteChanges } = merged(
    savedShelf({ 1: 5, 2: 4 }),
    visitorWith({ 1: 2, 3: 5 }),
    WHO,
  );
  assert.deepEqual(starsOn(shelf), { 1: 2, 3: 5 });
  assert.deepEqual(
    remoteChanges.map(({ movie: { movie_id }, stars }) => [movie_id, stars]),
    [
      [1, 2],
      [3, 5],
      [2, null],
    ],
  );
  assert.equal(unsavedCount(shelf), 0);
});

test("unsaved changes made here stay", () => {
  const here = answered(removed(savedShelf({ 1: 5, 2: 4 }), 2), movie(4), 3, LATER);
  const { shelf } = merged(here, visitorWith({ 1: 2, 2: 4 }), WHO);
  assert.deepEqual(starsOn(shelf), { 1: 2, 4: 3 });
  assert.equal(unsavedCount(shelf), 2);
});

test("if both sides changed a movie, the stars given here stay and those given there are reported", () => {
  const here = answered(savedShelf({ 1: 5 }), movie(1), 4, LATER);
  const { shelf, remoteChanges } = merged(here, visitorWith({ 1: 2 }), WHO);
  assert.deepEqual(starsOn(shelf), { 1: 4 });
  assert.deepEqual(
    remoteChanges.map(({ stars }) => stars),
    [2],
  );
});

test("the same change on both sides is not reported", () => {
  const here = answered(savedShelf({ 1: 5 }), movie(1), 2, LATER);
  const { shelf, remoteChanges } = merged(here, visitorWith({ 1: 2 }), WHO);
  assert.deepEqual(remoteChanges, []);
  assert.equal(unsavedCount(shelf), 0);
});

test("a change made while an earlier one is being saved is unsaved, even back to the old stars", () => {
  const sent = answered(savedShelf({ 1: 5 }), movie(1), 2, AT);
  const changedBack = answered(sent, movie(1), 5, LATER);
  const { shelf, remoteChanges } = merged(changedBack, visitorWith({ 1: 2 }), WHO, toSave(sent));
  assert.deepEqual(starsOn(shelf), { 1: 5 });
  assert.deepEqual(remoteChanges, []);
  assert.equal(unsavedCount(shelf), 1);
});

test("a movie removed there and rated again here stays", () => {
  const here = answered(savedShelf({ 1: 5, 2: 5 }), movie(1), 3, LATER);
  const { shelf } = merged(here, visitorWith({ 2: 5 }), WHO);
  assert.deepEqual(starsOn(shelf), { 2: 5, 1: 3 });
});

test("a link opened in an empty browser brings times and movies not seen with it", () => {
  const visitor = visitorWith({ 1: 5, 2: 1 }, { unseen: [movie(7)] });
  visitor.ratings[0].rated_at = AT;
  visitor.ratings[1].rated_at = LATER;
  const { shelf } = merged(EMPTY, visitor, WHO);
  assert.deepEqual(
    shelf.answers.map(({ movie: { movie_id }, at }) => [movie_id, at]),
    [
      [1, AT],
      [2, LATER],
      [7, ""],
    ],
  );
  assert.deepEqual(unseenIds(shelf), [7]);
  assert.deepEqual(toSave(shelf), shelf.visit?.saved);
});

test("a rating that the API has stored without a time gets none from the moment of opening", () => {
  const { shelf } = merged(EMPTY, visitorWith({ 1: 5 }), WHO);
  assert.deepEqual(
    shelf.answers.map(({ at }) => at),
    [""],
  );
  assert.deepEqual(toSave(shelf).ratings, [{ movie_id: 1, stars: 5 }]);
});

test("an unknown time is replaced by the one that the API knows", () => {
  const { shelf } = merged(EMPTY, visitorWith({ 1: 5 }), WHO);
  const dated = visitorWith({ 1: 5 });
  dated.ratings[0].rated_at = AT;
  assert.equal(merged(shelf, dated, WHO).shelf.answers[0]?.at, AT);
});

test("a movie not seen that one side takes back is not brought back by the other", () => {
  const saved = answered(savedShelf({ 1: 5 }), movie(7), UNSEEN, AT);
  const base = { ...saved, visit: saved.visit && { ...saved.visit, saved: toSave(saved) } };
  const theirs = visitorWith({ 1: 5 }, { unseen: [movie(7)] });
  assert.deepEqual(unseenIds(merged(removed(base, 7), theirs, WHO).shelf), []);
  assert.deepEqual(unseenIds(merged(base, visitorWith({ 1: 5 }), WHO).shelf), []);
  assert.deepEqual(starsOn(merged(base, visitorWith({ 1: 5, 7: 3 }), WHO).shelf), { 1: 5, 7: 3 });
});

test("movies not seen stay in this browser after a merge", () => {
  const here = answered(savedShelf({ 1: 5 }), movie(7), UNSEEN, AT);
  assert.deepEqual(unseenIds(merged(here, visitorWith({ 1: 5 }), WHO).shelf), [7]);
});

test("dismissals of both sides are kept, except one that was undone here", () => {
  const saved = dismissed(savedShelf({ 1: 5 }), movie(20));
  const base = { ...saved, visit: saved.visit && { ...saved.visit, saved: toSave(saved) } };
  const here = dismissed(restored(base, 20), movie(21));
  const { shelf } = merged(here, visitorWith({ 1: 5 }, { dismissed: [movie(20), movie(22)] }), WHO);
  assert.deepEqual(
    shelf.dismissed.map(({ movie_id }) => movie_id),
    [22, 21],
  );
});

test("a link opened in an empty browser fills the shelf without unsaved changes", () => {
  const { shelf } = merged(EMPTY, visitorWith({ 1: 5, 2: 1 }), WHO);
  assert.deepEqual(starsOn(shelf), { 1: 5, 2: 1 });
  assert.equal(shelf.visit?.version, 2);
  assert.equal(unsavedCount(shelf), 0);
});

// The watchlist

/** @param {import("../../site/scripts/shelf.js").Shelf} shelf */
const watchlistOf = (shelf) => shelf.watchlist.map(({ movie_id }) => movie_id);

/** Return a shelf with these movies on its watchlist, saved as version 1. @param {number[]} ids */
function savedWatchlist(...ids) {
  const shelf = ids.reduce((each, id) => savedForLater(each, movie(id)), savedShelf({ 1: 5 }));
  return { ...shelf, visit: shelf.visit && { ...shelf.visit, saved: toSave(shelf) } };
}

test("a movie saved twice is listed once, without the fields of a pick, and can be taken off", () => {
  const pick = { ...movie(1), score: 0.9, because: [] };
  const shelf = savedForLater(savedForLater(EMPTY, pick), movie(1));
  assert.deepEqual(shelf.watchlist, [movie(1)]);
  assert.ok(isSaved(shelf, 1));
  assert.deepEqual(takenOffWatchlist(shelf, 1).watchlist, []);
});

test("a movie put back on the watchlist returns to its place", () => {
  const shelf = savedWatchlist(7, 8, 9);
  assert.deepEqual(watchlistOf(savedForLater(takenOffWatchlist(shelf, 8), movie(8), 1)), [7, 8, 9]);
});

test("a full watchlist takes no more movies", () => {
  const full = { ...EMPTY, watchlist: Array.from({ length: MAX_WATCHLIST }, (_, id) => movie(id)) };
  assert.equal(savedForLater(full, movie(MAX_WATCHLIST)), full);
});

test("a rating takes the movie off the watchlist, and undo puts it back in its place", () => {
  const shelf = answered(savedWatchlist(7, 8, 9), movie(8), 4, AT);
  assert.deepEqual(watchlistOf(shelf), [7, 9]);
  assert.deepEqual(watchlistOf(undone(shelf)), [7, 8, 9]);
  assert.deepEqual(watchlistOf(undone(answered(savedWatchlist(7), movie(5), 4, AT))), [7]);
});

test("a movie that the visitor has not seen stays on the watchlist, and a rated one cannot be saved", () => {
  assert.deepEqual(watchlistOf(answered(savedWatchlist(7), movie(7), UNSEEN, AT)), [7]);
  const rated = shelfWith({ 1: 5 });
  assert.equal(savedForLater(rated, movie(1)), rated);
  assert.ok(isSaved(savedForLater(answered(EMPTY, movie(1), UNSEEN, AT), movie(1)), 1));
});

test("a dismissal leaves the watchlist as it is", () => {
  assert.deepEqual(watchlistOf(dismissed(savedWatchlist(7), movie(7))), [7]);
});

test("movies saved and taken off count as unsaved changes, and one that was rated counts once", () => {
  const shelf = savedWatchlist(7, 8);
  assert.equal(unsavedCount(shelf), 0);
  assert.equal(unsavedCount(savedForLater(takenOffWatchlist(shelf, 7), movie(9))), 2);
  assert.equal(unsavedCount(answered(shelf, movie(8), 3, LATER)), 1);
});

test("the watchlist is sent in its order", () => {
  assert.deepEqual(toSave(savedWatchlist(9, 7)).saved, [9, 7]);
});

test("a link opened in an empty browser brings the watchlist with it", () => {
  const { shelf } = merged(EMPTY, visitorWith({ 1: 5 }, { saved: [movie(7), movie(8)] }), WHO);
  assert.deepEqual(shelf.watchlist, [movie(7), movie(8)]);
  assert.equal(unsavedCount(shelf), 0);
});

test("watchlists of both sides are kept, except what one side took off or rated", () => {
  const here = savedForLater(takenOffWatchlist(savedWatchlist(20, 21, 22), 20), movie(23));
  const theirs = { saved: [movie(20), movie(22), movie(24), movie(23)] };
  assert.deepEqual(
    watchlistOf(merged(here, visitorWith({ 1: 5 }, theirs), WHO).shelf),
    [22, 24, 23],
  );
  const ratedHere = answered(savedWatchlist(20, 21), movie(20), 4, LATER);
  const stillThere = visitorWith({ 1: 5 }, { saved: [movie(20), movie(21)] });
  assert.deepEqual(watchlistOf(merged(ratedHere, stillThere, WHO).shelf), [21]);
  const ratedThere = visitorWith({ 1: 5, 20: 2 }, { saved: [movie(21)] });
  assert.deepEqual(watchlistOf(merged(savedWatchlist(20, 21), ratedThere, WHO).shelf), [21]);
});

test("a shelf that an older page stored takes the watchlist from the API and keeps its own", () => {
  const shelf = savedForLater(savedShelf({ 1: 5 }), movie(7));
  const { saved: _, ...older } = toSave(shelf);
  const before = { ...shelf, visit: shelf.visit && { ...shelf.visit, saved: older } };
  assert.equal(unsavedCount(before), 1);
  const { shelf: after } = merged(before, visitorWith({ 1: 5 }, { saved: [movie(8)] }), WHO);
  assert.deepEqual(watchlistOf(after), [8, 7]);
});

test("a change of data set drops the watchlist", () => {
  assert.deepEqual(inDataset({ ...savedWatchlist(7), dataset: "old" }, "new").watchlist, []);
});

/** @param {string} list_id @param {string} expires_at */
const own = (list_id, expires_at) => ({
  list_id,
  owner_secret: "secret",
  first_name: null,
  expires_at,
});

test("a friend's questions begin with the movies of the list that are not rated, in its order", () => {
  const shelf = withNewQuestions(shelfWith({ 1: 4, 2: UNSEEN }), [movie(8), movie(9)]);
  const after = withQuestionsOf(shelf, [movie(3), movie(1), movie(2), movie(9)]);
  assert.deepEqual(
    after.asking.map(({ movie_id }) => movie_id),
    [3, 2, 9, 8],
  );
  assert.ok(after.asking.slice(0, 3).every(({ wished }) => wished));
  assert.equal(withQuestionsOf(shelf, [movie(1)]), shelf);
});

test("the browser keeps the lists that it shared until they expire or are taken back", () => {
  const now = Date.parse(AT);
  const shelf = withOwnList(withOwnList(EMPTY, own("a", AT), 0), own("b", LATER), now);
  assert.deepEqual(shelf.lists, [own("b", LATER)]);
  assert.equal(ownList(shelf, "a"), null);
  assert.deepEqual(ownList(shelf, "b"), own("b", LATER));
  assert.deepEqual(withOwnList(shelf, own("b", LATER), now).lists, shelf.lists);
  assert.deepEqual(withoutOwnList(shelf, "b").lists, []);
});

test("another data set keeps the lists, which can still be taken back", () => {
  const shelf = withOwnList({ ...EMPTY, dataset: "one" }, own("a", LATER), 0);
  assert.deepEqual(inDataset(shelf, "two").lists, shelf.lists);
});

test("the choice about the order of series stays when the data set changes", () => {
  const shelf = { ...savedShelf({ 1: 5 }), dataset: "old", seriesInOrder: false };
  assert.equal(EMPTY.seriesInOrder, true);
  assert.equal(inDataset(shelf, "new").seriesInOrder, false);
});

test("an answer keeps the movie's place in its series", () => {
  const part = { series: "Alien", number: 2 };
  const [answer] = answered(EMPTY, { ...movie(1), part }, 5, AT).answers;
  assert.deepEqual(answer?.movie.part, part);
});

test("the last picks are kept until others come, and not in another data set", () => {
  const picks = [{ ...movie(1), stars: 4, score: 1, because: [] }];
  const kept = withLastPicks({ ...EMPTY, dataset: "old" }, picks, AT);
  assert.deepEqual(kept.lastPicks, { picks, at: AT });
  assert.equal(withLastPicks(kept, picks, LATER), kept);
  const nextDay = withLastPicks(kept, picks, "2026-11-25T00:00:00.000Z");
  assert.equal(nextDay.lastPicks?.at, "2026-11-25T00:00:00.000Z");
  assert.deepEqual(withLastPicks(kept, [], LATER).lastPicks, { picks: [], at: LATER });
  assert.equal(inDataset(kept, "new").lastPicks, null);
});
