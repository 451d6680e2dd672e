"use strict";
// A link to a run opens it, also where the browser does not by itself.
(() => {
  const open = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const place = id && document.getElementById(id);
    const around = place && place.closest("details");
    if (around && !around.open) {
      around.open = true;
      place.scrollIntoView();
    }
  };
  addEventListener("hashchange", open);
  open();
})();
