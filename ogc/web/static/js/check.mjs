// The page /check: find and choose a parcel, answer the procedure's questions, post to /checks, go to the answer.
import { flyTo, itemOf, makeMap, mark } from "./ground.mjs";
import { ask, element, root, settings, t } from "./page.mjs";
import { makeSubjects } from "./subjects.mjs";

const at = (id) => document.getElementById(id);
const form = at("check");
const candidates = at("candidates");
const parcelStatus = at("parcel-status");
const trouble = at("trouble");
let chosen = null; // {fid, label}

// ── 1 the parcel ────────────────────────────────────────────────────────────────────────────────
const way = () => form.querySelector("input[name=way]:checked").value;
for (const radio of form.querySelectorAll("input[name=way]")) {
  radio.addEventListener("change", () => {
    for (const part of form.querySelectorAll(".way")) part.hidden = part.dataset.way !== way();
  });
}

function look() {
  const value = (id) => at(id).value.trim();
  if (way() === "code") return value("code") ? { code: value("code") } : t("need_code");
  if (way() === "point") {
    const [lon, lat] = value("point").split(/[\s;,]+/).map(Number);
    return Number.isFinite(lon) && Number.isFinite(lat) ? { point: `${lon},${lat}` } : t("need_point");
  }
  const asked = { commune: value("commune"), sheet: value("sheet"), parcel: value("parcel") };
  return Object.values(asked).every(Boolean) ? asked : t("need_number");
}

async function find() {
  const asked = look();
  candidates.hidden = true;
  choose(null);
  if (typeof asked === "string") return say(parcelStatus, asked, true);
  say(parcelStatus, t("loading"));
  try {
    const { body } = await ask(`/parcels?${new URLSearchParams(asked)}`);
    offer(body.candidates);
  } catch (error) {
    say(parcelStatus, error.message, true);
  }
}

function offer(found) {
  if (!found.length) return say(parcelStatus, t("found_none"), true);
  say(parcelStatus, found.length > 1 ? t("found_many", { n: found.length }) : "");
  candidates.replaceChildren(
    ...found.map((one) => {
      const radio = element("input", { type: "radio", name: "candidate", value: one.fid });
      radio.addEventListener("change", () => choose(one));
      if (found.length === 1) radio.checked = true;
      const words = [one.label, one.key && one.key !== one.label ? one.key : "", one.current === false ? t("former") : ""];
      return element("label", {}, radio, element("span", { text: words.filter(Boolean).join(" · ") }));
    }),
  );
  candidates.hidden = false;
  if (found.length === 1) choose(found[0]);
}

at("find").addEventListener("click", find);
for (const id of ["commune", "sheet", "parcel", "code", "point"]) {
  at(id).addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    find();
  });
}

// ── its place ───────────────────────────────────────────────────────────────────────────────────
// the map is another way to choose; the numbers above do the same without it
const opened = makeMap(at("preview"), {
  small: true,
  prepare: (style) => {
    const wanted = new Set(style.metadata.backdrop);
    for (const layer of style.layers) {
      if (layer["source-layer"]) {
        layer.layout = { ...layer.layout, visibility: wanted.has(layer["source-layer"]) ? "visible" : "none" };
      }
    }
    return style;
  },
}).then((map) => {
  map?.on("click", async (event) => {
    if (!["parcel", "parcels"].includes(subjects.kind())) return;
    const hit = map.queryRenderedFeatures(event.point).find((feature) => feature.sourceLayer === settings.parcel);
    if (hit) offer([{ fid: String(hit.id), label: await labelOf(String(hit.id)), key: null, current: true }]);
  });
  return map;
});

const subjects = makeSubjects(form, opened, () => chosen);

async function choose(one) {
  chosen = one;
  if (!one) return;
  subjects.add(one);
  at("preview-text").textContent = one.label;
  try {
    const item = await itemOf(settings.parcel, one.fid);
    const map = await opened;
    if (map && item.geometry) {
      mark(map, item);
      flyTo(map, item.geometry, { maxZoom: 17.5, padding: 60 });
    }
  } catch {
    at("preview-text").textContent = `${one.label} – ${t("not_on_map")}`;
  }
}

// ── 2 the procedure and its questions ───────────────────────────────────────────────────────────
const procedure = at("procedure");
const questions = () => form.querySelector(`.inputs[data-procedure="${CSS.escape(procedure.value)}"]`);
function showQuestions() {
  for (const part of form.querySelectorAll(".inputs")) part.hidden = part !== questions();
}
procedure.addEventListener("change", showQuestions);
showQuestions();

