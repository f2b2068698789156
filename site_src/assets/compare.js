// Rows side by side, as the address names them: computed as in generator/comparability.py and compare_view.py.
"use strict";
(() => {
  const part = (name) => document.getElementById(`compare-${name}`);
  const place = part("all"), find = part("find");
  let runs = place.dataset.rows.split(",").filter(Boolean);

  const el = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const name in attributes) made.setAttribute(name, attributes[name]);
    made.append(...children.flat().filter(Boolean));
    return made;
  };
  const times = (value) =>
    `${value.toLocaleString("en-US", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 })}×`;

  const comparability = (ones, others) => {
    let verdict = "like for like";
    const differences = ones.map(([what, value, bars, shown], at) => {
      const [, theirs, , theirShown] = others[at];
      const words = typeof value === "boolean" ? (value || theirs) && what
        : value !== theirs ? `${what} (${shown}, ${theirShown})`
        : value === null && `${what} (${shown} by either)`;
      if (words && verdict !== "not comparable") verdict = bars ? "not comparable" : "with care";
      return words;
    });
    return [verdict, differences.filter(Boolean)];
  };
  const ratio = ([a, aLow, aHigh], [b, bLow, bHigh]) => {
    const bound = (sign, x, y) => a / b * Math.exp(sign * Math.hypot(Math.log(a / x), Math.log(b / y)));
    return [a / b, bound(-1, aLow, bHigh), bound(1, aHigh, bLow)];
  };

  const named = ({ run, name, about }) =>
    [el("a", { href: new URL(`rows/${run}/`, board.root) }, name), " ", el("small", {}, about)];
  const pair = (first, other) => {
    const [verdict, differences] = comparability(first.facts, other.facts);
    const [value, low, high] = ratio(other.tok_per_s, first.tok_per_s).map(times);
    const points = first.point + other.point;
    const interval = points > 1 ? "both are reported, so there is no interval"
      : `95 % interval ${low} to ${high}${points ? "; the reported one counts as a point" : ""}`;
    return el("section", { class: "pair" },
      el("p", {}, el("span", { class: "verdict", "data-is": verdict }, verdict), " ",
        named(other), " against ", named(first)),
      el("p", {}, verdict === "not comparable" ? "No ratio: these are not figures of one thing."
        : [el("strong", {}, value), ` the tok/s; ${interval}.`]),
      el("ul", {}, differences.map((words) => el("li", {}, words))));
  };

  // A line: what it is of; then for each row a text, and of a time the ratio to the first row's and a bar's length.
  const fill = (name, entries, lines) => {
    const head = part(name).querySelector("thead tr");
    head.replaceChildren(head.firstElementChild, ...entries.map((entry) => el("th", { scope: "col" }, named(entry))));
    part(name).querySelector("tbody").replaceChildren(...lines.map(([label, ...cells]) => el("tr", {},
      el("th", { scope: "row", class: "pin" }, label),
      cells.map(([text, over, share]) => el("td", { style: `--share: ${share ?? 0}` }, text, over && el("small", {}, over))))));
    part(name).hidden = !lines[0];
  };
  const across = (columns) => columns[0].map(([what], at) => [what, ...columns.map((column) => [column[at][1]])]);
  const timed = (columns) => {
    const most = Math.max(...columns.flat().map(([, , us]) => us));
    return [...new Set(columns.flat().map(([name]) => name))].map((name) => {
      const parts = columns.map((column) => column.find((part) => part[0] === name) ?? [name, "–", 0]);
      const first = parts[0][2];
      return [name, ...parts.map(([, text, us], at) => [text, at && us > 0 && first > 0 && times(us / first), us / most])];
    });
  };

  const show = (entries) => {
    const [first, ...others] = entries;
    const columns = (name) => entries.map((entry) => entry[name]);
    const environment = across(columns("environment"));
    const differ = ([, ...cells]) => cells.some(([text]) => text !== cells[0][0]);
    part("chosen").replaceChildren(...entries.map((entry) => {
      const rest = runs.filter((run) => run !== entry.run);
      const link = (words, rows) => el("a", { href: `?rows=${rows}` }, words);
      return el("li", {}, el("span", {}, named(entry)), link("Make first", [entry.run, ...rest]), link("Remove", rest));
    }));
    part("pairs").replaceChildren(...others.map((other) => pair(first, other)));
    fill("figures", entries, across(columns("figures")));
    fill("kernels", entries, timed(columns("kernels")));
    fill("differing", entries, environment.filter(differ));
    part("equal").replaceChildren(...environment.filter((line) => !differ(line)).map(([what, [text]]) =>
      el("div", {}, el("dt", {}, what), el("dd", {}, text))));
  };
  const tell = (words) => (part("remark").textContent = words);
  const open = async (asked) => {
    const known = (await board.load("rows")).map(([run]) => run);
    const there = [...new Set(asked)].filter((run) => known.includes(run)).slice(0, 6);
    const others = asked.filter((run) => !there.includes(run));
    if (others[0]) tell(`Not a decode row on file, or more than six: ${others.join(", ")}.`);
    if (there[0]) show(await Promise.all((runs = there).map((run) => board.load(`rows/${run}`))));
  };

  // The browser searches the list.
  find.addEventListener("focus", async () => {
    const rows = await board.load("rows");
    find.list.replaceChildren(...rows.map(([, label]) => el("option", { value: label })));
  }, { once: true });
  find.addEventListener("change", async () => {
    const hit = (await board.load("rows")).find(([, label]) => label === find.value);
    if (hit) location.search = `?rows=${[...runs, hit[0]]}`;
    else tell("No such row: take one from the list.");
  });

  const asked = new URLSearchParams(location.search).get("rows");
  if (asked) {
    place.classList.add("waiting");
    open(asked.split(",")).catch((error) => tell(`${error.message}.`)).finally(() => place.classList.remove("waiting"));
  }
  Object.assign(board, { comparability, ratio });
})();
