// Tests of the drawn posters' designs and titles, without a DOM.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { designOf, titleOf } from "../../site/scripts/poster.js";
import { initialsOf, setTitle } from "../../site/scripts/poster_title.js";

const SIZES = ["poster-large", "poster-tile", "poster-thumb", "poster-mini"];
const WIDTH = 200;
const HEIGHT = 300;
const CONTRAST = 4.5; // WCAG 2.2, 1.4.3
const HEAT = { movie_id: 1, title: "Heat", year: 1995, genres: ["Action", "Crime"] };
const GENRES = ["Horror", "Comedy", "Drama", "Crime", "Sci-Fi", "Romance", "Western", "IMAX", ""];
const TITLES = [
  ...[
    "M",
    "Up",
    "Heat",
    "Amélie",
    "Casablanca",
    "The Shawshank Redemption",
    "",
    "!?",
    "千と千尋の神隠し",
  ],
  "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb",
  "The Lord of the Rings: The Fellowship of the Ring",
  "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
  "Летят журавли",
  "مدينة الحب والحرب",
  "기생충",
  "ก".repeat(90),
  "👩‍👩‍👧‍👦".repeat(40),
  "x ".repeat(200),
];

/** Thousands of movies of all kinds. @returns {import("../../site/scripts/api.js").Movie[]} */
function movies() {
  return Array.from({ length: 3000 }, (_, id) => ({
    movie_id: id,
    title: `${TITLES[id % TITLES.length]}${id % 3 ? ` ${id}` : ""}`,
    year: id % 11 ? 1900 + (id % 125) : null,
    genres: [GENRES[id % GENRES.length] ?? ""],
    part: id % 5 ? null : { series: `Series ${id}`, number: 1 + (id % 12) },
  }));
}

/** Return the relative luminance of a colour (WCAG 2.2). @param {string} hex */
function luminance(hex) {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const part = Number.parseInt(hex.slice(place, place + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {string} one @param {string} other */
function contrast(one, other) {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Read the palettes from the style sheet; the first is the one of posters without an attribute. */
function palettes() {
  const css = readFileSync(new URL("../../site/marquee.css", import.meta.url), "utf8");
  const rules = [...css.matchAll(/\.poster(?:\[data-palette="(\d+)"\])? \{([^}]*--bg[^}]*)\}/g)];
  return new Map(
    rules.map(([, number = "0", body = ""]) => [
      Number(number),
      Object.fromEntries(
        [...body.matchAll(/--(bg|fg): (#[0-9a-f]{6});/g)].map(([, ...pair]) => pair),
      ),
    ]),
  );
}

test("a movie's poster is always the same and differs from other movies' posters", () => {
  assert.deepEqual(designOf(HEAT), designOf({ ...HEAT, movie_id: 99 }));
  assert.notEqual(designOf(HEAT).seed, designOf({ ...HEAT, title: "Alien" }).seed);
});

test("the title stands on a panel of its palette, with enough contrast, whatever the movie", () => {
  const known = palettes();
  for (const movie of movies()) {
    const design = designOf(movie);
    const { bg, fg } = known.get(design.palette) ?? {};
    assert.ok(bg && fg, `no palette ${design.palette}`);
    assert.ok(contrast(bg, fg) >= CONTRAST, `palette ${design.palette}`);
  }
  // Neither the palettes nor the panels change in the dark scheme.
  const css = readFileSync(new URL("../../site/marquee.css", import.meta.url), "utf8");
  assert.equal(css.match(/\.poster \{\s+--bg/g)?.length, 1);
});

test("every title stays within its panel and the panel within the poster, at every size", () => {
  for (const movie of movies()) {
    for (const size of SIZES) {
      const { panel, lines, size: letters } = titleOf(movie, size, designOf(movie));
      const about = `${size}: ${movie.title}`;
      assert.ok(panel.top >= 0 && panel.top + panel.height <= HEIGHT, about);
      for (const { width, baseline } of lines) {
        assert.ok(width <= WIDTH - 10, about);
        assert.ok(baseline - letters * 0.75 >= panel.top, about);
        assert.ok(baseline <= panel.top + panel.height, about);
      }
    }
  }
});

test("titles are large: legible at the narrowest that each size is shown", () => {
  const narrowest = {
    "poster-large": 190,
    "poster-tile": 131,
    "poster-thumb": 56,
    "poster-mini": 32,
  };
  for (const movie of movies())
    for (const [size, pixels] of Object.entries(narrowest)) {
      const { size: letters } = titleOf(movie, size, designOf(movie));
      const least = size === "poster-large" || size === "poster-tile" ? 14 : 8.9;
      assert.ok((letters * pixels) / WIDTH >= least, `${size}: ${movie.title}`);
    }
});

test("the parts of a series share everything but the title and the number", () => {
  const parts = ["Alien", "Aliens", "Alien³"].map((title, place) => ({
    movie_id: place,
    title,
    year: 1990 + place,
    genres: place ? ["Action"] : ["Horror"],
    part: { series: "Alien", number: place + 1 },
  }));
  const [first, ...others] = parts.map(designOf);
  for (const other of others) assert.deepEqual(other, first);
});

test("movies of one genre look different", () => {
  for (const genre of ["Horror", "Comedy", "Drama", "Western"]) {
    const looks = new Set(
      Array.from({ length: 40 }, (_, id) => {
        const { palette, motif, layout } = designOf({
          ...HEAT,
          title: `Film ${id}`,
          genres: [genre],
        });
        return `${palette} ${motif} ${layout}`;
      }),
    );
    assert.ok(looks.size > 20, `${genre}: ${looks.size} of 40`);
  }
});

test("a title breaks between words, and only a word that fits nowhere is broken", () => {
  const box = { width: 184, height: 205, least: 32, most: 64 };
  const lines = (/** @type {string} */ title) =>
    setTitle(title, box, 0.86).lines.map(({ text }) => text);
  assert.deepEqual(lines("The Godfather"), ["THE", "GODFATHER"]);
  assert.deepEqual(lines("Interstellar"), ["INTERSTELLAR"]);
  assert.ok(lines("Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch").length > 3);
  assert.equal(lines("千と千尋の神隠し").join(""), "千と千尋の神隠し");
  assert.match(lines("word ".repeat(60)).at(-1) ?? "", /…$/);
});

test("the smallest posters have initials", () => {
  assert.equal(initialsOf("The Lord of the Rings"), "LR");
  assert.equal(initialsOf("Heat"), "HE");
  assert.equal(initialsOf("(500) Days of Summer"), "5DS");
  assert.equal(initialsOf("기생충"), "기생");
  assert.equal(initialsOf("!?"), "");
});
