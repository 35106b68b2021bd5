// "Bring your ratings": reads an export of Letterboxd or IMDb in the browser, shows which movies it
// names, and adds the ratings that the visitor ticks.

import { ApiProblem } from "../api.js";
import { HOW_IMDB, HOW_LETTERBOXD, readExport } from "../bring/exports.js";
import { FileProblem } from "../bring/file_problem.js";
import { reviewOf, tickedAtFirst, tooMany, withBrought } from "../bring/review.js";
import { announce, button, make, say, viewHeading } from "../dom.js";
import { EMPTY, inDataset, MAX_RATINGS, RATINGS_NEEDED, ratingsOf, UNSEEN } from "../shelf.js";
import { counted, titleAndYear, wordsForProblem } from "../wording.js";

/** @typedef {import("../main.js").App} App */
/** @typedef {import("../bring/exports.js").BroughtFile} BroughtFile */
/** @typedef {import("../bring/review.js").Row} Row */
/** @typedef {import("../bring/review.js").Review} Review */

const ENTRIES_PER_CALL = 100;
const SHOWN_AT_ONCE = 100; // rows of a list; more are shown on request

/**
 * A file that was read, with the matches so far. It is kept while the visitor looks at other views.
 * @typedef {{name: string, file: BroughtFile, dataset: string | null, matches: import("../api.js").Match[],
 *   ticks: Map<number, boolean> | null}} Work
 *   ticks: by movie id; null before all are matched
 */

/** @type {Work | null} */
let work = null;

/** @type {import("../main.js").OpenView} */
export function openBring(app, _argument, signal) {
  const status = make("p", { class: "status-words", role: "status" });
  const bar = make("progress", { "aria-label": "Movies looked up", hidden: true });
  const problem = make("div", { role: "alert" });
  const result = make("div", { class: "bring-result" });
  /** Ends the matching of an earlier file. */
  let matching = new AbortController();

  const take = async (/** @type {File} */ file) => {
    stop();
    const reading = matching.signal;
    work = null;
    result.replaceChildren();
    problem.replaceChildren();
    say(status, `Reading ${file.name}…`);
    try {
      const today = new Date().toISOString().slice(0, 10);
      const read = await readExport(file, today);
      if (signal.aborted || reading.aborted) return;
      work = { name: file.name, file: read, dataset: null, matches: [], ticks: null };
    } catch (error) {
      if (signal.aborted || reading.aborted) return;
      if (!(error instanceof FileProblem) && !(error instanceof DOMException)) throw error;
      say(status, "");
      // The browser throws a DOMException if the file cannot be read, for example if it was moved.
      showProblem(
        error instanceof FileProblem
          ? error.message
          : `Your browser could not read ${file.name}. Choose it again.`,
      );
      return;
    }
    forgetWithTheShelf(app);
    await find();
  };
  const stop = () => {
    matching.abort();
    matching = new AbortController();
    bar.hidden = true;
  };
  const find = async () => {
    const now = work;
    if (now === null) return;
    problem.replaceChildren();
    const call = AbortSignal.any([signal, matching.signal]);
    try {
      await matchAll(app, now, call, () => {
        const total = now.file.ratings.length;
        bar.hidden = false;
        bar.max = total;
        bar.value = now.matches.length;
        say(status, `Looking up the movies in ${now.name}: ${now.matches.length} of ${total}…`);
      });
    } catch (error) {
      if (call.aborted) return;
      if (!(error instanceof ApiProblem)) throw error;
      say(status, `${now.matches.length} of ${now.file.ratings.length} movies are looked up.`);
      showProblem(
        `${wordsForProblem(error)} What was looked up is kept.`,
        button("Try again", "button primary", () => find()),
      );
      return;
    }
    bar.hidden = true;
    showReview(now);
  };
  const showProblem = (/** @type {string} */ words, /** @type {HTMLElement[]} */ ...actions) => {
    bar.hidden = true;
    problem.replaceChildren(make("p", { class: "field-error" }, words), ...actions);
  };
  const showReview = (/** @type {Work} */ now) => {
    const heading = make("h2", { tabindex: -1 }, "Check the ratings");
    const form = reviewForm(app, now, heading, status, signal, (/** @type {number} */ count) => {
      work = null;
      result.replaceChildren(...doneWords(app, count));
      say(status, "");
      result.querySelector("h2")?.focus();
      announce(`${counted(count, "rating")} added.`);
    });
    result.replaceChildren(form);
    heading.focus({ preventScroll: true });
    heading.scrollIntoView({ block: "nearest" });
  };
  const element = make(
    "div",
    { class: "bring-view" },
    make(
      "div",
      { class: "opening" },
      viewHeading("Bring your ratings", { class: "board" }),
      make(
        "p",
        { class: "lede" },
        "Add the movies that you rated on Letterboxd or IMDb. Your browser reads the file; it is not uploaded. Only titles, years and IMDb ids are sent, to find the movies in our catalogue, and we don’t store them.",
      ),
    ),
    dropPanel(take, signal),
    make("div", { class: "bring-work" }, status, bar),
    problem,
    result,
    howPanel(),
  );
  if (work?.ticks) showReview(work);
  else if (work) find();
  return { title: "Bring your ratings", element };
}

