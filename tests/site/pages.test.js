// Tests of addresses, phone numbers, exports and the page's texts, without a DOM.

import assert from "node:assert/strict";
import { test } from "node:test";

import { asCsv, asJson } from "../../site/scripts/export.js";
import { namedCountries, regionIn } from "../../site/scripts/phone.js";
import { credentialsIn, routeOf } from "../../site/scripts/router.js";
import { fitted } from "../../site/scripts/share/list_image.js";
import { answered, EMPTY, savedForLater } from "../../site/scripts/shelf.js";
import { labelPlaces, shortTitle } from "../../site/scripts/taste_chart.js";
import { lengthClass } from "../../site/scripts/views/rate.js";
import { bars } from "../../site/scripts/views/taste.js";
import { decadesOf } from "../../site/scripts/views/topics.js";
import { whereToWatch } from "../../site/scripts/where_to_watch.js";
import {
  listed,
  listTitle,
  NO_MORE_TODAY,
  picksAsText,
  topicsWords,
  wordsForExpectedStars,
  wordsForKeptPicks,
  wordsForLikedShare,
  wordsForListReasons,
  wordsForPart,
  wordsForProblem,
  wordsForReasons,
  wordsForSearch,
  wordsForStatus,
} from "../../site/scripts/wording.js";

const HEAT = { movie_id: 1, title: "Heat", year: 1995, genres: ["Action", "Crime"] };
const RONIN = { movie_id: 2, title: "Ronin", year: 1998, genres: ["Thriller"] };

test("a fragment names a view and its argument; an empty one is the first view", () => {
  assert.deepEqual(routeOf(""), { name: "rate", argument: "" });
  assert.deepEqual(routeOf("#movie/318"), { name: "movie", argument: "318" });
  assert.deepEqual(routeOf("#search/face%2Foff"), { name: "search", argument: "face/off" });
  assert.deepEqual(routeOf("#search/100%"), { name: "search", argument: "100%" });
});

test("only the link in a text contains credentials", () => {
  const id = "01jd0000000000000000000abc";
  assert.deepEqual(credentialsIn(`#${id}.tok_en-1=`), { visitor_id: id, token: "tok_en-1=" });
  for (const other of ["#picks", `#${id}`, `#${id}.`, `#${id}.a b`, `#${id.toUpperCase()}.x`])
    assert.equal(credentialsIn(other), null);
});

test("only countries that can be texted are offered, by name, and a language selects one", () => {
  const texted = [
    { country: "US", calling_code: "1", example: "(201) 555-0123" },
    { country: "GB", calling_code: "44", example: "07400 123456" },
  ];
  const named = namedCountries(texted, "en-GB");
  assert.deepEqual(
    named.map(({ name, country, calling_code }) => [name, country, calling_code]),
    [
      ["United Kingdom", "GB", "44"],
      ["United States", "US", "1"],
    ],
  );
  assert.equal(regionIn("en-GB"), "GB");
  assert.equal(regionIn("en"), null);
  assert.equal(regionIn("en-US@posix"), null);
});

test("where to watch is a search in the visitor's country, or in the US", () => {
  const address = (/** @type {string} */ language) => whereToWatch("Heat", language);
  assert.equal(address("en-CA"), "https://www.justwatch.com/ca/search?q=Heat");
  assert.equal(address("en-GB"), "https://www.justwatch.com/uk/search?q=Heat");
  assert.equal(address("de-AT"), "https://www.justwatch.com/at/Suche?q=Heat");
  for (const elsewhere of ["en", "es-419", "en-AQ", "en-US@posix", ""])
    assert.equal(address(elsewhere), "https://www.justwatch.com/us/search?q=Heat");
});

test("a title is one value in the address of where to watch, whatever its characters", () => {
  const title = "Amélie & “Me”: 100% #1?/../";
  const { origin, pathname, searchParams, hash } = new URL(whereToWatch(title, "en-US"));
  assert.equal(origin + pathname, "https://www.justwatch.com/us/search");
  assert.deepEqual([...searchParams], [["q", title]]);
  assert.equal(hash, "");
});

test("the expected stars are said only where there is a prediction", () => {
  assert.equal(wordsForExpectedStars(4.26), "We expect 4.3 of 5 stars from you.");
  assert.equal(wordsForExpectedStars(null), "");
  assert.equal(wordsForExpectedStars(undefined), "");
});

