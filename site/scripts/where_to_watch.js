// Where a movie can be watched: a search at JustWatch, in the visitor's country.

import { regionIn } from "./phone.js";

const SITE = "https://www.justwatch.com";

/** JustWatch's search page by country, where it is not called `search`. */
const SEARCH_PAGES = Object.entries({
  Suche: "AT CH DE",
  arama: "TR",
  busca: "BR PT",
  buscar: "AR CL CO EC ES MX PE VE",
  cerca: "IT",
  etsi: "FI",
  otsing: "EE",
  recherche: "BE FR",
});

/** Further countries that JustWatch covers. Visitors from elsewhere get the page of the US. */
const OTHERS = "AU BG CA GB GR HK HU ID IE IN LT LV MY NL NO NZ PH PL RO SE SG TH TW US ZA";

/**
 * Return the address of a search for a title at JustWatch.
 * @param {string} title
 * @param {string} language the browser's, such as "en-GB"; its region is the visitor's country
 */
export function whereToWatch(title, language) {
  const region = regionIn(language) ?? "US";
  const [page] = SEARCH_PAGES.find(([, countries]) => countries.split(" ").includes(region)) ?? [
    "search",
  ];
  const isCovered = page !== "search" || OTHERS.split(" ").includes(region);
  const country = isCovered ? region : "US";
  // JustWatch calls the United Kingdom by the letters of its domain.
  const folder = country === "GB" ? "uk" : country.toLowerCase();
  return `${SITE}/${folder}/${page}?${new URLSearchParams({ q: title })}`;
}
