// The calls to the API and how they can fail. docs/contracts.md describes the requests and answers.

/**
 * @typedef {{movie_id: number, title: string, year: number | null, genres: string[], part?: Part | null}} Movie
 *   part: absent in a shelf that an older page stored
 * @typedef {{series: string, number: number}} Part a movie's place in its series
 * @typedef {Movie & {alternative_titles: string[]}} TitledMovie
 * @typedef {{dataset: string, model_id: string, movies: Movie[]}} Questionnaire
 * @typedef {{genre: string | null, first_year: number | null, last_year: number | null}} Topic
 * @typedef {{movies: TitledMovie[], topic: Topic | null, last_year: number | null}} Search
 * @typedef {{title: string, year?: number, imdb_id?: string}} Entry a movie as another site's export names it
 * @typedef {{movie: Movie | null, reason: "unknown" | "ambiguous" | "no_such_year" | null}} Match
 * @typedef {{dataset: string, genres: string[], first_year: number | null, last_year: number | null}} Catalogue
 * @typedef {{phone: string, shown: string, country: string}} CheckedPhone phone: in E.164
 * @typedef {{movie_id: number, stars: number, rated_at?: string | null}} Rating rated_at: ISO 8601
 * @typedef {{genres: string[], years: {from?: number, to?: number} | null, seriesInOrder: boolean}} Filter
 *   seriesInOrder: pick of each series only the first part that is not rated
 * @typedef {Movie & {stars: number, score: number, because: {movie_id: number, title: string}[]}} Pick
 * @typedef {TitledMovie & {ratings: number, mean_stars: number | null, links: {imdb?: string, tmdb?: string}, series: Series | null}} MovieDetails
 * @typedef {{name: string, movies: Movie[]}} Series movies: the parts, in the order of release
 * @typedef {Movie & {similarity: number}} SimilarMovie
 * @typedef {{name?: string, phone?: string, consent: boolean, proof?: string, ratings: Rating[], dismissed?: number[], unseen?: number[], saved?: number[]}} VisitorForm
 * @typedef {{visitor_id: string, version: number, token: string, status: string, picks: Pick[]}} VisitorCreated
 * @typedef {"saved" | "received" | "submitted" | "recommended" | "texted" | "failed"} Status
 * @typedef {{visitor_id: string, version: number, name?: string, status: Status, status_at: string,
 *   reason: string | null, texts: boolean, phone_ends?: string | null, ratings: (Rating & Partial<Movie>)[],
 *   dismissed?: Movie[], unseen?: Movie[], saved?: Movie[], picks: Pick[] | null, nothing_fits?: boolean, liked_share?: number | null, model_id: string | null, expires_at?: string | number, token?: string | null}} Visitor
 * @typedef {{ratings: Rating[], dismissed: number[], unseen: number[], saved: number[], text: boolean, proof?: string}} RatingsForm
 * @typedef {{name: string, weight: number, rated: number}} Leaning
 * @typedef {Movie & {stars: number, everyone: number, expected: number, difference: number}} Surprise
 * @typedef {{name: string, low: string[], high: string[]}} Axis
 * @typedef {{movie_id: number, title: string, x: number, y: number, stars: number | null}} MapMovie
 * @typedef {{axes: Axis[], you: {x: number, y: number, spread: number}, movies: MapMovie[]}} TasteMap
 * @typedef {{model: string, rated: number, genres: Leaning[], tags: Leaning[], tags_note: string | null,
 *   surprises: Surprise[], map: TasteMap | null, certainty: {share: number, stars_error: number} | null}} Profile
 * @typedef {{movies: {movie_id: number, reasons?: number[]}[], first_name?: string}} ListForm
 * @typedef {{list_id: string, owner_secret: string, first_name: string | null, expires_at: string}} OwnList a list that this browser shared
 * @typedef {{dataset: string | null, first_name: string | null, movies: (Movie & {reasons: string[]})[], expires_at: string}} SharedList
 *   dataset: null if the movie ids are not of the active data set
 * @typedef {{field: string, message: string}} FieldError
 * @typedef {"offline" | "unreachable" | "slow" | "refused" | "missing" | "taken-back" | "changed" | "too-many" | "unavailable" | "unproven"} ProblemKind
 */

// API Gateway times out after 29 seconds, so no answer comes later than this.
const TIMEOUT_MS = 30_000;
const DEFAULT_RETRY_AFTER_S = 30;

