// The countries that can be texted, as the API lists them. The API reads and checks every number.

/** @typedef {{country: string, calling_code: string, example: string}} TextedCountry */

/**
 * Return the countries with their names in a language, sorted by name.
 * @param {TextedCountry[]} texted
 * @param {string} language such as "en-GB"
 * @returns {(TextedCountry & {name: string})[]}
 */
export function namedCountries(texted, language) {
  const names = new Intl.DisplayNames([language, "en"], { type: "region" });
  return texted
    .map((each) => ({ ...each, name: names.of(each.country) ?? each.country }))
    .sort((one, other) => one.name.localeCompare(other.name, language));
}

/**
 * Return the region in a language tag; null if it has none, or if it is no valid tag.
 * @param {string} language such as "en-GB"
 * @returns {string | null} such as "GB"
 */
export function regionIn(language) {
  try {
    return new Intl.Locale(language).region ?? null;
  } catch (error) {
    // Some browsers report the name of a POSIX locale, such as "en-US@posix".
    if (error instanceof RangeError) return null;
    throw error;
  }
}
