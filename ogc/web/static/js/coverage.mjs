// The matrix of coverage: one cell can be reached by Tab, the others by the arrow keys; its words stand above the table.
const detail = document.getElementById("detail");

for (const table of document.querySelectorAll("table.coverage")) {
  const rows = [...table.rows].map((row) => [...row.querySelectorAll("td")]).filter((cells) => cells.length);
  const place = new Map(rows.flatMap((cells, y) => cells.map((cell, x) => [cell, [x, y]])));
  let current = rows[0]?.[0];
  if (!current) continue;
  for (const cell of place.keys()) cell.tabIndex = -1;
  current.tabIndex = 0;

  const heads = [...table.tHead.querySelectorAll("th")];
  const say = (cell) => {
    const layer = cell.parentElement.querySelector("th");
    const name = (layer.querySelector("a") ?? layer).textContent.trim();
    detail.textContent = `${name} · ${heads[cell.cellIndex].textContent.trim()}: ${cell.querySelector(".only-heard").textContent}`;
  };
  const go = (cell) => {
    current.tabIndex = -1;
    current = cell;
    cell.tabIndex = 0;
    cell.focus();
  };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  table.addEventListener("keydown", (event) => {
    const [x, y] = place.get(event.target) ?? [];
    if (x === undefined) return;
    const [dx, dy] = steps[event.key] ?? [0, 0];
    let cell = rows[y + dy]?.[x + dx];
    if (event.key === "Home") cell = rows[event.ctrlKey ? 0 : y][0];
    if (event.key === "End") cell = rows[event.ctrlKey ? rows.length - 1 : y].at(-1);
    if (!cell || cell === event.target) return;
    event.preventDefault();
    go(cell);
  });
  table.addEventListener("focusin", (event) => place.has(event.target) && say(event.target));
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) go(cell);
  });
}
