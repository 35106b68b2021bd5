// "Find a movie to rate": a combobox that searches while the visitor types. It follows the ARIA
// Authoring Practices Guide (combobox with list autocomplete).

import { ApiProblem } from "./api.js";
import { bottomInSight, make, say } from "./dom.js";
import { poster } from "./poster.js";
import { counted, titleAndYear, wordsForProblem, wordsForSearch } from "./wording.js";

/** @typedef {import("./api.js").TitledMovie} Movie */

const TYPING_PAUSE_MS = 140;
const MAX_RESULTS = 8;
const LEAST_LIST_PX = 120; // two movies
const SPACE_PX = 8; // above the field and below its results

/**
 * Return a function to call on every input. It calls `search` once typing pauses for 140 ms, and
 * aborts the earlier call, so that an old answer never replaces a newer one.
 * @param {(words: string, signal: AbortSignal) => Promise<void>} search
 */
export function asTyped(search) {
  /** @type {AbortController | null} */
  let running = null;
  let timer = 0;
  return (/** @type {string} */ words) => {
    running?.abort();
    clearTimeout(timer);
    if (words === "") return;
    const call = new AbortController();
    running = call;
    timer = setTimeout(
      () =>
        search(words, call.signal).catch((error) => {
          if (!call.signal.aborted) throw error;
        }),
      TYPING_PAUSE_MS,
    );
  };
}

/**
 * Make the combobox.
 * @param {import("./api.js").Api} api
 * @param {string} label
 * @param {(movie: Movie) => void} onChoose
 * @param {AbortSignal} signal ends the updates
 */
export function movieSearch(api, label, onChoose, signal) {
  /** @type {Movie[]} */
  let found = [];
  let active = -1;
  const list = make("ul", {
    id: "found-movies",
    class: "found",
    role: "listbox",
    "aria-label": "Movies found",
    hidden: true,
  });
  const words = make("p", { class: "hint found-words", role: "status" });
  const input = make("input", {
    id: "find-movie",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    placeholder: "Title or part of it",
    maxlength: 100,
    enterkeyhint: "search",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
  });

  const show = (/** @type {Movie[]} */ movies) => {
    const opens = found.length === 0 && movies.length > 0;
    found = movies;
    active = -1;
    list.replaceChildren(
      ...movies.map((movie, place) => option(movie, place, () => choose(place))),
    );
    list.hidden = movies.length === 0;
    input.setAttribute("aria-expanded", String(movies.length > 0));
    input.removeAttribute("aria-activedescendant");
    if (opens) placeInSight();
  };
  // On a phone the field is at the bottom of the screen, and a keyboard may cover half of it. So the
  // field moves to the top if the results do not fit, and they get the height that is left.
  const placeInSight = () => {
    if (list.hidden) return;
    list.style.removeProperty("--most-height");
    if (list.getBoundingClientRect().bottom > bottomInSight())
      window.scrollBy(0, element.getBoundingClientRect().top - SPACE_PX);
    const room = bottomInSight() - list.getBoundingClientRect().top;
    list.style.setProperty(
      "--most-height",
      `${Math.max(Math.floor(room) - SPACE_PX, LEAST_LIST_PX)}px`,
    );
  };
  window.visualViewport?.addEventListener("resize", placeInSight, { signal });
  const choose = (/** @type {number} */ place) => {
    const movie = found[place];
    if (!movie) return;
    input.value = "";
    show([]);
    say(words, "");
    onChoose(movie);
  };
  const move = (/** @type {number} */ step) => {
    if (found.length === 0) return;
    active = (active + step + found.length + (active < 0 && step < 0 ? 1 : 0)) % found.length;
    for (const [place, item] of [...list.children].entries()) {
      item.setAttribute("aria-selected", String(place === active));
      if (place === active) item.scrollIntoView({ block: "nearest" });
    }
    input.setAttribute("aria-activedescendant", `found-${active}`);
  };
  const search = asTyped(async (typed, signal) => {
    try {
      const answer = await api.search(typed, MAX_RESULTS, signal);
      const { movies } = answer;
      show(movies);
      say(words, movies.length === 0 ? wordsForSearch(typed, answer) : "");
      if (movies.length > 0)
        input.setAttribute("aria-description", counted(movies.length, "movie"));
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      show([]);
      say(words, wordsForProblem(error));
    }
  });

  input.addEventListener("input", () => {
    const typed = input.value.trim();
    search(typed);
    if (typed !== "") return;
    show([]);
    say(words, "");
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") choose(Math.max(active, 0));
    else if (event.key === "Escape" && !list.hidden) show([]);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () =>
    setTimeout(() => list.contains(document.activeElement) || show([]), 150),
  );

  const element = make(
    "div",
    { class: "movie-search" },
    make("label", { for: input.id }, label),
    make("div", { class: "movie-search-box" }, input, list),
    words,
  );
  return element;
}

/** @param {Movie} movie @param {number} place @param {() => void} choose */
function option(movie, place, choose) {
  const item = make(
    "li",
    { id: `found-${place}`, role: "option", "aria-selected": "false", class: "found-movie" },
    poster(movie, "poster-mini"),
    make(
      "span",
      {},
      make("span", { class: "found-title" }, titleAndYear(movie)),
      movie.alternative_titles[0]
        ? make("span", { class: "hint found-alternative" }, movie.alternative_titles[0])
        : null,
      make("span", { class: "hint" }, movie.genres.join(", ")),
    ),
  );
  // A press must not take the focus from the field: that would hide the list before the click.
  item.addEventListener("mousedown", (event) => event.preventDefault());
  item.addEventListener("click", choose);
  return item;
}
