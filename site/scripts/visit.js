// A visitor whom the API knows: saving, following her picks to the text, changing, forgetting.

import { ApiProblem } from "./api.js";
import { Proofs } from "./proofs.js";
import { EMPTY, met, savedBy, toSave } from "./shelf.js";

/** @typedef {import("./api.js").Credentials} Credentials */
/** @typedef {import("./api.js").Visitor} Visitor */
/** @typedef {import("./shelf.js").Change} Change */

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;
const BACK_OFF = 1.4;
const PATIENCE_MS = 45 * 60_000;

export class VisitKeeper extends EventTarget {
  /** @type {Visitor | null} what the API said of her last */
  visitor = null;
  /** @type {Change[]} what was changed elsewhere, until it has been looked at */
  arrived = [];
  /** @type {ApiProblem | null} why the last look at her status failed */
  lostSight = null;
  hasStoppedLooking = false;
  /** @type {AbortController | null} */
  #following = null;
  /** @type {() => void} */
  #wake = () => {};
  /** @type {string | null} the token that opened nothing when it was last looked */
  #refused = null;
  /** @type {Map<string, string>} keys of calls that make a new token and were not answered yet, by what they ask */
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
    const wake = () => document.hidden || this.#wake();
    document.addEventListener("visibilitychange", wake);
    window.addEventListener("online", wake);
    store.onChange(() => this.#meetOtherTabs());
  }

  /** @returns {Credentials | null} */
  get credentials() {
    return this.store.shelf.visit;
  }

  /**
   * @param {string} name
   * @param {string | null} phone
   * @param {string} idempotencyKey
   */
  async create(name, phone, idempotencyKey) {
    const saved = toSave(this.store.shelf);
    const form = {
      name, ...(phone ? { phone, consent: true } : { consent: false }), ratings: saved.ratings,
      ...(saved.dismissed.length > 0 && { dismissed: saved.dismissed }),
    };
    const create = (/** @type {{proof?: string}} */ proof) => this.api.createVisitor({ ...form, ...proof }, idempotencyKey);
    const created = await (phone ? this.#proven((proof) => create({ proof })) : create({}));
    const { visitor_id, token, version } = created;
    const phone_ends = phone ? phone.slice(-2) : null;
    this.store.change((shelf) => ({ ...shelf, name, visit: { visitor_id, token, version, phone_ends, saved } }));
    this.visitor = {
      ...created, status: "received", status_at: new Date().toISOString(), reason: null, texts: phone !== null,
      ratings: saved.ratings, picks: null, model_id: null,
    };
    this.follow();
  }

  /**
   * Save what changed since. When somebody changed it elsewhere meanwhile, that comes in first and
   * the visitor is asked to look at it and save again.
   * @param {boolean} text whether the new picks are to be texted
   */
  async saveChanges(text) {
    const visit = this.#known();
    const saved = toSave(this.store.shelf);
    const change = (/** @type {{proof?: string}} */ proof) => this.#meeting(() => this.api.changeRatings(visit, { ...saved, text, ...proof }));
    await (text ? this.#proven((proof) => change({ proof })) : change({}));
    this.arrived = [];
    this.follow();
  }

  /** @param {string} phone */
  async givePhone(phone) {
    const visit = this.#known();
    await this.#keyed(phone, (key) => this.#proven((proof) => this.#meeting(() => this.api.givePhone(visit, phone, proof, key))));
    this.follow();
  }

  /** Make a new link; the former ones open nothing from then on. */
  async renewLink() {
    const visit = this.#known();
    const { token } = await this.#keyed("link", (key) => this.api.renewToken(visit, key));
    this.store.change((shelf) => (shelf.visit?.visitor_id === visit.visitor_id ? { ...shelf, visit: { ...shelf.visit, token } } : shelf));
    this.#told();
  }

  /** Really delete her at the API, then here. */
  async forget() {
    this.stop();
    if (this.credentials) {
      await this.api.forget(this.credentials).catch((error) => {
        // Gone already is as good; the page says so all the same.
        if (!isMissing(error)) throw error;
      });
    }
    this.visitor = null;
    this.arrived = [];
    this.store.clear();
    this.#told();
  }

  /**
   * Open what a text links to; the browser's shelf becomes hers. A link that was replaced opens
   * nothing, but for the browser that holds the newer one.
   * @param {Credentials} link
   */
  async open(link) {
    this.stop();
    let credentials = link;
    const visitor = await this.api.visitor(link).catch((error) => {
      const held = this.credentials;
      if (!isMissing(error) || held?.visitor_id !== link.visitor_id || held.token === link.token) throw error;
      credentials = held;
      return this.api.visitor(held);
    });
    if (this.credentials && this.credentials.visitor_id !== credentials.visitor_id) {
      this.store.change((shelf) => ({ ...EMPTY, dataset: shelf.dataset, genres: shelf.genres }));
    }
    this.#meet(visitor, credentials);
    this.follow();
  }

  /** One look at what the API holds. */
  async look() {
    const visit = this.#known();
    try {
      const visitor = await this.api.visitor(visit);
      // Another tab may have got a new token meanwhile: that one stays.
      if (this.credentials?.visitor_id === visit.visitor_id) this.#meet(visitor, this.credentials);
    } catch (error) {
      if (isMissing(error)) this.#refused = visit.token;
      throw error;
    }
  }

  stop() {
    this.#following?.abort();
    this.#following = null;
    this.#wake();
  }

  /** Look again and again, more and more slowly, until nothing more is to happen. */
  async follow() {
    this.stop();
    const following = new AbortController();
    this.#following = following;
    this.hasStoppedLooking = false;
    this.#told();
    const startedAt = Date.now();
    let wait = FIRST_WAIT_MS;
    let seen = "";
    while (!following.signal.aborted && this.credentials) {
      try {
        await this.look();
        this.lostSight = null;
        if (this.visitor && this.visitor.status !== seen) wait = FIRST_WAIT_MS;
        seen = this.visitor?.status ?? "";
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        if (isMissing(error) && this.#holdsNewerToken) continue;
        this.lostSight = error;
        wait = Math.max(wait, error.retryAfterSeconds * 1000);
      }
      if (following.signal.aborted) return;
      const isGone = this.lostSight?.kind === "missing";
      this.hasStoppedLooking = !isGone && Date.now() - startedAt > PATIENCE_MS;
      this.#told();
      if (isGone || this.hasStoppedLooking || (this.lostSight === null && isEnd(this.visitor))) return;
      await this.#pause(wait);
      wait = Math.min(wait * BACK_OFF, LONGEST_WAIT_MS);
    }
  }

  /** Wait; while nobody looks at the page, until somebody does. @param {number} wait */
  #pause(wait) {
    return new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
      setTimeout(() => document.hidden || this.#wake(), wait);
    });
  }

  /**
   * Make a call that needs a proof. One that lay here too long, or was used by a try whose answer got
   * lost, is refused: then a new one is made, once.
   * @template T
   * @param {(proof: string) => Promise<T>} call
   * @returns {Promise<T>}
   */
  async #proven(call) {
    try {
      return await call(await this.proofs.take());
    } catch (error) {
      const isRefused = error instanceof ApiProblem && error.fieldErrors.some(({ field }) => field === "proof");
      if (!isRefused) throw error;
      return call(await this.proofs.take());
    }
  }

