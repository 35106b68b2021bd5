// The API's calls and the ways each can fail. Shapes: docs/contracts.md.

/**
 * @typedef {{movie_id: number, title: string, year: number | null, genres: string[]}} Movie
 * @typedef {{stars: number, label: string}} Answer
 * @typedef {{dataset: string, model_id: string, movies: Movie[], scale: Answer[]}} Questionnaire
 * @typedef {{movie_id: number, stars: number}} Rating
 * @typedef {Movie & {stars: number, score: number, because: {movie_id: number, title: string}[]}} Pick
 * @typedef {{name: string, phone?: string, consent: boolean, ratings: Rating[]}} VisitorForm
 * @typedef {{visitor_id: string, version: number, token: string, status: string, picks: Pick[]}} VisitorCreated
 * @typedef {"received" | "submitted" | "recommended" | "texted" | "failed"} Status
 * @typedef {{visitor_id: string, version: number, status: Status, status_at: string,
 *   reason: string | null, texts: boolean, ratings: Rating[], picks: Pick[] | null}} Visitor
 * @typedef {{field: string, message: string}} FieldError
 */

// API Gateway gives up after 29 seconds, so no answer comes later than this.
const PATIENCE_MS = 30_000;
const DEFAULT_RETRY_AFTER_S = 30;

/** A call that brought no usable answer. `kind` says which of the page's error states it is. */
export class ApiProblem extends Error {
  /**
   * @param {"offline" | "unreachable" | "slow" | "refused" | "missing" | "busy" | "too-many" | "unavailable"} kind
   * @param {{fieldErrors?: FieldError[], retryAfterSeconds?: number}} [about]
   */
  constructor(kind, { fieldErrors = [], retryAfterSeconds = 0 } = {}) {
    super(kind);
    this.kind = kind;
    this.fieldErrors = fieldErrors;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class Api {
  /** @param {string} apiUrl without a slash at its end */
  constructor(apiUrl) {
    this.apiUrl = apiUrl;
  }

  /** @returns {Promise<Api>} the API that `config.json` names */
  static async configured() {
    const config = await answerOf("config.json", { cache: "no-cache" });
    return new Api(String(config.apiUrl).replace(/\/+$/, ""));
  }

  /** @returns {Promise<Questionnaire>} */
  questionnaire() {
    return answerOf(`${this.apiUrl}/questionnaire`);
  }

  /**
   * @param {Rating[]} ratings
   * @returns {Promise<{picks: Pick[]}>}
   */
  picks(ratings) {
    return answerOf(`${this.apiUrl}/picks`, posting({ ratings }));
  }

  /**
   * @param {VisitorForm} form
   * @param {string} idempotencyKey the same for every try of the same form
   * @returns {Promise<VisitorCreated>}
   */
  createVisitor(form, idempotencyKey) {
    return answerOf(`${this.apiUrl}/visitors`, posting(form, { "Idempotency-Key": idempotencyKey }));
  }

  /**
   * @param {string} visitorId
   * @param {string} token
   * @returns {Promise<Visitor>}
   */
  visitor(visitorId, token) {
    const path = `/visitors/${encodeURIComponent(visitorId)}`;
    return answerOf(this.apiUrl + path, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
  }
}

/**
 * @param {object} body
 * @param {Record<string, string>} [headers]
 */
function posting(body, headers = {}) {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

/**
 * @param {string} url
 * @param {RequestInit} [request]
 */
async function answerOf(url, request = {}) {
  let response;
  let body;
  try {
    response = await fetch(url, { ...request, signal: AbortSignal.timeout(PATIENCE_MS) });
    body = await response.json().catch((error) => {
      if (error.name === "TimeoutError") throw error;
      return null;
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") throw new ApiProblem("slow");
    throw new ApiProblem(navigator.onLine ? "unreachable" : "offline");
  }
  if (response.ok && body !== null) return body;
  throw problemOf(response, body);
}

/**
 * @param {Response} response
 * @param {unknown} body
 */
function problemOf(response, body) {
  const retryAfterSeconds = Number(response.headers.get("Retry-After")) || DEFAULT_RETRY_AFTER_S;
  const fieldErrors = fieldErrorsOf(body);
  if (response.status === 404) return new ApiProblem("missing");
  if (response.status === 409) return new ApiProblem("busy");
  if (response.status === 429) return new ApiProblem("too-many", { retryAfterSeconds });
  if (response.status >= 400 && response.status < 500) return new ApiProblem("refused", { fieldErrors });
  return new ApiProblem("unavailable", { retryAfterSeconds });
}

/**
 * @param {any} body
 * @returns {FieldError[]}
 */
function fieldErrorsOf(body) {
  if (!Array.isArray(body?.errors)) return [];
  return body.errors.map((/** @type {any} */ error) => ({
    field: String(error?.field ?? ""),
    message: String(error?.message ?? ""),
  }));
}
