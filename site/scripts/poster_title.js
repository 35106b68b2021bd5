// Sets a movie's title in the lines of its drawn poster. Widths are estimated, since measuring would
// make the browser lay out the page; the SVG then fits each line to its estimate in any font.

/**
 * @typedef {{text: string, width: number}} Line width: in em
 * @typedef {{lines: Line[], size: number}} SetTitle size: of the letters, in the unit of the box
 */

const LEADING = 1.02; // distance of two lines, in em
const SQUEEZE = 1.4; // how much wider than a line a word may be, if its letters are made narrower
const SPACE = 0.27; // width of a space, in em
const MOST_LETTERS = 160; // no poster has room for more
const NARROW = /[\p{P}IJl|]/u;
const WIDE = /[MW@%&]/u;
/** Scripts whose characters fill a square and that break between any two of them. */
const SQUARE = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}]/u;
const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** @param {string} text */
const graphemesOf = (text) => [...GRAPHEMES.segment(text)].map(({ segment }) => segment);

/**
 * Estimate how wide a text is in heavy capitals, in em.
 * @param {string} text
 * @param {number} wideness of the typeface: 1 for one of common proportions
 */
export function widthOf(text, wideness) {
  let width = 0;
  for (const grapheme of graphemesOf(text)) {
    if (SQUARE.test(grapheme)) width += 1;
    else if (grapheme === " ") width += SPACE * wideness;
    else width += (NARROW.test(grapheme) ? 0.34 : WIDE.test(grapheme) ? 0.92 : 0.68) * wideness;
  }
  return width;
}

/**
 * Break a title into lines at the greatest size at which it fits into a box. At the least size, long
 * words get narrower letters, the longest are broken, and what still does not fit ends in an ellipsis.
 * @param {string} title
 * @param {{width: number, height: number, least: number, most: number}} box least and most: sizes
 * @param {number} wideness as in `widthOf`
 * @returns {SetTitle}
 */
export function setTitle(title, { width, height, least, most }, wideness) {
  const words = wordsOf(title.toLocaleUpperCase("en").slice(0, MOST_LETTERS)).map((text) => ({
    text,
    width: widthOf(text, wideness),
  }));
  for (let size = most; size >= least; size -= 2) {
    const lines = linesOf(words, width / size, wideness);
    if (lines && lines.length * size * LEADING <= height) return { lines, size };
  }
  const room = width / least;
  const pieces = words.flatMap((word) =>
    word.width > room * SQUEEZE ? piecesOf(word.text, room, wideness) : [word],
  );
  const lines = linesOf(pieces, room, wideness, SQUEEZE) ?? [];
  const fitting = Math.max(1, Math.floor(height / (least * LEADING)));
  if (lines.length <= fitting) return { lines, size: least };
  const kept = lines.slice(0, fitting);
  kept[fitting - 1] = cut(/** @type {Line} */ (kept[fitting - 1]).text, room, wideness);
  return { lines: kept, size: least };
}

/** Distance between the baselines of two lines. @param {number} size */
export function leadingOf(size) {
  return size * LEADING;
}

/**
 * Return the letters that stand for a title where it does not fit: those of its first words, at most
 * three.
 * @param {string} title
 */
export function initialsOf(title) {
  const words = title.split(/[\s:,\-–]+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const telling = words.filter((word) => !/^(?:the|an?|of|and|in|to|la|le|les|el)$/i.test(word));
  const [first = "", ...others] = telling.length > 0 ? telling : words;
  const letters = graphemesOf(first.replace(/^[^\p{L}\p{N}]+/u, ""));
  if (others.length === 0 || SQUARE.test(letters[0] ?? ""))
    return letters.slice(0, 2).join("").toLocaleUpperCase("en");
  return [first, ...others.slice(0, 2)]
    .map((word) => graphemesOf(word.replace(/^[^\p{L}\p{N}]+/u, ""))[0] ?? "")
    .join("")
    .toLocaleUpperCase("en");
}

/** Split a title where a line may end. @param {string} title */
function wordsOf(title) {
  return title
    .trim()
    .split(/\s+/)
    .flatMap((word) => (SQUARE.test(word) ? graphemesOf(word) : [word]));
}

/**
 * Fill lines with words; null if a word is wider than a line.
 * @param {Line[]} words with their widths
 * @param {number} room the width of a line, in em
 * @param {number} wideness
 * @param {number} [squeeze] how much wider than a line a word may be
 * @returns {Line[] | null}
 */
function linesOf(words, room, wideness, squeeze = 1) {
  /** @type {Line[]} */
  const lines = [];
  for (const { text, width } of words) {
    const last = lines.at(-1);
    const space = last ? joint(last.text, text) : "";
    const longer = (last?.width ?? 0) + width + space.length * SPACE * wideness;
    if (last && longer <= room) {
      last.text += space + text;
      last.width = longer;
    } else {
      if (width > room * squeeze) return null;
      lines.push({ text, width: Math.min(width, room) });
    }
  }
  return lines;
}

/** @param {string} before @param {string} after */
function joint(before, after) {
  return SQUARE.test(before.slice(-1)) && SQUARE.test(after) ? "" : " ";
}

/**
 * Break a word that is wider than a line.
 * @param {string} word
 * @param {number} room
 * @param {number} wideness
 * @returns {Line[]}
 */
function piecesOf(word, room, wideness) {
  /** @type {Line[]} */
  const pieces = [];
  for (const text of graphemesOf(word)) {
    const width = widthOf(text, wideness);
    const last = pieces.at(-1);
    if (last && last.width + width <= room) {
      last.text += text;
      last.width += width;
    } else pieces.push({ text, width });
  }
  return pieces;
}

/** Shorten a line so that an ellipsis fits. @param {string} text @param {number} room @param {number} wideness @returns {Line} */
function cut(text, room, wideness) {
  const graphemes = graphemesOf(text);
  let short = `${text}…`;
  while (graphemes.length > 0 && widthOf(short, wideness) > room) {
    graphemes.pop();
    short = `${graphemes.join("").trimEnd()}…`;
  }
  return { text: short, width: widthOf(short, wideness) };
}
