// The dialog that publishes the picks as a list under a link, or shares them as plain text.

import { ApiProblem } from "../api.js";
import { button, make, say } from "../dom.js";
import { siteAddress } from "../picks_panel.js";
import { answerTo, withOwnList } from "../shelf.js";
import { dayInWords, listTitle, picksAsText, wordsForProblem } from "../wording.js";
import { linkActions } from "./link_actions.js";
import { listItems } from "./list_items.js";

/** @typedef {import("../api.js").Pick} Pick */
/** @typedef {import("../main.js").App} App */

const MOST_LISTED = 20;
const MOST_REASONS = 3;
const LIKED = 4; // stars; docs/glossary.md
const FIRST_NAME_CHARACTERS = 60;

/**
 * Return a pick's reasons that a list may show: the movies that the visitor likes now.
 * @param {App} app
 * @param {Pick} pick
 */
function likedReasons({ store }, { because }) {
  return (because ?? [])
    .filter(({ movie_id }) => (answerTo(store.shelf, movie_id)?.stars ?? LIKED) >= LIKED)
    .slice(0, MOST_REASONS);
}

/**
 * Open the dialog.
 * @param {App} app
 * @param {HTMLElement} place what holds the dialog
 * @param {Pick[]} picks
 */
export function openShareDialog(app, place, picks) {
  const movies = picks.slice(0, MOST_LISTED);
  const name = make("input", {
    id: "list-first-name",
    type: "text",
    autocomplete: "given-name",
    maxlength: FIRST_NAME_CHARACTERS,
    dir: "auto",
    "aria-describedby": "list-name-error",
  });
  const nameError = make("p", { id: "list-name-error", class: "field-error", role: "alert" });
  const reasons = make("input", { id: "list-reasons", type: "checkbox" });
  const previewTitle = make("p", { id: "list-preview", class: "list-preview-title" });
  const preview = make("ol", {
    class: "pick-list list-preview",
    "aria-labelledby": "list-preview",
  });
  const words = make("p", { class: "hint", role: "status" });
  const heading = make("h2", { id: "share-heading", tabindex: -1 }, "Share this list");
  const content = make("div", { class: "share-content" });
  let idempotencyKey = newKey();

  const shownMovies = () =>
    movies.map((movie) => ({
      ...movie,
      reasons: reasons.checked ? likedReasons(app, movie).map(({ title }) => title) : [],
    }));
  const show = () => {
    const [firstName = ""] = name.value.trim().split(/\s+/);
    say(previewTitle, listTitle(firstName));
    preview.replaceChildren(...listItems(shownMovies(), firstName, { level: "h3" }));
  };
  const change = () => {
    idempotencyKey = newKey();
    nameError.textContent = "";
    name.removeAttribute("aria-invalid");
    show();
  };
  name.addEventListener("input", change);
  reasons.addEventListener("change", change);

  const publish = async () => {
    if (publishButton.getAttribute("aria-disabled") === "true") return;
    publishButton.setAttribute("aria-disabled", "true");
    say(words, "Making the link…");
    const firstName = name.value.trim();
    const form = {
      movies: movies.map((movie) => ({
        movie_id: movie.movie_id,
        ...(reasons.checked && {
          reasons: likedReasons(app, movie).map(({ movie_id }) => movie_id),
        }),
      })),
      ...(firstName && { first_name: firstName }),
    };
    try {
      const list = await app.api.shareList(form, idempotencyKey);
      app.store.change((shelf) => withOwnList(shelf, list, Date.now()));
      const address = await app.api.listAddress(list.list_id);
      showLink(list, address);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      const wrongName = error.fieldErrors.find(({ field }) => field === "first_name");
      if (wrongName) {
        nameError.textContent = wrongName.message;
        name.setAttribute("aria-invalid", "true");
        name.focus();
        say(words, "");
      } else say(words, wordsForProblem(error));
    } finally {
      publishButton.removeAttribute("aria-disabled");
    }
  };
  /** @param {import("../api.js").OwnList} list @param {string} address */
  const showLink = (list, address) => {
    content.replaceChildren(
      make(
        "p",
        {},
        `${listTitle(list.first_name)}: everyone who has the link can read the list until ${dayInWords(list.expires_at)}. You can take it back before.`,
      ),
      linkActions(address, list.first_name, movies),
      make(
        "p",
        { class: "actions tight" },
        make("a", { class: "button", href: `#list/${list.list_id}` }, "Open the list"),
        button("Close", "button", () => element.close()),
      ),
    );
    heading.textContent = "Your list has a link";
    heading.focus();
  };
  const shareAsText = async () => {
    const text = picksAsText(picks, siteAddress());
    try {
      if (navigator.share) await navigator.share({ title: "My picks from Marquee", text });
      else {
        await navigator.clipboard.writeText(text);
        say(words, "Copied.");
      }
    } catch (error) {
      // Closing the share sheet is not a failure.
      if (!(error instanceof DOMException && error.name === "AbortError"))
        say(words, "Your browser doesn’t allow sharing. Print the list instead.");
    }
  };
  const publishButton = button("Make a public link", "button primary", () => publish());
  content.append(
    make(
      "p",
      {},
      "Everyone who has the link can read the list. It shows no stars and nothing else about you.",
    ),
    make(
      "div",
      { class: "field" },
      make("label", { for: "list-first-name" }, "Your first name (optional)"),
      name,
      nameError,
    ),
    make(
      "div",
      { class: "consent-choice" },
      reasons,
      make("label", { for: "list-reasons" }, "Show why: name the movies I liked"),
    ),
    make(
      "div",
      // The box scrolls, so it must be reachable by keyboard.
      {
        class: "list-preview-box",
        tabindex: 0,
        role: "group",
        "aria-labelledby": "list-preview",
      },
      previewTitle,
      preview,
    ),
    words,
    make(
      "p",
      { class: "actions tight" },
      publishButton,
      button("Share as text", "button", shareAsText),
      button("Cancel", "button", () => element.close()),
    ),
  );
  const element = make(
    "dialog",
    { class: "dialog share-dialog", "aria-labelledby": "share-heading" },
    heading,
    content,
  );
  show();
  place.replaceChildren(element);
  element.showModal();
}

/** Return a key by which the API recognises a form that is sent again. */
function newKey() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
