// Reads one person's ratings from an export of Letterboxd or IMDb, in the browser.

import { rowsOf } from "./csv.js";
import { FileProblem } from "./file_problem.js";
import { unpacked, zipEntries } from "./zip.js";

/**
 * @typedef {{title: string, year: number | null, imdbId: string | null, given: string, stars: number, at: string}} BroughtRating
 *   given: the rating as its site shows it; stars: whole stars; at: its day, as the shelf has
 *   times; "" if it is not known
 * @typedef {{title: string, year: number | null, reason: string}} LeftOut
 * @typedef {{site: "Letterboxd" | "IMDb", ratings: BroughtRating[], leftOut: LeftOut[]}} BroughtFile
 */

export const MAX_ARCHIVE_BYTES = 200_000_000;
export const MAX_TABLE_BYTES = 20_000_000;
export const MAX_ROWS = 20_000;
const MAX_TITLE = 200;
const FIRST_YEAR = 1870;
const LAST_YEAR = 2100;
const FIRST_DAY = "1995-01-01"; // IMDb is older than its dates of ratings
const FORMATS = [",", ";", "\t"]; // spreadsheets save CSV with the latter two

export const HOW_LETTERBOXD =
  "On letterboxd.com, open Settings, then Data, and choose “Export your data”. Choose the zip file here, or the ratings.csv inside it.";
export const HOW_IMDB =
  "On imdb.com, open “Your ratings” and choose “Export”. When the export is ready, download it from imdb.com/exports and choose the csv file here.";
const HOW = `${HOW_LETTERBOXD} ${HOW_IMDB}`;

/**
 * Read the ratings in a file.
 * @param {Blob & {name: string}} file
 * @param {string} today as in "2026-11-29"; later days are not believed
 * @returns {Promise<BroughtFile>}
 * @throws {FileProblem} with a sentence that says which file to choose
 */
export async function readExport(file, today) {
  const start = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  if (file.size === 0) throw new FileProblem(`${file.name} is empty. Export it again. ${HOW}`);
  const kind = kindOf(start);
  if (kind === "zip") return fromArchive(file, today);
  if (kind !== "")
    throw new FileProblem(`${file.name} is ${kind}. Choose a csv file or Letterboxd’s zip. ${HOW}`);
  if (file.size > MAX_TABLE_BYTES)
    throw new FileProblem(
      `${file.name} is larger than ${MAX_TABLE_BYTES / 1_000_000} MB, which is more than an export of ratings has. ${HOW}`,
    );
  return fromTable(textOf(new Uint8Array(await file.arrayBuffer())), file.name, today);
}

/** Name a kind of file by its first bytes; "" for what may be text. @param {Uint8Array} start */
function kindOf(start) {
  const begins = (/** @type {number[]} */ ...bytes) =>
    bytes.every((byte, place) => start[place] === byte);
  if (begins(0x50, 0x4b, 3, 4) || begins(0x50, 0x4b, 5, 6)) return "zip";
  if (begins(0xd0, 0xcf, 0x11, 0xe0)) return "an Excel workbook";
  if (begins(0x25, 0x50, 0x44, 0x46)) return "a PDF";
  if (begins(0x1f, 0x8b)) return "a gzip archive";
  if (begins(0x52, 0x61, 0x72, 0x21)) return "a RAR archive";
  if (begins(0x37, 0x7a, 0xbc, 0xaf)) return "a 7z archive";
  const isText = !start.includes(0) || begins(0xff, 0xfe) || begins(0xfe, 0xff);
  return isText ? "" : "not a table";
}

