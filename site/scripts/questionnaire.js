// The movie cards: one question each, six answers, and how many ratings are still needed.

import { UNSEEN } from "./draft.js";
import { byId, copyOf, say, writeMovie } from "./page.js";

/** @typedef {import("./api.js").Movie} Movie */
/** @typedef {import("./api.js").Answer} Answer */
/** @typedef {import("./draft.js").Draft} Draft */

export const RATINGS_NEEDED = 5;
const MOST_STARS = 5;

/**
 * @param {import("./api.js").Questionnaire} questionnaire
 * @param {Draft} draft
 * @param {() => void} onAnswer
 */
export function showQuestionnaire(questionnaire, draft, onAnswer) {
  const cards = moviesToAsk(questionnaire.movies, draft).map((movie) =>
    movieCard(movie, questionnaire.scale, draft, () => {
      showProgress(draft);
      onAnswer();
    }),
  );
  byId("movie-cards").replaceChildren(...cards);
  showProgress(draft);
}

/**
 * Movies answered on an earlier visit come first where today's questionnaire asks for others.
 * @param {Movie[]} movies
 * @param {Draft} draft
 */
function moviesToAsk(movies, draft) {
  const asked = new Set(movies.map((movie) => movie.movie_id));
  const ratedBefore = [...draft.answers.values()]
    .filter(({ movie, stars }) => stars !== UNSEEN && !asked.has(movie.movie_id))
    .map(({ movie }) => movie);
  return [...ratedBefore, ...movies];
}

/**
 * @param {Movie} movie
 * @param {Answer[]} scale
 * @param {Draft} draft
 * @param {() => void} onAnswer
 */
function movieCard(movie, scale, draft, onAnswer) {
  const card = copyOf("movie-card");
  card.id = cardId(movie.movie_id);
  writeMovie(card, movie);
  const choices = [...scale, { stars: UNSEEN, label: "Haven’t seen it" }];
  const given = draft.answers.get(movie.movie_id)?.stars;
  const choose = (/** @type {number} */ stars) => {
    draft.answer(movie, stars);
    markAnswer(card, stars);
    onAnswer();
  };
  card.querySelector(".answers").append(
    ...choices.map((choice) => answerOption(movie, choice, choice.stars === given, choose)),
  );
  markAnswer(card, given);
  return card;
}

/**
 * @param {Movie} movie
 * @param {Answer} choice
 * @param {boolean} chosen
 * @param {(stars: number) => void} choose
 */
function answerOption(movie, { stars, label }, chosen, choose) {
  const option = copyOf("answer");
  option.classList.toggle("unseen", stars === UNSEEN);
  option.querySelector(".answer-label").textContent = label;
  option.querySelector(".answer-stars").textContent = stars === UNSEEN ? "" : starsDrawn(stars);
  const radio = option.querySelector("input");
  radio.name = `movie-${movie.movie_id}`;
  radio.value = String(stars);
  radio.checked = chosen;
  radio.autocomplete = "off";
  radio.addEventListener("change", () => choose(stars));
  return option;
}

/** @param {number} stars */
function starsDrawn(stars) {
  return "★".repeat(stars) + "☆".repeat(Math.max(0, MOST_STARS - stars));
}

/**
 * @param {HTMLElement} card
 * @param {number | undefined} stars
 */
function markAnswer(card, stars) {
  if (stars === undefined) delete card.dataset.answer;
  else card.dataset.answer = stars === UNSEEN ? "unseen" : "stars";
}

/** @param {Draft} draft */
function showProgress(draft) {
  const rated = draft.ratings.length;
  byId("progress-bar").value = Math.min(rated, RATINGS_NEEDED);
  say(byId("progress-words"), progressWords(rated));
  const unanswered = document.querySelectorAll(".movie-card:not([data-answer])").length;
  const stuck = unanswered === 0 && rated < RATINGS_NEEDED;
  byId("few-seen").hidden = !stuck;
  byId("few-seen").textContent = stuck
    ? `You have rated ${rated} of these, and ${RATINGS_NEEDED} are needed. If you know how you felt about a film you saw only part of, rate that.`
    : "";
}

/** @param {number} rated */
function progressWords(rated) {
  if (rated < RATINGS_NEEDED) return `${rated} of ${RATINGS_NEEDED} needed`;
  if (rated === RATINGS_NEEDED) return `${rated} of ${RATINGS_NEEDED} needed: enough for picks`;
  return `${rated} rated, ${RATINGS_NEEDED} needed: each one sharpens your picks`;
}

/** @param {number} movieId */
export function cardId(movieId) {
  return `movie-card-${movieId}`;
}
