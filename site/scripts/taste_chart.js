// The taste map: a chart and a table that place movies and the visitor on two axes.

import { draw, make } from "./dom.js";
import { listed } from "./wording.js";

/** @typedef {import("./api.js").TasteMap} TasteMap */
/** @typedef {import("./api.js").MapMovie} MapMovie */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */

const SIZE = { width: 720, height: 520 };
const MARGIN = 46;
const LINE = 16;
const YOU_WIDTH = 36; // of the word "You", which is larger than the titles
const WIDE_LETTER = 8; // at 13 px, where the browser cannot measure a text
const MOST_LETTERS = 24;
const DOTS = { rated: 7, popular: 4, you: 9 }; // radii

/**
 * Make a figure of the map: a chart, a legend, the axes in words and a table.
 * @param {TasteMap} map
 */
export function tasteChart(map) {
  const place = scale(map);
  const rated = map.movies.filter(({ stars }) => stars !== null);
  const popular = map.movies.filter(({ stars }) => stars === null);
  const you = place(map.you);
  const chart = draw(
    "svg",
    {
      class: "taste-chart",
      viewBox: `0 0 ${SIZE.width} ${SIZE.height}`,
      role: "img",
      "aria-label": inWords(map),
    },
    draw("line", {
      class: "axis",
      x1: MARGIN / 2,
      x2: SIZE.width - MARGIN / 2,
      y1: SIZE.height / 2,
      y2: SIZE.height / 2,
    }),
    draw("line", {
      class: "axis",
      x1: SIZE.width / 2,
      x2: SIZE.width / 2,
      y1: MARGIN / 2,
      y2: SIZE.height - MARGIN / 2,
    }),
    draw("circle", {
      class: "you-spread",
      cx: you.x,
      cy: you.y,
      r: Math.max(18, place.reach(map.you.spread)),
    }),
    ...popular.map((movie) =>
      draw("circle", { class: "popular", cx: place(movie).x, cy: place(movie).y, r: DOTS.popular }),
    ),
    ...rated.map((movie) =>
      draw("circle", {
        class: `rated ${(movie.stars ?? 0) >= 4 ? "liked" : ""}`,
        cx: place(movie).x,
        cy: place(movie).y,
        r: DOTS.rated,
      }),
    ),
    ...labels([...rated, ...popular], place, you),
    draw("circle", { class: "you", cx: you.x, cy: you.y, r: DOTS.you }),
  );
  const frame = make(
    "div",
    { class: "chart-scroll", tabindex: 0, role: "region", "aria-label": "Taste map" },
    chart,
  );
  // A chart wider than the screen starts scrolled to the visitor.
  requestAnimationFrame(() => {
    frame.scrollLeft = (you.x / SIZE.width) * frame.scrollWidth - frame.clientWidth / 2;
  });
  return make(
    "figure",
    { class: "taste-map" },
    frame,
    make(
      "figcaption",
      {},
      make(
        "p",
        { class: "legend" },
        key("you", "you"),
        key("rated liked", "you liked it"),
        key("rated", "you rated it lower"),
        key("popular", "popular"),
      ),
      ...map.axes.map((axis, number) =>
        make(
          "p",
          { class: "hint" },
          `${number === 0 ? "On the left" : "At the bottom"}: ${listed(axis.low.slice(0, 3))}. ${number === 0 ? "On the right" : "At the top"}: ${listed(axis.high.slice(0, 3))}.`,
        ),
      ),
      make(
        "details",
        {},
        make("summary", {}, "Show as a table"),
        make(
          "div",
          {
            class: "table-scroll",
            tabindex: 0,
            role: "region",
            "aria-label": "The map as a table",
          },
          table(map),
        ),
      ),
    ),
  );
}

/** @param {string} kind @param {string} words */
function key(kind, words) {
  return make(
    "span",
    { class: "key" },
    draw(
      "svg",
      { viewBox: "0 0 20 20", width: 16, height: 16, "aria-hidden": "true" },
      draw("circle", { class: kind, cx: 10, cy: 10, r: 7 }),
    ),
    words,
  );
}

/**
 * Return a function from map coordinates to chart coordinates. Its `reach` scales a length and
 * returns at most 140.
 * @param {TasteMap} map
 */
function scale({ you, movies }) {
  const reach = Math.max(
    0.1,
    ...[you, ...movies].flatMap(({ x, y }) => [Math.abs(x), Math.abs(y)]),
  );
  const [half, tall] = [SIZE.width / 2 - MARGIN, SIZE.height / 2 - MARGIN];
  /** @param {{x: number, y: number}} point */
  const place = ({ x, y }) => ({
    x: SIZE.width / 2 + (x / reach) * half,
    y: SIZE.height / 2 - (y / reach) * tall,
  });
  return Object.assign(place, {
    reach: (/** @type {number} */ value) => Math.min(140, (value / reach) * tall),
  });
}

/**
 * Label the visitor's dot, and movies with their titles. A label is to the right or left of its dot, or above or below it:
 * the first of these places that is on the chart and crosses no dot and no other label. A movie
 * without such a place has no label.
 * @param {MapMovie[]} movies the most important first
 * @param {(movie: MapMovie) => {x: number, y: number}} place
 * @param {{x: number, y: number}} you
 */
