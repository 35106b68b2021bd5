// The picks on a page of their own.

import { make, viewHeading } from "../dom.js";
import { picksPanel } from "../picks_panel.js";

/** @type {import("../main.js").OpenView} */
export function openPicks(app, _argument, signal) {
  const heading = viewHeading("Your picks", { class: "board" });
  const ask = make("p", { class: "actions" });
  const show = () => {
    const isFew = app.finder.found.kind === "few";
    ask.replaceChildren(make("a", { class: "button primary", href: isFew ? "#rate" : "#text" },
      isFew ? "Rate movies" : app.store.shelf.visit ? "How far my picks are" : "Text me these"));
  };
  app.finder.addEventListener("change", show, { signal });
  show();
  return {
    title: "Your picks",
    element: make("div", { class: "picks-view" }, heading, picksPanel(app, signal, { heading, itemLevel: "h2" }), ask),
  };
}
