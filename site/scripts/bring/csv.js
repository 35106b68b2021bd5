// Reads CSV (RFC 4180): quotes, line breaks in quotes, CRLF, LF or CR, and a byte order mark.

import { FileProblem } from "./file_problem.js";

/**
 * Split a text into rows of fields. Empty lines are left out.
 * @param {string} text
 * @param {string} separator one character
 * @param {number} most the largest number of rows
 * @returns {string[][]}
 * @throws {FileProblem} if the last quote is not closed, or if there are more rows
 */
export function rowsOf(text, separator, most) {
  /** @type {string[][]} */
  const rows = [];
  /** @type {string[]} */
  let row = [];
  let place = text.startsWith("\ufeff") ? 1 : 0;
  const end = () => {
    if (row.length > 1 || row[0] !== "") rows.push(row);
    if (rows.length > most)
      throw new FileProblem(`This file has more than ${most.toLocaleString("en")} rows.`);
    row = [];
  };
  while (place < text.length) {
    const { field, next } =
      text[place] === '"'
        ? quotedField(text, place, separator)
        : plainField(text, place, separator);
    row.push(field);
    place = next;
    if (text[place] === separator) {
      place += 1;
      if (place === text.length) row.push("");
      else continue;
    }
    end();
    if (text[place] === "\r" && text[place + 1] === "\n") place += 1;
    place += 1;
  }
  return rows;
}

/**
 * Read a field that begins with a quote. Two quotes stand for one. Text after the closing quote is
 * kept as it is.
 * @param {string} text
 * @param {number} start
 * @param {string} separator
 */
function quotedField(text, start, separator) {
  let field = "";
  let place = start + 1;
  for (;;) {
    const quote = text.indexOf('"', place);
    if (quote === -1) {
      const line = text.slice(0, start).split(/\r\n|\r|\n/).length;
      throw new FileProblem(
        `The quotation mark in line ${line} of this file is never closed. The file may be cut off: export it again.`,
      );
    }
    field += text.slice(place, quote);
    if (text[quote + 1] !== '"') {
      const rest = plainField(text, quote + 1, separator);
      return { field: field + rest.field, next: rest.next };
    }
    field += '"';
    place = quote + 2;
  }
}

/** @param {string} text @param {number} start @param {string} separator */
function plainField(text, start, separator) {
  let next = start;
  while (
    next < text.length &&
    text[next] !== separator &&
    text[next] !== "\n" &&
    text[next] !== "\r"
  )
    next += 1;
  return { field: text.slice(start, next), next };
}