function labels(movies, place, you) {
  const titles = movies.map(({ title }) => title);
  const widthOf = textMeter("600 13px");
  const dots = movies.map((movie) => {
    const kind = movie.stars === null ? "popular" : "rated";
    const words = shortTitle(movie.title, titles);
    return { ...place(movie), kind, radius: DOTS[kind], words, width: widthOf(words) };
  });
  const visitor = { ...you, kind: "you", radius: DOTS.you, words: "You", width: YOU_WIDTH };
  const all = [visitor, ...dots];
  return labelPlaces(all).flatMap((label, number) =>
    label === null
      ? []
      : [
          draw(
            "text",
            {
              class: `${all[number]?.kind}-label`,
              x: label.x,
              y: label.y + LINE - 4,
            },
            label.words,
          ),
        ],
  );
}

/**
 * Return a function that measures how wide a text is on the page, in pixels.
 * @param {string} font weight and size, as CSS writes them
 */
function textMeter(font) {
  const context = document.createElement("canvas").getContext("2d");
  if (context) context.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  return (/** @type {string} */ words) =>
    context?.measureText(words).width ?? words.length * WIDE_LETTER;
}

/**
 * Return a label's box for each dot; null if it has no place.
 * @param {{x: number, y: number, radius: number, words: string, width: number}[]} dots the most
 *   important first; width: of the words
 * @returns {((Box & {words: string}) | null)[]}
 */
export function labelPlaces(dots) {
  /** @type {Box[]} */
  const taken = dots.map(({ x, y, radius }) => ({
    x: x - radius,
    y: y - radius,
    width: 2 * radius,
    height: 2 * radius,
  }));
  return dots.map(({ x, y, radius, words, width }) => {
    const apart = radius + 4;
    const free = [
      { x: x + apart, y: y - LINE / 2 },
      { x: x - apart - width, y: y - LINE / 2 },
      { x: x - width / 2, y: y - apart - LINE },
      { x: x - width / 2, y: y + apart },
    ]
      .map((corner) => ({ ...corner, width, height: LINE }))
      .find((box) => isOnChart(box) && !taken.some((other) => overlap(box, other)));
    if (!free) return null;
    taken.push(free);
    return { ...free, words };
  });
}

/** @param {Box} box */
function isOnChart({ x, y, width, height }) {
  return x >= 0 && y >= 0 && x + width <= SIZE.width && y + height <= SIZE.height;
}

/**
 * Shorten a title to 24 letters. If another title begins with the same series name, the end tells
 * the two apart, so the series name is left out; otherwise the end is.
 * @param {string} title
 * @param {string[]} titles the titles of all movies that are shown
 */
export function shortTitle(title, titles) {
  if (title.length <= MOST_LETTERS) return title;
  const parts = title.split(/: | - /);
  const isSeries = titles.some((other) => other !== title && other.startsWith(parts[0] ?? title));
  if (parts.length > 1 && isSeries) {
    const ends = parts.map((_, first) => title.slice(title.indexOf(parts.slice(first)[0] ?? "")));
    const fitting = ends.slice(1).find((end) => end.length < MOST_LETTERS);
    return `…${fitting ?? cut(ends.at(-1) ?? title, MOST_LETTERS - 1)}`;
  }
  return cut(title, MOST_LETTERS);
}

/** Cut a text after a whole word and add an ellipsis. @param {string} text @param {number} most */
function cut(text, most) {
  if (text.length <= most) return text;
  const start = text.slice(0, most - 1);
  const word = text[most - 1] === " " ? start.length : start.lastIndexOf(" ");
  return `${start.slice(0, word > 0 ? word : start.length).replace(/[ ,:;-]+$/, "")}…`;
}

/** @param {Box} one @param {Box} other */
function overlap(one, other) {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

/** @param {TasteMap} map */
function inWords({ you, movies }) {
  const nearest = [...movies]
    .sort((one, other) => distance(one, you) - distance(other, you))
    .slice(0, 3)
    .map(({ title }) => title);
  return `Map of ${movies.length} movies; you are nearest to ${listed(nearest)}. A table follows.`;
}

/** @param {{x: number, y: number}} one @param {{x: number, y: number}} other */
function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

/** @param {TasteMap} map */
function table({ you, movies }) {
  const rows = [...movies].sort((one, other) => distance(one, you) - distance(other, you));
  return make(
    "table",
    { class: "surprises" },
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        ...["Movie", "Distance from you", "Left–right", "Bottom–top", "Your rating"].map((words) =>
          make("th", { scope: "col" }, words),
        ),
      ),
    ),
    make(
      "tbody",
      {},
      ...rows.map((movie) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, movie.title),
          ...[distance(movie, you), movie.x, movie.y].map((value) =>
            make("td", {}, value.toFixed(2)),
          ),
          make("td", {}, movie.stars === null ? "–" : String(movie.stars)),
        ),
      ),
    ),
  );
}
