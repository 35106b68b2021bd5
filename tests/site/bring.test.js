// Tests of reading exports of Letterboxd and IMDb, and of adding their ratings to the shelf. All
// files are made up.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";

import { rowsOf } from "../../site/scripts/bring/csv.js";
import { fromTable, readExport, wholeStars } from "../../site/scripts/bring/exports.js";
import { FileProblem } from "../../site/scripts/bring/file_problem.js";
import {
  reviewOf,
  roomOn,
  tickedAtFirst,
  tooMany,
  withBrought,
} from "../../site/scripts/bring/review.js";
import { unpacked, zipEntries } from "../../site/scripts/bring/zip.js";
import {
  answered,
  answerTo,
  dismissed,
  EMPTY,
  MAX_RATINGS,
  ratingsOf,
  UNSEEN,
  withNewQuestions,
} from "../../site/scripts/shelf.js";

const TODAY = "2026-11-29";
const LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating";
const IMDB = "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Year";
const URI = "https://boxd.it/made-up";

/** @param {string[]} rows */
const letterboxd = (...rows) => fromTable([LETTERBOXD, ...rows].join("\n"), "ratings.csv", TODAY);
/** @param {string[]} rows */
const imdb = (...rows) => fromTable([IMDB, ...rows].join("\r\n"), "ratings.csv", TODAY);

/** @param {string | Uint8Array<ArrayBuffer>} content @param {string} name */
function fileOf(content, name = "ratings.csv") {
  return Object.assign(new Blob([content]), { name });
}

/**
 * Make a zip archive.
 * @param {Record<string, string>} files
 * @param {{method?: number, flags?: number, size?: number, packed?: number, count?: number, comment?: string}} [spoilt]
 *   what the archive states in place of what is true
 */