  /**
   * Make a call that replaces the token. Its key stays until it is answered, so that a try whose
   * answer got lost can be made again.
   * @template T
   * @param {string} what
   * @param {(key: string) => Promise<T>} call
   * @returns {Promise<T>}
   */
  async #keyed(what, call) {
    const key = this.#keys.get(what) ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.#keys.set(what, key);
    const answer = await call(key);
    this.#keys.delete(what);
    return answer;
  }

  /** Whether another tab got a new token since the API refused the one that was used here. */
  get #holdsNewerToken() {
    return this.credentials !== null && this.#refused !== null && this.credentials.token !== this.#refused;
  }

  /** @param {() => Promise<Visitor>} change a call with If-Match */
  async #meeting(change) {
    const visit = this.#known();
    this.stop();
    try {
      this.#meet(await change(), this.credentials ?? visit);
    } catch (error) {
      if (error instanceof ApiProblem && error.kind === "changed") await this.look();
      throw error;
    } finally {
      this.#told();
    }
  }

  /**
   * @param {Visitor} visitor
   * @param {Credentials} credentials
   */
  #meet(visitor, credentials) {
    this.visitor = visitor;
    const { visit } = this.store.shelf;
    const token = visitor.token ?? credentials.token;
    const isNews = visit?.visitor_id !== visitor.visitor_id || visit.token !== token || visit.version !== visitor.version
      || visit.phone_ends !== (visitor.phone_ends ?? visit.phone_ends)
      || JSON.stringify(visit.saved) !== JSON.stringify(savedBy(visitor));
    if (isNews) {
      const hadIt = visit?.visitor_id === visitor.visitor_id;
      this.store.change((shelf) => {
        const { shelf: after, arrived } = met(shelf, visitor, credentials, new Date().toISOString());
        if (hadIt && arrived.length > 0) this.arrived = arrived;
        return after;
      });
    }
    this.#told();
  }

  /** Another tab saved, opened or forgot her: this one looks at what there is now. */
  #meetOtherTabs() {
    const { visit } = this.store.shelf;
    if (this.lostSight?.kind === "missing" && this.#holdsNewerToken) {
      this.lostSight = null;
      this.follow();
      return;
    }
    if (this.visitor === null || (visit?.visitor_id === this.visitor.visitor_id && visit.version <= this.visitor.version)) return;
    this.visitor = null;
    if (visit) this.follow();
    else this.stop();
  }

  #known() {
    const { visit } = this.store.shelf;
    if (visit === null) throw new Error("nobody is saved here yet");
    return visit;
  }

  #told() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {Visitor | null} visitor @returns {boolean} whether nothing more is to happen by itself */
export function isEnd(visitor) {
  if (visitor === null) return false;
  const { status, texts } = visitor;
  return status === "saved" || status === "texted" || status === "failed" || (status === "recommended" && !texts);
}

/** @param {unknown} error @returns {boolean} whether the API knows no such visitor, or not by this token */
function isMissing(error) {
  return error instanceof ApiProblem && error.kind === "missing";
}
