// Finds the picks to show now. It requests instant picks after every answer; when a submission has
// computed the visitor's picks with everyone's ratings, those final picks replace them.

import { ApiProblem } from "./api.js";
import { Retries } from "./retries.js";
import { differences, inDataset, RATINGS_NEEDED, ratingsOf, withLastPicks } from "./shelf.js";

/** @typedef {import("./api.js").Filter} Filter */
/** @typedef {import("./api.js").Pick} Pick */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./visit.js").VisitKeeper} VisitKeeper */

/**
 * @typedef {{genre: string, decade: string}} Choice the chosen filter; "" means any
 * @typedef {{kind: "few" | "instant" | "final", picks: Pick[], rated: number, isCurrent: boolean, problem: ApiProblem | null, added: Set<number>, nothingFits: boolean, likedShare: number | null, keptSince: string | null}} Found
 *   kind: "few" without enough ratings; "instant" for picks from the visitor's ratings alone;
 *   "final" for picks of a submission. isCurrent: whether the picks belong to the current ratings,
 *   dismissed movies and filter. rated: the number of ratings that the instant picks are from.
 *   added: ids of the final picks that the instant picks do not have. nothingFits: whether fewer than
 *   three stars are expected of the visitor for every pick. likedShare: the predicted share of the
 *   picks that the visitor will like; null if unknown. keptSince: when the picks came, ISO 8601, if
 *   they are those of the last visit, because no others can be loaded; otherwise null.
 */

/** @type {Choice} */
const ANY = { genre: "", decade: "" };

/** Provides the picks to show as `found`. Fires "change" when they may have changed. */
export class PicksFinder extends EventTarget {
  /** @type {AbortController | null} */
  #controller = null;
  /**
   * The last instant picks, the state they belong to, the number of ratings they are from, whether
   * none of them fits and the share of them that the visitor will like.
   * @type {{key: string, picks: Pick[], rated: number, nothingFits: boolean, likedShare: number | null}}
   */
  #instant = { key: "", picks: [], rated: 0, nothingFits: false, likedShare: null };
  /** @type {string | null} the data set whose genres are listed */
  #genresOf = null;
  /** @type {ApiProblem | null} */
  #problem = null;
  #requestedKey = "";
  /** The problem is shown until there is an answer. */
  #retries = new Retries(() => this.#refresh(this.#problem, ""));

  /**
   * @param {import("./api.js").Api} api
   * @param {Store} store
   * @param {VisitKeeper} visit
   */
  constructor(api, store, visit) {
    super();
    this.api = api;
    this.store = store;
    this.visit = visit;
    this.choice = ANY;
    store.onChange(() => this.refresh());
    visit.addEventListener("change", () => {
      const picks = this.#finalPicks();
      if (picks) this.#keep(picks);
      this.#notify();
    });
  }

  /** Change the filter and request picks for it. @param {Partial<Choice>} choice */
  choose(choice) {
    this.choice = { ...this.choice, ...choice };
    this.refresh();
  }

  /** Request picks, unless the last request was for the same ratings, dismissals and filter. */
  refresh() {
    this.#refresh(null, this.#requestedKey);
  }

  /**
   * @param {ApiProblem | null} problem to show while picks are requested
   * @param {string} requestedKey what the last request was for
   */
  #refresh(problem, requestedKey) {
    const key = this.#key();
    if (key !== requestedKey) {
      this.#requestedKey = key;
      this.#controller?.abort();
      this.#retries.stop();
      this.#problem = problem;
      if (this.#hasEnoughRatings() && key !== this.#instant.key) this.#request(key);
    }
    this.#notify();
  }

  /** Whether a genre or a decade is chosen. */
  get isFiltered() {
    return this.choice.genre !== "" || this.choice.decade !== "";
  }

  /** Request picks again after a failure. */
  retry() {
    this.#refresh(null, "");
  }