/**
 * Look up all entries that have no match yet, a hundred at a time.
 * @param {App} app
 * @param {Work} now
 * @param {AbortSignal} signal
 * @param {() => void} onProgress called before each call
 */
async function matchAll(app, now, signal, onProgress) {
  const { ratings } = now.file;
  while (now.matches.length < ratings.length) {
    onProgress();
    const next = ratings.slice(now.matches.length, now.matches.length + ENTRIES_PER_CALL);
    const entries = next.map(({ title, year, imdbId }) => ({
      title,
      ...(year && { year }),
      ...(imdbId && { imdb_id: imdbId }),
    }));
    const { dataset, matches } = await app.api.matches(entries, signal);
    // Movie ids are those of one data set: if it was replaced meanwhile, begin again.
    if (now.dataset !== null && now.dataset !== dataset) now.matches = [];
    else now.matches.push(...matches);
    now.dataset = dataset;
  }
}

/** Forget the file when the visitor's data is deleted. @param {App} app */
function forgetWithTheShelf(app) {
  const ending = new AbortController();
  app.store.onChange(() => {
    if (app.store.shelf === EMPTY) work = null;
    if (work === null) ending.abort();
  }, ending.signal);
}

/** @param {(file: File) => void} onFile @param {AbortSignal} signal */
function dropPanel(onFile, signal) {
  const input = make("input", {
    id: "export-file",
    type: "file",
    accept: ".zip,.csv,text/csv,text/comma-separated-values,application/zip",
    autocomplete: "off",
    "aria-describedby": "export-hint",
  });
  const panel = make(
    "div",
    { class: "panel bring-drop" },
    make("label", { for: "export-file" }, "Your export: a zip or csv file"),
    input,
    make("p", { class: "hint", id: "export-hint" }, "Choose the file, or drop it here."),
  );
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) onFile(file);
    // The same file can be chosen again, for example after it was corrected.
    input.value = "";
  });
  const over = (/** @type {boolean} */ is) => panel.classList.toggle("over", is);
  const hasFile = (/** @type {DragEvent} */ { dataTransfer }) =>
    dataTransfer?.types.includes("Files") ?? false;
  // A file that is dropped beside the panel would replace the page.
  for (const kind of /** @type {const} */ (["dragover", "drop"]))
    window.addEventListener(kind, (event) => hasFile(event) && event.preventDefault(), { signal });
  panel.addEventListener("dragover", (event) => over(hasFile(event)));
  panel.addEventListener("dragleave", () => over(false));
  panel.addEventListener("drop", (event) => {
    over(false);
    const file = event.dataTransfer?.files[0];
    if (file) onFile(file);
  });
  return panel;
}

function howPanel() {
  return make(
    "section",
    { class: "panel quiet-panel", "aria-labelledby": "how-heading" },
    make("h2", { id: "how-heading" }, "Where to get the file"),
    make("p", {}, make("strong", {}, "Letterboxd: "), HOW_LETTERBOXD),
    make("p", {}, make("strong", {}, "IMDb: "), HOW_IMDB),
    make(
      "p",
      { class: "hint" },
      "Marquee has whole stars from 1 to 5. Half stars are rounded up: 3½ and 4 on Letterboxd, 7 and 8 on IMDb, become 4 stars. If you have rated a movie here too, the newer rating is ticked, and you choose.",
    ),
  );
}

