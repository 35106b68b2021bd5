// Which view the address asks for. A fragment, so that any file server will do.

/** @typedef {{name: string, argument: string}} Route */
/** @typedef {import("./api.js").Credentials} Credentials */

const VISITOR_FRAGMENT = /^#([0-9a-z]{26})\.([A-Za-z0-9_=-]+)$/;

/** @param {string} hash @returns {Credentials | null} what a text links to: `#<visitor_id>.<token>` */
export function credentialsIn(hash) {
  const [, visitor_id, token] = VISITOR_FRAGMENT.exec(hash) ?? [];
  return visitor_id && token ? { visitor_id, token } : null;
}

/** @param {string} hash @returns {Route} `#movie/318` is the view movie with the argument 318 */
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
