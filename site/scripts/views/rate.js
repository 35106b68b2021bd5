// The questionnaire: one movie at a time, for stars or "Haven't seen it". The picks are next to it.

import { ApiProblem } from "../api.js";
import { announce, bottomInSight, button, make, say, viewHeading } from "../dom.js";
import { movieSearch } from "../movie_search.js";
import { picksHead, picksPanel } from "../picks_panel.js";
import { poster } from "../poster.js";
import { Retries } from "../retries.js";
import { saveButton } from "../save_button.js";
import {
  answered,
  answerTo,
  inDataset,
  RATINGS_NEEDED,
  RATINGS_SUGGESTED,
  ratingsOf,
  UNSEEN,
  undone,
  unseenIds,
  withNewQuestions,
  withQuestionFirst,
  withTopics,
} from "../shelf.js";
import { starRating } from "../stars.js";
import { counted, titleAndYear, topicsWords, wordsForProblem } from "../wording.js";

/** @typedef {import("../api.js").Movie} Movie */
/** @typedef {import("../main.js").App} App */

const QUESTIONS_PER_REQUEST = 4;
// A card that has just replaced another one takes no taps for so long: the second tap of a double
// tap was meant for the former card.
const SETTLING_MS = 300;

/** @type {import("../main.js").OpenView} */
export function openRate(app, _argument, signal) {
  const questions = new Questions(app, signal);
  const stage = make("div", { class: "stage" });
  const progress = progressLine(app, signal);
  const undo = button("Undo", "button quiet", () => undoLast(), { class: "button quiet undo" });
  const topics = topicsButton(app, signal);
  let shown = "";
  let focusNext = /** @type {"none" | "stars" | "title"} */ ("none");

  const giveAnswer = (
    /** @type {Movie} */ movie,
    /** @type {number} */ stars,
    /** @type {boolean} */ byKeyboard,
  ) => {
    focusNext = byKeyboard ? "stars" : "title";
    app.store.change((shelf) => answered(shelf, movie, stars, new Date().toISOString()));
    const next = app.store.shelf.asking[0];
    const given = stars === UNSEEN ? "not seen" : counted(stars, "star");
    announce(`${movie.title}: ${given}.${next ? ` Next: ${titleAndYear(next)}.` : ""}`);
  };
  const undoLast = () => {
    focusNext = "title";
    app.store.change(undone);
    const movie = app.store.shelf.asking[0];
    if (movie) announce(`Undone: ${titleAndYear(movie)}.`);
  };
  const rateNext = (/** @type {Movie} */ movie) => {
    focusNext = "stars";
    app.store.change((shelf) => withQuestionFirst(shelf, movie));
    bringIntoView(stage);
  };
  const show = () => {
    const { shelf } = app.store;
    const rated = ratingsOf(shelf).length;
    progress.show(rated);
    undo.disabled = shelf.undo.length === 0;
    topics.show();
    questions.fetchMore();
    const movie = shelf.asking[0] ?? null;
    const key = JSON.stringify([
      movie?.movie_id,
      movie && answerTo(shelf, movie.movie_id)?.stars,
      movie ? "" : (questions.problem?.kind ?? questions.state),
    ]);
    if (key === shown) return;
    shown = key;
    const replacesCard = stage.querySelector("article") !== null;
    stage.replaceChildren(
      movie
        ? movieCard(app, movie, answerTo(shelf, movie.movie_id)?.stars ?? UNSEEN, giveAnswer)
        : questions.placeholder(),
    );
    if (movie && replacesCard) settle(/** @type {HTMLElement} */ (stage.firstElementChild));
    if (focusNext === "stars") stage.querySelector("input")?.focus({ preventScroll: true });
    else if (focusNext === "title")
      /** @type {HTMLElement | null} */ (stage.querySelector("h2"))?.focus({ preventScroll: true });
    focusNext = "none";
  };
  const picksHeading = make("h2", { class: "board-small", tabindex: -1 }, "Your picks");
  const element = make(
    "div",
    { class: "rate-view" },
    make(
      "div",
      { class: "opening" },
      viewHeading("What should you watch next?", { class: "board" }),
      make(
        "p",
        { class: "lede" },
        "Rate movies you’ve seen. After five ratings you get personal picks, and every answer updates them.",
      ),
    ),
    make(
      "section",
      { class: "rating", "aria-label": "Movies to rate" },
      progress.element,
      stage,
      make(
        "div",
        { class: "after-card" },
        undo,
        topics.element,
        make("p", { class: "hint keys" }, "Keys: 1–5 = stars, 0 = haven’t seen, U = undo"),
      ),
      movieSearch(app.api, "Find a movie to rate", rateNext, signal),
      make(
        "p",
        { class: "hint other-ways" },
        make("a", { href: "#bring" }, "Bring your ratings from Letterboxd or IMDb"),
      ),
    ),
    make(
      "section",
      { class: "picks-column" },
      picksHead(app, signal, picksHeading),
      picksPanel(app, signal, { heading: picksHeading, itemLevel: "h3" }),
    ),
  );
  element.addEventListener("keydown", (event) => {
    const movie = app.store.shelf.asking[0];
    // A key that is held down answers about one movie only.
    if (isTyping(event) || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.toLowerCase();
    if (key === "u" && !undo.disabled) undoLast();
    else if (movie && key >= "0" && key <= "5" && key.length === 1)
      giveAnswer(movie, Number(key), true);
    else return;
    event.preventDefault();
  });
  app.store.onChange(show, signal);
  questions.addEventListener("change", show, { signal });
  show();
  return { title: "What should you watch next?", element };
}

/**
 * Make a card ignore taps and clicks for 300 ms. The keyboard works at once.
 * @param {HTMLElement} card
 */
function settle(card) {
  card.dataset.settling = "";
  const ignore = (/** @type {MouseEvent} */ event) => {
    if (event.detail === 0) return; // from the keyboard
    // Without its default action, the click also leaves the star's radio button unchecked.
    event.preventDefault();
    event.stopPropagation();
  };
  card.addEventListener("click", ignore, true);
  setTimeout(() => {
    delete card.dataset.settling;
    card.removeEventListener("click", ignore, true);
  }, SETTLING_MS);
}

/** Scroll to the top of the page, where the card is, unless it is all in view. @param {Element} card */
function bringIntoView(card) {
  const { top, bottom } = card.getBoundingClientRect();
  if (top < 0 || bottom > bottomInSight()) window.scrollTo(0, 0);
}

/** @param {KeyboardEvent} event */
function isTyping({ target }) {
  return (
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && target.type !== "radio")
  );
}