/**
 * Make the list of ratings to add.
 * @param {App} app
 * @param {Work} now all of its entries are matched
 * @param {HTMLElement} heading
 * @param {HTMLElement} status
 * @param {AbortSignal} signal ends the updates
 * @param {(count: number) => void} onAdded
 */
function reviewForm(app, now, heading, status, signal, onAdded) {
  const dataset = now.dataset ?? app.store.shelf.dataset ?? "";
  const shelf = () => inDataset(app.store.shelf, dataset);
  const review = () => reviewOf(shelf(), now.file.ratings, now.matches);
  let shown = review();
  let rows = new Map(rowsOf(shown));
  const first = tickedAtFirst(shelf(), shown);
  now.ticks ??= new Map([...rows.keys()].map((id) => [id, first.has(id)]));
  const ticks = now.ticks;

  const lists = make("div", { class: "my-others" });
  const words = make("p", { class: "field-error", role: "status" });
  const add = button("", "button primary", () => addTicked());
  const ticked = () => [...rows].filter(([id]) => ticks.get(id)).map(([, row]) => row);
  const count = () => {
    const chosen = ticked();
    const over = tooMany(shelf(), chosen);
    const isImpossible = over > 0 || chosen.length === 0;
    add.textContent = `Add ${counted(chosen.length, "rating")}`;
    add.setAttribute("aria-disabled", String(isImpossible));
    say(
      words,
      over > 0
        ? `Marquee keeps ${MAX_RATINGS} ratings. Untick ${counted(over, "more movie")} to add the others.`
        : "",
    );
  };
  const addTicked = () => {
    if (add.getAttribute("aria-disabled") === "true") return;
    const answers = ticked().map(({ answer }) => answer);
    app.store.change((before) => withBrought(before, dataset, answers));
    onAdded(answers.length);
  };
  const onTick = (/** @type {number} */ id, /** @type {boolean} */ is) => {
    ticks.set(id, is);
    count();
  };
  const tickAll = (/** @type {boolean} */ is) => {
    for (const id of rows.keys()) ticks.set(id, is);
    for (const box of lists.querySelectorAll("input")) box.checked = is;
    count();
    announce(is ? "All movies are ticked." : "No movie is ticked.");
  };
  const show = () => {
    const { changed, added, same, missing } = shown;
    const leftOut = [...missing, ...now.file.leftOut];
    say(
      status,
      `${now.name}: ${counted(rows.size + same.length, "movie")} found, ${leftOut.length} left out.`,
    );
    lists.replaceChildren(
      ...[
        section("You rated these here too, differently", changed.length, (place) =>
          choice(changed[place], ticks, onTick),
        ),
        section("New ratings", added.length, (place) => choice(added[place], ticks, onTick)),
        section("Already rated here with the same stars", same.length, (place) => {
          const row = same[place];
          return row && make("li", { class: "brought" }, rowWords(row));
        }),
        section("Left out", leftOut.length, (place) => {
          const each = leftOut[place];
          return (
            each &&
            make(
              "li",
              { class: "brought" },
              make(
                "span",
                { class: "brought-words" },
                make("span", {}, titleAndYear(each)),
                make("span", { class: "hint" }, each.reason),
              ),
            )
          );
        }),
      ].filter((each) => each !== null),
    );
    count();
  };
  const answersNow = () =>
    JSON.stringify(
      app.store.shelf.answers.map(({ movie, stars, at }) => [movie.movie_id, stars, at]),
    );
  let before = answersNow();
  app.store.onChange(() => {
    // Ratings may be given in another tab meanwhile. Other changes must not move the lists.
    if (answersNow() === before || work !== now) return;
    before = answersNow();
    shown = review();
    rows = new Map(rowsOf(shown));
    show();
  }, signal);
  show();
  return make(
    "section",
    { class: "panel", "aria-label": "Ratings to add" },
    heading,
    make(
      "p",
      { class: "actions tight" },
      button("Tick all", "chip", () => tickAll(true)),
      button("Untick all", "chip", () => tickAll(false)),
    ),
    lists,
    words,
    make("p", { class: "actions tight" }, add),
  );
}