function zipOf(files, spoilt = {}) {
  /** @type {Buffer[]} */
  const parts = [];
  /** @type {Buffer[]} */
  const directory = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const method = spoilt.method ?? 8;
    const data = method === 8 ? deflateRawSync(content) : content;
    const nameBytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(spoilt.flags ?? 0x800, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(spoilt.packed ?? data.length, 14);
    common.writeUInt32LE(spoilt.size ?? content.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    const signature = Buffer.from([0x50, 0x4b, 3, 4]);
    parts.push(signature, common, nameBytes, data);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from([0x50, 0x4b, 1, 2, 20, 0]), common, place, nameBytes);
    offset += 30 + nameBytes.length + data.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.set([0x50, 0x4b, 5, 6]);
  const count = spoilt.count ?? Object.keys(files).length;
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  const comment = Buffer.from(spoilt.comment ?? "");
  end.writeUInt16LE(comment.length, 20);
  return new Uint8Array(Buffer.concat([...parts, entries, end, comment]));
}

/** @param {() => unknown} act @param {RegExp} message */
async function assertProblem(act, message) {
  await assert.rejects(
    async () => act(),
    (error) => {
      assert.ok(error instanceof FileProblem, String(error));
      assert.match(error.message, message);
      return true;
    },
  );
}

// CSV

for (const [name, text, rows] of /** @type {[string, string, string[][]][]} */ ([
  [
    "plain fields",
    "a,b\nc,d\n",
    [
      ["a", "b"],
      ["c", "d"],
    ],
  ],
  [
    "no line break at the end",
    "a,b\nc,d",
    [
      ["a", "b"],
      ["c", "d"],
    ],
  ],
  [
    "CRLF and CR",
    "a,b\r\nc,d\re,f",
    [
      ["a", "b"],
      ["c", "d"],
      ["e", "f"],
    ],
  ],
  ["a byte order mark", "\ufeffa,b\n", [["a", "b"]]],
  ["a byte order mark before a quote", '\ufeff"a",b\n', [["a", "b"]]],
  ["separators in quotes", '"a,1",b\n', [["a,1", "b"]]],
  [
    "line breaks in quotes",
    '"a\r\n1\n2",b\nc,d\n',
    [
      ["a\r\n1\n2", "b"],
      ["c", "d"],
    ],
  ],
  ["doubled quotes", '"say ""yes""",b\n', [['say "yes"', "b"]]],
  ["an empty quoted field", '"",b\n', [["", "b"]]],
  ["quotes inside a plain field", 'a "1",b\n', [['a "1"', "b"]]],
  ["text after a closing quote", '"a"1,b\n', [["a1", "b"]]],
  [
    "empty fields",
    "a,,\n,,b\n",
    [
      ["a", "", ""],
      ["", "", "b"],
    ],
  ],
  ["an empty last field without a line break", "a,", [["a", ""]]],
  ["empty lines", "a\n\n\r\nb\n\n", [["a"], ["b"]]],
  ["nothing", "", []],
]))
  test(`csv with ${name} is read`, () => assert.deepEqual(rowsOf(text, ",", 10), rows));

test("csv that ends in an open quote names its line", () =>
  assertProblem(() => rowsOf('a\nb\n"c,d\n', ",", 10), /line 3 .* never closed.*export it again/));

test("csv with too many rows is refused", async () => {
  assert.equal(rowsOf("a\n".repeat(10), ",", 10).length, 10);
  await assertProblem(() => rowsOf("a\n".repeat(11), ",", 10), /more than 10 rows/);
});

test("a large csv without line breaks is read in one pass", () => {
  const text = `"${"x".repeat(2_000_000)}"`;
  assert.equal(rowsOf(text, ",", 10)[0]?.[0]?.length, 2_000_000);
});

// Zip

test("a file of a zip is unpacked, packed or not", async () => {
  for (const method of [0, 8]) {
    const archive = fileOf(zipOf({ "a.csv": "first", "b/c.csv": "é".repeat(5000) }, { method }));
    const entries = await zipEntries(archive);
    assert.deepEqual(
      entries.map(({ name }) => name),
      ["a.csv", "b/c.csv"],
    );
    const [, second] = entries;
    assert.ok(second);
    const bytes = await unpacked(archive, second, 10_000);
    assert.equal(new TextDecoder().decode(bytes), "é".repeat(5000));
  }
});

test("a zip with a comment at its end is read", async () => {
  const archive = fileOf(zipOf({ "a.csv": "x" }, { comment: "made by hand PK\u0005\u0006" }));
  assert.equal((await zipEntries(archive)).length, 1);
});

for (const [
  name,
  files,
  spoilt,
  message,
] of /** @type {[string, Record<string, string>, object, RegExp][]} */ ([
  ["encrypted", {}, { flags: 1 }, /encrypted\. Unpack it/],
  ["zip64", {}, { size: 0xffffffff }, /zip64.*Unpack it/],
  ["zip64 in its directory", {}, { count: 0xffff }, /zip64.*Unpack it/],
  ["packed in another way", {}, { method: 12 }, /packed in a way.*Unpack it/],
  ["of another size than it states", {}, { size: 3 }, /damaged/],
  ["cut short", {}, { packed: 1_000_000 }, /damaged/],
  ["of fewer files than it states", {}, { count: 3 }, /damaged/],
  ["too large inside", { "ratings.csv": "x".repeat(21_000_000) }, {}, /larger than 20 MB/],
  [
    "larger than it states",
    { "ratings.csv": "x".repeat(21_000_000) },
    { size: 10 },
    /larger than 20 MB/,
  ],
  ["without ratings.csv", { "watchlist.csv": "x" }, {}, /no ratings\.csv.*Export your data/],
  ["a workbook", { "[Content_Types].xml": "x", "xl/workbook.xml": "x" }, {}, /Excel workbook.*csv/],
]))
  test(`a zip that is ${name} is refused with a sentence`, () => {
    const content = Object.keys(files).length > 0 ? files : { "ratings.csv": "abcdefgh" };
    return assertProblem(
      () => readExport(fileOf(zipOf(content, spoilt), "export.zip"), TODAY),
      message,
    );
  });

test("a browser that cannot unpack says what to do", async () => {
  const archive = zipOf({ "ratings.csv": "x" });
  const { DecompressionStream: kept } = globalThis;
  // @ts-expect-error: older browsers have none
  delete globalThis.DecompressionStream;
  try {
    await assertProblem(
      () => readExport(fileOf(archive, "x.zip"), TODAY),
      /cannot unpack zip files\. Unpack it on your device/,
    );
  } finally {
    globalThis.DecompressionStream = kept;
  }
});

test("any damage to a zip is a problem of the file, never another error", async () => {
  const good = zipOf({ "ratings.csv": `${LETTERBOXD}\n2024-05-01,Heat,1995,${URI},4.5\n` });
  for (let place = 0; place < good.length; place += 1) {
    for (const change of [0x00, 0xff, 0x01]) {
      const spoilt = good.slice();
      spoilt[place] = /** @type {number} */ (spoilt[place]) ^ change || 0x7f;
      await readExport(fileOf(spoilt, "x.zip"), TODAY).catch((error) => {
        assert.ok(error instanceof FileProblem, `${place} ^ ${change}: ${error}`);
      });
    }
    await readExport(fileOf(good.slice(0, place), "x.zip"), TODAY).catch((error) => {
      assert.ok(error instanceof FileProblem, `cut at ${place}: ${error}`);
    });
  }
});

test("Letterboxd’s zip is read: the ratings that are not deleted", async () => {
  const archive = zipOf({
    "deleted/ratings.csv": `${LETTERBOXD}\n2024-05-01,Deleted,1995,${URI},1\n`,
    "watchlist.csv": "Date,Name,Year,Letterboxd URI\n",
    "letterboxd-ada/ratings.csv": `${LETTERBOXD}\n2024-05-01,Heat,1995,${URI},4.5\n`,
  });
  const { site, ratings } = await readExport(fileOf(archive, "letterboxd.zip"), TODAY);
  assert.equal(site, "Letterboxd");
  assert.deepEqual(
    ratings.map(({ title }) => title),
    ["Heat"],
  );
});

// The tables of each site

test("a rating of Letterboxd is read", () => {
  assert.deepEqual(letterboxd(`2024-05-01,"Good, the Bad",1966,${URI},4.5`), {
    site: "Letterboxd",
    ratings: [
      {
        title: "Good, the Bad",
        year: 1966,
        imdbId: null,
        given: "4½ of 5",
        stars: 5,
        at: "2024-05-01T00:00:00.000Z",
      },
    ],
    leftOut: [],
  });
});

test("a rating of IMDb is read, with its id", () => {
  const row = "tt0113277,7,2024-05-01,Heat,Heat,https://x,Movie,8.3,1995";
  assert.deepEqual(imdb(row).ratings, [
    {
      title: "Heat",
      year: 1995,
      imdbId: "tt0113277",
      given: "7 of 10",
      stars: 4,
      at: "2024-05-01T00:00:00.000Z",
    },
  ]);
});

test("half stars are rounded up, and more never become fewer", () => {
  const stars = Array.from({ length: 10 }, (_, place) => wholeStars(place + 1));
  assert.deepEqual(stars, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
  const halves = ["0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5.0"];
  const read = letterboxd(
    ...halves.map((each, place) => `2024-05-01,F${place},1990,${URI},${each}`),
  );
  assert.deepEqual(
    read.ratings.map((each) => each.stars),
    stars,
  );
  assert.deepEqual(
    read.ratings.map(({ given }) => given),
    ["½", "1", "1½", "2", "2½", "3", "3½", "4", "4½", "5"].map((each) => `${each} of 5`),
  );
});

test("a row that cannot be used is left out with the reason", () => {
  const { ratings, leftOut } = letterboxd(
    `2024-05-01,,1995,${URI},4`,
    `2024-05-01,Six,1995,${URI},6`,
    `2024-05-01,Odd,1995,${URI},3.3`,
    `2024-05-01,Words,1995,${URI},good`,
    `2024-05-01,Unrated,1995,${URI},`,
  );
  assert.deepEqual(ratings, []);
  assert.deepEqual(
    leftOut.map(({ title, reason }) => [title, reason.slice(0, 20)]),
    [
      ["(no title)", "This row has no titl"],
      ["Six", "The file says “6”, w"],
      ["Odd", "The file says “3.3”,"],
      ["Words", "The file says “good”"],
    ],
  );
});

test("an episode is left out, because a movie may have its title", () => {
  const { ratings, leftOut } = imdb(
    "tt1,7,2024-05-01,Heat,Heat,u,TV Episode,8,1995",
    "tt2,7,2024-05-01,Heat,Heat,u,tvEpisode,8,1995",
    "tt3,7,2024-05-01,Heat,Heat,u,TV Mini Series,8,1995",
  );
  assert.equal(ratings.length, 1);
  assert.equal(leftOut[0]?.reason, "This is an episode of a series, not a movie.");
  assert.equal(leftOut.length, 2);
});

test("odd years, ids and days are not sent and not believed", () => {
  const odd = ["", "1666", "MMXX"].map((year) => letterboxd(`2024-05-01,A,${year},${URI},4`));
  assert.deepEqual(
    odd.map(({ ratings }) => ratings[0]?.year),
    [null, null, null],
  );
  assert.equal(imdb("nm0000001,7,2024-05-01,A,A,u,Movie,8,1995").ratings[0]?.imdbId, null);
  for (const day of ["", "2026-11-30", "1970-01-01", "2024-06-31", "yesterday", "05/01/2024"])
    assert.equal(letterboxd(`${day},A,1990,${URI},4`).ratings[0]?.at, "", day);
  assert.equal(letterboxd(`2026-11-29,A,1990,${URI},4`).ratings[0]?.at, "2026-11-29T00:00:00.000Z");
});

test("a title is cut between characters where it is too long for the API", () => {
  const { title } = letterboxd(`2024-05-01,${"😀".repeat(300)},1990,${URI},4`).ratings[0] ?? {};
  assert.equal(title, "😀".repeat(200));
});

test("files that a spreadsheet saved again are read", async () => {
  const rows = `${LETTERBOXD}\n2024-05-01,Amélie,2001,${URI},4\n`;
  const utf16 = new Uint8Array(Buffer.from(`\ufeff${rows.replaceAll(",", "\t")}`, "utf16le"));
  const latin = new Uint8Array(Buffer.from(rows.replaceAll(",", ";"), "latin1"));
  for (const content of [rows, `\ufeff${rows}`, utf16, latin]) {
    const { ratings } = await readExport(fileOf(content), TODAY);
    assert.equal(ratings[0]?.title, "Amélie");
  }
});

for (const [name, header, message] of /** @type {[string, string, RegExp][]} */ ([
  [
    "watchlist.csv",
    "Date,Name,Year,Letterboxd URI",
    /without ratings.*Choose ratings\.csv.*Export your data/,
  ],
  ["diary.csv", `${LETTERBOXD},Rewatch,Tags,Watched Date`, /diary.*Choose ratings\.csv/],
  ["reviews.csv", `${LETTERBOXD},Rewatch,Review,Tags,Watched Date`, /reviews.*Choose ratings\.csv/],
  ["best.csv", "Letterboxd list export v7", /one of your Letterboxd lists.*Choose ratings\.csv/],
  [
    "WATCHLIST.csv",
    "Position,Const,Created,Modified,Description,Title",
    /IMDb without your ratings.*Export/,
  ],
  [
    "ratings.csv",
    "userId,movieId,rating,timestamp",
    /many people.*MovieLens.*letterboxd\.com.*imdb\.com/,
  ],
  ["marquee.csv", "movie_id,title,year,genres,stars,rated_at", /export from Marquee/],
  ["shopping.csv", "item,price", /not an export.*“item, price”.*letterboxd\.com.*imdb\.com/],
  ["ratings.csv", LETTERBOXD, /no ratings in it.*Export your data/],
]))
  test(`${name} with “${header}” is refused with the file to choose`, () =>
    assertProblem(() => fromTable(`${header}\n`, name, TODAY), message));

for (const [name, bytes, message] of /** @type {[string, number[], RegExp][]} */ ([
  ["old.xls", [0xd0, 0xcf, 0x11, 0xe0, 0, 0], /an Excel workbook/],
  ["a.pdf", [0x25, 0x50, 0x44, 0x46], /a PDF/],
  ["a.csv.gz", [0x1f, 0x8b, 8, 0], /a gzip archive/],
  ["a.rar", [0x52, 0x61, 0x72, 0x21], /a RAR archive/],
  ["a.7z", [0x37, 0x7a, 0xbc, 0xaf], /a 7z archive/],
  ["a.png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0, 0], /not a table/],
  ["empty.csv", [], /empty/],
]))
  test(`${name} is refused by what it is`, () =>
    assertProblem(() => readExport(fileOf(new Uint8Array(bytes), name), TODAY), message));

test("a table over the limit is refused before it is read", () =>
  assertProblem(() => readExport(fileOf("x".repeat(20_000_001)), TODAY), /larger than 20 MB/));

// The review and the shelf

const OLD = "2024-01-01T00:00:00.000Z";
const NEW = "2026-01-01T00:00:00.000Z";
const BETWEEN = "2025-01-01T12:00:00.000Z";
/** @param {number} id */
const movie = (id) => ({ movie_id: id, title: `Movie ${id}`, year: 1990, genres: [] });
/** @param {number} stars @param {string} at */
const rating = (stars, at, title = "A") => ({
  title,
  year: 1990,
  imdbId: null,
  given: "",
  stars,
  at,
});
/** @param {number} id @returns {import("../../site/scripts/api.js").Match} */
const matched = (id) => ({ movie: movie(id), reason: null });

test("ratings are sorted by what the shelf has, and what matches nothing has a reason", () => {
  let shelf = answered(EMPTY, movie(1), 3, BETWEEN);
  shelf = answered(shelf, movie(2), 3, BETWEEN);
  shelf = answered(shelf, movie(3), 4, BETWEEN);
  shelf = answered(shelf, movie(4), UNSEEN, BETWEEN);
  const review = reviewOf(
    shelf,
    [
      rating(5, NEW),
      rating(5, OLD),
      rating(4, NEW),
      rating(4, NEW),
      rating(1, OLD),
      rating(2, NEW, "B"),
      rating(2, NEW, "C"),
    ],
    [
      matched(1),
      matched(2),
      matched(3),
      matched(4),
      matched(5),
      { movie: null, reason: "unknown" },
      { movie: null, reason: "ambiguous" },
    ],
  );
  const ids = (/** @type {import("../../site/scripts/bring/review.js").Row[]} */ rows) =>
    rows.map(({ answer }) => answer.movie.movie_id);
  assert.deepEqual(ids(review.changed), [1, 2, 4]);
  assert.deepEqual(ids(review.same), [3]);
  assert.deepEqual(ids(review.added), [5]);
  assert.deepEqual(
    review.missing.map(({ title, reason }) => [title, reason]),
    [
      ["B", "Not in our catalogue."],
      ["C", "Several movies in our catalogue have this title."],
    ],
  );
  assert.deepEqual([...tickedAtFirst(shelf, review)].sort(), [1, 4, 5]);
});

test("a rating without a day is not newer than one given here", () => {
  const shelf = answered(EMPTY, movie(1), 3, BETWEEN);
  const review = reviewOf(shelf, [rating(5, "")], [matched(1)]);
  assert.equal(review.changed[0]?.isNewer, false);
});

test("of two ratings of one movie the newest counts, whatever their order", () => {
  for (const order of [
    [OLD, NEW],
    [NEW, OLD],
  ]) {
    const ratings = order.map((at) => rating(at === NEW ? 5 : 1, at, at));
    const { added, missing } = reviewOf(EMPTY, ratings, [matched(1), matched(1)]);
    assert.deepEqual(
      added.map(({ answer }) => answer.stars),
      [5],
    );
    assert.deepEqual(
      missing.map(({ title }) => title),
      [OLD],
    );
  }
});

test("added ratings replace answers in their place, with their times, and end questions and dismissals", () => {
  let shelf = answered(EMPTY, movie(1), 3, BETWEEN);
  shelf = answered(shelf, movie(2), UNSEEN, BETWEEN);
  shelf = dismissed(shelf, movie(3));
  shelf = withNewQuestions(shelf, [movie(4), movie(5)]);
  const answers = [5, 4, 3, 2, 1].map((id) => ({ movie: movie(id), stars: 5, at: OLD }));
  const after = withBrought({ ...shelf, dataset: "d" }, "d", answers);
  assert.deepEqual(
    after.answers.map(({ movie: { movie_id }, stars, at }) => [movie_id, stars, at]),
    [1, 2, 5, 4, 3].map((id) => [id, 5, OLD]),
  );
  assert.deepEqual([after.asking, after.dismissed, after.undo], [[], [], []]);
});

test("what is not brought stays as it was", () => {
  let shelf = answered({ ...EMPTY, dataset: "d" }, movie(1), 3, BETWEEN);
  shelf = dismissed(withNewQuestions(shelf, [movie(2)]), movie(3));
  const after = withBrought(shelf, "d", [{ movie: movie(9), stars: 2, at: "" }]);
  assert.deepEqual(answerTo(after, 1), answerTo(shelf, 1));
  assert.deepEqual(
    [after.asking, after.dismissed, after.undo],
    [shelf.asking, shelf.dismissed, shelf.undo],
  );
  assert.deepEqual(withBrought(shelf, "d", []), shelf);
});

test("ratings of another data set are dropped, because ids are those of one data set", () => {
  const shelf = { ...answered(EMPTY, movie(1), 3, BETWEEN), dataset: "former" };
  const after = withBrought(shelf, "d", [{ movie: movie(9), stars: 2, at: "" }]);
  assert.deepEqual(ratingsOf(after), [{ movie_id: 9, stars: 2 }]);
});

test("no more ratings are ticked than the shelf has room for, the newest first", () => {
  let shelf = EMPTY;
  for (let id = 1; id <= MAX_RATINGS - 2; id += 1) shelf = answered(shelf, movie(id), 3, OLD);
  const days = [OLD, NEW, "", BETWEEN];
  const ratings = [rating(5, NEW), ...days.map((at) => rating(4, at))];
  const matches = [1, 901, 902, 903, 904].map(matched);
  const review = reviewOf(shelf, ratings, matches);
  assert.equal(roomOn(shelf), 2);
  assert.deepEqual([...tickedAtFirst(shelf, review)].sort(), [1, 902, 904]);
  assert.equal(tooMany(shelf, [...review.changed, ...review.added]), 2);
  assert.equal(tooMany(shelf, review.changed), 0);
});
