// On a run's page the arrow keys, j and k go to the runs before and after it. All of it works without.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const at = event.target;
  if (at instanceof Element && at.closest("input, select, textarea, button, summary, pre, .scroll, [contenteditable]")) return;
  const rel = { ArrowLeft: "prev", k: "prev", ArrowRight: "next", j: "next" }[event.key];
  const link = rel && document.querySelector(`nav.ways a[rel="${rel}"]`);
  if (link) {
    event.preventDefault();
    link.click();
  }
});
