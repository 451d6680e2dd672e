// On a run's page the arrow keys, j and k go to the runs before and after it. All of it works without.
(() => {
  const busy = "input, select, textarea, button, summary, pre, .scroll, [contenteditable], [data-strip]";
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!(event.target instanceof Element) || event.target.closest(busy)) return;
    const rel = { ArrowLeft: "prev", k: "prev", ArrowRight: "next", j: "next" }[event.key];
    const link = rel && document.querySelector(`nav.ways a[rel="${rel}"]`);
    if (!link) return;
    event.preventDefault();
    link.click();
  });
})();