/** @param {Blob & {name: string}} file @param {string} today */
async function fromArchive(file, today) {
  if (file.size > MAX_ARCHIVE_BYTES)
    throw new FileProblem(
      `${file.name} is larger than ${MAX_ARCHIVE_BYTES / 1_000_000} MB. Unpack it on your device and choose the ratings.csv inside.`,
    );
  const entries = await zipEntries(file);
  const names = entries.map(({ name }) => name);
  if (names.some((name) => name.startsWith("xl/") || name === "[Content_Types].xml"))
    throw new FileProblem(
      `${file.name} is an Excel workbook. Choose the csv file from which it was made. ${HOW}`,
    );
  // Of several, the one that is in the fewest folders: `deleted/` has ratings of deleted films.
  const depth = (/** @type {string} */ name) => name.split("/").length;
  const [found] = entries
    .filter(
      ({ name }) =>
        /(^|\/)ratings\.csv$/i.test(name) && !/(^|\/)(__MACOSX|deleted|orphaned)\//.test(name),
    )
    .sort((one, other) => depth(one.name) - depth(other.name));
  if (!found)
    throw new FileProblem(
      `${file.name} has no ratings.csv in it. Choose the zip file that Letterboxd made. ${HOW_LETTERBOXD}`,
    );
  return fromTable(textOf(await unpacked(file, found, MAX_TABLE_BYTES)), found.name, today);
}

