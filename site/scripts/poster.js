// Posters drawn from type and shapes, as repertory cinemas print them. Colours, motif and its details
// depend on the movie alone, so a movie's poster always looks the same.

import { draw, make } from "./dom.js";
import { initialsOf, leadingOf, setTitle } from "./poster_title.js";

/** @typedef {import("./api.js").Movie} Movie */
/** @typedef {(dice: () => number) => SVGElement[]} Motif draws in a box of 200 by 200 */

const PALETTES = 12;

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
  skyline: (dice) => [
    circle(40 + dice() * 120, 60, 30 + dice() * 14, "spot"),
    ...range(0, 7).flatMap((place) => {
      const tall = 50 + dice() * 110;
      const lit = range(0, 3).map((row) =>
        bar(
          place * 30 + 6 + row * 6,
          212 - tall + row * 17,
          4,
          8,
          dice() > 0.4 ? "spot" : "ground",
        ),
      );
      return [bar(place * 30 - 4, 200 - tall, 27, tall), ...lit];
    }),
  ],
  moon: (dice) => {
    const [x, y] = [80 + dice() * 40, 80 + dice() * 30];
    const hills = range(0, 5).map((place) =>
      circle(place * 50, 220 - dice() * 20, 46 + dice() * 16),
    );
    return [circle(x, y, 58, "spot"), circle(x + 24, y - 14, 50, "ground"), ...hills];
  },
  waves: (dice) => {
    const high = 8 + dice() * 12;
    const rows = range(0, 6).map((row) => {
      const y = 92 + row * 22;
      const swells = range(0, 5)
        .map(() => `q25 ${-high * 2} 50 0t50 0`)
        .join("");
      return path(`M${-90 + row * 17} ${y}${swells}V${y + 12}H-90Z`, row % 2 ? "ground" : "mark");
    });
    return [circle(50 + dice() * 100, 76, 36 + dice() * 16, "spot"), ...rows];
  },
  stairs: (dice) => {
    const steps = range(0, 8)
      .map((place) => `V${186 - place * 24}H${(place + 1) * 25}`)
      .join("");
    const edges = range(0, 8).map((place) => bar(place * 25, 186 - place * 24, 25, 4, "ground"));
    return [
      circle(50 + dice() * 24, 62 + dice() * 16, 34, "spot"),
      path(`M0 200${steps}V200Z`),
      ...edges.slice(0, 2 + Math.floor(dice() * 6)),
    ];
  },
  eye: (dice) => {
    const [y, open] = [100, 54 + dice() * 24];
    const lashes = range(200, 341, 20).map((at) =>
      path(`M${around(74, at, 100, y + 20)}L${around(104, at, 100, y + 20)}`, "line wide"),
    );
    return [
      ...lashes,
      path(`M6 ${y}Q100 ${y - open * 1.6} 194 ${y}Q100 ${y + open * 1.6} 6 ${y}Z`),
      circle(100, y, 38, "spot"),
      circle(100, y, 15, "ground"),
    ];
  },
  target: (dice) => {
    const [x, y] = [60 + dice() * 80, 70 + dice() * 60];
    return range(0, 5).map((ring) =>
      circle(x, y, 130 - ring * 28, ["mark", "ground", "mark", "ground", "spot"][ring]),
    );
  },
  arches: (dice) => {
    const lit = Math.floor(dice() * 3);
    return range(0, 3).flatMap((place) => {
      const x = 4 + place * 66;
      return [
        path(`M${x} 200V92a30 30 0 0 1 60 0V200Z`, place === lit ? "spot" : "mark"),
        path(`M${x + 12} 200V96a18 18 0 0 1 36 0V200Z`, place === lit ? "mark" : "ground"),
      ];
    });
  },
  confetti: (dice) =>
    range(0, 34).map((place) => {
      const [x, y, turn] = [dice() * 200, dice() * 200, dice() * 360];
      const corners = [0, 70, 180, 250].map((at) => around(7 + dice() * 7, at + turn, x, y));
      return path(`M${corners.join("L")}Z`, place % 3 ? "mark" : "spot");
    }),
  slant: (dice) => {
    const lean = 40 + dice() * 80;
    const stripes = range(-200, 240, 44).map((x) =>
      path(`M${x} 200L${x + lean} 0H${x + lean + 22}L${x + 22} 200Z`),
    );
    return [...stripes, circle(60 + dice() * 80, 60 + dice() * 80, 40, "spot")];
  },
  flower: (dice) => {
    const [count, turn] = [5 + Math.floor(dice() * 4), dice() * 90];
    const petals = range(0, count).map((place) => {
      const at = turn + (place * 360) / count;
      const [left, right] = [around(78, at - 24), around(78, at + 24)];
      return path(`M100 100C${left} ${around(104, at - 10)} ${around(104, at)}S${right} 100 100Z`);
    });
    return [path("M97 100H103V210H97Z"), ...petals, circle(100, 100, 22, "spot")];
  },
  reel: (dice) => {
    const turn = dice() * 72;
    const holes = range(0, 5).map((place) => {
      const [x = "", y = ""] = around(44, turn + place * 72).split(" ");
      return circle(Number(x), Number(y), 17, "ground");
    });
    return [circle(100, 100, 84), ...holes, circle(100, 100, 12, "spot"), bar(100, 176, 120, 8)];
  },
  maze: (dice) =>
    range(0, 64).map((place) => {
      const [x, y] = [(place % 8) * 25, Math.floor(place / 8) * 25];
      const line = dice() > 0.5 ? `M${x} ${y}l25 25` : `M${x + 25} ${y}l-25 25`;
      return path(line, place === 27 || place === 36 ? "line wide bright" : "line wide");
    }),
};

