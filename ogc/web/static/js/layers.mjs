// The list of layers narrowed by words (with or without marks), sector and how they are shared.
import { t } from "./page.mjs";

const form = document.getElementById("layers-search");
const rows = [...document.querySelectorAll("#layers tbody tr")];
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/Đ/g, "D").toLowerCase();
const texts = new Map(rows.map((row) => [row, plain(row.querySelector("th").textContent)]));
const [words, sector, sharing] = ["words", "sector", "sharing"].map((id) => document.getElementById(id));

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", show);
show();

function show() {
  const wanted = plain(words.value).split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const fits = wanted.every((word) => texts.get(row).includes(word));
    row.hidden = !(fits && [sector, sharing].every((field) => !field.value || row.dataset[field.id] === field.value));
  }
  const shown = rows.filter((row) => !row.hidden).length;
  document.getElementById("layers-found").textContent = t("layers_found", { shown, all: rows.length });
}
