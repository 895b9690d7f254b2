"use strict";
// Sorting, the heat map's cursor and views, and the drill-down of pairs. The page is readable without any of it.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

function sortTable(table, column, kind, descending) {
  const value = (body) => {
    const cell = body.rows[0].cells[column];
    return cell.hasAttribute("data-value") ? cell.dataset.value : cell.textContent.trim();
  };
  const numeric = kind === "number" || $$(":scope > tbody", table).every((body) => value(body) !== "" && !isNaN(value(body)));
  const keyed = $$(":scope > tbody", table).map((body) => [value(body), body]);
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // what has no value stays at the end
    const order = numeric ? Number(a) - Number(b) : a.localeCompare(b);
    return descending ? -order : order;
  });
  table.append(...keyed.map(([, body]) => body));
}

for (const table of $$("table.sortable")) {
  const heads = $$(":scope > thead th", table);
  heads.forEach((head, column) => {
    const button = $("button", head);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const first = button.dataset.kind === "number" ? "descending" : "ascending";
      const other = first === "descending" ? "ascending" : "descending";
      const now = before === first ? other : first;
      for (const each of heads) each.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", now);
      sortTable(table, column, button.dataset.kind, now === "descending");
    });
  });
}

function setOpen(row, open) {
  row.hidden = !open;
  $(".opener", row.parentElement).setAttribute("aria-expanded", String(open));
}

function showPair(identity) {
  const row = document.getElementById(identity);
  if (!row || !row.classList.contains("below")) return;
  row.parentElement.hidden = false;
  setOpen(row, true);
  const opener = $(".opener", row.parentElement);
  opener.focus({ preventScroll: true });
  row.parentElement.scrollIntoView({ block: "start" });
}

for (const opener of $$(".opener")) {
  opener.addEventListener("click", () => {
    const row = document.getElementById(opener.getAttribute("aria-controls"));
    setOpen(row, row.hidden);
  });
}
for (const link of $$('a[href^="#pair-"]')) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    showPair(link.hash.slice(1));
    history.replaceState(null, "", link.hash);
  });
}
if (location.hash.startsWith("#pair-")) showPair(location.hash.slice(1));

const target = $("#filter-target");
const tried = $("#filter-tried");
function filterPairs() {
  let shown = 0;
  const bodies = $$("#pairs-table > tbody");
  for (const body of bodies) {
    const wanted =
      (target.value === "" || body.dataset.target === target.value) && (!tried.checked || body.dataset.status === "run");
    body.hidden = !wanted;
    shown += wanted;
  }
  $("#filter-said").textContent = `${shown} of ${bodies.length} pairs shown`;
}
if (target && tried) {
  target.addEventListener("change", filterPairs);
  tried.addEventListener("change", filterPairs);
  filterPairs();
  if (location.hash.startsWith("#pair-")) showPair(location.hash.slice(1));
}

const heat = $("#heat");
if (heat) {
  const said = $("#heat-said");
  const cells = new Map($$(".cell[data-said]", heat).map((cell) => [`${cell.dataset.row} ${cell.dataset.column}`, cell]));
  let at = null;
  const say = (cell) => (said.textContent = cell.dataset.said);
  const move = (cell) => {
    if (at) at.classList.remove("at");
    at = cell;
    at.classList.add("at");
    say(at);
    at.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  heat.addEventListener("focus", () => at || move(cells.values().next().value));
  heat.addEventListener("pointerover", (event) => {
    const cell = event.target.closest(".cell[data-said]");
    if (cell) say(cell);
  });
  heat.addEventListener("click", (event) => {
    const cell = event.target.closest(".cell[data-said]");
    if (cell) showPair(cell.dataset.open);
  });
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  heat.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && at) {
      event.preventDefault(); // or the same key press would close the pair again
      return showPair(at.dataset.open);
    }
    const step = steps[event.key];
    if (!step || !at) return;
    event.preventDefault();
    let [row, column] = [Number(at.dataset.row), Number(at.dataset.column)];
    for (let tries = 0; tries < 3; tries += 1) { // steps over the empty cell of a task that is its own source
      [row, column] = [row + step[0], column + step[1]];
      const cell = cells.get(`${row} ${column}`);
      if (cell) return move(cell);
    }
  });
  for (const input of $$('input[name="heat-view"]')) {
    input.addEventListener("change", () => (heat.dataset.view = input.value));
    if (input.checked) heat.dataset.view = input.value;
  }
}