/** A call without a usable answer. `kind` is the error that the page shows. */
export class ApiProblem extends Error {
  /**
   * @param {ProblemKind} kind
   * @param {{fieldErrors?: FieldError[], retryAfterSeconds?: number}} [about]
   */
  constructor(kind, { fieldErrors = [], retryAfterSeconds = 0 } = {}) {
    super(kind);
    this.kind = kind;
    this.fieldErrors = fieldErrors;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The API's calls. They throw ApiProblem on failure, and an AbortError if their signal aborts. */
export class Api {
  /** @type {Promise<Configuration> | null} the content of `config.json`, fetched once */
  #configuration = null;
  /** @type {string | null} the data set that the last answer named */
  dataset = null;

  /**
   * Return the movies whose ratings would reveal most about the visitor's taste now.
   * @param {number[]} answered ids of rated movies
   * @param {number[]} unseen ids of movies answered with "Haven't seen it"
   * @param {import("./shelf.js").Topics} topics what to ask about first
   * @param {number} count how many movies to return; ignored without any answers and topics
   * @returns {Promise<Questionnaire>}
   */
  questions(answered, unseen, { genres, decades }, count) {
    // A plain GET needs no CORS preflight, so the first card appears a round trip earlier.
    if ([answered, unseen, genres, decades].every(({ length }) => length === 0))
      return this.#call("/questionnaire");
    const form = { answered, unseen, genres, decades, count };
    return this.#call("/questionnaire", sending("POST", form));
  }

  /**
   * Return picks from these ratings alone.
   * @param {Rating[]} ratings
   * @param {number[]} dismissed ids of dismissed movies
   * @param {Filter} filter
   * @param {AbortSignal} signal
   * @returns {Promise<{dataset: string, picks: Pick[], nothing_fits: boolean, liked_share?: number | null}>}
   *   liked_share: predicted share of the picks that the visitor will like
   */
  picks(ratings, dismissed, { genres, years, seriesInOrder }, signal) {
    const form = {
      ratings,
      genres,
      ...(!seriesInOrder && { series_in_order: false }),
      ...(dismissed.length > 0 && { dismissed }),
      ...(years && { years }),
    };
    return this.#call("/picks", { ...sending("POST", form), signal });
  }

  /**
   * Search movies by title, genre, decade or year.
   * @param {string} words
   * @param {number} count the largest number of movies to return
   * @param {AbortSignal} [signal]
   * @returns {Promise<Search>}
   */
  search(words, count, signal) {
    return this.#call(`/movies?${new URLSearchParams({ q: words, count: String(count) })}`, {
      signal,
    });
  }

  /**
   * Find the movies that another site's export names; nothing is stored.
   * @param {Entry[]} entries at most 100
   * @param {AbortSignal} signal
   * @returns {Promise<{dataset: string, matches: Match[]}>} a match for each entry, in their order
   */
  matches(entries, signal) {
    return this.#call("/movies/matches", { ...sending("POST", { entries }), signal });
  }

  /** Return all genres and the years of the catalogue. @returns {Promise<Catalogue>} */
  catalogue() {
    return this.#call("/catalogue");
  }

  /** @returns {Promise<{countries: import("./phone.js").TextedCountry[]}>} */
  textedCountries() {
    return this.#call("/phones/countries");
  }

  /**
   * Check whether a number can be texted; nothing is stored.
   * @param {string} phone as typed
   * @param {string} country ISO 3166 code, for a number without a calling code
   * @param {AbortSignal} [signal]
   * @returns {Promise<CheckedPhone>}
   */
  checkPhone(phone, country, signal) {
    return this.#call("/phones", { ...sending("POST", { phone, country }), signal });
  }

  /**
   * Return the text as it would be sent; only its link is made up.
   * @param {string} name
   * @param {number[]} movieIds the picks, in their order
   * @param {AbortSignal} signal
   * @returns {Promise<{text: string, greeting: string | null, parts: number}>}
   */
  previewText(name, movieIds, signal) {
    const form = { name, movie_ids: movieIds };
    return this.#call("/texts/preview", { ...sending("POST", form), signal });
  }

  /** Return a movie's details. @param {number} movieId @returns {Promise<{movie: MovieDetails}>} */
  movie(movieId) {
    return this.#call(`/movies/${movieId}`);
  }

  /**
   * Return a movie and the movies similar to it, the most similar first. There may be none.
   * @param {number} movieId
   * @returns {Promise<{movie: Movie, ratings: number, few_ratings: boolean, movies: SimilarMovie[]}>}
   */
  similar(movieId) {
    return this.#call(`/movies/${movieId}/similar`);
  }

