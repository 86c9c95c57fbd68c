"use strict";

// "/" focuses the search. Keys in fields are left alone.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.querySelector("[data-search]").focus();
  }
});

// Arrows move in a grid: an element with data-grid whose links or buttons are its cells.
document.addEventListener("keydown", (event) => {
  const grid = event.target.closest("[data-grid]");
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (!grid || !(event.key in steps) || event.target.matches("input, select, textarea")) return;
  const cells = [...grid.querySelectorAll("a, button")];
  const [right, down] = steps[event.key];
  let next = cells[cells.indexOf(event.target) + right];
  if (down) {
    const here = event.target.getBoundingClientRect();
    // The nearest in the same column, or else in the nearest one.
    const distance = (cell) => {
      const box = cell.getBoundingClientRect();
      const aside = Math.max(0, box.left - here.right, here.left - box.right);
      return aside * 1000 + Math.abs(box.top - here.top);
    };
    next = cells
      .filter((cell) => Math.sign(Math.round(cell.getBoundingClientRect().top - here.top)) === down)
      .reduce((best, cell) => (!best || distance(cell) < distance(best) ? cell : best), undefined);
  }
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