test("a search that finds nothing says where the catalogue ends", () => {
  const nothing = { movies: [], topic: null, last_year: 2018 };
  assert.equal(
    wordsForSearch("oppenheimer", nothing),
    "“oppenheimer” is not in our catalogue, which ends in 2018.",
  );
  assert.equal(
    wordsForSearch("oppenheimer", { ...nothing, last_year: null }),
    "“oppenheimer” is not in our catalogue.",
  );
});

test("a search for a genre, a decade or a year says what its list holds", () => {
  const movies = [{ ...HEAT, alternative_titles: [] }];
  /** @param {import("../../site/scripts/api.js").Topic | null} topic */
  const words = (topic) => wordsForSearch("typed", { movies, topic, last_year: 2018 });
  assert.equal(words(null), "1 movie, best matches first.");
  assert.equal(
    words({ genre: "Horror", first_year: null, last_year: null }),
    "Horror movies, most rated first.",
  );
  assert.equal(
    words({ genre: null, first_year: 1994, last_year: 1994 }),
    "Movies of 1994, most rated first.",
  );
  assert.equal(
    words({ genre: "Horror", first_year: 1990, last_year: 1999 }),
    "Horror movies of 1990–1999, most rated first.",
  );
});

test("the export contains the ratings, the watchlist and only the last digits of the phone", () => {
  const shelf = {
    ...savedForLater(answered(EMPTY, HEAT, 5, "2026-11-24T12:00:00Z"), RONIN),
    name: "Ada",
    visit: {
      visitor_id: "v",
      token: "secret",
      version: 1,
      phone_ends: "23",
      saved: { ratings: [], dismissed: [], unseen: [] },
    },
  };
  const text = asJson(shelf, null, "2026-11-24T13:00:00Z");
  const data = JSON.parse(text);
  assert.equal(data.phone_ends, "23");
  assert.deepEqual(data.ratings, [
    {
      movie_id: 1,
      title: "Heat",
      year: 1995,
      genres: ["Action", "Crime"],
      stars: 5,
      rated_at: "2026-11-24T12:00:00Z",
    },
  ]);
  assert.deepEqual(data.saved_for_later, [RONIN]);
  assert.ok(!text.includes("secret"));
});

test("titles with commas, quotes and formulas are escaped in CSV", () => {
  const shelf = [
    ['Good, the "Bad"', 2],
    ["=1+1", 3],
  ].reduce(
    (now, [title, id]) =>
      answered(now, { ...HEAT, title: String(title), movie_id: Number(id) }, 4, "2026"),
    EMPTY,
  );
  assert.deepEqual(asCsv(shelf).split("\r\n"), [
    "movie_id,title,year,genres,stars,rated_at",
    '2,"Good, the ""Bad""",1995,Action|Crime,4,2026',
    "3,'=1+1,1995,Action|Crime,4,2026",
    "",
  ]);
});

test("a list of titles is joined with commas and 'and'", () => {
  assert.equal(listed([]), "");
  assert.equal(listed(["Alien", "Heat", "Up"]), "Alien, Heat and Up");
});

test("a reason is a liked movie; of movies rated low since, the page says only that they are rated", () => {
  const [heat, ronin] = [HEAT, RONIN].map(({ title }) => title);
  /** @param {[string | undefined, number | null][]} reasons */
  const words = (...reasons) =>
    wordsForReasons(reasons.map(([title, stars]) => ({ title: String(title), stars })));
  assert.equal(words(), "");
  assert.equal(words([heat, 5], [ronin, 4]), "Because you liked Heat and Ronin");
  assert.equal(words([heat, null]), "Because you liked Heat");
  assert.equal(words([heat, 5], [ronin, 3]), "Because you liked Heat");
  assert.equal(words([heat, 3], [ronin, 1]), "Because you rated Heat and Ronin");
});

test("a pick without other reasons says which part of a series it is", () => {
  assert.equal(wordsForPart({ series: "Alien", number: 2 }), "Part 2 of the series “Alien”");
  assert.equal(wordsForPart(null), "");
});

