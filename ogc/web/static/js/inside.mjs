// The page /inside: a shape drawn or pasted, the parcels in it as a table, and the table to keep.
import { ask, element, language, number, root, t } from "./page.mjs";
import { openMap, trace } from "./tracing.mjs";

const at = (id) => document.getElementById(id);
const form = at("inside");
const way = () => form.querySelector("input[name=way]:checked").value;
/** Rows that are shown; the files hold all. */
const MOST_ROWS = 300;
const map = openMap(at("preview"));
const drawn = trace(map, {
  add: at("draw-add"), undo: at("draw-undo"), clear: at("draw-clear"), status: at("draw-status"), isRing: true,
  isOpen: () => way() === "draw",
});
let asked = null;
const LIES = {
  inside: t("lies_inside"), partly: t("lies_partly"), borderline: t("lies_borderline"), touches: t("lies_touches"),
  not_exact: t("lies_not_exact"), not_measured: t("lies_not_measured"),
};

for (const radio of form.querySelectorAll("input[name=way]")) {
  radio.addEventListener("change", () => {
    for (const part of form.querySelectorAll("[data-way]")) part.hidden = part.dataset.way !== way();
  });
}

/** The shape, or the words that say what is missing. */
function shape() {
  if (way() === "draw") return drawn.geometry() ? { geometry: drawn.geometry() } : t("need_drawing");
  return at("table").value.trim() ? { coordinates: { text: at("table").value } } : t("need_table");
}

const options = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  at("trouble").hidden = true;
  const wanted = shape();
  if (typeof wanted === "string") return complain([wanted]);
  at("run-status").textContent = t("running");
  try {
    const { body } = await ask("/parcels/inside", options(wanted));
    asked = wanted;
    tell(body);
  } catch (error) {
    complain([error.message, ...(error.body?.errors ?? []).map(({ field, message }) => `${field}: ${message}`)]);
  } finally {
    at("run-status").textContent = "";
  }
});

function tell(found) {
  const { totals } = found;
  at("summary").textContent = t("inside_summary", {
    area: number(found.area_m2), parcels: totals.parcels, inside: number(totals.inside_m2), uncovered: number(found.uncovered_m2),
  });
  at("notes").replaceChildren(...found.notes.map((note) => element("p", { className: "note refer", text: note[language] ?? note.vi })));
  const groups = totals.by_land_type.map((group) => [
    `${group.code ?? "–"} ${group.title?.[language] ?? ""}`, group.parcels, number(group.inside_m2), number(group.left_m2),
  ]);
  fill(at("by-land-type"), [t("column_land_type"), t("column_parcels"), t("column_inside_m2"), t("column_left_m2")], groups);
  const rows = [
    ...found.parcels, ...found.touched.map((one) => ({ ...one, lies: "touches" })), ...found.not_exact.map((one) => ({ ...one, lies: "not_exact" })),
  ];
  const area = (value) => (value === undefined ? "–" : number(value));
  fill(at("parcels"), [
    t("column_parcel"), t("column_land_type"), t("column_area_m2"), t("column_inside_m2"), t("column_left_m2"), t("column_lies"),
  ], rows.slice(0, MOST_ROWS).map((one) => [
    one.label, one.land_type ?? "–", area(one.area_m2), area(one.inside_m2), area(one.left_m2), LIES[one.lies],
  ]));
  at("result").hidden = false;
  at("result").scrollIntoView({ block: "start" });
}

function fill(table, headings, rows) {
  const head = element("tr", {}, ...headings.map((text) => element("th", { scope: "col", text })));
  const lines = rows.map(([first, ...cells]) =>
    element("tr", {}, element("th", { scope: "row", text: first }), ...cells.map((cell) => element("td", { className: "figures", text: String(cell) }))),
  );
  table.replaceChildren(table.querySelector("caption"), element("thead", {}, head), element("tbody", {}, ...lines));
}

for (const button of document.querySelectorAll("[data-keep]")) {
  button.addEventListener("click", async () => {
    const kind = button.dataset.keep;
    at("keep-status").textContent = t("loading");
    const response = await fetch(`${root}/parcels/inside?f=${kind}&lang=${language}`, options(asked));
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      at("keep-status").textContent = problem[`detail_${language}`] ?? problem.detail ?? t("failed");
      return;
    }
    at("keep-status").textContent = "";
    const link = element("a", { href: URL.createObjectURL(await response.blob()), download: `parcels-inside.${kind}` });
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

function complain(lines) {
  at("trouble").replaceChildren(...lines.map((text) => element("p", { text })));
  at("trouble").hidden = false;
  at("trouble").focus();
}
