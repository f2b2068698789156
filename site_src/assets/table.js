// The large tables: the best rows stand in the page, all are loaded when asked for.
"use strict";
(() => {
  const PAGE = 100, SCREENFUL = 24, MOST_COPIED = 10000, PER_FILE = 10000;

  // As generator/formats.py; numbers come rounded. Made when first asked for: Intl takes a phone a tenth of a second.
  const digits = (options) => {
    let made;
    return (value) => (made ??= new Intl.NumberFormat("en-US", options)).format(value);
  };
  const whole = (value) => `${value}`.replace(/\B(?=(\d{3})+$)/g, ",");
  const number = digits({ maximumFractionDigits: 12 }), one = digits({ minimumFractionDigits: 1 });
  const three = digits({ minimumSignificantDigits: 3, maximumSignificantDigits: 15 });
  const one_decimal = (value) => (Math.abs(value) < 1 ? number : one)(value);
  const FORMATS = { number, one_decimal, percent: (value) => `${one_decimal(value)} %`, times: (value) => `${three(value)}×` };
  const empty = (value) => value == null || value !== value;
  const shown = (value, format) => (empty(value) ? format ? "–" : "" : format ? FORMATS[format](value) : value);
  const parts = (text) => (text ?? "").split(" + ");

  // As generator/column_files.py.
  const decoded = (files) => {
    const { total, dictionaries, of } = files[0], columns = {};
    for (const field in files[0].columns) {
      const list = [].concat(...files.map((file) => file.columns[field])), values = dictionaries[field];
      if (values) columns[field] = { values, codes: list };
      else columns[field] = list.find((value) => value !== null)?.at ? { values: list, codes: [...list.keys()] } : { numbers: list };
    }
    for (const field in dictionaries) {
      const [base, codes] = of[field] ?? [];
      columns[field] ??= {
        values: dictionaries[field],
        codes: base ? columns[base].codes.map((code) => codes[code]) : new Uint8Array(total),
      };
    }
    return columns;
  };

  // A row's template, as fragments/_slots.html.
  const SLOT = /\{(\w+)\|?(\w*)\}/g;
  const filled = (text, value) => text.replace(SLOT, (_, field, format) => shown(value(field), format));
  const compiled = (node) => {
    if (!node.dataset) return node.data.replace(/\s*\n\s*/, "");
    const bare = node.cloneNode(), { if: when, ...set } = node.dataset;
    for (const name in node.dataset) delete bare.dataset[name];
    return { bare, when, set: Object.entries(set), inside: [...node.childNodes].map(compiled) };
  };
  const built = (part, value) => {
    if (!part.bare) return filled(part, value);
    if (part.when && empty(value(part.when.replace("!", ""))) !== (part.when[0] === "!")) return "";
    const made = part.bare.cloneNode();
    for (const [name, slots] of part.set) {
      const text = filled(slots, value);
      if (text && (name !== "href" || /^(https?:|[.#])/.test(text))) made.setAttribute(name, text);
    }
    made.append(...part.inside.map((one) => built(one, value)));
    return made;
  };
  const fieldsIn = (part) => (part.bare ? part.inside.flatMap(fieldsIn) : [...part.matchAll(SLOT)].map((slot) => slot[1]));

  const csv = (cell) => (cell?.at ? `"${cell.replace(/^[=+\-@\t\r＝＋－＠]/, "'$&").replaceAll('"', '""')}"` : empty(cell) ? "" : cell);
  const markdown = (cell, format) => `${shown(cell, format)}`.replace(/[\\|`*_<[\]]/g, "\\$&").replace(/\s+/g, " ");

  const enhance = (table) => {
    const { table: name, prefix, compare, total, best = total } = table.dataset;
    const region = table.parentElement, more = region.nextElementSibling, controls = region.previousElementSibling, body = table.tBodies[0];
    const line = compiled(more.nextElementSibling.content.firstElementChild), said = fieldsIn(line);
    const heads = [...table.tHead.rows[0].cells].map((cell) => ({ cell, title: cell.textContent.trim(), ...cell.dataset }));
    controls.append(controls.firstElementChild.content);
    const made = {};
    for (const part of controls.querySelectorAll("[data-part]")) made[part.dataset.part] = part;
    const { search, order, leaders, count, cap, clear, link } = made;
    const filters = [...controls.querySelectorAll("[data-filter]")].map((button) => ({ button, ...button.dataset }));
    const marked = new Set(), orders = {};
    let columns, loading, found, state, seen, drawn = body.rows.length;

    const value = (row, field) => {
      const { values, codes, numbers } = columns[field] ?? { numbers: [] };
      return values ? values[codes[row]] : numbers[row];
    };
    const load = () => loading ??= Promise.all(
      [...Array(Math.ceil(total / PER_FILE)).keys()].map((at) => board.load(`${name}/${at}`)),
    ).then((files) => (columns = decoded(files))).catch(() => {
      loading = null;
      board.say("The rows cannot be read.");
      return new Promise(() => {});
    });

    const read = () => {
      const asked = new URLSearchParams(seen = location.search), get = (key) => asked.get(prefix + key) ?? "";
      state = { find: get("find"), sort: get("sort"), rows: get("rows") };
      for (const { filter } of filters) // two commas are a value's own
        state[filter] = get(filter).split(/(?<!,),(?!,)/).filter(Boolean).map((one) => one.replaceAll(",,", ","));
    };
    const change = (next, typing) => {
      Object.assign(state, next);
      const asked = new URLSearchParams(seen);
      for (const key in state) {
        const text = state[key].map?.((one) => one.replaceAll(",", ",,")).join() ?? state[key];
        if (text) asked.set(prefix + key, text);
        else asked.delete(prefix + key);
      }
      seen = `?${asked}`.replaceAll("%2C", ",").replace(/^\?$/, "");
      try {
        history[typing ? "replaceState" : "pushState"](0, "", location.pathname + seen + location.hash);
      } catch { /* opened from a folder */ }
      show(true);
    };

    // Empty cells stand last, equal ones by rank. By counting, since a sort that calls us back takes ten times as long.
    const ordered = (sort) => {
      const all = Uint32Array.from(Array(+total).keys());
      const { values, codes, numbers = codes } = columns[sort.replace("-", "")] ?? {}, sign = sort[0] === "-" ? -1 : 1;
      if (!numbers) return all;
      const keys = Float64Array.from(numbers, (key) => (empty(values ? values[key] : key) ? Infinity : sign * key)), next = new Map();
      keys.toSorted().forEach((key, at) => next.has(key) || next.set(key, at));
      keys.forEach((key, row) => {
        const at = next.get(key);
        all[at] = row;
        next.set(key, at + 1);
      });
      return all;
    };
    const select = () => {
      const tests = filters.filter(({ filter }) => state[filter][0]).map(({ filter }) => {
        const { values, codes } = columns[filter];
        return [[codes, values.map((one) => parts(one).some((part) => state[filter].includes(part)))]];
      });
      for (const term of state.find.toLowerCase().split(/\s+/).filter(Boolean))
        tests.push(said.map((field) => columns[field]).filter((one) => one?.values)
          .map(({ values, codes }) => [codes, values.map((one) => one?.toLowerCase().includes(term))]));
      const rank = leaders && !state.rows && columns.rank.numbers;
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
    const rowOf = (at) => box(built(line, (field) => value(at, field)), value(at, "run"));
    const draw = (from, to) => {
      const rows = Array.from(found.subarray(from, to), rowOf);
      body[from ? "append" : "replaceChildren"](...rows);
      drawn = from + rows.length;
    };
    const nameOf = ({ filter, named }, text) => {
      const at = columns?.[filter].values.findIndex((one) => parts(one).includes(text));
      return at < 0 ? `${text} (no such value)` : named === filter || !columns ? text : value(columns[filter].codes.indexOf(at), named);
    };
    const tell = () => {
      const key = state.sort.replace("-", ""), way = key === state.sort ? "ascending" : "descending";
      const by = heads.find((head) => head.key === key);
      for (const head of heads) head.cell.ariaSort = head === by ? way : null;
      for (const { filter, button } of filters) button.dataset.chosen = state[filter].length;
      count.textContent = [`${whole(found?.length ?? best)} of ${whole(total)} rows`,
        ...filters.flatMap((one) => state[one.filter].map((text) => `${one.button.textContent}: ${nameOf(one, text)}`))].join(" · ");
      cap.hidden = !(found?.length > MOST_COPIED);
      clear.hidden = !seen;
      more.hidden = drawn >= (found?.length ?? best);
      if (search.value !== state.find) search.value = state.find;
      order.value = state.sort;
      if (leaders) leaders.checked = !state.rows;
      link.hidden = !marked.size;
      link.textContent = `Compare ${marked.size} row${marked.size > 1 ? "s" : ""}`;
      link.href = `${compare}?rows=${[...marked]}`;
      return count.textContent + (by ? `, sorted by ${by.title}, ${way}` : "");
    };
    const show = async (aloud) => {
      await load();
      select();
      draw(0, SCREENFUL);
      const these = found, told = tell();
      if (aloud) board.say(told);
      await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
      if (these === found && drawn === SCREENFUL) draw(drawn, PAGE);
      tell();
    };

    // A row that is not in the page comes first.
    const linked = async () => {
      body.querySelector(".linked")?.classList.remove("linked");
      const id = location.hash.slice(1);
      if (!id.startsWith("row-")) return;
      let row = document.getElementById(id);
      if (!row) {
        await load();
        const at = ordered("").find((at) => filled(line.set[0][1], (field) => value(at, field)) === id);
        if (at === undefined) return;
        body.prepend(row = rowOf(at));
      }
      row.classList.add("linked");
      row.scrollIntoView({ block: "center" });
    };

    const copy = (form) => async ({ target }) => {
      await load();
      if (!found) select();
      const fields = [...heads, { key: "state", title: "State" }, { key: "run", title: "Row" }], plain = form === csv;
      const rows = Array.from(found.subarray(0, MOST_COPIED), (row) => fields.map(({ key, format }) => form(value(row, key), format)));
      const titles = plain ? [fields.map(({ key }) => key)] : [fields.map(({ title }) => title), fields.map(() => "---")];
      board.copy([...titles, ...rows].map((cells) => (plain ? `${cells}\n` : `| ${cells.join(" | ")} |\n`)).join(""), target);
    };

    search.oninput = () => change({ find: search.value }, true);
    order.onchange = () => change({ sort: order.value });
    if (leaders) leaders.onchange = () => change({ rows: leaders.checked ? "" : "all" });
    clear.onclick = () => {
      for (const key in state) state[key] = state[key].map ? [] : "";
      change();
    };
    made.csv.onclick = copy(csv);
    made.markdown.onclick = copy(markdown);
    more.onclick = async () => {
      await load();
      if (!found) select();
      draw(drawn, drawn + PAGE);
      tell();
    };
    for (const one of filters) one.button.popoverTargetElement.onbeforetoggle = async ({ target }) => {
      await load();
      const { filter } = one, values = columns[filter].values.filter(Boolean).flatMap(parts);
      target.replaceChildren(...[...new Set([...values, ...state[filter]])].map((text) => {
        const label = document.createElement("label"), input = document.createElement("input");
        Object.assign(input, { type: "checkbox", checked: state[filter].includes(text) });
        input.onchange = () => change({ [filter]: state[filter].filter((other) => other !== text).concat(input.checked ? text : []) });
        label.append(input, nameOf(one, text));
        return label;
      }));
    };
    for (const { cell, key } of heads) {
      const button = document.createElement("button");
      button.onclick = () => change({ sort: state.sort === key ? `-${key}` : state.sort === `-${key}` ? "" : key });
      button.append(...cell.childNodes);
      cell.append(button);
    }
    for (const row of body.rows) box(row, row.id.slice(4));
    for (const part of [controls, table.tHead]) part.addEventListener("focusin", load);
    const follow = async () => {
      const moved = seen !== location.search;
      read();
      tell();
      if (moved && (found || seen)) await show();
      linked();
    };
    addEventListener("popstate", follow);
    follow();
  };

  document.querySelectorAll("table[data-table]").forEach(enhance);
})();
