// Draws a shared list as a picture, to save or to send. It is drawn in the browser: the API has no
// library that draws, and the picture needs nothing that the browser does not have.

import { titleAndYear } from "../wording.js";

/** @typedef {{title: string, year: number | null}} Titled */

const WIDTH = 1080;
const MARGIN = 90;
const TOP = 300;
const LINE = 84;
const BOTTOM = 150;
const BULBS = 18;
const FONT = "system-ui, sans-serif";

/**
 * Shorten words with an ellipsis until they fit.
 * @param {string} words
 * @param {number} width
 * @param {(words: string) => number} measure returns the width of words
 */
export function fitted(words, width, measure) {
  if (measure(words) <= width) return words;
  const characters = [...words];
  while (characters.length > 1 && measure(`${characters.join("").trimEnd()}…`) > width)
    characters.pop();
  return `${characters.join("").trimEnd()}…`;
}

/**
 * Draw a list.
 * @param {HTMLCanvasElement} canvas
 * @param {string} heading
 * @param {Titled[]} movies
 * @param {string} site the address to show below the list
 */
export function drawList(canvas, heading, movies, site) {
  canvas.width = WIDTH;
  canvas.height = TOP + movies.length * LINE + BOTTOM;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const { height } = canvas;
  const room = WIDTH - 2 * MARGIN;
  const write = (
    /** @type {string} */ words,
    /** @type {number} */ x,
    /** @type {number} */ y,
    /** @type {string} */ font,
    /** @type {string} */ colour,
    /** @type {number} */ width,
  ) => {
    context.font = `${font} ${FONT}`;
    context.fillStyle = colour;
    context.fillText(
      fitted(words, width, (some) => context.measureText(some).width),
      x,
      y,
    );
  };
  context.fillStyle = "#4b0814";
  context.fillRect(0, 0, WIDTH, height);
  context.fillStyle = "#fffbee";
  context.fillRect(MARGIN / 2, TOP - 90, WIDTH - MARGIN, movies.length * LINE + 70);
  context.fillStyle = "#ffca55";
  for (let place = 0; place < BULBS; place++) {
    const x = MARGIN / 2 + ((WIDTH - MARGIN) * (place + 0.5)) / BULBS;
    for (const y of [30, height - 30]) {
      context.beginPath();
      context.arc(x, y, 9, 0, 2 * Math.PI);
      context.fill();
    }
  }
  context.textBaseline = "middle";
  write(heading, MARGIN, 125, "800 68px", "#ffeecf", room);
  for (const [place, movie] of movies.entries()) {
    const y = TOP - 20 + place * LINE;
    write(`${place + 1}`, MARGIN, y, "800 40px", "#835400", 70);
    write(titleAndYear(movie), MARGIN + 80, y, "600 40px", "#17100d", room - 80);
  }
  write(`Marquee · ${site}`, MARGIN, height - 80, "500 32px", "#ffeecf", room);
}

/**
 * Return the picture of a canvas as a PNG file.
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<File>}
 */
export function asFile(canvas) {
  return new Promise((resolve, reject) =>
    canvas.toBlob((content) => {
      if (content === null) reject(new Error("the browser made no picture"));
      else resolve(new File([content], "marquee-list.png", { type: "image/png" }));
    }, "image/png"),
  );
}
