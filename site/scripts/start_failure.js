// Says that the page could not start, with a button to try again. A classic script, which needs no
// module: it also runs if a module cannot be fetched, does not fit the others (a half-published
// site) or is too new for the browser.

{
  const site = new URL(".", document.baseURI).href;

  const show = () => {
    const main = document.querySelector("main");
    // The first view replaces the noscript element; from then on, views show their own problems.
    if (!main?.querySelector(":scope > noscript")) return;
    const heading = document.createElement("h1");
    heading.id = "view-heading";
    heading.className = "board";
    heading.tabIndex = -1;
    heading.textContent = "Marquee could not start";
    const words = document.createElement("p");
    words.className = "lede";
    words.textContent =
      "Part of the page could not be loaded: check your connection and try again, or use a newer browser.";
    const again = document.createElement("button");
    again.type = "button";
    again.className = "button primary";
    again.textContent = "Try again";
    again.addEventListener("click", () => location.reload());
    const actions = document.createElement("p");
    actions.className = "actions";
    actions.append(again);
    const message = document.createElement("div");
    message.className = "message";
    message.append(heading, words, actions);
    main.removeAttribute("aria-busy");
    main.replaceChildren(message);
    document.title = "Could not start · Marquee";
    heading.focus({ preventScroll: true });
  };

  /** @param {Event} event */
  const onError = (event) => {
    // The error of a script element is also that of the modules that it imports.
    const { target } = event;
    const source =
      target instanceof HTMLScriptElement
        ? target.src
        : event instanceof ErrorEvent
          ? event.filename
          : "";
    if (!source.startsWith(site)) return; // of a picture, or of a browser's extension
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
    else show();
  };

  // The errors of elements do not bubble, so they must be captured.
  addEventListener("error", onError, true);
}
