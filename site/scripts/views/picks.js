// The view that shows only the picks.

import { make, viewHeading } from "../dom.js";
import { picksHead, picksPanel } from "../picks_panel.js";

/** @type {import("../main.js").OpenView} */
export function openPicks(app, _argument, signal) {
  const heading = viewHeading("Your picks", { class: "board" });
  const rate = make(
    "p",
    { class: "actions" },
    make("a", { class: "button primary", href: "#rate" }, "Rate movies"),
  );
  const show = () => {
    rate.hidden = app.finder.found.kind !== "few";
  };
  app.finder.addEventListener("change", show, { signal });
  show();
  return {
    title: "Your picks",
    element: make(
      "div",
      { class: "picks-view" },
      picksHead(app, signal, heading),
      picksPanel(app, signal, { heading, itemLevel: "h2" }),
      rate,
    ),
  };
}