/**
 * @param {App} app
 * @param {Movie} movie
 * @param {number} stars given before, if any
 * @param {(movie: Movie, stars: number, byKeyboard: boolean) => void} giveAnswer
 */
function movieCard(app, movie, stars, giveAnswer) {
  return make(
    "article",
    { class: "movie-card", "aria-labelledby": "card-title" },
    poster(
      movie,
      "poster-card",
      make("h2", { id: "card-title", class: lengthClass(movie.title), tabindex: -1 }, movie.title),
      make(
        "p",
        { class: "poster-line" },
        [movie.year, ...movie.genres.slice(0, 3)].filter(Boolean).join(" · "),
      ),
    ),
    make(
      "div",
      { class: "card-answers" },
      starRating({
        legend: `Your rating for ${titleAndYear(movie)}`,
        stars,
        size: "large",
        onRate: (given, byKeyboard) => giveAnswer(movie, given, byKeyboard),
      }),
      button("Haven’t seen it", "button wide", (event) =>
        giveAnswer(movie, UNSEEN, /** @type {MouseEvent} */ (event).detail === 0),
      ),
      saveButton(app, movie),
    ),
  );
}

/** Return the CSS class that makes a title's letters fit the card. @param {string} title */
export function lengthClass(title) {
  const longestWord = Math.max(...title.split(/\s+/).map((word) => word.length));
  if (title.length <= 12 && longestWord <= 9) return "title-short";
  if (title.length > 56) return "title-longest";
  return title.length <= 28 && longestWord <= 13 ? "title-medium" : "title-long";
}

/**
 * Make the progress line: ten bulbs, one lit for each rating, and the top pick. Before the fifth
 * rating, a sentence stands in the top pick's place, so that nothing moves when the picks arrive.
 * @param {App} app
 * @param {AbortSignal} signal ends the updates of the top pick
 */
function progressLine(app, signal) {
  const words = make("p", { class: "progress-words", role: "status" });
  const bulbs = Array.from({ length: RATINGS_SUGGESTED }, () => make("span", { class: "bulb" }));
  for (const [place, bulb] of bulbs.entries()) bulb.style.setProperty("--place", String(place));
  let before = Number.NaN;
  const element = make(
    "div",
    { class: "progress" },
    make("div", { class: "bulbs", "aria-hidden": "true" }, ...bulbs),
    words,
    topPick(app, signal),
  );
  return {
    element,
    /** @param {number} rated */
    show(rated) {
      for (const [place, bulb] of bulbs.entries()) bulb.classList.toggle("lit", place < rated);
      // The lights run once, at the rating that brings the first picks.
      if (before < RATINGS_NEEDED && rated >= RATINGS_NEEDED) element.classList.add("just-enough");
      before = rated;
      say(words, progressWords(rated));
    },
  };
}

/**
 * Make the button that opens the choice of genres and decades; it names those chosen.
 * @param {App} app
 * @param {AbortSignal} signal
 */
