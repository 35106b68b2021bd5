// Shows the changes that are not saved yet and those made elsewhere, with buttons to resolve them.

import { ApiProblem } from "./api.js";
import { announce, button, make } from "./dom.js";
import { isPassing, Retries } from "./retries.js";
import { answered, RATINGS_NEEDED, ratingsOf, removed, unsavedCount } from "./shelf.js";
import { counted, titleAndYear, wordsForProblem } from "./wording.js";

/** @typedef {import("./main.js").App} App */
/** @typedef {import("./shelf.js").Change} Change */

/**
 * Make the panels for unsaved changes and for changes from elsewhere; empty while there are none.
 * @param {App} app
 * @param {AbortSignal} signal ends the updates
 */
export function unsavedBar(app, signal) {
  const place = make("div", { class: "unsaved" });
  let problem = "";
  let isSaving = false;
  let text = false;
  const retries = new Retries(() => unsavedCount(app.store.shelf) > 0 && save());
  signal.addEventListener("abort", () => retries.stop());

  const save = async () => {
    if (isSaving) return;
    isSaving = true;
    problem = "";
    show();
    try {
      await app.visit.saveChanges(text);
      text = false;
      retries.succeeded();
      announce("Saved.");
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      problem = `${wordsForProblem(error)}${error.kind === "changed" ? "" : " Your changes are stored in this browser."}${isPassing(error) ? " We keep trying to save them." : ""}`;
      if (!signal.aborted) retries.after(error);
    } finally {
      isSaving = false;
      show();
    }
  };
  let shown = "";
  const show = () => {
    const { shelf } = app.store;
    const count = unsavedCount(shelf);
    const { remoteChanges } = app.visit;
    if (count === 0) problem = "";
    const phoneEnds = shelf.visit?.phone_ends ?? null;
    const rated = ratingsOf(shelf).length;
    const key = JSON.stringify([
      count,
      remoteChanges,
      problem,
      isSaving,
      phoneEnds,
      rated >= RATINGS_NEEDED,
    ]);
    if (key === shown) return;
    shown = key;
    const hadFocus = place.contains(document.activeElement);
    place.replaceChildren();
    if (remoteChanges.length > 0) place.append(remoteChangesPanel(app, remoteChanges));
    if (count > 0 || isSaving) place.append(savePanel());
    if (hadFocus) place.querySelector("button")?.focus({ preventScroll: true });

    function savePanel() {
      const wantsText = phoneEnds && rated >= RATINGS_NEEDED ? textChoice(phoneEnds) : null;
      return make(
        "section",
        { class: "panel save-panel", "aria-label": "Unsaved changes" },
        make(
          "p",
          { class: "status-words" },
          isSaving ? "Saving your changes…" : `${counted(count, "unsaved change")}.`,
        ),
        make(
          "p",
          { class: "hint" },
          rated >= RATINGS_NEEDED
            ? "When you save, we compute your picks again with everyone’s ratings."
            : `You can save them, but picks need at least ${RATINGS_NEEDED} ratings.`,
        ),
        problem ? make("p", { class: "field-error", role: "alert" }, problem) : null,
        wantsText,
        button(isSaving ? "Saving…" : "Save changes", "button primary", save, {
          "aria-disabled": String(isSaving),
        }),
      );
    }
    /** @param {string} ends */
    function textChoice(ends) {
      const box = make("input", {
        type: "checkbox",
        id: "text-again",
        checked: text,
        autocomplete: "off",
      });
      box.addEventListener("change", () => {
        text = box.checked;
      });
      return make(
        "div",
        { class: "consent-choice" },
        box,
        make("label", { for: "text-again" }, `Text my new picks to the number ending in ${ends}.`),
      );
    }
  };
  app.store.onChange(show, signal);
  app.visit.addEventListener("change", show, { signal });
  show();
  return place;
}

/**
 * @param {App} app
 * @param {Change[]} remoteChanges
 */
function remoteChangesPanel(app, remoteChanges) {
  const lines = remoteChanges.map(({ movie, stars }) => {
    const mine =
      app.store.shelf.answers.find((answer) => answer.movie.movie_id === movie.movie_id)?.stars ??
      null;
    const isConflict = mine !== stars;
    const take = () => {
      app.store.change((shelf) =>
        stars === null
          ? removed(shelf, movie.movie_id)
          : answered(shelf, movie, stars, new Date().toISOString()),
      );
    };
    return make(
      "li",
      {},
      isConflict
        ? `${titleAndYear(movie)}: ${starsOrRemoved(stars)} there, ${starsOrRemoved(mine)} here. `
        : `${titleAndYear(movie)}: ${starsOrRemoved(stars)}.`,
      isConflict
        ? button(
            stars === null ? "Remove it here too" : `Use ${counted(stars, "star")}`,
            "text-button",
            take,
          )
        : null,
    );
  });
  return make(
    "section",
    { class: "panel", role: "status", "aria-label": "Changed elsewhere" },
    make("p", { class: "status-words" }, "Your movies were changed in another browser:"),
    make("ul", { class: "changes" }, ...lines),
    button("Got it", "button", () => {
      app.visit.remoteChanges = [];
      app.visit.dispatchEvent(new Event("change"));
    }),
  );
}

/** @param {number | null} stars null for a removed rating */
function starsOrRemoved(stars) {
  return stars === null ? "removed" : counted(stars, "star");
}
