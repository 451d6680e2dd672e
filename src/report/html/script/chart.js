"use strict";
// Reads drawings off along their axis, hides routes, and zooms on time. All of it is also in text and in the address.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const FEW = 6; // Pixels: a shorter drag is a click.
  const off = new Set(); // Places of hidden routes.
  let drag = null;

  const group = (node) => node.closest("[data-charts]");
  const plots = (within) => [...within.querySelectorAll("svg.chart[data-scale]")];
  const shown = (svg) => svg.getClientRects().length > 0;
  // The plot without its labels: what is drawn at 0 to 100 % lies in it.
  const area = (svg) => svg.querySelector("line.base").getBoundingClientRect();
  const place = (svg, x) => {
    const box = area(svg);
    return box.width > 0 ? Math.min(1, Math.max(0, (x - box.left) / box.width)) : 0;
  };
  const shape = (svg, kind, name) => {
    let found = svg.querySelector("." + name);
    if (!found) {
      found = document.createElementNS(NS, kind);
      found.setAttribute("class", name);
      svg.append(found);
    }
    return found;
  };
  const height = (svg) => svg.querySelector("line.base").getAttribute("y1");
  const clear = (within) => {
    for (const old of within.querySelectorAll("svg .cross")) old.remove();
    const readout = within.querySelector(".readout");
    if (readout) readout.textContent = "";
  };

  const said = (svg, at) => {
    for (const hit of svg.querySelectorAll(".hits rect")) {
      const from = parseFloat(hit.getAttribute("x"));
      if (at * 100 >= from && at * 100 <= from + parseFloat(hit.getAttribute("width"))) {
        return hit.querySelector("title").textContent;
      }
    }
    return "";
  };

  const read = (svg, x) => {
    const within = group(svg);
    if (!within) return;
    const at = place(svg, x);
    const lines = [];
    for (const other of plots(within)) {
      if (other.dataset.scale !== svg.dataset.scale || !shown(other)) continue;
      const cross = shape(other, "line", "cross");
      const here = at * 100 + "%";
      for (const [name, value] of [["x1", here], ["x2", here], ["y1", "0"], ["y2", height(other)]]) cross.setAttribute(name, value);
      if (other.parentElement.parentElement !== svg.parentElement.parentElement) continue;
      const name = other.dataset.scale === "time" ? other.parentElement.querySelector("figcaption") : null;
      const words = said(other, at);
      if (words) lines.push((name ? name.textContent.trim() + "  " : "") + words);
    }
    const readout = within.querySelector(".readout");
    if (readout) readout.textContent = lines.join("\n");
  };

  const choose = (svg, from, to) => {
    for (const other of plots(group(svg))) {
      if (other.dataset.scale !== "time") continue;
      const box = shape(other, "rect", "chosen");
      const [a, b] = [Math.min(from, to), Math.max(from, to)];
      for (const [name, value] of [["x", a * 100 + "%"], ["width", (b - a) * 100 + "%"], ["y", "0"], ["height", height(other)]]) box.setAttribute(name, value);
    }
  };
  const drop = () => {
    if (drag) for (const box of document.querySelectorAll("svg .chosen")) box.remove();
    drag = null;
  };
  const zoom = (svg, from, to) => {
    if (!location.protocol.startsWith("http")) return;
    const [first, last] = [Number(svg.dataset.from), Number(svg.dataset.to)];
    const instant = (at) => new Date((first + (last - first) * at) * 1000).toISOString();
    const address = new URL(location.href);
    address.searchParams.delete("since");
    address.searchParams.set("from", instant(Math.min(from, to)));
    address.searchParams.set("to", instant(Math.max(from, to)));
    location.assign(address);
  };

  const chart = (event) => {
    const svg = event.target instanceof Element ? event.target.closest("svg.chart[data-scale]") : null;
    return svg && group(svg) ? svg : null;
  };
  document.addEventListener("pointermove", (event) => {
    if (drag) {
      choose(drag.svg, drag.from, place(drag.svg, event.clientX));
      return;
    }
    const svg = chart(event);
    if (svg) read(svg, event.clientX);
    else for (const within of document.querySelectorAll("[data-charts]")) if (within.querySelector("svg .cross")) clear(within);
  });
  document.addEventListener("pointerdown", (event) => {
    const svg = chart(event);
    if (!svg || event.button !== 0 || event.pointerType === "touch" || svg.dataset.scale !== "time") return;
    drag = { svg, x: event.clientX, from: place(svg, event.clientX) };
    event.preventDefault();
  });
  document.addEventListener("pointerup", (event) => {
    const was = drag;
    drop();
    if (was && Math.abs(event.clientX - was.x) >= FEW) zoom(was.svg, was.from, place(was.svg, event.clientX));
  });
  document.addEventListener("pointercancel", drop);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") drop();
  });

  // The legend: each route is a button that hides its lines and its drawings.
  const hide = (within) => {
    for (const entry of within.querySelectorAll(".legend [data-route]")) {
      const button = entry.querySelector("button");
      if (button) button.setAttribute("aria-pressed", String(!off.has(entry.dataset.route)));
    }
    for (const figure of within.querySelectorAll("figure[data-route]")) {
      figure.classList.toggle("hidden-route", off.has(figure.dataset.route));
    }
    for (const path of within.querySelectorAll("figure.wide path[class*='at-']")) {
      path.classList.toggle("hidden-route", off.has(/\bat-(\d+)/.exec(path.getAttribute("class"))[1]));
    }
  };
  const legends = () => {
    for (const within of document.querySelectorAll("[data-charts]")) {
      for (const entry of within.querySelectorAll(".legend [data-route]")) {
        if (entry.querySelector("button")) continue;
        const button = document.createElement("button");
        button.type = "button";
        button.append(...entry.childNodes);
        entry.append(button);
        button.addEventListener("click", () => {
          if (!off.delete(entry.dataset.route)) off.add(entry.dataset.route);
          hide(within);
        });
      }
      hide(within);
    }
  };
  legends();
  document.addEventListener("landfall:fresh", legends);
})();
