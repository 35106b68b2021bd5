// A saved visitor: saves them, follows the status of their request, changes and forgets them.

import { ApiProblem } from "./api.js";
import { removePage } from "./offline.js";
import { Proofs } from "./proofs.js";
import { Waits } from "./retries.js";
import { EMPTY, merged, savedStateOf, toSave, withoutOwnList } from "./shelf.js";

/** @typedef {import("./api.js").Credentials} Credentials */
/** @typedef {import("./api.js").Visitor} Visitor */
/** @typedef {import("./shelf.js").Change} Change */

/** Between two requests for the status, in milliseconds. */
const WAITS = { first: 1000, longest: 15_000, growth: 1.4 };
const TIMEOUT_MS = 45 * 60_000;

/** Keeps the saved visitor in step with the API. Fires "change" when a field may have changed. */
export class VisitKeeper extends EventTarget {
  /** @type {Visitor | null} the visitor as the API last returned them */
  visitor = null;
  /** @type {Change[]} changes made elsewhere that the visitor has not yet acknowledged */
  remoteChanges = [];
  /** @type {ApiProblem | null} why the last request for the status failed */
  statusError = null;
  /** Whether following has stopped after 45 minutes although the request is not finished. */
  hasTimedOut = false;
  /** @type {AbortController | null} */
  #following = null;
  /** @type {string | null} the last token that the API rejected */
  #rejectedToken = null;
  /**
   * Idempotency keys of unanswered calls that make a new token, by what the call asks for.
   * @type {Map<string, string>}
   */
  #keys = new Map();

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    super();
    this.api = api;
    this.store = store;
    this.proofs = new Proofs(api);
    store.onChange(() => this.#syncWithOtherTabs());
  }

  /** The saved visitor's id and token. @returns {Credentials | null} */
  get credentials() {
    return this.store.shelf.visit;
  }