test("the liked share is said as a number of picks", () => {
  assert.equal(wordsForLikedShare(0.71, 10), "We expect you to like about 7 of these 10.");
  assert.equal(wordsForLikedShare(0.97, 10), "We expect you to like all of these 10.");
  assert.equal(
    wordsForLikedShare(0.04, 10),
    "We can’t tell yet what you like. Rate a movie you liked.",
  );
  assert.equal(wordsForLikedShare(null, 10), "");
  assert.equal(wordsForLikedShare(0.7, 0), "");
});

test("picks of an earlier visit say of which day they are", () => {
  assert.match(wordsForKeptPicks("2026-11-29T12:00:00Z"), /from your last visit, November 29\./);
});

test("picks are shared as plain text", () => {
  assert.equal(
    picksAsText([HEAT, { title: "Up", year: null }], "https://site/"),
    "My picks from Marquee\n1. Heat (1995)\n2. Up\nhttps://site/",
  );
});

test("a failure says why and what happens next", () => {
  const failed = {
    status: /** @type {const} */ ("failed"),
    status_at: "",
    reason: "The step failed.",
    texts: true,
  };
  assert.match(wordsForStatus({ ...failed, picks: null }).now, /\(The step failed\)/);
  assert.match(wordsForStatus({ ...failed, picks: null }).next, /We have been notified/);
  assert.match(wordsForStatus({ ...failed, picks: [] }).next, /nobody is texted twice/);
});

test("a text over the daily cap is reported as not sent, not as possibly sent", () => {
  const capped = wordsForStatus({
    status: "failed",
    status_at: "",
    reason: NO_MORE_TODAY,
    texts: true,
    picks: [],
  });
  assert.match(capped.now, /can’t send any more texts today/);
  assert.match(capped.now, /picks are ready/);
  assert.match(capped.next, /come back tomorrow/);
});

test("a finished text is not reported as delivered", () => {
  const texted = wordsForStatus({
    status: "texted",
    status_at: "2026-11-24T12:00:00.000Z",
    reason: null,
    texts: true,
    picks: [],
  });
  assert.match(texted.now, /^Finished at \d/);
  assert.doesNotMatch(`${texted.now} ${texted.next}`, /delivered|arrived|received/i);
});

test("a limit says when to try again, in suitable units", () => {
  const limit = {
    kind: /** @type {const} */ ("too-many"),
    fieldErrors: [{ field: "phone", message: "This number has had its texts for today." }],
  };
  assert.equal(
    wordsForProblem({ ...limit, retryAfterSeconds: 7200 }),
    "This number has had its texts for today. Try again in 2 hours.",
  );
  assert.match(
    wordsForProblem({ kind: "too-many", fieldErrors: [], retryAfterSeconds: 42 }),
    /in 42 seconds/,
  );
  assert.match(
    wordsForProblem({ kind: "unavailable", fieldErrors: [], retryAfterSeconds: 1 }),
    /in 1 second\./,
  );
});

test("a bar is as long as its leaning, and leanings that round to 0.0 have none", () => {
  /** @param {string} name @param {number} weight */
  const leaning = (name, weight) => ({ name, weight, rated: 3 });
  const shares = (/** @type {number[]} */ weights) =>
    bars(weights.map((weight, place) => leaning(String(place), weight))).map(({ share }) => share);
  assert.deepEqual(shares([0.04, -0.02, 0]), []);
  assert.deepEqual(shares([-0.25, 0.1]), [0.1, 0.25]);
  assert.deepEqual(shares([2, -1]), [1, 0.5]);
});

test("a long title loses its end, but one of a series loses the part that it shares", () => {
  const rings = [
    "The Lord of the Rings: The Fellowship of the Ring",
    "The Lord of the Rings: The Two Towers",
    "Star Wars: Episode V - The Empire Strikes Back",
    "Star Wars: Episode IV - A New Hope",
  ];
  assert.equal(shortTitle("Heat", rings), "Heat");
  assert.equal(shortTitle(rings[1] ?? "", rings), "…The Two Towers");
  assert.equal(shortTitle(rings[0] ?? "", rings), "…The Fellowship of the…");
  assert.equal(shortTitle(rings[2] ?? "", rings), "…The Empire Strikes Back");
  assert.equal(shortTitle(rings[3] ?? "", rings), "…Episode IV - A New Hope");
  assert.equal(
    shortTitle("Dr. Strangelove or: How I Learned to Stop Worrying", rings),
    "Dr. Strangelove or: How…",
  );
  assert.equal(
    shortTitle("The Lord of the Rings: The Two Towers", ["Heat"]),
    "The Lord of the Rings…",
  );
});

