// Reads the view to open from the address. It is in the fragment, so that any file server can host
// the site.

/** @typedef {{name: string, argument: string}} Route */
/** @typedef {import("./api.js").Credentials} Credentials */

const VISITOR_FRAGMENT = /^#([0-9a-z]{26})\.([A-Za-z0-9_=-]+)$/;

/**
 * Return the credentials in the link of a text, `#<visitor_id>.<token>`; null for other addresses.
 * @param {string} hash
 * @returns {Credentials | null}
 */
export function credentialsIn(hash) {
  const [, visitor_id, token] = VISITOR_FRAGMENT.exec(hash) ?? [];
  return visitor_id && token ? { visitor_id, token } : null;
}

/**
 * Return the view that a fragment names: `#movie/318` is the view `movie` with the argument `318`.
 * @param {string} hash
 * @returns {Route}
 */
export function routeOf(hash) {
  const [name = "", ...rest] = hash.replace(/^#/, "").split("/");
  return { name: name || "rate", argument: decoded(rest.join("/")) };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
