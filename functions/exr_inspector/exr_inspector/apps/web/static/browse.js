"use strict";

// The reader's choice between light and dark, which the browser remembers.
const root = document.documentElement;
const theme = document.querySelector("[data-theme-switch]");
root.dataset.theme = localStorage.getItem("theme") || "dark";
theme.hidden = false;
theme.addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
  localStorage.setItem("theme", root.dataset.theme);
  dispatchEvent(new Event("themechange"));
});

// "/" focuses the search. Keys in fields are left alone.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.querySelector("[data-search]").focus();
  }
});

// Arrows move in a grid: an element with data-grid whose links or buttons are its cells. Behind the end of a row
// comes the next one.
document.addEventListener("keydown", (event) => {
  const grid = event.target.closest("[data-grid]");
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (!grid || !(event.key in steps) || event.target.matches("input, select, textarea")) return;
  const cells = [...grid.querySelectorAll("a, button")];
  const [right, down] = steps[event.key];
  const here = event.target.getBoundingClientRect();
  const boxes = new Map(cells.map((cell) => [cell, cell.getBoundingClientRect()]));
  // How far a cell is away: along the arrow, and beside it.
  const distance = (cell) => {
    const box = boxes.get(cell);
    const across = Math.max(0, box.left - here.right, here.left - box.right);
    const along = Math.max(0, box.top - here.bottom, here.top - box.bottom);
    return right ? along * 1000 + Math.abs(box.left - here.left) : across * 1000 + Math.abs(box.top - here.top);
  };
  const isAhead = (cell) => {
    const box = boxes.get(cell);
    const isBeside = box.bottom <= here.top || box.top >= here.bottom;
    return right ? !isBeside && Math.sign(Math.round(box.left - here.left)) === right : Math.sign(Math.round(box.top - here.top)) === down;
  };
  const nearest = (best, cell) => (!best || distance(cell) < distance(best) ? cell : best);
  const next = cells.filter(isAhead).reduce(nearest, undefined) || (right && cells[cells.indexOf(event.target) + right]);
  if (next) {
    event.preventDefault();
    next.focus();
  }
});

// A button with data-copy copies its text.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.state = "copied";
  } catch {
    button.dataset.state = "not copied: select the text";
  }
  setTimeout(() => delete button.dataset.state, 2000);
});
