"use strict";
// Keyboard: `/` goes to the search; arrows move along a strip of bars.
(() => {
  const typing = (at) => at.closest("input, select, textarea, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
    if (event.key === "/" && !typing(event.target)) {
      const search = document.getElementById("search");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
      return;
    }
    const strip = event.target.closest("[data-strip]");
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!strip || by === undefined) return;
    const links = [...strip.querySelectorAll("a")];
    const now = links.indexOf(event.target.closest("a"));
    if (now < 0) return;
    event.preventDefault();
    const next = links[Math.min(links.length - 1, Math.max(0, now + by))];
    for (const link of links) link.setAttribute("tabindex", link === next ? "0" : "-1");
    next.focus();
  });
})();
