// What the scripts of all pages share: where the site's root is, data files, words for screen readers, and
// links that work from a folder. A page is whole without any of it.
"use strict";
(() => {
  const root = new URL("..", document.currentScript.src);
  const files = new Map();

  // Data come as scripts that hand over one value, since a page opened from a folder may not fetch.
  // `board.load("kernels/0")` gives a promise of what assets/data/kernels/0.js passes to `board.take`.
  const load = (name) => {
    if (!files.has(name)) {
      const file = {};
      file.promise = new Promise((resolve, reject) => Object.assign(file, { resolve, reject }));
      files.set(name, file);
      const script = document.createElement("script");
      script.src = new URL(`assets/data/${name}.js`, root);
      script.onerror = () => reject(name, file);
      document.head.append(script);
    }
    return files.get(name).promise;
  };
  const reject = (name, file) => {
    files.delete(name); // so that a reader who comes back online can try again
    file.reject(new Error(`assets/data/${name}.js cannot be read`));
  };
  const take = (name, value) => files.get(name)?.resolve(value);

  // Said to who listens, without moving the focus.
  const say = (text) => {
    let region = document.getElementById("board-say");
    if (!region) {
      region = document.createElement("div");
      Object.assign(region, { id: "board-say", className: "board-hidden" });
      region.setAttribute("role", "status");
      document.body.append(region);
    }
    region.textContent = text;
  };

  // A button with `data-copy`, hidden where there is no script, copies the text of the element that it names.
  for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    const text = document.getElementById(button.dataset.copy).textContent;
    await copy(text.trim(), button);
  });
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
      said(button, "Copied");
    } catch {
      said(button, "Not allowed to copy");
    }
  };
  const said = (button, text) => {
    const label = button.dataset.label ??= button.textContent;
    button.textContent = text;
    say(text);
    setTimeout(() => (button.textContent = label), 2000);
  };

  // A term says its meaning when it is pointed at, too.
  for (const term of document.querySelectorAll(".term")) {
    const meaning = document.getElementById(term.getAttribute("popovertarget"));
    let soon;
    term.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") soon = setTimeout(() => meaning.showPopover({ source: term }), 250);
    });
    for (const part of [term, meaning])
      part.addEventListener("pointerleave", () => {
        clearTimeout(soon);
        soon = setTimeout(() => meaning.matches(":hover") || meaning.hidePopover(), 300);
      });
  }

  // In a folder there is no server that finds the index.html of an address.
  if (location.protocol === "file:")
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href]");
      if (link?.protocol === "file:" && link.pathname.endsWith("/")) link.pathname += "index.html";
    }, true);

  window.board = { root, load, take, say, copy };
})();