/** A figure as people here write it: 1.234,5 or 150. */
function figure(text) {
  const plain = /,\d*$/.test(text) ? text.replace(/\./g, "").replace(",", ".") : text;
  return Number(plain.replace(/\s/g, ""));
}

/** dd/mm/yyyy → yyyy-mm-dd; null when empty, undefined when it is no date. */
function day(text) {
  if (!text) return null;
  const found = text.match(/^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/);
  return found ? `${found[3]}-${found[2].padStart(2, "0")}-${found[1].padStart(2, "0")}` : undefined;
}

function inputs() {
  const given = {};
  for (const control of questions()?.querySelectorAll("[data-input]") ?? []) {
    const { input: name, type } = control.dataset;
    if (type === "boolean") given[name] = control.checked;
    else if (control.value.trim() === "") continue;
    else if (type === "date") given[name] = day(control.value.trim()) ?? control.value.trim();
    else given[name] = type === "number" || type === "integer" ? figure(control.value.trim()) : control.value.trim();
  }
  return given;
}

// ── 3 the check ─────────────────────────────────────────────────────────────────────────────────
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearTrouble();
  const subject = subjects.subject();
  if (typeof subject === "string") return complain(subject);
  if (!procedure.value) return complain(t("need_procedure"));
  if (lacksInput()) return;
  if (day(at("on-date").value.trim()) === undefined) return blame(at("on-date"), t("need_date"));
  at("run").disabled = true;
  say(at("run-status"), t("running"));
  try {
    const { body } = await ask("/checks", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        subject,
        procedure: procedure.value,
        inputs: inputs(),
        dossier: at("dossier").value.trim() || null,
        purpose: at("purpose")?.value || null,
        on_date: day(at("on-date").value.trim()),
      }),
    });
    location.assign(`${root}/checks/${encodeURIComponent(body.id)}`);
  } catch (error) {
    say(at("run-status"), "");
    at("run").disabled = false;
    if (error.body?.candidates) offer(error.body.candidates);
    if (subjects.refused(error)) return;
    complain(error.message, error.body?.errors);
  }
});

function lacksInput() {
  const missing = [...(questions()?.querySelectorAll("[required]") ?? [])].filter((control) => !control.value.trim());
  for (const control of missing) blame(control, t("need_input"));
  missing[0]?.focus();
  return missing.length > 0;
}

function blame(control, text) {
  control.setAttribute("aria-invalid", "true");
  const problem = control.closest(".field").querySelector(".problem");
  if (!problem) return;
  problem.textContent = text;
  problem.hidden = false;
}

function clearTrouble() {
  trouble.hidden = true;
  for (const problem of form.querySelectorAll(".problem")) problem.hidden = true;
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

function complain(text, errors = []) {
  const left = [];
  for (const { field, message } of errors) {
    const name = field.replace(/^inputs\./, "");
    const control = questions()?.querySelector(`[data-input="${CSS.escape(name)}"]`);
    if (control) blame(control, message);
    else left.push(`${field}: ${message}`);
  }
  trouble.replaceChildren(...[text, ...left].map((line) => element("p", { text: line })));
  trouble.hidden = false;
  trouble.focus();
}

function say(place, text, isProblem = false) {
  place.textContent = text;
  place.classList.toggle("problem", isProblem);
}

// ── what the address asks for ───────────────────────────────────────────────────────────────────
const asked = new URLSearchParams(location.search);
for (const [name, id] of [["code", "code"], ["point", "point"]]) {
  if (!asked.get(name)) continue;
  form.querySelector(`input[name=way][value=${id}]`).click();
}
if (form.dataset.askedFid) {
  const fid = form.dataset.askedFid;
  const label = await labelOf(fid);
  offer([{ fid, label, key: null, current: true }]);
} else if ((asked.get("sheet") && asked.get("parcel")) || asked.get("code") || asked.get("point")) {
  find();
}

/** How an office calls a parcel that is known by its fid only: the label of the layer's definition, filled in. */
async function labelOf(fid) {
  try {
    const { properties } = await itemOf(settings.parcel, fid);
    return settings.label?.replace(/\{(\w+)\}/g, (_, name) => properties[name] ?? "–") ?? `fid ${fid}`;
  } catch {
    return `fid ${fid}`;
  }
}