/** The motifs of each genre. Of a movie's genres, the one that comes first here decides. */
/** @type {Record<string, string[]>} */
const GENRE_MOTIFS = {
  horror: ["teeth", "moon", "eye", "maze"],
  "sci-fi": ["planet", "grid", "target", "slant"],
  romance: ["pair", "flower", "waves", "arches"],
  western: ["horizon", "peaks", "rays"],
  "film-noir": ["blinds", "stairs", "skyline", "keyhole"],
  crime: ["blinds", "skyline", "target", "stairs"],
  thriller: ["spiral", "eye", "stairs", "maze"],
  mystery: ["keyhole", "eye", "moon", "maze"],
  war: ["chevrons", "target", "slant"],
  animation: ["balloons", "confetti", "flower", "spark"],
  children: ["balloons", "flower", "confetti", "moon"],
  musical: ["keys", "curtains", "confetti", "arches"],
  fantasy: ["spark", "moon", "arches", "peaks"],
  adventure: ["peaks", "waves", "horizon", "rays"],
  action: ["rays", "slant", "target", "skyline"],
  comedy: ["grin", "confetti", "slant", "balloons"],
  documentary: ["grid", "reel", "waves"],
  drama: ["curtains", "arches", "waves", "skyline", "stairs"],
  imax: ["planet", "reel"],
};
/** Motifs for series: their parts have different genres, but the same poster but for the number. */
const SERIES_MOTIFS = [
  ...["rays", "planet", "horizon", "blinds", "spiral", "chevrons", "peaks", "curtains", "spark"],
  ...["grid", "skyline", "waves", "stairs", "target", "arches", "slant", "moon"],
];

/**
 * The typefaces and palettes of the times, by the last year that has them. wideness: of capitals,
 * as in `setTitle`.
 * @typedef {{name: string, wideness: number, palettes: number[]}} Era
 * @type {[lastYear: number, Era][]}
 */
const ERAS = [
  [1959, { name: "serif", wideness: 1.08, palettes: [0, 1, 2, 3, 6, 7, 9] }],
  [1979, { name: "round", wideness: 1.02, palettes: [1, 2, 3, 4, 8, 9, 10] }],
  [1999, { name: "narrow", wideness: 0.86, palettes: [0, 1, 4, 5, 7, 8, 11] }],
  [9999, { name: "narrow", wideness: 0.86, palettes: range(0, PALETTES) }],
];
const NO_YEAR = 9999;
/** Motifs that are recognised also where the title covers their middle. */
const ALL_OVER = new Set([
  ...["rays", "spiral", "blinds", "chevrons", "grid", "maze", "slant", "confetti", "target"],
]);

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
 * @typedef {{palette: number, motif: string, era: Era, layout: "above" | "below" | "band", seed: number}} Design
 *   layout: where the art is in relation to the title
 */

/**
 * Return a movie's poster design. It depends on the title, the year, the genres and the series only.
 * The parts of a series share palette, motif, its details and layout.
 * @param {Movie} movie
 * @returns {Design}
 */
export function designOf({ title, year, genres, part }) {
  const seed = hashOf(part ? part.series : `${title} ${year ?? ""}`);
  // GENRE_MOTIFS lists rare genres first: they say more about a movie than drama or comedy does.
  const rarest = Object.keys(GENRE_MOTIFS).find((name) =>
    genres.some((genre) => genre.toLowerCase() === name),
  );
  const motifs = part ? SERIES_MOTIFS : rarest ? GENRE_MOTIFS[rarest] : Object.keys(MOTIFS);
  const era = /** @type {[number, Era]} */ (ERAS.find(([last]) => (year ?? NO_YEAR) <= last))[1];
  const palettes = part ? range(0, PALETTES) : era.palettes;
  const dice = diceFrom(seed);
  const palette = chosen(palettes, dice);
  const motif = chosen(/** @type {string[]} */ (motifs), dice);
  /** @type {Design["layout"][]} */
  const layouts = ALL_OVER.has(motif) ? ["above", "below", "band"] : ["above", "above", "below"];
  return { palette, motif, era, layout: chosen(layouts, dice), seed };
}

/** @template T @param {readonly T[]} from @param {() => number} dice @returns {T} */
function chosen(from, dice) {
  return /** @type {T} */ (from[Math.floor(dice() * from.length)]);
}

