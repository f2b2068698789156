// Details of a chart's marks on demand: by pointer or finger, and by arrow keys in the chart's region.
"use strict";
(() => {
  if (board.charts) return; // each figure brings this script
  board.charts = true;
  const REACH = 24; // pixels: a small point need not be hit
  const tip = Object.assign(document.createElement("div"), { className: "chart-tip", hidden: true });
  let mark = null;

  const hide = () => {
    mark?.classList.remove("told");
    mark = null;
    tip.hidden = true;
  };

  const show = (next) => {
    if (next === mark) return;
    hide();
    mark = next;
    mark.classList.add("told");
    tip.textContent = mark.dataset.tip;
    const figure = mark.closest("figure");
    figure.append(tip);
    tip.hidden = false;
    const [box, at] = [figure, mark].map((one) => one.getBoundingClientRect());
    const left = at.left + at.width / 2 - box.left - tip.offsetWidth / 2;
    const above = at.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(0, Math.min(left, box.width - tip.offsetWidth))}px`;
    tip.style.top = `${(above > 0 ? above : at.bottom + 6) - box.top}px`;
  };

  const marksIn = (place) => [...place.querySelectorAll("svg [data-tip]")];

  const distance = (one, x, y) => {
    const box = one.getBoundingClientRect();
    return Math.hypot(Math.max(box.left - x, x - box.right, 0), Math.max(box.top - y, y - box.bottom, 0));
  };

  const point = (event) => {
    const figure = event.target.closest?.(".board-figure");
    if (!figure) return hide();
    if (tip.contains(event.target)) return; // the words themselves can be pointed at
    const found = marksIn(figure).map((one) => [distance(one, event.clientX, event.clientY), one]);
    const [near, next] = found.reduce((a, b) => (b[0] < a[0] ? b : a), [REACH, null]);
    if (next) show(next);
    else if (mark && distance(tip, event.clientX, event.clientY) > REACH) hide();
  };
  document.addEventListener("pointermove", point);
  document.addEventListener("pointerdown", point);

  const step = { ArrowRight: (at) => at + 1, ArrowLeft: (at) => at - 1, Home: () => 0, End: () => Infinity };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    const region = event.target;
    const marks = step[event.key] && region.matches?.(".board-figure > .board-scroll") ? marksIn(region) : [];
    if (!marks.length) return;
    event.preventDefault(); // the marks are stepped through, and scrolled to
    const next = marks[Math.max(0, Math.min(step[event.key](marks.indexOf(mark)), marks.length - 1))];
    next.scrollIntoView({ block: "nearest", inline: "center" });
    show(next);
    board.say(next.dataset.tip);
  });
  document.addEventListener("focusout", hide);

  for (const region of document.querySelectorAll(".board-figure > .board-scroll"))
    if (marksIn(region).length) region.ariaLabel += ". Arrow keys tell its marks.";
})();
