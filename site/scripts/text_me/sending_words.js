// The progress of sending a form that may need a proof of work.

import { make, say } from "../dom.js";

/** Shows the progress of sending a form: first the check against robots, if it is still running. */
export class SendingWords {
  #isShown = false;

  /** @param {import("../proofs.js").Proofs} proofs @param {string} words shown after the check */
  constructor(proofs, words) {
    this.proofs = proofs;
    this.words = words;
    this.status = make("p", { class: "hint", role: "status" });
    this.bar = make("progress", {
      max: 1,
      value: 0,
      "aria-label": "Check for robots",
      hidden: true,
    });
    this.element = make("div", { class: "sending" }, this.status, this.bar);
    proofs.addEventListener("change", () => this.#show());
  }

  /** @param {boolean} isShown */
  set isShown(isShown) {
    this.#isShown = isShown;
    this.#show();
  }

  #show() {
    const { share } = this.proofs;
    const isChecking = this.#isShown && share !== null;
    // The status does not contain the share: a screen reader would read out every step.
    say(
      this.status,
      !this.#isShown
        ? ""
        : isChecking
          ? "Checking that you’re not a robot. This takes a few seconds…"
          : this.words,
    );
    this.bar.hidden = !isChecking;
    this.bar.value = share ?? 1;
  }
}
