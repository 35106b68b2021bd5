// What can be done with the link of a shared list: copy it, share it, save the list as a picture.

import { button, make, say } from "../dom.js";
import { downloadBlob } from "../export.js";
import { listTitle } from "../wording.js";
import { asFile, drawList } from "./list_image.js";

/** @typedef {import("../main.js").App} App */

/**
 * Make the field with a list's link and the buttons for it.
 * @param {string} address of the page for which chats show a card
 * @param {string | null} firstName
 * @param {{title: string, year: number | null}[]} movies
 */
export function linkActions(address, firstName, movies) {
  const heading = listTitle(firstName);
  const words = make("p", { class: "hint", role: "status" });
  const field = make("input", {
    type: "text",
    readonly: true,
    value: address,
    "aria-label": "Link to the list",
  });
  field.addEventListener("focus", () => field.select());
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(address);
      say(words, "Copied.");
    } catch {
      field.focus();
      say(words, "Your browser doesn’t allow copying. The link is selected: copy it yourself.");
    }
  };
  const share = async (/** @type {ShareData} */ data) => {
    try {
      await navigator.share(data);
    } catch (error) {
      // Closing the share sheet is not a failure.
      if (!(error instanceof DOMException && error.name === "AbortError"))
        say(words, "Your browser doesn’t allow sharing. Copy the link instead.");
    }
  };
  const draw = () => {
    const canvas = document.createElement("canvas");
    drawList(canvas, heading, movies, location.host);
    return asFile(canvas);
  };
  const save = async () => {
    const picture = await draw();
    downloadBlob(picture.name, picture);
    say(words, "The picture is among your downloads.");
  };
  return make(
    "div",
    { class: "link-actions" },
    field,
    make(
      "p",
      { class: "actions tight" },
      button("Copy link", "button", copy),
      "share" in navigator
        ? button("Share link…", "button", () => share({ title: heading, url: address }))
        : null,
      button("Save as picture", "button", save),
      sharesPictures()
        ? button("Share picture…", "button", async () => share({ files: [await draw()] }))
        : null,
    ),
    words,
  );
}

/** Whether the browser's share sheet takes pictures. */
function sharesPictures() {
  const files = [new File([], "list.png", { type: "image/png" })];
  return "canShare" in navigator && navigator.canShare({ files });
}