test("no label of the taste map crosses a dot or another label, and none leaves the chart", () => {
  const dots = Array.from({ length: 40 }, (_, place) => ({
    x: 40 + ((place * 97) % 640),
    y: 40 + ((place * 61) % 440),
    radius: place < 20 ? 7 : 4,
    words: "A title of 24 letters...",
    width: 173,
  }));
  const labels = labelPlaces(dots).filter((label) => label !== null);
  assert.ok(labels.length > 5);
  const boxes = [
    ...labels,
    ...dots.map(({ x, y, radius }) => ({
      x: x - radius,
      y: y - radius,
      width: 2 * radius,
      height: 2 * radius,
    })),
  ];
  for (const [place, label] of labels.entries()) {
    assert.ok(label.x >= 0 && label.y >= 0 && label.x + label.width <= 720);
    for (const other of boxes.slice(place + 1))
      assert.ok(
        label.x >= other.x + other.width ||
          other.x >= label.x + label.width ||
          label.y >= other.y + other.height ||
          other.y >= label.y + label.height,
      );
  }
});

test("the longest titles get the smallest letters", () => {
  assert.equal(lengthClass("Heat"), "title-short");
  assert.equal(lengthClass("The Silence of the Lambs"), "title-medium");
  assert.equal(lengthClass("The Lord of the Rings: The Two Towers"), "title-long");
  assert.equal(
    lengthClass("Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb"),
    "title-longest",
  );
});

test("the button for the topics names the first two and counts the others", () => {
  assert.equal(topicsWords({ genres: [], decades: [] }), "Choose genres and decades");
  assert.equal(topicsWords({ genres: ["Horror"], decades: [2010] }), "First: Horror, 2010s");
  const many = { genres: ["Horror", "Drama"], decades: [1990, 2010] };
  assert.equal(topicsWords(many), "First: Horror, Drama and 2 more");
});

test("the decades reach from the catalogue's first year to its last", () => {
  const catalogue = { dataset: "d", genres: [] };
  assert.deepEqual(
    decadesOf({ ...catalogue, first_year: 1989, last_year: 2011 }),
    [2010, 2000, 1990, 1980],
  );
  assert.deepEqual(decadesOf({ ...catalogue, first_year: null, last_year: null }), []);
});

test("a list is named after whoever shared it, and its reasons name them or nobody", () => {
  assert.equal(listTitle("Ada"), "Ada’s movies");
  assert.equal(listTitle(null), "A list of movies");
  assert.equal(wordsForListReasons([], "Ada"), "");
  assert.equal(wordsForListReasons(["Heat", "Up"], "Ada"), "Because Ada liked Heat and Up");
  assert.equal(wordsForListReasons(["Heat"], null), "For people who liked Heat");
});

test("a list that was taken back is not one that was never there", () => {
  const problem = (/** @type {"taken-back" | "missing"} */ kind) =>
    wordsForProblem({ kind, fieldErrors: [], retryAfterSeconds: 0 });
  assert.match(problem("taken-back"), /taken it back/);
  assert.notEqual(problem("taken-back"), problem("missing"));
});

test("a title on the picture is shortened until it fits, by whole characters", () => {
  const measure = (/** @type {string} */ words) => [...words].length;
  assert.equal(fitted("Heat", 4, measure), "Heat");
  assert.equal(fitted("Heat and dust", 6, measure), "Heat…");
  assert.equal(fitted("🎬🎬🎬", 2, measure), "🎬…");
  assert.equal(fitted("Heat", 0, measure), "H…");
});

test("an export names the shared lists but not the secrets that take them back", () => {
  const lists = [
    { list_id: "l1", owner_secret: "hidden", first_name: "Ada", expires_at: "2027-02-27" },
  ];
  const text = asJson({ ...EMPTY, lists }, null, "2026-11-29T08:00:00Z");
  assert.deepEqual(JSON.parse(text).shared_lists, [
    { list_id: "l1", first_name: "Ada", expires_at: "2027-02-27" },
  ]);
  assert.doesNotMatch(text, /hidden/);
});
