// All decode rows as a chart to explore. Vega and the rows are loaded when a reader asks for them.
"use strict";
(() => {
  const place = document.getElementById("explore");
  const [button, form, chart] = ["button", "form", ".explore-chart"].map((one) => place.querySelector(one));
  let rows, spec;

  const program = () => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("assets/vega/vega.js", board.root);
    script.onload = resolve;
    script.onerror = () => reject(new Error("assets/vega/vega.js cannot be read"));
    document.head.append(script);
  });

  // The spec is data too; a reader's choices are put into it.
  const chosen = () => {
    const log = form.elements.log.checked;
    const [across] = form.elements.across.selectedOptions;
    const { x, y } = spec.encoding;
    Object.assign(x, { field: across.value, title: across.dataset.unit });
    for (const one of [x, y]) {
      one.scale.type = log ? "log" : "linear";
      one.axis = { grid: !log, domain: log, ticks: log };
    }
    spec.data = { values: rows.filter((row) => row[across.value] !== null && (row[across.value] || !log)) };
    return spec;
  };

  // No template within another: what shortens the scripts takes the inner one for code.
  const words = (row) => {
    const share = row.mbu_percent ? `, MBU ${row.mbu_percent.toPrecision(3)} %` : "";
    const depth = row.depth_tokens === null ? "" : `, ${row.depth_tokens} tokens deep`;
    return [
      `${row.device_name}, ${row.dtype}`,
      `${row.tok_per_s.toPrecision(4)} tok/s${share}`,
      `${row.stack}, ${row.role}, ${row.standing}`,
      row.model + depth,
    ].join("\n");
  };

  // In place of Vega's own, which leaves narrow windows.
  const tip = Object.assign(document.createElement("div"), { className: "chart-tip", hidden: true });
  place.append(tip);
  const tell = (_, event, item) => {
    const row = item?.datum;
    tip.hidden = !row?.run;
    if (tip.hidden) return;
    tip.textContent = words(row);
    const box = place.getBoundingClientRect();
    const left = event.clientX - box.left - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(left, box.width - tip.offsetWidth))}px`;
    tip.style.top = `${event.clientY - box.top - tip.offsetHeight - 14}px`;
  };
  document.addEventListener("keydown", (event) => event.key === "Escape" && (tip.hidden = true));

  // The interpreter spares Vega from making functions of text, which a careful host forbids.
  const draw = async () => {
    const options = { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: tell };
    const { view } = await vegaEmbed(chart, chosen(), options);
    view.addEventListener("click", (_, item) => {
      const run = item?.datum?.run;
      const page = location.protocol === "file:" ? "index.html" : "";
      if (run) location.assign(new URL(`rows/${encodeURIComponent(run)}/${page}`, board.root));
    });
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", `${rows.length} decode rows: tok/s over ${form.elements.across.selectedOptions[0].text}`);
  };

  button.addEventListener("click", async () => {
    const label = button.textContent;
    button.disabled = true;
    button.textContent = "Loading …";
    try {
      const [{ columns, ...told }] = await Promise.all([board.load("explore"), program()]);
      spec = told.spec;
      const names = Object.keys(columns);
      rows = columns.run.map((_, at) => Object.fromEntries(names.map((name) => [name, columns[name][at]])));
      form.hidden = chart.hidden = false;
      await draw();
      button.parentElement.hidden = true;
      form.elements.across.focus();
      board.say(`${rows.length} rows shown`);
    } catch (error) {
      form.hidden = chart.hidden = true;
      button.disabled = false;
      button.textContent = label;
      board.say(error.message);
    }
  });
  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