const WIDE_BOX = { width: 180, height: 150, least: 22, most: 48 };
/** The title's box on each size of poster; in the unit of its drawing, which is 200 wide. */
/** @type {Record<string, typeof WIDE_BOX>} */
const TITLE_BOXES = {
  "poster-large": WIDE_BOX,
  "poster-tile": WIDE_BOX,
  "poster-thumb": { width: 184, height: 205, least: 32, most: 64 },
  "poster-mini": { width: 176, height: 150, least: 76, most: 120 },
};
const HEIGHT = 300;
const MARGIN = 14;

/**
 * Set a movie's title for a size of poster: the lines with their baselines, and the panel on which
 * they stand, which covers the art.
 * @param {Movie} movie
 * @param {string} size
 * @param {Design} design
 */
export function titleOf({ title, part }, size, { era, layout }) {
  const box = TITLE_BOXES[size] ?? WIDE_BOX;
  const isMini = size === "poster-mini";
  const short = part ? `${initialsOf(part.series).slice(0, 2)}${part.number}` : initialsOf(title);
  const set = setTitle(isMini ? short : title, box, era.wideness);
  const leading = leadingOf(set.size);
  const inner = set.lines.length * leading;
  const isSmall = isMini || size === "poster-thumb";
  const height = inner + MARGIN * (isSmall ? 1.2 : 2);
  const top =
    isSmall || layout === "below"
      ? 0
      : layout === "band"
        ? (HEIGHT - height) * 0.62
        : HEIGHT - height;
  const first = top + (height - inner) / 2 + leading * 0.5 + set.size * 0.36;
  return {
    size: set.size,
    panel: { top, height },
    lines: set.lines.map(({ text, width }, place) => ({
      text,
      width: width * set.size,
      baseline: first + place * leading,
    })),
  };
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
 * Make a movie's drawn poster, with its title unless `words` has it. If the movie has a poster of
 * its own, it covers the drawn one once loaded.
 * @param {Movie} movie
 * @param {string} size a class: `poster-card`, `poster-large`, `poster-tile`, `poster-thumb` or
 *   `poster-mini`
 * @param {...Node} words elements to show on the picture
 */
export function poster(movie, size, ...words) {
  const design = designOf(movie);
  const art = size === "poster-card" ? cardArt(movie, design) : printed(movie, size, design);
  const element = make(
    "div",
    { class: `poster ${size}`, "data-palette": design.palette, "data-face": design.era.name },
    art,
    ...words,
  );
  findFolder().then(
    (folder) => folder && showPhoto(element, art, `${folder}${movie.movie_id}.jpg`),
  );
  return element;
}

/** @param {Movie} movie @param {Design} design */
function cardArt({ part }, { motif, seed }) {
  return draw(
    "svg",
    {
      class: "poster-art",
      viewBox: "0 0 200 200",
      preserveAspectRatio: "xMidYMid slice",
      "aria-hidden": "true",
    },
    ...shapesOf(motif, seed),
    ...(part ? numeral(part.number, 100, 62, 22) : []),
  );
}

/**
 * Draw a whole poster: the art, the panel over it and the title on the panel.
 * @param {Movie} movie
 * @param {string} size
 * @param {Design} design
 */
function printed(movie, size, design) {
  const { panel, lines, size: letters } = titleOf(movie, size, design);
  const isBand = panel.top > 0 && panel.top + panel.height < HEIGHT - 1;
  const top = isBand || panel.top > 0 ? 0 : panel.height;
  const bottom = isBand || panel.top === 0 ? HEIGHT : panel.top;
  const edges = [panel.top, panel.top + panel.height].filter((y) => y > 1 && y < HEIGHT - 1);
  const [numeralX, numeralY] = [166, isBand || panel.top > 0 ? 36 : HEIGHT - 36];
  return draw(
    "svg",
    { class: "poster-art", viewBox: `0 0 200 ${HEIGHT}`, "aria-hidden": "true" },
    draw(
      "svg",
      {
        y: top,
        width: 200,
        height: bottom - top,
        viewBox: "0 0 200 200",
        preserveAspectRatio: "xMidYMid slice",
      },
      ...shapesOf(design.motif, design.seed),
    ),
    bar(0, panel.top, 200, panel.height, "ground"),
    ...edges.map((y) => bar(0, y - 2.5, 200, 5, "spot")),
    ...lines.map(({ text, width, baseline }) =>
      draw(
        "text",
        {
          x: 100,
          y: baseline.toFixed(1),
          "font-size": letters,
          textLength: width.toFixed(1),
          lengthAdjust: "spacingAndGlyphs",
        },
        text,
      ),
    ),
    ...(movie.part && size !== "poster-mini"
      ? numeral(movie.part.number, numeralX, numeralY, 26)
      : []),
  );
}

/** @param {string} motif @param {number} seed */
function shapesOf(motif, seed) {
  return MOTIFS[motif]?.(diceFrom(seed ^ 0x5bd1e995)) ?? [];
}

/**
 * Draw the number of a part of a series on a disc.
 * @param {number} number
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function numeral(number, x, y, radius) {
  return [
    circle(x, y, radius, "disc"),
    draw(
      "text",
      { x, y: y + radius * 0.46, "font-size": (radius * 1.3).toFixed(1), class: "on-disc" },
      String(number),
    ),
  ];
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