function topicsButton(app, signal) {
  const open = async () => {
    try {
      (await import("./topics.js")).chooseTopics(app, signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the script could not be loaded
      announce("The genres can’t be loaded right now. Try again.");
    }
  };
  const element = button("", "button quiet", open, { "aria-haspopup": "dialog" });
  return {
    element,
    show: () => say(element, topicsWords(app.store.shelf.topics)),
  };
}

/** @param {number} rated */
export function progressWords(rated) {
  return rated < RATINGS_SUGGESTED ? `${rated} of ${RATINGS_SUGGESTED}` : `${rated} rated`;
}

/**
 * Keeps a few questions ready after the shown one. Every answer changes which movies reveal most
 * about the visitor's taste and which ones they have probably seen. So it requests new questions
 * after each answer, and repeats a request that fails. Fires "change" when a request ends.
 */
class Questions extends EventTarget {
  /** The answers at the time of the last request, as JSON. */
  #requestedFor = "";
  /** @type {"idle" | "loading" | "none"} none: no movie is left to ask about */
  state = "idle";
  /** @type {ApiProblem | null} shown until a request succeeds */
  problem = null;
  #retries = new Retries(() => this.#repeat());

  /** @param {App} app @param {AbortSignal} signal */
  constructor(app, signal) {
    super();
    this.app = app;
    this.signal = signal;
    signal.addEventListener("abort", () => this.#retries.stop());
  }

  /** Request questions, unless a request is under way or the answers have not changed since. */
  fetchMore() {
    const { shelf } = this.app.store;
    const rated = ratingsOf(shelf).map(({ movie_id }) => movie_id);
    const unseen = unseenIds(shelf);
    const after = JSON.stringify([rated, unseen, shelf.topics]);
    if (this.state === "loading" || after === this.#requestedFor) return;
    this.#requestedFor = after;
    this.#request(rated, unseen, shelf.topics);
  }

  /** Request questions again after a failure, as the visitor asks. */
  retry() {
    this.problem = null;
    this.#repeat();
  }

  #repeat() {
    this.#requestedFor = "";
    this.fetchMore();
    this.dispatchEvent(new Event("change"));
  }

  /**
   * @param {number[]} rated
   * @param {number[]} unseen
   * @param {import("../shelf.js").Topics} topics
   */
  async #request(rated, unseen, topics) {
    this.state = "loading";
    this.#retries.stop();
    try {
      const answer = await this.app.api.questions(rated, unseen, topics, QUESTIONS_PER_REQUEST);
      const { dataset } = answer;
      const movies = answer.movies.slice(0, QUESTIONS_PER_REQUEST);
      this.state = movies.length > 0 ? "idle" : "none";
      this.problem = null;
      this.#retries.succeeded();
      this.app.store.change((now) => {
        const shelf = inDataset(now, dataset);
        // Questions about former topics are of no use: "change" requests others.
        const areCurrent = JSON.stringify(now.topics) === JSON.stringify(topics);
        return areCurrent ? withNewQuestions(shelf, movies) : shelf;
      });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      this.state = "idle";
      if (error.kind === "refused" && topics.genres.length > 0) {
        // The catalogue has changed and no longer has one of the genres.
        this.problem = null;
        this.app.store.change((shelf) => withTopics(shelf, { genres: [], decades: [] }));
      } else {
        this.problem = error;
        if (!this.signal.aborted) this.#retries.after(error);
      }
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Make what is shown in place of the card: a problem, the end or a wait. */
  placeholder() {
    if (this.problem) {
      return make(
        "div",
        { class: "movie-card card-message", role: "alert" },
        make("h2", { tabindex: -1 }, "We couldn’t load a movie"),
        make("p", {}, `${wordsForProblem(this.problem)} Your ratings are stored in this browser.`),
        button("Try again", "button primary", () => this.retry()),
      );
    }
    if (this.state === "none") {
      return make(
        "div",
        { class: "movie-card card-message" },
        make("h2", { tabindex: -1 }, "No more movies to ask about"),
        make(
          "p",
          {},
          "You have answered all our questions. To rate another movie, search for it below.",
        ),
      );
    }
    return make(
      "div",
      { class: "movie-card card-waiting", "aria-busy": "true" },
      make("div", { class: "poster poster-card" }),
      make("p", { class: "visually-hidden" }, "Loading a movie…"),
    );
  }
}

/**
 * Make the place of the top pick in the progress line, for screens on which the list of picks is
 * not next to the card.
 * @param {App} app
 * @param {AbortSignal} signal ends the updates
 */
function topPick(app, signal) {
  const title = make("span", { class: "top-pick-title" });
  const link = make(
    "a",
    { class: "top-pick", href: "#picks", hidden: true },
    make("span", { class: "top-pick-label" }, "Top pick"),
    title,
    make("span", { class: "top-pick-all" }, "All picks"),
  );
  const before = make(
    "p",
    { class: "before-top-pick" },
    `Rate ${RATINGS_NEEDED} movies you’ve seen, and your top pick appears here.`,
  );
  const show = () => {
    const first = app.finder.found.picks[0];
    link.hidden = !first;
    before.hidden = Boolean(first);
    if (first) title.textContent = titleAndYear(first);
  };
  app.finder.addEventListener("change", show, { signal });
  show();
  return make("div", { class: "top-pick-place" }, link, before);
}