  /**
   * Return how a model sees the taste behind these ratings.
   * @param {Rating[]} ratings
   * @param {string} model such as "ranking"
   * @param {AbortSignal} signal
   * @returns {Promise<Profile>}
   */
  profile(ratings, model, signal) {
    return this.#call("/profile", { ...sending("POST", { ratings, model }), signal });
  }

  /**
   * Save a new visitor.
   * @param {VisitorForm} form
   * @param {string} idempotencyKey the same for every attempt with the same form
   * @returns {Promise<VisitorCreated>}
   */
  createVisitor(form, idempotencyKey) {
    return this.#call("/visitors", sending("POST", form, { "Idempotency-Key": idempotencyKey }));
  }

  /**
   * Return the visitor's data and the status of their request.
   * @param {Credentials} visit
   * @returns {Promise<Visitor>}
   */
  visitor(visit) {
    return this.#call(pathOf(visit), { headers: bearer(visit), cache: "no-store" });
  }

  /**
   * Replace the visitor's ratings, dismissed movies and watchlist, if `visit.version` is still the
   * current version.
   * @param {Credentials & {version: number}} visit
   * @param {RatingsForm} form
   * @returns {Promise<Visitor>}
   */
  changeRatings(visit, form) {
    return this.#call(
      `${pathOf(visit)}/ratings`,
      sending("PUT", form, { ...bearer(visit), ...ifMatch(visit) }),
    );
  }

  /**
   * Return a challenge. Its solution is the proof that the API requires with a phone number.
   * @returns {Promise<import("./proof_solver.js").Challenge>}
   */
  challenge() {
    return this.#call("/challenge", { cache: "no-store" });
  }

  /**
   * Set the visitor's phone number, if `visit.version` is still the current one. A number that
   * differs from the stored one makes a new token, which invalidates the earlier ones.
   * @param {Credentials & {version: number}} visit
   * @param {string} phone in international format
   * @param {string} proof
   * @param {string} idempotencyKey the same for every attempt
   * @returns {Promise<Visitor>}
   */
  givePhone(visit, phone, proof, idempotencyKey) {
    const headers = { ...bearer(visit), ...ifMatch(visit), "Idempotency-Key": idempotencyKey };
    return this.#call(
      `${pathOf(visit)}/phone`,
      sending("PUT", { phone, consent: true, proof }, headers),
    );
  }

  /**
   * Make a new token, which invalidates the earlier ones.
   * @param {Credentials} visit
   * @param {string} idempotencyKey the same for every attempt
   * @returns {Promise<Credentials>}
   */
  renewToken(visit, idempotencyKey) {
    return this.#call(`${pathOf(visit)}/token`, {
      method: "POST",
      headers: { ...bearer(visit), "Idempotency-Key": idempotencyKey },
    });
  }

  /**
   * Publish a list of movies.
   * @param {ListForm} form
   * @param {string} idempotencyKey the same for every attempt with the same form
   * @returns {Promise<OwnList>}
   */
  async shareList(form, idempotencyKey) {
    const { list_id, owner_secret, first_name, expires_at } = await this.#call(
      "/lists",
      sending("POST", form, { "Idempotency-Key": idempotencyKey }),
    );
    return { list_id, owner_secret, first_name, expires_at };
  }

  /** Return a shared list. @param {string} listId @returns {Promise<SharedList>} */
  sharedList(listId) {
    return this.#call(listPath(listId), { cache: "no-store" });
  }

  /** Return the address to share: of a page for which chats show a card. @param {string} listId */
  async listAddress(listId) {
    const { address } = await this.#configured();
    return `${address}${listPath(listId)}/page`;
  }

  /** Take a shared list back. @param {OwnList} list */
  async takeListBack({ list_id, owner_secret }) {
    await this.#call(listPath(list_id), {
      method: "DELETE",
      headers: { Authorization: `Bearer ${owner_secret}` },
    });
  }

  /** Delete everything that is kept of the visitor. @param {Credentials} visit */
  async forget(visit) {
    await this.#call(pathOf(visit), { method: "DELETE", headers: bearer(visit) });
  }

  /**
   * Return who runs the site, how long it keeps data and how many texts a phone gets.
   * @returns {Promise<About>}
   * @throws {ApiProblem} if config.json cannot be fetched
   */
  async about() {
    return (await this.#configured()).about;
  }

  /** Return the data sets whose posters the site hosts; none if config.json cannot be fetched. */
  async posters() {
    return this.#configured().then(
      ({ posters }) => posters,
      () => /** @type {string[]} */ ([]),
    );
  }

  /** Return the address of TMDB's logo; null if the operator has put none into the site. */
  async tmdbLogo() {
    return (await this.#configured()).tmdbLogo;
  }

  /**
   * Return what `config.json` says. A failure to fetch it is not kept: the next call fetches it
   * again.
   */
  async #configured() {
    this.#configuration ??= configuration();
    const asked = this.#configuration;
    try {
      return await asked;
    } catch (error) {
      if (this.#configuration === asked) this.#configuration = null;
      throw error;
    }
  }

  /** @param {string} path @param {RequestInit} [request] */
  async #call(path, request) {
    const { address } = await this.#configured();
    const answer = await fetchJson(address + path, request);
    this.dataset = answer?.dataset ?? this.dataset;
    return answer;
  }
}

