// Posters drawn from type and shapes. Colours, motif and its details depend on the movie alone, so
// a movie's poster always looks the same.

import { draw, make } from "./dom.js";

/** @typedef {import("./api.js").Movie} Movie */
/** @typedef {(dice: () => number) => SVGElement[]} Motif draws in a box of 200 by 200 */

const PALETTES = 9;

/** @param {number} from @param {number} to @param {number} step */
function range(from, to, step = 1) {
  return Array.from(
    { length: Math.max(0, Math.ceil((to - from) / step)) },
    (_, place) => from + place * step,
  );
}

/**
 * Return the SVG coordinates of a point on a circle around (x, y).
 * @param {number} radius
 * @param {number} degrees clockwise from the right
 * @param {number} [x]
 * @param {number} [y]
 */
function around(radius, degrees, x = 100, y = 100) {
  const angle = (degrees * Math.PI) / 180;
  return `${(x + radius * Math.cos(angle)).toFixed(1)} ${(y + radius * Math.sin(angle)).toFixed(1)}`;
}

/** @param {string} d @param {string} [tone] */
const path = (d, tone = "mark") => draw("path", { d, class: tone });
/** @param {number} cx @param {number} cy @param {number} r @param {string} [tone] */
const circle = (cx, cy, r, tone = "mark") =>
  draw("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: r.toFixed(1), class: tone });
/** @param {number} x @param {number} y @param {number} width @param {number} height @param {string} [tone] */
const bar = (x, y, width, height, tone = "mark") =>
  draw("rect", {
    x: x.toFixed(1),
    y: y.toFixed(1),
    width: width.toFixed(1),
    height: height.toFixed(1),
    class: tone,
  });

/** @type {Record<string, Motif>} */
const MOTIFS = {
  rays: (dice) => {
    const [x, y, turn] = [40 + dice() * 120, 60 + dice() * 80, dice() * 30];
    const rays = range(0, 360, 24).map((at) =>
      path(`M${x} ${y}L${around(320, at + turn, x, y)} ${around(320, at + 11 + turn, x, y)}Z`),
    );
    return [...rays, circle(x, y, 26 + dice() * 14, "spot")];
  },
  planet: (dice) => {
    const [x, y] = [70 + dice() * 60, 70 + dice() * 40];
    const orbits = range(48, 200, 22).map((radius) => circle(x, y, radius, "line"));
    return [
      ...orbits,
      circle(x, y, 34, "spot"),
      circle(x + 48 + dice() * 20, y - 30 - dice() * 20, 9, "mark"),
    ];
  },
  teeth: (dice) => {
    const edge = range(0, 200, 25).map(
      (x) => `L${x + 12.5} ${(70 + dice() * 70).toFixed(1)}L${x + 25} 0`,
    );
    const below = range(0, 200, 25).map(
      (x) => `L${x + 12.5} ${(130 + dice() * 40).toFixed(1)}L${x + 25} 200`,
    );
    return [path(`M0 0${edge.join("")}Z`), path(`M0 200${below.join("")}Z`, "spot")];
  },
  pair: (dice) => {
    const apart = 24 + dice() * 18;
    return [
      circle(100 - apart, 96, 58),
      circle(100 + apart, 96, 58, "spot blend"),
      circle(100, 96, 116, "line"),
    ];
  },
  horizon: (dice) => {
    const sun = 44 + dice() * 22;
    const ground = range(0, 5).map((place) => bar(0, 128 + place * 16, 200, 9 - place));
    return [circle(60 + dice() * 80, 118, sun, "spot"), bar(0, 122, 200, 78, "ground"), ...ground];
  },
  grin: (dice) => {
    const tilt = dice() * 16 - 8;
    return [
      path(`M30 90 A70 70 0 0 0 170 90 Z`),
      circle(66, 50 + tilt / 2, 16, "spot"),
      circle(134, 50 - tilt / 2, 16, "spot"),
    ];
  },
  blinds: (dice) => {
    const slats = range(0, 200, 20).map((y) =>
      path(`M0 ${y}L200 ${y - 24}V${y - 13}L0 ${y + 11}Z`),
    );
    return [circle(60 + dice() * 80, 90, 56, "spot"), ...slats];
  },
  spiral: (dice) => {
    const turn = dice() * 360;
    const points = range(0, 1440, 18).map((at) => around(4 + at / 11, at + turn));
    return [path(`M${points.join("L")}`, "line wide"), circle(100, 100, 12, "spot")];
  },
  chevrons: (dice) => {
    const lead = 20 + dice() * 30;
    const marks = range(-40, 240, 44).map((y) =>
      path(
        `M0 ${y + lead}L100 ${y - 40 + lead}L200 ${y + lead}V${y + 18 + lead}L100 ${y - 22 + lead}L0 ${y + 18 + lead}Z`,
      ),
    );
    return [...marks, circle(100, 100, 22, "spot")];
  },
  balloons: (dice) =>
    range(0, 7).map((place) =>
      circle(
        20 + dice() * 160,
        20 + dice() * 150,
        14 + dice() * 26,
        place % 3 === 1 ? "spot blend" : "mark",
      ),
    ),
  peaks: (dice) => {
    const [left, right] = [60 + dice() * 30, 50 + dice() * 40];
    return [
      circle(150 - dice() * 90, 48, 24, "spot"),
      path(`M-20 200L70 ${left}L150 200Z`),
      path(`M60 200L140 ${right + 30}L230 200Z`, "mark blend"),
    ];
  },
  curtains: (dice) => {
    const folds = range(0, 5).flatMap((place) => [
      path(
        `M${place * 16} 0H${place * 16 + 9}Q${place * 12 + 4} 120 ${place * 5} 200H${place * 4 - 6}Q${place * 9} 110 ${place * 16} 0Z`,
      ),
      path(
        `M${200 - place * 16} 0H${191 - place * 16}Q${196 - place * 12} 120 ${200 - place * 5} 200H${206 - place * 4}Q${200 - place * 9} 110 ${200 - place * 16} 0Z`,
      ),
    ]);
    return [circle(100, 110 + dice() * 20, 40, "spot"), ...folds];
  },
  keys: (dice) =>
    range(0, 10).map((place) => {
      const tall = 30 + dice() * 130;
      return bar(8 + place * 19, 180 - tall, 12, tall, place % 3 === 0 ? "spot" : "mark");
    }),
  spark: (dice) => {
    const turn = dice() * 90;
    const star = range(0, 8)
      .map((point) => around(point % 2 ? 18 : 84, point * 45 + turn))
      .join("L");
    const dust = range(0, 14).map(() =>
      circle(dice() * 200, dice() * 200, 1.5 + dice() * 3, "mark"),
    );
    return [...dust, path(`M${star}Z`, "spot")];
  },
  grid: (dice) =>
    range(0, 6).flatMap((row) =>
      range(0, 6).map((column) =>
        circle(20 + column * 32, 20 + row * 32, 4 + dice() * 10, dice() > 0.82 ? "spot" : "mark"),
      ),
    ),
  keyhole: (dice) => [
    ...range(0, 4).map((ring) => circle(100, 84, 60 + ring * 30 + dice() * 6, "line")),
    path("M100 40A38 38 0 0 1 118 112L130 170H70L82 112A38 38 0 0 1 100 40Z", "spot"),
  ],
};

/** The motif of each genre. Of a movie's genres, the one that comes first here decides. */
/** @type {Record<string, string>} */
const GENRE_MOTIFS = {
  horror: "teeth",
  "sci-fi": "planet",
  romance: "pair",
  western: "horizon",
  "film-noir": "blinds",
  crime: "blinds",
  thriller: "spiral",
  mystery: "keyhole",
  war: "chevrons",
  animation: "balloons",
  children: "balloons",
  musical: "keys",
  fantasy: "spark",
  adventure: "peaks",
  action: "rays",
  comedy: "grin",
  documentary: "grid",
  drama: "curtains",
  imax: "planet",
};

/** Hash a text with FNV-1a. @param {string} text @returns {number} 32 bits, unsigned */
export function hashOf(text) {
  let hash = 0x811c9dc5;
  for (const character of text)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

/**
 * Return a random number generator (Mulberry32). The same seed gives the same numbers.
 * @param {number} seed
 * @returns {() => number} returns the next number, from 0 to 1
 */
function diceFrom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Return a movie's poster design. It depends on the title, the year and the genres only.
 * @param {Movie} movie
 * @returns {{palette: number, motif: string, seed: number}}
 */
export function designOf({ title, year, genres }) {
  const seed = hashOf(`${title} ${year ?? ""}`);
  // GENRE_MOTIFS lists rare genres first: they say more about a movie than drama or comedy does.
  const rarest = Object.keys(GENRE_MOTIFS).find((name) =>
    genres.some((genre) => genre.toLowerCase() === name),
  );
  const names = Object.keys(MOTIFS);
  const motif =
    (rarest && GENRE_MOTIFS[rarest]) ?? /** @type {string} */ (names[seed % names.length]);
  return { palette: (seed >>> 8) % PALETTES, motif, seed };
}

/** @type {() => Promise<string | null>} */
let findFolder = async () => null;

/**
 * Set how `poster` finds the movies' own posters.
 * @param {() => Promise<string | null>} find returns the posters' folder, null if there is none
 */
export function usePosters(find) {
  findFolder = find;
}

/**
 * Make a movie's drawn poster. If the movie has a poster of its own, it covers the drawn one once
 * loaded.
 * @param {Movie} movie
 * @param {string} size a class: `poster-card`, `poster-large`, `poster-tile` or `poster-thumb`
 * @param {...Node} words elements to show on the picture
 */
export function poster(movie, size, ...words) {
  const { palette, motif, seed } = designOf(movie);
  const shapes = MOTIFS[motif]?.(diceFrom(seed)) ?? [];
  const art = draw(
    "svg",
    {
      class: "poster-art",
      viewBox: "0 0 200 200",
      preserveAspectRatio: "xMidYMid slice",
      "aria-hidden": "true",
    },
    ...shapes,
  );
  const element = make("div", { class: `poster ${size}`, "data-palette": palette }, art, ...words);
  findFolder().then(
    (folder) => folder && showPhoto(element, art, `${folder}${movie.movie_id}.jpg`),
  );
  return element;
}

/**
 * Load the movie's own poster over the drawn one. If it fails to load, the drawn one stays visible.
 * @param {HTMLElement} element
 * @param {SVGElement} art
 * @param {string} address
 */
function showPhoto(element, art, address) {
  const photo = make("img", {
    class: "poster-photo",
    alt: "",
    loading: "lazy",
    decoding: "async",
    src: address,
  });
  photo.addEventListener("load", () => element.classList.add("has-photo"));
  photo.addEventListener("error", () => photo.remove());
  art.after(photo);
}
