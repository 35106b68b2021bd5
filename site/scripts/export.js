// Exports the visitor's data to files. Of the phone number, an export has only the last digits.

import { ratedAnswers } from "./shelf.js";

/** @typedef {import("./shelf.js").Shelf} Shelf */
/** @typedef {import("./api.js").Visitor} Visitor */

/**
 * Return everything that the shelf holds, and the visitor's status and picks, as JSON.
 * @param {Shelf} shelf
 * @param {Visitor | null} visitor
 * @param {string} at the time of the export, ISO 8601
 */
export function asJson(shelf, visitor, at) {
  const data = {
    exported_at: at,
    dataset: shelf.dataset,
    name: shelf.name,
    phone_ends: shelf.visit?.phone_ends ?? null,
    saved: visitor && {
      visitor_id: visitor.visitor_id,
      version: visitor.version,
      status: visitor.status,
      status_at: visitor.status_at,
      expires_at: visitor.expires_at ?? null,
    },
    ratings: ratedAnswers(shelf).map(({ movie, stars, at: rated_at }) => ({
      ...movieFields(movie),
      stars,
      rated_at: rated_at || null,
    })),
    not_seen: shelf.answers
      .filter(({ stars }) => stars === 0)
      .map(({ movie }) => movieFields(movie)),
    not_for_me: shelf.dismissed.map(movieFields),
    saved_for_later: shelf.watchlist.map(movieFields),
    shared_lists: shelf.lists.map(({ list_id, first_name, expires_at }) => ({
      list_id,
      first_name,
      expires_at,
    })),
    picks:
      visitor?.picks?.map((pick) => ({ ...movieFields(pick), stars_expected: pick.stars })) ?? null,
  };
  return JSON.stringify(data, null, 2);
}

/** Return the ratings as CSV (RFC 4180), one line for each. @param {Shelf} shelf */
export function asCsv(shelf) {
  const lines = ratedAnswers(shelf).map(({ movie, stars, at }) => [
    movie.movie_id,
    movie.title,
    movie.year ?? "",
    movie.genres.join("|"),
    stars,
    at,
  ]);
  return [["movie_id", "title", "year", "genres", "stars", "rated_at"], ...lines]
    .map((fields) => `${fields.map(csvField).join(",")}\r\n`)
    .join("");
}

/** @param {string | number} value */
function csvField(value) {
  const text = String(value);
  // A spreadsheet would evaluate a title that begins like a formula.
  const safe = /^[=+\-@\t\r]/.test(text) && typeof value === "string" ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {import("./api.js").Movie} movie */
function movieFields({ movie_id, title, year, genres }) {
  return { movie_id, title, year, genres };
}

/**
 * Make the browser download a text file.
 * @param {string} name
 * @param {string} type MIME type
 * @param {string} text
 */
export function download(name, type, text) {
  downloadBlob(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

/** Make the browser download a file. @param {string} name @param {Blob} content */
export function downloadBlob(name, content) {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