/** Decode a text: UTF-8, UTF-16 with its mark, or else Windows-1252. @param {Uint8Array} bytes */
function textOf(bytes) {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/**
 * Read the ratings in the text of a csv file.
 * @param {string} text
 * @param {string} name of the file
 * @param {string} today
 * @returns {BroughtFile}
 */
export function fromTable(text, name, today) {
  const firstLine = /^\ufeff?(.*)/.exec(text)?.[1] ?? "";
  const count = (/** @type {string} */ separator) => firstLine.split(separator).length;
  const [separator = ","] = [...FORMATS].sort((one, other) => count(other) - count(one));
  const [header = [], ...rows] = rowsOf(text, separator, MAX_ROWS);
  const columns = new Map(header.map((title, place) => [title.trim().toLowerCase(), place]));
  const read = readerFor(columns, name, header);
  /** @type {BroughtRating[]} */
  const ratings = [];
  /** @type {LeftOut[]} */
  const leftOut = [];
  for (const row of rows) {
    const field = (/** @type {string} */ column) => row[columns.get(column) ?? -1]?.trim() ?? "";
    const found = read.row(field, today);
    if (found === null) continue;
    if ("reason" in found) leftOut.push(found);
    else ratings.push(found);
  }
  if (ratings.length === 0 && leftOut.length === 0)
    throw new FileProblem(`${name} has no ratings in it. ${read.how}`);
  return { site: read.site, ratings, leftOut };
}

/**
 * @typedef {(column: string) => string} Field returns the row's field in a column; "" if it has none
 * @typedef {{site: "Letterboxd" | "IMDb", how: string, row: (field: Field, today: string) => BroughtRating | LeftOut | null}} Reader
 */

/**
 * Return the reader of a table with these columns.
 * @param {Map<string, number>} columns places by name in lower case
 * @param {string} name of the file
 * @param {string[]} header
 * @returns {Reader}
 */
function readerFor(columns, name, header) {
  const has = (/** @type {string[]} */ ...names) => names.every((each) => columns.has(each));
  if (has("letterboxd uri")) {
    if (has("rating") && has("name") && !has("watched date") && !has("review"))
      return { site: "Letterboxd", how: HOW_LETTERBOXD, row: letterboxdRow };
    const what = has("review")
      ? "Letterboxd’s reviews"
      : has("watched date")
        ? "Letterboxd’s diary, which has a film as often as you watched it"
        : "a list of films from Letterboxd without ratings, such as the watchlist";
    throw new FileProblem(`${name} is ${what}. Choose ratings.csv instead. ${HOW_LETTERBOXD}`);
  }
  if (header[0]?.startsWith("Letterboxd list export"))
    throw new FileProblem(
      `${name} is one of your Letterboxd lists. Choose ratings.csv instead. ${HOW_LETTERBOXD}`,
    );
  if (has("const")) {
    if (has("your rating", "title")) return { site: "IMDb", how: HOW_IMDB, row: imdbRow };
    throw new FileProblem(
      `${name} is a list or watchlist from IMDb without your ratings. Choose the export of your ratings. ${HOW_IMDB}`,
    );
  }
  if (has("userid", "movieid") || has("userid", "rating"))
    throw new FileProblem(
      `${name} has the ratings of many people, as MovieLens publishes them, not your own export. ${HOW}`,
    );
  if (has("movie_id", "stars", "rated_at"))
    throw new FileProblem(
      `${name} is an export from Marquee. To see those ratings here, open the link of your page. ${HOW}`,
    );
  const shown = header.slice(0, 6).map((each) => each.trim().slice(0, 30));
  throw new FileProblem(
    `${name} is not an export of ratings from Letterboxd or IMDb. Its first line is “${shown.join(", ")}”. ${HOW}`,
  );
}

/** @type {Reader["row"]} */
function letterboxdRow(field, today) {
  const named = { title: field("name"), year: yearIn(field("year")) };
  const halves = Number(field("rating").replace(",", ".")) * 2;
  if (field("rating") === "") return null;
  const problem = rowProblem(named.title, halves, "Letterboxd’s are ½ to 5 stars", field("rating"));
  if (problem) return { ...named, title: named.title || "(no title)", reason: problem };
  return {
    ...named,
    title: cut(named.title),
    imdbId: null,
    given: `${halves > 1 ? Math.floor(halves / 2) : ""}${halves % 2 ? "½" : ""} of 5`,
    stars: wholeStars(halves),
    at: dayIn(field("date"), today),
  };
}

/** Titles that are no movies; the catalogue may have a movie of the same name. */
const NO_MOVIES = new Map([
  ["tvepisode", "an episode of a series"],
  ["videogame", "a video game"],
  ["musicvideo", "a music video"],
  ["podcastseries", "a podcast"],
  ["podcastepisode", "a podcast"],
]);

/** @type {Reader["row"]} */
function imdbRow(field, today) {
  const named = { title: field("title"), year: yearIn(field("year")) };
  const points = Number(field("your rating"));
  if (field("your rating") === "") return null; // a list may have movies that are not rated
  const kind = NO_MOVIES.get(field("title type").replace(/\s/g, "").toLowerCase());
  const problem =
    (kind && `This is ${kind}, not a movie.`) ||
    rowProblem(named.title, points, "IMDb’s are 1 to 10", field("your rating"));
  if (problem) return { ...named, title: named.title || "(no title)", reason: problem };
  const imdbId = field("const");
  return {
    ...named,
    title: cut(named.title),
    imdbId: /^tt\d{1,10}$/.test(imdbId) ? imdbId : null,
    given: `${points} of 10`,
    stars: wholeStars(points),
    at: dayIn(field("date rated"), today),
  };
}

/**
 * Say why a row cannot be used; "" if it can.
 * @param {string} title
 * @param {number} tenths
 * @param {string} scale
 * @param {string} rating
 */
function rowProblem(title, tenths, scale, rating) {
  if (title === "") return "This row has no title.";
  if (!Number.isInteger(tenths) || tenths < 1 || tenths > 10)
    return `The file says “${rating.slice(0, 20)}”, which is no rating: ${scale}.`;
  return "";
}

/**
 * Return the whole stars of a rating on a scale of ten steps: half stars are rounded up.
 * @param {number} tenths 1 to 10: an IMDb rating, or the half stars of Letterboxd
 */
export function wholeStars(tenths) {
  return Math.ceil(tenths / 2);
}

/** Cut a title at the length that the API accepts. @param {string} title */
function cut(title) {
  return [...title].slice(0, MAX_TITLE).join("");
}

/** @param {string} text */
function yearIn(text) {
  const year = /^\d{4}$/.test(text) ? Number(text) : 0;
  return year >= FIRST_YEAR && year <= LAST_YEAR ? year : null;
}

/**
 * Return the first moment of a day, as the shelf has times; "" if the text is no day up to today.
 * @param {string} text such as "2024-05-31"
 * @param {string} today
 */
function dayIn(text, today) {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(text)?.[0] ?? "";
  const moment = new Date(`${day}T00:00:00.000Z`);
  if (Number.isNaN(moment.getTime()) || day < FIRST_DAY || day > today) return "";
  // A day that a month does not have, such as 31 June, would become one of the next month.
  return moment.toISOString().startsWith(day) ? moment.toISOString() : "";
}
