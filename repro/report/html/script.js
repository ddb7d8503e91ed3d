"use strict";
// Adds to a page that works without it: folds open on the way to a link, arrow keys, a hint beside the pointer.
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("scripted-page");
  for (const each of all(".scripted")) each.hidden = false;

  // A link to something that is folded away unfolds it.
  const reveal = () => {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    for (let each = place; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    if (!place.hasAttribute("tabindex")) place.setAttribute("tabindex", "-1");
    place.focus({ preventScroll: true });
    place.scrollIntoView({ block: place.tagName === "TR" ? "center" : "start" });
  };
  addEventListener("hashchange", reveal);
  // The same link once more changes no hash.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.hash === location.hash) reveal();
  });
  if (location.hash) reveal();

  document.getElementById("theme").addEventListener("click", () => {
    const chosen = root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    root.dataset.theme = chosen === "dark" ? "light" : "dark";
  });

  const falls = all(".fall");
  for (const button of all("[data-unfold]")) {
    button.addEventListener("click", () => {
      const which = button.dataset.unfold;
      for (const fall of falls) fall.open = which === "all" || (which === "looked-at" && "lookedAt" in fall.dataset);
    });
  }

  // One mark of a lane takes the Tab key; arrows go to its neighbours, and to the nearest of the next lane.
  const marks = (track) => all(".mark", track);
  const middle = (mark) => {
    const box = mark.getBoundingClientRect();
    return box.left + box.width / 2;
  };
  const nearest = (track, x) =>
    marks(track).reduce((best, each) => (best && Math.abs(middle(best) - x) <= Math.abs(middle(each) - x) ? best : each), null);
  const beside = (mark, step) => {
    const tracks = all(".track", mark.closest(".plot"));
    let place = tracks.indexOf(mark.closest(".track")) + step;
    while (tracks[place] && !marks(tracks[place]).length) place += step;
    return tracks[place] ? nearest(tracks[place], middle(mark)) : null;
  };
  const goal = (mark, key) => {
    const row = marks(mark.closest(".track"));
    const place = row.indexOf(mark);
    switch (key) {
      case "ArrowLeft": return row[place - 1];
      case "ArrowRight": return row[place + 1];
      case "Home": return row[0];
      case "End": return row.at(-1);
      case "ArrowUp": return beside(mark, -1);
      case "ArrowDown": return beside(mark, 1);
      default: return null;
    }
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const mark = event.target.closest?.(".mark");
    if (!mark || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const next = goal(mark, event.key);
    if (!next) return;
    event.preventDefault();
    for (const each of marks(next.closest(".track"))) each.tabIndex = each === next ? 0 : -1;
    next.focus();
  });

  // What a mark says, beside it and within the window.
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const show = (mark) => {
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    const at = mark.getBoundingClientRect();
    const box = tip.getBoundingClientRect();
    const below = at.bottom + 8 + box.height < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(at.left, root.clientWidth - box.width - 8))}px`;
    tip.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - box.height - 8)}px`;
  };
  for (const [begin, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(begin, (event) => {
      const mark = event.target.closest?.(".mark");
      if (mark) show(mark);
    });
    document.addEventListener(end, hide);
  }
  addEventListener("scroll", hide, { passive: true });

  // On paper nothing is folded away.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const each of folded) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of folded) each.open = false;
  });
})();
