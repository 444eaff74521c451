"use strict";
// sorts, filters and enlarges; the page says the same without it
document.documentElement.classList.add("js");
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = Array.from(body.rows);
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      const before = head.getAttribute("aria-sort");
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      if (before === "descending") { body.append(...original); return; }
      const way = before === "ascending" ? -1 : 1;
      head.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const empty = (text) => text === "" || text === "—";
      const rows = [...original].sort((a, b) => {
        const x = key(a), y = key(b);
        if (empty(x) || empty(y)) return empty(x) - empty(y);
        const p = Number(x), q = Number(y);
        return way * (Number.isNaN(p) || Number.isNaN(q) ? x.localeCompare(y, "en", {numeric: true}) : p - q);
      });
      body.append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}
for (const input of document.querySelectorAll(".filter input")) {
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of document.getElementById(input.dataset.table).tBodies[0].rows) {
      // PD must not find NON-PD: a word is sought at the start of words, a longer one anywhere
      const parts = Array.from(row.cells, (cell) => cell.textContent.toLowerCase().split(/[\s,;:()/\u200b]+/)).flat();
      const found = (word) => parts.some((part) => part.startsWith(word) || (word.length > 2 && part.includes(word)));
      row.hidden = !words.every(found);
    }
  });
}
const dialog = document.querySelector("dialog");
if (dialog && dialog.showModal) {
  dialog.addEventListener("click", () => dialog.close());
  for (const image of document.querySelectorAll(".pictures img")) {
    image.addEventListener("click", () => {
      dialog.querySelector("img").src = image.src;
      dialog.querySelector("p").textContent = image.alt;
      dialog.showModal();
    });
  }
}