/** @typedef {{visitor_id: string, token: string}} Credentials */

/**
 * @typedef {{name?: string, contact?: string, privacyUrl?: string, termsUrl?: string}} Operator
 * @typedef {{visitorDays: number, listDays: number, batchDays: number, logDays: number, backupDays: number, failedTextDays?: number}} Retention
 *   days for which docs/decisions/0015-forgetting.md says what is kept
 * @typedef {{operator: Operator, retention: Retention, textsADay: number}} About
 * @typedef {{address: string, posters: string[], tmdbLogo: string | null, about: About}} Configuration
 *   posters: data sets with posters
 */

/** Fetch and parse `config.json`. @returns {Promise<Configuration>} */
async function configuration() {
  const {
    apiUrl,
    posters = [],
    tmdbLogo = null,
    operator = {},
    retention,
    textsADay,
  } = await fetchJson("config.json");
  return {
    address: String(apiUrl).replace(/\/+$/, ""),
    posters: posters.map(String),
    tmdbLogo,
    about: { operator, retention, textsADay },
  };
}

/** @param {string} listId */
function listPath(listId) {
  return `/lists/${encodeURIComponent(listId)}`;
}

/** @param {Credentials} visit */
function pathOf({ visitor_id }) {
  return `/visitors/${encodeURIComponent(visitor_id)}`;
}

/** @param {Credentials} visit */
function bearer({ token }) {
  return { Authorization: `Bearer ${token}` };
}

/** @param {{version: number}} visit */
function ifMatch({ version }) {
  return { "If-Match": `"${version}"` };
}

/**
 * Return a request with a JSON body.
 * @param {"POST" | "PUT"} method
 * @param {object} body
 * @param {Record<string, string>} [headers]
 * @returns {RequestInit}
 */
function sending(method, body, headers = {}) {
  return {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

/**
 * Fetch JSON, for at most 30 seconds.
 * @param {string} url
 * @param {RequestInit} [request]
 * @returns {Promise<any>} the parsed body; null for an answer without content (204)
 * @throws {ApiProblem}
 * @throws {DOMException} AbortError, if the caller's own signal aborts
 */
async function fetchJson(url, request = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
  let response;
  let body;
  try {
    response = await fetch(url, { ...request, signal });
    if (response.status === 204) return null;
    body = await response.json().catch((error) => {
      if (error instanceof DOMException) throw error;
      return null;
    });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    if (timeout.aborted) throw new ApiProblem("slow");
    throw new ApiProblem(navigator.onLine ? "unreachable" : "offline");
  }
  if (response.ok && body !== null) return body;
  throw problemOf(response, body);
}

/** @type {Record<number, ProblemKind>} */
const KINDS = { 404: "missing", 410: "taken-back", 412: "changed", 429: "too-many" };

/**
 * Return the problem that an answer without a usable body stands for.
 * @param {Response} response
 * @param {unknown} body the parsed body; null if it is not JSON
 */
function problemOf(response, body) {
  const retryAfterSeconds = Number(response.headers.get("Retry-After")) || DEFAULT_RETRY_AFTER_S;
  const fieldErrors = fieldErrorsOf(body);
  const isServerError = response.status >= 500 || response.ok;
  const kind = KINDS[response.status] ?? (isServerError ? "unavailable" : "refused");
  return new ApiProblem(kind, { fieldErrors, retryAfterSeconds });
}

/**
 * Return the errors that a body lists by field; none if it has another form.
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
