"use strict";
// Reads drawings off along their axis, hides routes, and zooms on time. All of it is also in text and in the address.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const FEW = 6; // Pixels: a shorter drag is a click.
  const SHORT = 1000; // Milliseconds: no shorter time is chosen.
  const zooms = location.protocol.startsWith("http");
  const off = new Set(); // Hidden routes: of which drawings, and their names.
  let drag = null; // The drawing in which a time is being chosen, and from where.
  let point = null; // Where the pointer reads a drawing off.
  let asked = 0;
  let focused = null; // The route of the legend that has the focus.

  const group = (node) => node.closest("[data-charts]");
  const plots = (within) => [...within.querySelectorAll("svg.chart[data-scale]")];
  const shown = (svg) => svg.getClientRects().length > 0;
  // The plot without its labels: what is drawn at 0 to 100 % lies in it.
  const area = (svg) => svg.querySelector("line.base").getBoundingClientRect();
  const height = (svg) => svg.querySelector("line.base").getAttribute("y1");
  const place = (svg, x) => {
    const box = area(svg);
    return box.width > 0 ? Math.min(1, Math.max(0, (x - box.left) / box.width)) : 0;
  };
  const shape = (svg, kind, name, values) => {
    let found = svg.querySelector("." + name);
    if (!found) {
      found = document.createElementNS(NS, kind);
      found.setAttribute("class", name);
      svg.append(found);
    }
    for (const [key, value] of Object.entries(values)) found.setAttribute(key, value);
  };

  // What is read off stands beside the pointer, where it moves nothing.
  const say = (within, head, lines, x, y) => {
    const readout = within.querySelector(".readout");
    if (!readout) return;
    const first = document.createElement("b");
    first.textContent = head;
    readout.replaceChildren(first, ...lines.map((line) => "\n" + line));
    const [wide, high] = [document.documentElement.clientWidth, innerHeight];
    const box = readout.getBoundingClientRect();
    const left = x + 16 + box.width > wide ? x - 16 - box.width : x + 16;
    const top = y + 16 + box.height > high ? y - 16 - box.height : y + 16;
    readout.style.left = Math.max(4, left) + "px";
    readout.style.top = Math.max(4, top) + "px";
  };
  const clear = () => {
    point = null;
    for (const within of document.querySelectorAll("[data-charts]")) {
      for (const old of within.querySelectorAll("svg .cross")) old.remove();
      const readout = within.querySelector(".readout");
      if (readout) readout.replaceChildren();
    }
  };

  // The browser's own hint would stand over what is read off.
  const hint = (rect) => {
    const title = rect.querySelector("title");
    if (title && title.textContent) {
      rect.dataset.said = title.textContent;
      title.textContent = "";
    }
    return rect.dataset.said || "";
  };
  const there = (svg, which, at) => {
    const here = (rect) => {
      const from = parseFloat(rect.getAttribute("x"));
      return at * 100 >= from && at * 100 <= from + parseFloat(rect.getAttribute("width"));
    };
    return [...svg.querySelectorAll(which)].filter(here).map(hint).filter((words) => words);
  };
  // When, and what was then.
  const parts = (words) => {
    const [mark] = /\n|: /.exec(words) || [""];
    const end = mark ? words.indexOf(mark) : words.length;
    return [words.slice(0, end), words.slice(end + mark.length)];
  };
  const hidden = (path) => path.classList.contains("hidden-route");

  const read = (svg, x, y) => {
    const within = group(svg);
    const at = place(svg, x);
    let head = "";
    const lines = new Set();
    for (const other of plots(within)) {
      if (other.dataset.scale !== svg.dataset.scale || !shown(other)) continue;
      const here = at * 100 + "%";
      shape(other, "line", "cross", { x1: here, x2: here, y1: "0", y2: height(other) });
      if (other.parentElement.parentElement !== svg.parentElement.parentElement) continue;
      const [when, what] = parts(there(other, ".hits rect", at)[0] || "");
      head = head || when;
      if (other.dataset.scale === "time") {
        const name = other.parentElement.querySelector("figcaption");
        if (what) lines.add((name ? name.textContent.trim() + ": " : "") + what);
        for (const besides of there(other, "rect.region", at)) lines.add(besides);
      } else {
        // One line for each curve, in their order.
        const curves = [...other.querySelectorAll("path.line[class*='at-']")];
        what.split("\n").forEach((line, nth) => {
          if (line && !(curves[nth] && hidden(curves[nth]))) lines.add(line);
        });
      }
    }
    if (head || lines.size) say(within, head, [...lines], x, y);
    else clear();
  };

  const times = (svg, from, to) => {
    const [first, last] = [Number(svg.dataset.from), Number(svg.dataset.to)];
    const [a, b] = [from, to].sort((x, y) => x - y).map((at) => Math.round((first + (last - first) * at) * 1000));
    return [new Date(a), new Date(Math.max(b, a + SHORT))].map((at) => at.toISOString());
  };
  const choose = (x, y) => {
    const to = place(drag.svg, x);
    const [a, b] = [Math.min(drag.from, to), Math.max(drag.from, to)];
    for (const other of plots(group(drag.svg))) {
      if (other.dataset.scale !== "time") continue;
      shape(other, "rect", "chosen", { x: a * 100 + "%", width: (b - a) * 100 + "%", y: "0", height: height(other) });
    }
    const [from, until] = times(drag.svg, a, b).map((at) => at.slice(0, 19).replace("T", " "));
    say(group(drag.svg), from + " to " + until, ["let go to see this time alone; Escape leaves it"], x, y);
  };
  const drop = () => {
    if (drag) for (const box of document.querySelectorAll("svg .chosen")) box.remove();
    drag = null;
  };
  const zoom = (svg, from, to) => {
    const address = new URL(location.href);
    const [begin, end] = times(svg, from, to);
    for (const other of ["since", "done"]) address.searchParams.delete(other);
    address.searchParams.set("from", begin);
    address.searchParams.set("to", end);
    location.assign(address);
  };

  const chart = (target) => {
    const svg = target instanceof Element ? target.closest("svg.chart[data-scale]") : null;
    return svg && group(svg) ? svg : null;
  };
  // Once for each picture that is drawn, however often the pointer moves.
  const look = () => {
    if (asked) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      if (!point) return;
      if (drag) choose(point.x, point.y);
      else if (point.svg.isConnected) read(point.svg, point.x, point.y);
    });
  };
  const follow = (svg, event) => {
    point = { svg, x: event.clientX, y: event.clientY };
    look();
  };
  document.addEventListener("pointermove", (event) => {
    // It was let go outside of the window.
    if (drag && event.buttons === 0) drop();
    const svg = drag ? drag.svg : chart(event.target);
    if (svg) follow(svg, event);
    else if (point) clear();
  });
  document.addEventListener("pointerdown", (event) => {
    const svg = chart(event.target);
    if (!(event.target instanceof Element && event.target.closest(".legend"))) focused = null;
    if (!svg) {
      if (point) clear();
      return;
    }
    follow(svg, event);
    // A finger scrolls: what it points at is read off, and nothing is chosen.
    if (!zooms || event.button !== 0 || event.pointerType === "touch" || svg.dataset.scale !== "time") return;
    drag = { svg, x: event.clientX, from: place(svg, event.clientX) };
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  document.addEventListener("pointerup", (event) => {
    const was = drag;
    drop();
    if (was && Math.abs(event.clientX - was.x) >= FEW) zoom(was.svg, was.from, place(was.svg, event.clientX));
  });
  document.addEventListener("pointercancel", () => {
    drop();
    clear();
  });
  document.documentElement.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch" && !drag) clear();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    drop();
    clear();
  });

  // The legend: each route is a button that hides its lines and its drawings.
  const entries = (within) => [...within.querySelectorAll(".legend [data-route]")];
  const named = (within, entry) => {
    const around = within.closest("[id]");
    return (around ? around.id : "") + "\n" + entry.textContent.trim();
  };
  const hide = (within) => {
    const gone = new Set();
    for (const entry of entries(within)) {
      const is = off.has(named(within, entry));
      if (is) gone.add(entry.dataset.route);
      entry.querySelector("button").setAttribute("aria-pressed", String(!is));
    }
    for (const figure of within.querySelectorAll("figure[data-route]")) {
      figure.classList.toggle("hidden-route", gone.has(figure.dataset.route));
    }
    for (const path of within.querySelectorAll("figure.wide path[class*='at-']")) {
      path.classList.toggle("hidden-route", gone.has(/\bat-(\d+)/.exec(path.getAttribute("class"))[1]));
    }
  };
  const legends = () => {
    for (const within of document.querySelectorAll("[data-charts]")) {
      for (const entry of entries(within)) {
        if (entry.querySelector("button")) continue;
        const name = named(within, entry);
        const button = document.createElement("button");
        button.type = "button";
        button.title = "Show or hide this route";
        button.append(...entry.childNodes);
        entry.append(button);
        button.addEventListener("click", () => {
          if (!off.delete(name)) off.add(name);
          hide(within);
        });
        if (name === focused && document.activeElement === document.body) button.focus({ preventScroll: true });
      }
      hide(within);
    }
  };
  document.addEventListener("focusin", (event) => {
    const entry = event.target.closest(".legend [data-route]");
    focused = entry && group(entry) ? named(group(entry), entry) : null;
  });
  // Drawings were put in the place of those that there were: what was being done goes on in them.
  document.addEventListener("landfall:fresh", () => {
    legends();
    if (drag) drag.svg = document.getElementById(drag.svg.id);
    if (drag && !drag.svg) drag = null;
    if (!point) return;
    const svg = drag ? drag.svg : chart(document.elementFromPoint(point.x, point.y));
    if (!svg) return clear();
    point.svg = svg;
    look();
  });
  legends();
})();