  /** The picks to show now. @returns {Found} */
  get found() {
    if (!this.#hasEnoughRatings()) {
      return {
        kind: "few",
        picks: [],
        rated: 0,
        isCurrent: true,
        problem: null,
        added: new Set(),
        nothingFits: false,
        likedShare: null,
        keptSince: null,
      };
    }
    const picks = this.#finalPicks();
    if (picks) {
      const first = new Set(this.#instant.picks.map(({ movie_id }) => movie_id));
      const added = first.size === 0 ? [] : picks.filter(({ movie_id }) => !first.has(movie_id));
      return {
        kind: "final",
        picks,
        rated: 0,
        isCurrent: true,
        problem: null,
        added: new Set(added.map(({ movie_id }) => movie_id)),
        nothingFits: this.visit.visitor?.nothing_fits ?? false,
        likedShare: this.visit.visitor?.liked_share ?? null,
        keptSince: null,
      };
    }
    const isCurrent = this.#instant.key === this.#key();
    const kept = this.#problem && !this.#instant.key && !this.isFiltered ? this.#kept : null;
    return {
      kind: "instant",
      picks: this.#withoutRatedAndDismissed(kept?.picks ?? this.#instant.picks),
      rated: this.#instant.rated,
      isCurrent,
      problem: this.#problem,
      added: new Set(),
      nothingFits: this.#instant.nothingFits,
      likedShare: this.#instant.likedShare,
      keptSince: kept?.at ?? null,
    };
  }

  /** The picks of the last visit. */
  get #kept() {
    return this.store.shelf.lastPicks;
  }

  /** Keep picks for a visit without a connection. @param {Pick[]} picks */
  #keep(picks) {
    if (!this.isFiltered)
      this.store.change((shelf) => withLastPicks(shelf, picks, new Date().toISOString()));
  }

  #hasEnoughRatings() {
    return ratingsOf(this.store.shelf).length >= RATINGS_NEEDED;
  }

  /** Return everything that the instant picks depend on, as JSON. */
  #key() {
    const { shelf } = this.store;
    return JSON.stringify([
      shelf.dataset,
      ratingsOf(shelf),
      shelf.dismissed.map(({ movie_id }) => movie_id),
      this.choice,
      shelf.seriesInOrder,
    ]);
  }

  /**
   * Return the submission's picks; null if the ratings have changed since, a filter is set or later
   * parts of series are wanted, which a submission does not pick.
   */
  #finalPicks() {
    const { shelf } = this.store;
    const { visitor } = this.visit;
    if (!visitor?.picks || this.isFiltered || !shelf.seriesInOrder) return null;
    if (visitor.version !== shelf.visit?.version) return null;
    if (differences(visitor.ratings, ratingsOf(shelf)).size > 0) return null;
    return this.#withoutRatedAndDismissed(visitor.picks);
  }

  /**
   * Remove rated and dismissed movies. Movies answered with "Haven't seen it" stay: they are the
   * best picks.
   * @param {Pick[]} picks
   */
  #withoutRatedAndDismissed(picks) {
    const { shelf } = this.store;
    const excluded = new Set(
      [...ratingsOf(shelf), ...shelf.dismissed].map(({ movie_id }) => movie_id),
    );
    return picks.filter(({ movie_id }) => !excluded.has(movie_id));
  }

  /** @param {string} key */
  async #request(key) {
    const controller = new AbortController();
    this.#controller = controller;
    const { shelf } = this.store;
    const ratings = ratingsOf(shelf);
    const dismissed = shelf.dismissed.map(({ movie_id }) => movie_id);
    try {
      const { dataset, picks, nothing_fits, liked_share } = await this.api.picks(
        ratings,
        dismissed,
        { ...filterOf(this.choice), seriesInOrder: shelf.seriesInOrder },
        controller.signal,
      );
      if (controller.signal.aborted) return;
      this.#instant = {
        key,
        picks,
        rated: ratings.length,
        nothingFits: nothing_fits,
        likedShare: liked_share ?? null,
      };
      this.#problem = null;
      this.#retries.succeeded();
      this.store.change((now) => inDataset(now, dataset));
      if (!this.#finalPicks()) this.#keep(picks);
      this.#listGenres(dataset);
    } catch (error) {
      if (controller.signal.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      this.#problem = error;
      this.#retries.after(error);
    }
    this.#notify();
  }

  /** List all genres of the data set for the filter, once. @param {string} dataset */
  async #listGenres(dataset) {
    if (this.#genresOf === dataset) return;
    this.#genresOf = dataset;
    try {
      const { genres } = await this.api.catalogue();
      this.store.change((shelf) => ({ ...shelf, genres }));
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      this.#genresOf = null; // the next picks try again
    }
  }

  #notify() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {Choice} choice @returns {Omit<Filter, "seriesInOrder">} */
function filterOf({ genre, decade }) {
  const from = Number(decade);
  return { genres: genre ? [genre] : [], years: decade ? { from, to: from + 9 } : null };
}