/** Return the rows that can be ticked, by movie id. @param {Review} review @returns {[number, Row][]} */
function rowsOf({ changed, added }) {
  return [...changed, ...added].map((row) => [row.answer.movie.movie_id, row]);
}

/**
 * Make a collapsible list; null if it is empty. Long lists show more rows on request.
 * @param {string} title
 * @param {number} count
 * @param {(place: number) => HTMLElement | undefined} item
 */
function section(title, count, item) {
  if (count === 0) return null;
  const list = make("ul", { "aria-label": title });
  const more = button("Show more", "button", () => grow(true));
  const grow = (/** @type {boolean} */ hasFocus) => {
    const start = list.children.length;
    const end = Math.min(count, start + SHOWN_AT_ONCE);
    for (let place = start; place < end; place += 1) list.append(item(place) ?? "");
    more.hidden = end === count;
    more.textContent = `Show ${Math.min(SHOWN_AT_ONCE, count - end)} more of ${count}`;
    if (hasFocus && more.hidden) list.children[start]?.querySelector("input")?.focus();
  };
  grow(false);
  return make("details", { open: true }, make("summary", {}, `${title} (${count})`), list, more);
}

/**
 * @param {Row | undefined} row
 * @param {Map<number, boolean>} ticks
 * @param {(movieId: number, is: boolean) => void} onTick
 */
function choice(row, ticks, onTick) {
  if (!row) return undefined;
  const id = row.answer.movie.movie_id;
  const box = make("input", {
    type: "checkbox",
    id: `bring-${id}`,
    checked: ticks.get(id) ?? false,
    autocomplete: "off",
  });
  box.addEventListener("change", () => onTick(id, box.checked));
  return make(
    "li",
    { class: "brought", "data-movie-id": id },
    box,
    make("label", { for: box.id }, ...wordsOfRow(row)),
  );
}

/** @param {Row} row */
function rowWords(row) {
  return make("span", { class: "brought-words" }, ...wordsOfRow(row));
}

/** Say which movie was found for which title, and its stars here and in the file. @param {Row} row */
function wordsOfRow({ rating, answer, here, isNewer }) {
  const { movie, stars } = answer;
  const written =
    titleAndYear(rating) === titleAndYear(movie) ? "" : ` for “${titleAndYear(rating)}”`;
  const mine = here && here.stars !== stars ? hereWords(here.stars, rating.at, isNewer) : "";
  return [
    make("span", {}, titleAndYear(movie), written),
    make(
      "span",
      { class: "hint" },
      `${counted(stars, "star")} (${rating.given} in the file)${mine}`,
    ),
  ];
}

/** @param {number} stars @param {string} at of the file's rating @param {boolean} isNewer */
function hereWords(stars, at, isNewer) {
  const older = at ? "yours here is newer" : "the file gives no date";
  const which = isNewer ? "the file’s rating is newer" : older;
  return stars === UNSEEN
    ? `; here you answered “Haven’t seen it”; ${which}`
    : `; here you gave ${counted(stars, "star")}; ${which}`;
}

/** @param {App} app @param {number} count */
function doneWords(app, count) {
  const rated = ratingsOf(app.store.shelf).length;
  const hasPicks = rated >= RATINGS_NEEDED;
  return [
    make("h2", { tabindex: -1 }, `${counted(count, "rating")} added`),
    make(
      "p",
      {},
      app.store.shelf.visit
        ? "They are in this browser. To keep them under your link, save the changes in My movies."
        : "They are in this browser, like ratings that you give here.",
    ),
    make(
      "p",
      { class: "actions" },
      hasPicks
        ? make("a", { class: "button primary", href: "#picks" }, "See your picks")
        : make("a", { class: "button primary", href: "#rate" }, "Rate more for your picks"),
      make("a", { class: "button", href: "#mine" }, "My movies"),
    ),
  ];
}
