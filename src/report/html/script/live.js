"use strict";
// New runs without a reload. The server says by events that something happened; what is shown is fetched as the same
// page again, and each region of it that is another takes the place of the old one.
(() => {
  const root = document.querySelector("[data-follow]");
  const note = document.getElementById("live");
  const GENTLE = 2000; // The page is not fetched more often, in milliseconds.
  const AGAIN = 5000; // A follower that was refused comes again after so long.
  const OLD = 30000; // Without events it is fetched this often: ages and states change by themselves.
  let address = location.href;
  let source = null;
  let last = null;
  let busy = false;
  let timer = 0;
  let due = 0;
  let fetched = 0;
  let lost = null;
  let wrong = "";

  const say = (tone, words) => {
    if (!note || note.textContent === words) return;
    note.className = "live " + tone;
    note.textContent = words;
  };

  // What a reader has opened or closed stays so: the same by its id, else by its place and its words.
  const unfolded = (old, fresh) => {
    const all = (node) => [...node.querySelectorAll("details")];
    const said = (node) => (node.querySelector("summary") || node).textContent;
    const [were, are] = [all(old), all(fresh)];
    were.forEach((was, place) => {
      const there = were.length === are.length && said(was) === said(are[place]) ? are[place] : null;
      const same = was.id ? fresh.querySelector("#" + CSS.escape(was.id)) : there;
      if (same) same.open = was.open;
    });
  };
  // What is folded, and where the focus is, stays so.
  const put = (old, fresh) => {
    unfolded(old, fresh);
    if (old.isEqualNode(fresh)) return;
    const keyed = (node) => node.querySelector("[data-key]") !== null;
    if (keyed(old) && keyed(fresh) && sameKeys(old, fresh)) {
      const others = [...fresh.children];
      [...old.children].forEach((child, place) => put(child, others[place]));
      return;
    }
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const path = focus && where(old, focus);
    old.replaceWith(fresh);
    if (path) {
      const again = path.reduce((node, place) => node && node.children[place], fresh);
      if (again && again.tagName === focus.tagName) again.focus({ preventScroll: true });
    }
  };
  const sameKeys = (old, fresh) =>
    old.children.length === fresh.children.length &&
    [...old.children].every((child, place) => {
      const other = fresh.children[place];
      return child.tagName === other.tagName && (child.dataset || {}).key === (other.dataset || {}).key;
    });
  const where = (from, node) => {
    const path = [];
    for (; node !== from; node = node.parentElement) path.unshift([...node.parentElement.children].indexOf(node));
    return path;
  };

  const load = async (wanted) => {
    busy = true;
    try {
      const answer = await fetch(wanted, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
        location.reload();
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (wanted !== address) return;
      if (!answer.ok) {
        const told = page.querySelector("main p");
        wrong = told ? told.textContent : "the page cannot be loaded: " + answer.status;
        return;
      }
      wrong = "";
      // Who is answered is connected, also where what it follows never was cut.
      if (source && source.readyState === EventSource.OPEN) lost = null;
      for (const old of document.querySelectorAll("[data-live][id]")) {
        const fresh = page.getElementById(old.id);
        if (fresh) put(old, document.importNode(fresh, true));
      }
      const follow = page.querySelector("[data-follow]");
      if (root && follow && follow.dataset.follow !== root.dataset.follow) {
        root.dataset.follow = follow.dataset.follow;
        part();
        connect();
      }
      document.title = page.title;
      document.dispatchEvent(new CustomEvent("landfall:fresh"));
    } catch {
      if (!lost) lost = new Date();
    } finally {
      busy = false;
      fetched = Date.now();
      tell();
      if (lost || wrong) soon(AGAIN);
      else if (document.querySelector("[data-again]")) soon(1000);
    }
  };

  const soon = (after) => {
    const at = Math.max(Date.now() + after, fetched + GENTLE);
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      timer = 0;
      if (document.hidden) return;
      if (busy) soon(200);
      else load(address);
    }, at - Date.now());
  };

  const tell = () => {
    if (root && lost) say("warn", "reconnecting since " + lost.toISOString().slice(11, 19));
    else if (wrong) say("bad", wrong);
    else if (!root) say("", "");
    else if (source && source.readyState === EventSource.OPEN) say("good", "live");
  };

  const connect = () => {
    if (!root || source || document.hidden) return;
    const to = new URL(root.dataset.follow, location.href);
    if (last !== null) to.searchParams.set("after", last);
    source = new EventSource(to);
    source.onopen = () => {
      const was = lost;
      lost = null;
      tell();
      // What happened meanwhile is shown too, also between the page and the first event.
      soon(was ? 0 : 1000);
    };
    source.addEventListener("run", (event) => {
      last = event.lastEventId || last;
      soon(200);
    });
    source.onerror = () => {
      if (!lost) lost = new Date();
      tell();
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(connect, AGAIN);
        soon(0);
      }
    };
  };
  // A page that nobody sees holds no connection: a browser has few of them for one host.
  const part = () => {
    if (source) source.close();
    source = null;
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) part();
    else {
      connect();
      soon(0);
    }
  });
  addEventListener("pagehide", part);
  addEventListener("pageshow", connect);
  setInterval(() => {
    if (root && !document.hidden && Date.now() - fetched > OLD) soon(0);
  }, 5000);

  // A filter holds at once: the address says what is shown, and the form needs no button.
  let pause = 0;
  const choose = (form) => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "") query.append(name, value);
    const to = new URL(form.action);
    to.search = query.toString();
    if (to.href === address) return;
    address = to.href;
    history.replaceState(null, "", to);
    load(address);
  };
  for (const form of document.querySelectorAll("form[data-at-once]")) {
    form.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(() => choose(form), 200);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(pause);
      choose(form);
    });
  }

  fetched = Date.now();
  connect();
  if (document.querySelector("[data-again]")) soon(1000);
})();
