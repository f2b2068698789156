// The two large tables: sort, filter, search, page, copy, link to rows and compare them. The best rows stand in the
// page; all are loaded when a reader asks for more, or the address does.
"use strict";
(() => {
  const PAGE = 100, MOST_COPIED = 10000, PER_FILE = 10000;

  // Numbers come rounded and need only their separators (generator/formats.py says how each kind looks).
  const digits = (options) => {
    const format = new Intl.NumberFormat("en-US", options);
    return (value) => format.format(value).replace("-", "−");
  };
  const number = digits({ maximumFractionDigits: 12 }), one = digits({ minimumFractionDigits: 1 });
  const three = digits({ minimumSignificantDigits: 3, maximumSignificantDigits: 15 });
  const one_decimal = (value) => (Math.abs(value) < 1 ? number : one)(value);
  const FORMATS = { number, one_decimal, percent: (value) => `${one_decimal(value)} %`, times: (value) => `${three(value)}×` };
  const empty = (value) => value == null || value !== value;
  const shown = (value, format) => (empty(value) ? format && "–" : format ? FORMATS[format](value) : value);
  const parts = (text) => (text ?? "").split(" + ");

  // Texts are values and a code for each row; numbers stand by row (generator/columns.py).
  const decoded = (files) => {
    const { total, dictionaries, of } = files[0], columns = {};
    const joined = (field) => files.flatMap((file) => file.columns[field]);
    for (const field in dictionaries) {
      const codes = of[field] ? columns[of[field]].codes
        : field in files[0].columns ? Uint32Array.from(joined(field)) : new Uint8Array(total);
      columns[field] = { values: dictionaries[field], codes };
    }
    for (const field in files[0].columns) {
      const list = joined(field);
      columns[field] ??= list.some((value) => value?.at) ? { values: list, codes: Uint32Array.from(list.keys()) }
        : { numbers: Float64Array.from(list, (value) => value ?? NaN) };
    }
    return columns;
  };

  // A row's template has slots in texts and data- attributes: `{field}`, `{field|format}`; data-if and data-each.
  const slots = (text) => text.split(/\{(\w+)\|?(\w*)\}/);
  const filled = (slots, value) =>
    slots.map((text, k) => (k % 3 === 1 ? shown(value(text), slots[k + 1]) : k % 3 ? "" : text)).join("");
  const compiled = (node) => {
    if (!node.dataset) return slots(node.data.replace(/\s*\n\s*/, ""));
    const bare = node.cloneNode(), { if: when, each, ...set } = node.dataset;
    for (const name in node.dataset) delete bare.dataset[name];
    const attributes = Object.entries(set).map(([name, text]) => [name, slots(text)]);
    return { bare, each, when, attributes, inside: [...node.childNodes].map(compiled) };
  };
  const built = (part, value, into) => {
    if (part.at) return into.append(filled(part, value));
    const { bare, each, when, attributes, inside } = part;
    if (when && empty(value(when.replace("!", ""))) !== (when[0] === "!")) return;
    for (const line of each ? value(each)?.split("\n") ?? [] : [0]) {
      const made = bare.cloneNode();
      for (const [name, slots] of attributes) {
        const text = filled(slots, value);
        if (text && (name !== "href" || /^(https?:|[.#])/.test(text))) made.setAttribute(name, text);
      }
      for (const one of inside) built(one, each ? () => line : value, made);
      into.append(made);
    }
  };
  const fieldsIn = (part) => (part.at ? part.filter((_, k) => k % 3 === 1) : part.inside.flatMap(fieldsIn));

  const csv = (text) => {
    const safe = text?.at && /^[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : `${empty(text) ? "" : text}`;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const markdown = (text) => `${text}`.replace(/[\\|`*_<[\]]/g, "\\$&").replace(/\s+/g, " ");

  const enhance = (table) => {
    const { table: name, prefix, compare, states, total } = table.dataset;
    const region = table.parentElement, controls = region.previousElementSibling, body = table.tBodies[0];
    const line = compiled(region.nextElementSibling.content.firstElementChild);
    const heads = [...table.tHead.rows[0].cells].map((cell) => ({ cell, title: cell.textContent.trim(), ...cell.dataset }));
    controls.append(controls.firstElementChild.content);
    const made = {};
    for (const part of controls.querySelectorAll("[data-part]")) made[part.dataset.part] = part;
    const { search, order, leaders, count, clear, link, more, bar, opener } = made;
    const filters = [...controls.querySelectorAll("[data-filter]")].map((button) =>
      ({ button, panel: button.popoverTargetElement, label: button.textContent, ...button.dataset }));
    const marked = new Set(), orders = {};
    let columns, words, loading, found, state, seen, drawn = body.rows.length;

    const value = (row, field) => {
      const { values, codes, numbers } = columns[field] ?? { numbers: [] };
      return values ? values[codes[row]] : numbers[row];
    };
    const load = () => loading ??= Promise.all(
      Array.from({ length: Math.ceil(total / PER_FILE) }, (_, at) => board.load(`${name}/${at}`)),
    ).then((files) => {
      columns = decoded(files);
      words = fieldsIn(line).map((field) => columns[field]).filter((one) => one?.values)
        .map(({ values, codes }) => [codes, values.map((one) => one?.toLowerCase() ?? "")]);
    }).catch(() => {
      loading = null;
      board.say("The other rows cannot be read.");
      return new Promise(() => {});
    });

    // The address holds values by name, several with commas.
    const read = () => {
      const asked = new URLSearchParams(seen = location.search), get = (key) => asked.get(prefix + key) ?? "";
      const plain = (text) => text.replaceAll("%2C", ",").replaceAll("%25", "%");
      state = { find: plain(get("find")), sort: get("sort"), rows: get("rows") };
      for (const { filter } of filters) state[filter] = get(filter).split(",").filter(Boolean).map(plain);
    };
    const change = (next, typing) => {
      Object.assign(state, next);
      const asked = new URLSearchParams(seen);
      for (const key in state) {
        const text = [state[key]].flat().map((one) => one.replaceAll("%", "%25").replaceAll(",", "%2C")).join();
        if (text) asked.set(prefix + key, text);
        else asked.delete(prefix + key);
      }
      seen = `?${asked}`.replaceAll("%2C", ",").replace(/^\?$/, "");
      try {
        history[typing ? "replaceState" : "pushState"](0, "", location.pathname + seen + location.hash);
      } catch { /* a page from a folder may have to keep its address */ }
      show(true);
    };

    // Rows in the order of a column, found once: empty cells last, equal ones by rank.
    const ordered = (sort) => {
      const all = Uint32Array.from({ length: total }, (_, row) => row);
      const { values, codes, numbers } = columns[sort.replace("-", "")] ?? {};
      let keys = numbers;
      if (values) {
        const distinct = [...new Set(values)].sort(new Intl.Collator("en", { numeric: true }).compare);
        const places = new Map(distinct.map((one, at) => [one, one === null ? NaN : at]));
        const place = values.map((one) => places.get(one));
        keys = Float64Array.from(codes, (code) => place[code]);
      }
      if (!keys) return all;
      const sign = sort[0] === "-" ? -1 : 1;
      keys = keys.map((key) => (key === key ? sign * key : Infinity));
      return all.sort((a, b) => keys[a] - keys[b] || a - b);
    };
    const select = () => {
      const tests = filters.filter(({ filter }) => state[filter][0]).map(({ filter }) => {
        const { values, codes } = columns[filter];
        return [[codes, values.map((one) => parts(one).some((part) => state[filter].includes(part)))]];
      });
      for (const term of state.find.toLowerCase().split(/\s+/).filter(Boolean))
        tests.push(words.map(([codes, texts]) => [codes, texts.map((one) => one.includes(term))]));
      const rank = leaders && state.rows !== "all" && columns.rank.numbers;
      found = (orders[state.sort] ??= ordered(state.sort)).filter((row) =>
        (!rank || rank[row] === 1) && tests.every((any) => any.some(([codes, hits]) => hits[codes[row]])));
    };

    const box = (row, run) => {
      if (!compare) return row;
      const input = document.createElement("input");
      Object.assign(input, { type: "checkbox", checked: marked.has(run), ariaLabel: `Compare ${row.querySelector("th a").textContent}` });
      input.onchange = () => {
        marked[input.checked ? "add" : "delete"](run);
        tell();
      };
      row.cells[0].prepend(input);
      return row;
    };
    const rowOf = (at) => {
      const into = document.createElement("tbody");
      built(line, (field) => value(at, field), into);
      return box(into.firstChild, value(at, "run"));
    };
    const draw = (from) => {
      const rows = Array.from(found.subarray(from, from + PAGE), rowOf);
      body[from ? "append" : "replaceChildren"](...rows);
      drawn = from + rows.length;
    };
    const nameOf = ({ filter, named }, text) => {
      const at = columns?.[filter].values.findIndex((one) => parts(one).includes(text));
      return at < 0 ? `${text} (no such value)` : named === filter || !columns ? text : value(columns[filter].codes.indexOf(at), named);
    };
    const tell = () => {
      const by = heads.find(({ key }) => key === state.sort.replace("-", ""));
      for (const head of heads) head.cell.ariaSort = head !== by ? null : state.sort[0] === "-" ? "descending" : "ascending";
      const chosen = filters.flatMap((one) => state[one.filter].map((text) => `${one.label}: ${nameOf(one, text)}`));
      for (const { filter, button, label } of filters) button.textContent = state[filter][0] ? `${label} (${state[filter].length})` : label;
      count.textContent = [`${number(found ? found.length : drawn)} of ${number(total)} rows`, ...chosen].join(" · ")
        + (found?.length > MOST_COPIED ? ` · a copy takes the first ${number(MOST_COPIED)}` : "");
      clear.hidden = !chosen[0] && !state.find && !state.sort;
      if (search.value !== state.find) search.value = state.find;
      order.value = state.sort;
      if (leaders) leaders.checked = state.rows !== "all";
      more.hidden = drawn >= (found ?? { length: total }).length;
      link.hidden = !marked.size;
      link.textContent = `Compare ${marked.size} row${marked.size > 1 ? "s" : ""}`;
      link.href = `${compare}?rows=${[...marked]}`;
      return count.textContent + (by ? `, sorted by ${by.title}, ${by.cell.ariaSort}` : "");
    };
    const show = async (aloud) => {
      await load();
      select();
      draw(0);
      const said = tell();
      if (aloud) board.say(said);
    };

    // A row that the address names is marked, and put first where it does not stand in the page.
    const linked = async () => {
      body.querySelector(".linked")?.classList.remove("linked");
      const id = location.hash.slice(1);
      if (!id.startsWith("row-")) return;
      let row = document.getElementById(id);
      if (!row) {
        await load();
        const at = ordered("").find((at) => filled(line.attributes[0][1], (field) => value(at, field)) === id);
        if (at === undefined) return;
        body.prepend(row = rowOf(at));
      }
      row.classList.add("linked");
      row.scrollIntoView({ block: "center" });
    };

    const copy = (form) => async ({ target }) => {
      await load();
      if (!found) select();
      const plain = form === csv, fields = [...heads.map(({ key }) => key), "run"];
      const rows = Array.from(found.subarray(0, MOST_COPIED), (row) => [
        ...fields.map((field, at) => (plain ? value(row, field) : shown(value(row, field), heads[at]?.format) ?? "")),
        states.split(" ").map((field) => value(row, field)).filter(Boolean).join(", "),
      ].map(form));
      const titles = plain ? [...fields, "state"] : [...heads.map(({ title }) => title), "Row", "State"];
      const lines = plain ? [titles, ...rows] : [titles, titles.map(() => "---"), ...rows];
      board.copy(lines.map((cells) => (plain ? `${cells}\n` : `| ${cells.join(" | ")} |\n`)).join(""), target);
    };

    // What works with a script only is put in by it.
    search.oninput = () => change({ find: search.value }, true);
    order.onchange = () => change({ sort: order.value });
    if (leaders) leaders.onchange = () => change({ rows: leaders.checked ? "" : "all" });
    clear.onclick = () => change({ find: "", sort: "", ...Object.fromEntries(filters.map(({ filter }) => [filter, []])) });
    opener.onclick = () => (opener.ariaExpanded = bar.classList.toggle("open"));
    made.csv.onclick = copy(csv);
    made.markdown.onclick = copy(markdown);
    more.onclick = async () => {
      if (!found) await show();
      draw(drawn);
      tell();
    };
    for (const one of filters) one.panel.onbeforetoggle = async () => {
      await load();
      const { filter, panel } = one, values = columns[filter].values.filter(Boolean).flatMap(parts);
      const options = [...new Set([...values, ...state[filter]])].map((text) => [nameOf(one, text), text]);
      panel.replaceChildren(...options.sort(new Intl.Collator("en", { numeric: true }).compare).map(([name, text]) => {
        const label = document.createElement("label"), input = document.createElement("input");
        Object.assign(input, { type: "checkbox", checked: state[filter].includes(text) });
        input.onchange = () => change({ [filter]: state[filter].filter((other) => other !== text).concat(input.checked ? text : []) });
        label.append(input, name);
        return label;
      }));
    };
    for (const { cell, key, title } of heads) {
      order.append(new Option(`${title}, ascending`, key), new Option(`${title}, descending`, `-${key}`));
      const button = document.createElement("button");
      button.onclick = () => change({ sort: state.sort === key ? `-${key}` : state.sort === `-${key}` ? "" : key });
      button.append(...cell.childNodes);
      cell.append(button);
    }
    for (const row of body.rows) box(row, row.id.slice(4));
    for (const part of [controls, table.tHead])
      for (const kind of ["pointerdown", "focusin"]) part.addEventListener(kind, load);
    region.after(more);

    const follow = async () => {
      const moved = seen !== location.search;
      read();
      tell();
      if (moved && (found || Object.values(state).some((one) => one[0]))) await show();
      linked();
    };
    addEventListener("popstate", follow);
    follow();
  };

  document.querySelectorAll("table[data-table]").forEach(enhance);
})();
