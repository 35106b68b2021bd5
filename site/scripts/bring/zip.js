// Reads the files in a zip archive in the browser, without a library (APPNOTE.TXT 6.3.10, PKWARE).

import { FileProblem } from "./file_problem.js";

/**
 * @typedef {{name: string, method: number, flags: number, packed: number, size: number, offset: number}} ZipEntry
 *   packed, size: bytes in the archive and unpacked; offset: of the entry's own header
 */

const END = 0x06054b50;
const END_BYTES = 22;
const MOST_COMMENT = 0xffff;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const MOST_ENTRIES = 20_000; // an export has a file for each of the visitor's lists
const MOST_DIRECTORY_BYTES = 8_000_000;
const STORED = 0;
const DEFLATED = 8;
const IS_ENCRYPTED = 1;
const IN_ZIP64 = 0xffffffff;
const COUNT_IN_ZIP64 = 0xffff;

const DAMAGED = new FileProblem(
  "This zip file is damaged or was not downloaded completely. Download it again.",
);
const UNREADABLE = "Unpack it on your device and choose the ratings.csv inside.";

/**
 * List the files in an archive, without directories.
 * @param {Blob} archive
 * @returns {Promise<ZipEntry[]>}
 * @throws {FileProblem} if it is not a zip file, or of a kind that is not read
 */
export async function zipEntries(archive) {
  const tailStart = Math.max(0, archive.size - END_BYTES - MOST_COMMENT);
  const tail = await viewOf(archive, tailStart, archive.size);
  const end = placeOfEnd(tail);
  if (end === -1) throw DAMAGED;
  const disks = tail.getUint16(end + 4, true) + tail.getUint16(end + 6, true);
  const count = tail.getUint16(end + 10, true);
  const bytes = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  if (count === COUNT_IN_ZIP64 || bytes === IN_ZIP64 || start === IN_ZIP64)
    throw new FileProblem(`This zip file is of the kind zip64, which we don’t read. ${UNREADABLE}`);
  if (disks > 0)
    throw new FileProblem(
      `This zip file is one part of several, which we don’t read. ${UNREADABLE}`,
    );
  if (count > MOST_ENTRIES || bytes > MOST_DIRECTORY_BYTES)
    throw new FileProblem(`This zip file has too many files in it. ${UNREADABLE}`);
  if (start + bytes > tailStart + end) throw DAMAGED;
  return entriesIn(await viewOf(archive, start, start + bytes), count);
}

/** Return where the end record begins; -1 if there is none. @param {DataView} tail */
function placeOfEnd(tail) {
  for (let place = tail.byteLength - END_BYTES; place >= 0; place -= 1)
    if (
      tail.getUint32(place, true) === END &&
      place + END_BYTES + tail.getUint16(place + 20, true) <= tail.byteLength
    )
      return place;
  return -1;
}

/** @param {DataView} directory @param {number} count @returns {ZipEntry[]} */
function entriesIn(directory, count) {
  const entries = [];
  let place = 0;
  for (let number = 0; number < count; number += 1) {
    if (place + ENTRY_BYTES > directory.byteLength || directory.getUint32(place, true) !== ENTRY)
      throw DAMAGED;
    const nameBytes = directory.getUint16(place + 28, true);
    const next =
      place +
      ENTRY_BYTES +
      nameBytes +
      directory.getUint16(place + 30, true) +
      directory.getUint16(place + 32, true);
    if (next > directory.byteLength) throw DAMAGED;
    const name = new TextDecoder().decode(
      new Uint8Array(directory.buffer, directory.byteOffset + place + ENTRY_BYTES, nameBytes),
    );
    if (!name.endsWith("/"))
      entries.push({
        name,
        flags: directory.getUint16(place + 8, true),
        method: directory.getUint16(place + 10, true),
        packed: directory.getUint32(place + 20, true),
        size: directory.getUint32(place + 24, true),
        offset: directory.getUint32(place + 42, true),
      });
    place = next;
  }
  return entries;
}

/**
 * Unpack one file of an archive.
 * @param {Blob} archive
 * @param {ZipEntry} entry
 * @param {number} most the largest size to unpack, in bytes, whatever size the archive states
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {FileProblem}
 */
export async function unpacked(archive, entry, most) {
  const { name } = entry;
  if (entry.flags & IS_ENCRYPTED)
    throw new FileProblem(`The file ${name} in this zip is encrypted. ${UNREADABLE}`);
  if (entry.packed === IN_ZIP64 || entry.size === IN_ZIP64 || entry.offset === IN_ZIP64)
    throw new FileProblem(`This zip file is of the kind zip64, which we don’t read. ${UNREADABLE}`);
  if (entry.method !== STORED && entry.method !== DEFLATED)
    throw new FileProblem(`This zip file is packed in a way that we don’t read. ${UNREADABLE}`);
  if (entry.size > most) throw tooLarge(name, most);
  const header = await viewOf(archive, entry.offset, entry.offset + LOCAL_BYTES);
  if (header.byteLength < LOCAL_BYTES || header.getUint32(0, true) !== LOCAL) throw DAMAGED;
  const start =
    entry.offset + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
  const packed = archive.slice(start, start + entry.packed);
  if (packed.size < entry.packed) throw DAMAGED;
  const stream = packed.stream();
  const bytes = await allOf(
    entry.method === STORED ? stream : stream.pipeThrough(inflater()),
    most,
    name,
  );
  if (bytes.length !== entry.size) throw DAMAGED;
  return bytes;
}

/** Make a stream that unpacks; older browsers have none. */
function inflater() {
  try {
    return new DecompressionStream("deflate-raw");
  } catch {
    throw new FileProblem(`This browser cannot unpack zip files. ${UNREADABLE}`);
  }
}

/**
 * Read a stream to its end.
 * @param {ReadableStream<Uint8Array>} stream
 * @param {number} most
 * @param {string} name of the file, for a message
 */
async function allOf(stream, most, name) {
  const reader = stream.getReader();
  /** @type {Uint8Array[]} */
  const parts = [];
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read().catch(() => {
      throw DAMAGED;
    });
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw tooLarge(name, most);
    }
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/** @param {string} name @param {number} most */
function tooLarge(name, most) {
  return new FileProblem(
    `${name} is larger than ${most / 1_000_000} MB, which is more than an export of ratings has. Check that it is the right file.`,
  );
}

/** @param {Blob} blob @param {number} start @param {number} end */
async function viewOf(blob, start, end) {
  return new DataView(await blob.slice(start, end).arrayBuffer());
}
