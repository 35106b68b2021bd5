// "Your ten picks": the status of a saved visitor's request, and the picks.

import { button, make, say, viewHeading } from "../dom.js";
import { picksPanel } from "../picks_panel.js";
import { laterPhoneForm } from "../text_me/later_phone_form.js";
import { linkPanel } from "../text_me/link_panel.js";
import { unsavedBar } from "../unsaved_bar.js";
import { isFinished } from "../visit.js";
import { wordsForProblem, wordsForStatus } from "../wording.js";

/** @typedef {import("../main.js").App} App */

const STEPS = /** @type {const} */ (["received", "submitted", "recommended", "texted"]);
const STEP_NAMES = {
  received: "Received",
  submitted: "Computing",
  recommended: "Picks ready",
  texted: "Finished",
};

/** Make the view. @param {App} app @param {AbortSignal} signal */
export function statusView(app, signal) {
  const journey = make(
    "ol",
    { class: "journey", "aria-label": "Progress" },
    ...STEPS.map((step) => make("li", { "data-step": step }, STEP_NAMES[step])),
  );
  const now = make("p", { class: "status-words", role: "status" }, "Loading your status…");
  const next = make("p", { class: "status-next" });
  const connection = make("p", { class: "connection", role: "status" });
  const again = button("Check again", "button", () => app.visit.follow(), { hidden: true });
  const phonePlace = make("div");
  const laterPlace = make("div");
  const heading = viewHeading("Your ten picks", { class: "board" });

  const show = () => {
    const { visitor, statusError, hasTimedOut } = app.visit;
    if (!app.store.shelf.visit) {
      app.go("text");
      return;
    }
    if (visitor) {
      const words = wordsForStatus(visitor);
      say(now, words.now);
      say(next, words.next);
      showJourney(journey, visitor);
      showPhone(phonePlace, laterPlace, app, visitor);
    }
    const isGone = statusError?.kind === "missing";
    say(
      connection,
      isGone
        ? "The link in this browser no longer works. A newer link replaced it, or your picks have expired or been deleted. If you have a newer text, open its link. Your ratings are still stored in this browser."
        : statusError
          ? `${wordsForProblem(statusError)} Your request continues, and this page keeps checking.`
          : hasTimedOut
            ? "This is taking longer than usual, so this page has stopped checking automatically."
            : "",
    );
    again.hidden = !hasTimedOut;
    if (isGone) {
      phonePlace.replaceChildren(
        button("Save again", "button", () =>
          app.store.change((shelf) => ({ ...shelf, visit: null })),
        ),
      );
      laterPlace.replaceChildren();
    }
  };
  app.visit.addEventListener("change", show, { signal });
  app.store.onChange(show, signal);

  const element = make(
    "div",
    { class: "status-view" },
    heading,
    make(
      "section",
      { class: "panel status-now", "aria-label": "Status" },
      journey,
      now,
      next,
      connection,
      again,
      phonePlace,
    ),
    picksPanel(app, signal, { heading, itemLevel: "h2" }),
    make("div", { class: "status-side" }, unsavedBar(app, signal), laterPlace, linkPanel(app)),
  );
  show();
  return { title: "Your ten picks", element };
}

/** @param {HTMLElement} journey @param {import("../api.js").Visitor} visitor */
function showJourney(journey, visitor) {
  journey.hidden = visitor.status === "saved";
  journey.classList.toggle("without-text", !visitor.texts);
  for (const item of journey.children) {
    if (!(item instanceof HTMLElement)) continue;
    const state = stateOf(item.dataset.step ?? "", visitor);
    item.dataset.state = state;
    if (state === "now") item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
}

/**
 * Return the state of a step of the journey.
 * @param {string} step one of STEPS
 * @param {import("../api.js").Visitor} visitor
 * @returns {"done" | "now" | "failed" | "ahead"}
 */
function stateOf(step, visitor) {
  const steps = /** @type {readonly string[]} */ (STEPS);
  const here = steps.indexOf(step);
  if (visitor.status === "failed") {
    const failedStep = visitor.picks ? "texted" : "submitted";
    if (step === failedStep) return "failed";
    return here < steps.indexOf(failedStep) ? "done" : "ahead";
  }
  const reached = steps.indexOf(visitor.status);
  if (here < reached || (here === reached && isFinished(visitor))) return "done";
  return here === reached ? "now" : "ahead";
}

/**
 * Show whether and where a text is sent. If the visitor gave no number, show the form for it, and a
 * button next to the status that leads there. The form comes after the picks, so that it does not
 * precede them on a phone.
 * @param {HTMLElement} place next to the status
 * @param {HTMLElement} laterPlace after the picks, for the form
 * @param {App} app
 * @param {import("../api.js").Visitor} visitor
 */
function showPhone(place, laterPlace, app, visitor) {
  const ends = app.store.shelf.visit?.phone_ends ?? visitor.phone_ends ?? null;
  const key = `${ends}-${visitor.texts}`;
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  if (ends || visitor.texts) {
    const words = ends
      ? `We text your number ending in ${ends}. Reply STOP to a text to stop them.`
      : "A text is on its way to your number.";
    const whereTo = make("p", { class: "hint", tabindex: -1 }, words);
    const hadFocus = laterPlace.contains(document.activeElement);
    place.replaceChildren(whereTo);
    laterPlace.replaceChildren();
    if (ends) {
      const another = button("Use another number", "text-button", () => {
        const { form, number } = laterPhoneForm(app, "Text my picks to another number", () => {
          form.remove();
          whereTo.focus();
        });
        laterPlace.replaceChildren(form);
        number.focus();
      });
      place.append(another);
    }
    if (hadFocus) whereTo.focus();
    return;
  }
  const { form, number } = laterPhoneForm(app);
  place.replaceChildren(button("Get them by text", "button to-later-phone", () => number.focus()));
  laterPlace.replaceChildren(form);
}
