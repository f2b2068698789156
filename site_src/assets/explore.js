// All decode rows as a chart to explore. Vega and the rows are loaded when a reader asks for them.
"use strict";
(() => {
  const place = document.getElementById("explore");
  const [button, form, chart] = ["button", "form", ".explore-chart"].map((one) => place.querySelector(one));
  const [ink, muted, line, accent] = ["ink", "muted", "line", "accent"].map((name) => `var(--board-${name})`);
  const UNITS = { peak_gb_per_s: "GB/s", mbu_percent: "% of the peak memory bandwidth", depth_tokens: "tokens in the cache" };
  let rows;

  const program = () => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("assets/vega/vega.js", board.root);
    script.onload = resolve;
    script.onerror = () => reject(new Error("assets/vega/vega.js cannot be read"));
    document.head.append(script);
  });

  const spec = () => {
    const type = form.elements.log.checked ? "log" : "linear";
    const across = form.elements.across.value;
    const axis = (field, title) => ({
      field, type: "quantitative", title, scale: { type, nice: false, padding: 14 },
      axis: { grid: type === "linear", domain: type === "log", ticks: type === "log", domainColor: line, tickColor: line },
    });
    return {
      data: { values: rows.filter((row) => row[across] > (type === "log" ? 0 : -1)) },
      width: "container",
      height: 380,
      background: "transparent",
      params: [
        { name: "kept", select: { type: "point", fields: ["standing"] }, bind: "legend" },
        { name: "window", bind: "scales", select: { type: "interval", zoom: "wheel![event.ctrlKey || event.metaKey]" } },
      ],
      mark: { type: "point", aria: false, filled: true, size: 80, cursor: "pointer" },
      encoding: {
        x: axis(across, UNITS[across]),
        y: axis("tok_per_s", "tok/s"),
        color: { field: "standing", title: null, scale: { domain: ["measured", "reproduced", "reported"], range: [accent, accent, muted] } },
        shape: { field: "standing", scale: { domain: ["measured", "reproduced", "reported"], range: ["circle", "diamond", "triangle-up"] } },
        opacity: { condition: { param: "kept", value: 0.85 }, value: 0.08 },
        tooltip: { field: "run" },
      },
      config: {
        aria: false, font: "system-ui, sans-serif", view: { stroke: null },
        axis: { labelColor: muted, titleColor: muted, gridColor: line, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
        legend: { labelColor: ink, labelFontSize: 13, orient: "top", symbolSize: 90 },
      },
    };
  };

  const words = (row) => [
    `${row.device_name}, ${row.dtype}`,
    `${row.tok_per_s.toPrecision(4)} tok/s${row.mbu_percent ? `, MBU ${row.mbu_percent.toPrecision(3)} %` : ""}`,
    `${row.stack}, ${row.role}, ${row.standing}`,
    `${row.model}${row.depth_tokens === null ? "" : `, ${row.depth_tokens} tokens deep`}`,
  ].join("\n");

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
    const { view } = await vegaEmbed(chart, spec(), options);
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
      const [columns] = await Promise.all([board.load("explore"), program()]);
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
