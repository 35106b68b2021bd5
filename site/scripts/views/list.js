// A shared list: its movies to save or to rate, and for whoever shared it, its link and "Take back".

import { ApiProblem } from "../api.js";
import { button, make, say, viewHeading } from "../dom.js";
import { saveButton } from "../save_button.js";
import { linkActions } from "../share/link_actions.js";
import { listItems } from "../share/list_items.js";
import { inDataset, ownList, withoutOwnList, withQuestionsOf } from "../shelf.js";
import { dayInWords, listTitle, wordsForProblem } from "../wording.js";

/** @typedef {import("../api.js").SharedList} SharedList */
/** @typedef {import("../main.js").App} App */

/** @type {import("../main.js").OpenView} */
export async function openList(app, listId) {
  let shared;
  try {
    shared = await app.api.sharedList(listId);
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (error.kind !== "missing" && error.kind !== "taken-back") throw error;
    if (ownList(app.store.shelf, listId))
      app.store.change((shelf) => withoutOwnList(shelf, listId));
    return error.kind === "missing" ? noSuchList() : takenBack();
  }
  const { dataset, first_name: firstName, movies, expires_at } = shared;
  // Movie ids are valid in one data set only.
  if (dataset !== null) app.store.change((shelf) => inDataset(shelf, dataset));
  const isCurrent = dataset !== null;
  const list = make(
    "ol",
    { class: "pick-list", "aria-label": "Movies of the list" },
    ...listItems(movies, firstName, {
      isLinked: isCurrent,
      ...(isCurrent && { acts: (movie) => saveButton(app, movie) }),
    }),
  );
  const element = make(
    "div",
    { class: "list-view" },
    make(
      "div",
      { class: "opening" },
      viewHeading(listTitle(firstName), { class: "board" }),
      make(
        "p",
        { class: "lede" },
        `Shared by a link, which works until ${dayInWords(expires_at)}, unless it is taken back before.`,
      ),
      isCurrent
        ? start(app, shared)
        : make(
            "p",
            { class: "notice" },
            "The catalogue has changed since this list was made, so its movies can’t be saved or rated from here.",
          ),
    ),
    list,
  );
  const own = ownList(app.store.shelf, listId);
  if (own) element.append(ownPanel(app, own, shared, await app.api.listAddress(listId), element));
  return { title: listTitle(firstName), element };
}

/**
 * Make the button that begins the questionnaire with the list's movies.
 * @param {App} app
 * @param {SharedList} shared
 */
function start(app, { movies }) {
  const words = make("span", { class: "hint", role: "status" });
  return make(
    "p",
    { class: "actions tight" },
    button("Start from this list", "button primary", () => {
      const before = app.store.shelf;
      app.store.change((shelf) => withQuestionsOf(shelf, movies));
      if (app.store.shelf === before) say(words, "You have rated all of these movies.");
      else app.go("rate");
    }),
    words,
  );
}

/**
 * Make the panel for whoever shared the list.
 * @param {App} app
 * @param {import("../api.js").OwnList} own
 * @param {SharedList} shared
 * @param {string} address
 * @param {HTMLElement} view whose content is replaced when the list is taken back
 */
function ownPanel(app, own, { first_name, movies }, address, view) {
  const problem = make("p", { class: "field-error", role: "alert" });
  const takeBack = async () => {
    try {
      await app.visit.takeListBack(own);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      problem.textContent = wordsForProblem(error);
      return;
    }
    const heading = viewHeading("You took this list back", { class: "board" });
    view.replaceChildren(
      make(
        "div",
        { class: "message" },
        heading,
        make(
          "p",
          { class: "lede" },
          "Its link no longer shows the movies. A chat may still show the card of a message that was sent before.",
        ),
        make(
          "p",
          { class: "actions" },
          make("a", { class: "button primary", href: "#picks" }, "See my picks"),
        ),
      ),
    );
    heading.focus();
  };
  return make(
    "section",
    { class: "panel quiet-panel", "aria-labelledby": "own-list" },
    make("h2", { id: "own-list" }, "You shared this list"),
    linkActions(address, first_name, movies),
    make("p", { class: "actions tight" }, button("Take back", "button danger", takeBack)),
    problem,
  );
}

/** @returns {import("../main.js").View} */
function noSuchList() {
  return gone(
    "List not found",
    "This list may have expired, or the link is incomplete. Ask for a new link, or rate a few movies to get picks of your own.",
  );
}

/** @returns {import("../main.js").View} */
function takenBack() {
  return gone(
    "This list was taken back",
    "Whoever shared it has taken it back. Rate a few movies to get picks of your own.",
  );
}

/** @param {string} title @param {string} words @returns {import("../main.js").View} */
function gone(title, words) {
  return {
    title,
    element: make(
      "div",
      { class: "message" },
      viewHeading(title, { class: "board" }),
      make("p", { class: "lede" }, words),
      make(
        "p",
        { class: "actions" },
        make("a", { class: "button primary", href: "#rate" }, "Rate movies"),
      ),
    ),
  };
}