  /**
   * Save the shelf as a new visitor and follow their request.
   * @param {string} name
   * @param {string | null} phone in international format; null for no text
   * @param {string} idempotencyKey the same for every attempt with the same form
   */
  async create(name, phone, idempotencyKey) {
    const saved = toSave(this.store.shelf);
    const form = {
      ...(name && { name }),
      ...(phone ? { phone, consent: true } : { consent: false }),
      ratings: saved.ratings,
      ...(saved.dismissed.length > 0 && { dismissed: saved.dismissed }),
      ...(saved.unseen.length > 0 && { unseen: saved.unseen }),
      ...(saved.saved.length > 0 && { saved: saved.saved }),
    };
    const create = (/** @type {{proof?: string}} */ proof) =>
      this.api.createVisitor({ ...form, ...proof }, idempotencyKey);
    const created = await (phone ? this.#withProof((proof) => create({ proof })) : create({}));
    const { visitor_id, token, version } = created;
    const phone_ends = phone ? phone.slice(-2) : null;
    this.store.change((shelf) => ({
      ...shelf,
      name,
      visit: { visitor_id, token, version, phone_ends, saved },
    }));
    this.visitor = {
      ...created,
      status: "received",
      status_at: new Date().toISOString(),
      reason: null,
      texts: phone !== null,
      ratings: saved.ratings,
      picks: null,
      model_id: null,
    };
    this.follow();
  }

  /**
   * Save the unsaved changes. If the visitor was changed elsewhere in the meantime, merge those
   * changes into the shelf, list them in `remoteChanges` and throw, so that the visitor can check
   * them and save again.
   * @param {boolean} text whether to text the new picks
   * @throws {ApiProblem} of kind "changed" in that case
   */
  async saveChanges(text) {
    const visit = this.#requireVisit();
    const saved = toSave(this.store.shelf);
    const change = (/** @type {{proof?: string}} */ proof) =>
      this.#changeAndMerge(
        () => this.api.changeRatings(visit, { ...saved, text, ...proof }),
        saved,
      );
    await (text ? this.#withProof((proof) => change({ proof })) : change({}));
    this.remoteChanges = [];
    this.follow();
  }

  /**
   * Set the phone number that the picks are texted to.
   * @param {string} phone in international format
   */
  async givePhone(phone) {
    const visit = this.#requireVisit();
    await this.#withIdempotencyKey(phone, (key) =>
      this.#withProof((proof) =>
        this.#changeAndMerge(() => this.api.givePhone(visit, phone, proof, key)),
      ),
    );
    this.follow();
  }

  /** Make a new link. The earlier links become invalid. */
  async renewLink() {
    const visit = this.#requireVisit();
    const { token } = await this.#withIdempotencyKey("link", (key) =>
      this.api.renewToken(visit, key),
    );
    this.store.change((shelf) =>
      shelf.visit?.visitor_id === visit.visitor_id
        ? { ...shelf, visit: { ...shelf.visit, token } }
        : shelf,
    );
    this.#notify();
  }

  /**
   * Delete everything that is kept of the visitor, first at the API, then in this browser. The lists
   * that this browser shared are taken back.
   */
  async forget() {
    this.stop();
    for (const list of this.store.shelf.lists) await this.takeListBack(list);
    if (this.credentials) {
      await this.api.forget(this.credentials).catch((error) => {
        // A visitor who is already deleted counts as success.
        if (!isMissing(error)) throw error;
      });
    }
    this.visitor = null;
    this.remoteChanges = [];
    this.store.clear();
    await removePage();
    this.#notify();
  }

  /**
   * Take back a list that this browser shared.
   * @param {import("./api.js").OwnList} list
   */
  async takeListBack(list) {
    await this.api.takeListBack(list).catch((error) => {
      // A list that has expired cannot be read any more, either.
      if (!isMissing(error)) throw error;
    });
    this.store.change((shelf) => withoutOwnList(shelf, list.list_id));
  }

  /**
   * Open the link in a text. The browser's shelf becomes that visitor's. A link that was replaced
   * is invalid, except in a browser that has the visitor's newer token: that token is used instead.
   * @param {Credentials} link
   * @throws {ApiProblem}
   */
  async open(link) {
    this.stop();
    let credentials = link;
    const visitor = await this.api.visitor(link).catch((error) => {
      const held = this.credentials;
      if (!isMissing(error) || held?.visitor_id !== link.visitor_id || held.token === link.token)
        throw error;
      credentials = held;
      return this.api.visitor(held);
    });
    if (this.credentials && this.credentials.visitor_id !== credentials.visitor_id) {
      this.store.change(({ dataset, genres, lists, seriesInOrder }) => ({
        ...EMPTY,
        dataset,
        genres,
        lists,
        seriesInOrder,
      }));
    }
    this.#merge(visitor, credentials);
    this.follow();
  }

  /** Fetch the visitor once and merge them into the shelf. */
  async refresh() {
    const visit = this.#requireVisit();
    try {
      const visitor = await this.api.visitor(visit);
      // Keep the shelf's token: another tab may have received a newer one in the meantime.
      if (this.credentials?.visitor_id === visit.visitor_id) this.#merge(visitor, this.credentials);
    } catch (error) {
      if (isMissing(error)) this.#rejectedToken = visit.token;
      throw error;
    }
  }

  /** Stop following. */
  stop() {
    this.#following?.abort();
    this.#following = null;
  }

  /**
   * Fetch the visitor repeatedly, at growing intervals from 1 to 15 seconds, until the request is
   * finished, the visitor is gone or 45 minutes have passed. A new status resets the interval.
   */
  async follow() {
    this.stop();
    const following = new AbortController();
    this.#following = following;
    this.hasTimedOut = false;
    this.#notify();
    const startedAt = Date.now();
    const waits = new Waits(WAITS);
    let lastStatus = "";
    while (!following.signal.aborted && this.credentials) {
      let atLeast = 0;
      try {
        await this.refresh();
        this.statusError = null;
        if (this.visitor && this.visitor.status !== lastStatus) waits.reset();
        lastStatus = this.visitor?.status ?? "";
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        if (isMissing(error) && this.#hasNewerToken) continue;
        this.statusError = error;
        atLeast = error.retryAfterSeconds * 1000;
      }
      if (following.signal.aborted) return;
      const isGone = this.statusError?.kind === "missing";
      this.hasTimedOut = !isGone && Date.now() - startedAt > TIMEOUT_MS;
      this.#notify();
      if (isGone || this.hasTimedOut || (this.statusError === null && isFinished(this.visitor)))
        return;
      await waits.next({ atLeast, signal: following.signal });
    }
  }

  /**
   * Make a call that needs a proof. The API refuses a proof that has expired, or that an earlier
   * attempt used whose answer was lost. Then repeat the call once, with a new proof.
   * @template T
   * @param {(proof: string) => Promise<T>} call
   * @returns {Promise<T>}
   */
  async #withProof(call) {
    try {
      return await call(await this.proofs.take());
    } catch (error) {
      const isRefused =
        error instanceof ApiProblem && error.fieldErrors.some(({ field }) => field === "proof");
      if (!isRefused) throw error;
      return call(await this.proofs.take());
    }
  }

  /**
   * Make a call that replaces the token. Keep its idempotency key until the call is answered, so
   * that an attempt whose answer was lost can be repeated.
   * @template T
   * @param {string} what what the call asks for; the same value gets the same key
   * @param {(key: string) => Promise<T>} call
   * @returns {Promise<T>}
   */
  async #withIdempotencyKey(what, call) {
    const key = this.#keys.get(what) ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.#keys.set(what, key);
    const answer = await call(key);
    this.#keys.delete(what);
    return answer;
  }

  /** Whether another tab has received a new token since the API rejected the one used here. */
  get #hasNewerToken() {
    return (
      this.credentials !== null &&
      this.#rejectedToken !== null &&
      this.credentials.token !== this.#rejectedToken
    );
  }

  /**
   * Make a call that changes the visitor and merge its answer into the shelf. If the visitor was
   * changed elsewhere, fetch and merge them before throwing.
   * @param {() => Promise<Visitor>} change a call with If-Match
   * @param {import("./shelf.js").Saved} [sent] the ratings, dismissals and watchlist that the call
   *   saves. The visitor may change them again before the call is answered: those changes are unsaved.
   */
  async #changeAndMerge(change, sent) {
    const visit = this.#requireVisit();
    this.stop();
    try {
      this.#merge(await change(), this.credentials ?? visit, sent);
    } catch (error) {
      if (error instanceof ApiProblem && error.kind === "changed") await this.refresh();
      throw error;
    } finally {
      this.#notify();
    }
  }

  /**
   * Merge the visitor, as the API returned them, into the shelf. Ignore an answer that is older
   * than the shelf: it was on its way while a later call was answered.
   * @param {Visitor} visitor
   * @param {Credentials} credentials
   * @param {import("./shelf.js").Saved} [sent] what the call saved, if it saved changes
   */
  #merge(visitor, credentials, sent) {
    const { visit } = this.store.shelf;
    if (visit?.visitor_id === visitor.visitor_id && visitor.version < visit.version) return;
    this.visitor = visitor;
    const token = visitor.token ?? credentials.token;
    const hasChanged =
      visit?.visitor_id !== visitor.visitor_id ||
      visit.token !== token ||
      visit.version !== visitor.version ||
      visit.phone_ends !== (visitor.phone_ends ?? visit.phone_ends) ||
      JSON.stringify(visit.saved) !== JSON.stringify(savedStateOf(visitor));
    if (hasChanged) {
      const isSameVisitor = visit?.visitor_id === visitor.visitor_id;
      this.store.change((shelf) => {
        const { shelf: after, remoteChanges } = merged(shelf, visitor, credentials, sent);
        if (isSameVisitor && remoteChanges.length > 0) this.remoteChanges = remoteChanges;
        return after;
      });
    }
    this.#notify();
  }

  /** After another tab saved, opened or forgot a visitor, follow the one saved now, if any. */
  #syncWithOtherTabs() {
    const { visit } = this.store.shelf;
    if (this.statusError?.kind === "missing" && this.#hasNewerToken) {
      this.statusError = null;
      this.follow();
      return;
    }
    if (
      this.visitor === null ||
      (visit?.visitor_id === this.visitor.visitor_id && visit.version <= this.visitor.version)
    )
      return;
    this.visitor = null;
    if (visit) this.follow();
    else this.stop();
  }

  /** Return the visit; throws an Error if no visitor is saved. */
  #requireVisit() {
    const { visit } = this.store.shelf;
    if (visit === null) throw new Error("no visitor is saved");
    return visit;
  }

  #notify() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * Whether the visitor's request is finished: its status will not change by itself.
 * @param {Visitor | null} visitor
 * @returns {boolean}
 */
export function isFinished(visitor) {
  if (visitor === null) return false;
  const { status, texts } = visitor;
  return (
    status === "saved" ||
    status === "texted" ||
    status === "failed" ||
    (status === "recommended" && !texts)
  );
}

/**
 * Whether an error means that the visitor does not exist or the token is invalid.
 * @param {unknown} error
 * @returns {boolean}
 */
function isMissing(error) {
  return error instanceof ApiProblem && error.kind === "missing";
}
