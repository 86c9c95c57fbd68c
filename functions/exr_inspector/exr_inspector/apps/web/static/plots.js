"use strict";

// Plots of the columns of a table: an element with data-plot (the table) and data-columns. The table stays for
// those who read numbers, and for browsers without script.
const SERIES = ["#6cb6ff", "#9aa4b2", "#c39bf0", "#6cc484", "#e8b04b", "#ff7b72"];

function numbers(table, name) {
  const heads = [...table.tHead.rows[0].cells];
  const index = heads.findIndex((cell) => cell.dataset.column === name);
  const values = [...table.tBodies[0].rows].map((row) => {
    const text = row.cells[index].textContent.trim();
    return text === "" ? null : Number(text);
  });
  return { label: heads[index].textContent, values };
}

function plot(element) {
  const table = document.querySelector(element.dataset.plot);
  if (element.dataset.drawn || !table) return;
  element.dataset.drawn = "yes";
  const frames = numbers(table, "frame").values;
  const columns = element.dataset.columns.split(" ").map((name) => numbers(table, name));
  const text = () => getComputedStyle(element).color;
  const line = () => getComputedStyle(element).outlineColor;
  const axis = {
    stroke: text,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: "11px system-ui",
  };
  const options = {
    title: element.dataset.title,
    width: element.clientWidth,
    height: 220,
    // Without a range, a series of zeros has an axis to 100.
    scales: { x: { time: false }, y: { range: (_, low, high) => (low || high ? uPlot.rangeNum(low, high, 0.1, true) : [0, 1]) } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map(String) }, { ...axis, size: 62 }],
    series: [
      { label: "Frame", value: (_, value) => (value === null || value === undefined ? "–" : String(value)) },
      ...columns.map((column, index) => ({
        label: column.label,
        stroke: SERIES[index % SERIES.length],
        width: 1.5,
        points: { show: frames.length < 60, size: 5 },
        value: (_, value) => (value === null || value === undefined ? "–" : Number(value.toPrecision(6)).toString()),
      })),
    ],
  };
  const drawn = new uPlot(options, [frames, ...columns.map((column) => column.values)], element);
  new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: 220 })).observe(element);
  addEventListener("themechange", () => drawn.redraw());
}

function plotAll() {
  document.querySelectorAll("[data-plot]").forEach(plot);
}
plotAll();
// Pieces of the page are replaced.
new MutationObserver(plotAll).observe(document.body, { childList: true, subtree: true });
