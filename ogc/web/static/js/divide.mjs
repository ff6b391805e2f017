// The page /divide: parcels, a line across one or tables of the new ones, a preview, the check of every part.
import { flyTo, itemOf, mark } from "./ground.mjs";
import { ask, element, language, number, root, settings, t } from "./page.mjs";
import { openMap, trace } from "./tracing.mjs";

const at = (id) => document.getElementById(id);
const form = at("divide");
const picked = (name) => form.querySelector(`input[name=${name}]:checked`).value;
const parents = []; // {fid, label}
const map = openMap(at("preview"));
const FLAWS = { gap: t("flaw_gap"), overlap: t("flaw_overlap"), outside: t("flaw_outside"), hole: t("flaw_hole") };
const FLAW_IS = { clear: t("flaw_is_clear"), borderline: t("flaw_is_borderline"), affected: t("flaw_is_affected") };
const ROLES = { parent: t("role_parent"), child: t("role_child"), remainder: t("role_remainder"), result: t("role_result") };
const VERDICTS = { pass: t("verdict_pass"), refer: t("verdict_refer"), fail: t("verdict_fail") };

// ── the parcels ─────────────────────────────────────────────────────────────────────────────────
for (const radio of form.querySelectorAll("input[name=kind], input[name=way]")) radio.addEventListener("change", show);
function show() {
  for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== picked("kind");
  for (const part of form.querySelectorAll("[data-way]")) part.hidden = part.dataset.way !== picked("way");
  if (picked("kind") === "split") parents.splice(1);
  list();
}

at("find").addEventListener("click", find);
for (const id of ["commune", "sheet", "parcel"]) {
  at(id).addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), find()));
}
async function find() {
  const asked = { commune: at("commune").value.trim(), sheet: at("sheet").value.trim(), parcel: at("parcel").value.trim() };
  if (!Object.values(asked).every(Boolean)) return say(at("parcel-status"), t("need_number"), true);
  try {
    const { body } = await ask(`/parcels?${new URLSearchParams(asked)}`);
    if (body.candidates.length !== 1) {
      const words = body.candidates.length ? t("found_many", { n: body.candidates.length }) : t("found_none");
      return say(at("parcel-status"), words, true);
    }
    take(body.candidates[0]);
  } catch (error) {
    say(at("parcel-status"), error.message, true);
  }
}

function take(one) {
  say(at("parcel-status"), "");
  if (picked("kind") === "split") parents.splice(0);
  if (!parents.some((known) => known.fid === one.fid)) parents.push(one);
  list();
}

async function list() {
  at("parents").replaceChildren(
    ...parents.map((one, place) => {
      const remove = element("button", { type: "button", className: "link", text: t("remove"), "aria-label": `${t("remove")}: ${one.label}` });
      remove.addEventListener("click", () => (parents.splice(place, 1), list()));
      return element("li", {}, element("span", { text: one.label }), remove);
    }),
  );
  const found = await map;
  if (!found) return;
  const items = await Promise.all(parents.map((one) => itemOf(settings.parcel, one.fid).catch(() => null)));
  const features = items.filter((item) => item?.geometry);
  mark(found, { type: "FeatureCollection", features });
  if (features.length) flyTo(found, { geometries: features.map((item) => item.geometry) }, { maxZoom: 19, padding: 60 });
}

map.then((found) =>
  found?.on("click", async (event) => {
    if (parents.length && picked("kind") === "split") return; // the next clicks draw the line
    const isParcel = (feature) => feature.sourceLayer === settings.parcel && !feature.properties._cell;
    const hit = found.queryRenderedFeatures(event.point).find(isParcel);
    if (hit) take({ fid: String(hit.id), label: await labelOf(String(hit.id)) });
  }),
);
async function labelOf(fid) {
  try {
    const { properties } = await itemOf(settings.parcel, fid);
    return settings.label?.replace(/\{(\w+)\}/g, (_, name) => properties[name] ?? "–") ?? `fid ${fid}`;
  } catch {
    return `fid ${fid}`;
  }
}

const cut = trace(map, {
  add: at("cut-add"), undo: at("cut-undo"), clear: at("cut-clear"), status: at("cut-status"), isRing: false,
  isOpen: () => parents.length > 0 && picked("kind") === "split" && picked("way") === "cut",
});

// ── the procedure ───────────────────────────────────────────────────────────────────────────────
const questions = () => form.querySelector(`.inputs[data-procedure="${CSS.escape(at("procedure").value)}"]`);
const showQuestions = () => {
  for (const part of form.querySelectorAll(".inputs")) part.hidden = part !== questions();
};
at("procedure").addEventListener("change", showQuestions);
showQuestions();
function inputs() {
  const given = {};
  for (const control of questions()?.querySelectorAll("[data-input]") ?? []) {
    const value = control.value.trim();
    if (!value) continue;
    const isFigure = ["number", "integer"].includes(control.dataset.type);
    given[control.dataset.input] = isFigure ? Number(value.replace(/\./g, "").replace(",", ".")) : value;
  }
  return given;
}

/** The body of the request, or the words that say what is missing. */
function body(preview) {
  if (!parents.length || (picked("kind") === "merge" && parents.length < 2)) return t("need_parcels");
  const made = {
    kind: picked("kind"), procedure: at("procedure").value, parent: parents.map((one) => `fid:${one.fid}`), inputs: inputs(),
    dossier: at("dossier").value.trim() || null, purpose: at("purpose")?.value || null, preview,
  };
  if (made.kind === "merge") return made;
  if (picked("way") === "cut") return cut.geometry() ? { ...made, cut: cut.geometry() } : t("need_line");
  // tables of the new parcels stand one after the other, an empty line between them
  const tables = at("tables").value.split(/\n\s*\n/).map((text) => text.trim()).filter(Boolean);
  if (!tables.length) return t("need_table");
  return { ...made, children: tables.map((text) => ({ coordinates: { text } })), remainder: at("remainder").checked };
}

at("preview-parts").addEventListener("click", () => send(true));
form.addEventListener("submit", (event) => (event.preventDefault(), send(false)));
async function send(preview) {
  at("trouble").hidden = true;
  const asked = body(preview);
  if (typeof asked === "string") return complain([asked]);
  say(at("run-status"), t("running"));
  try {
    const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(asked) };
    const found = await ask("/divisions", options);
    tell(found.body);
  } catch (error) {
    complain([error.message, ...(error.body?.errors ?? []).map(({ field, message }) => `${field}: ${message}`)]);
  } finally {
    say(at("run-status"), "");
  }
}

// ── the result ──────────────────────────────────────────────────────────────────────────────────
function tell(found) {
  const report = found.conservation;
  at("verdict").replaceChildren(...(found.verdict ? [badge(found.verdict)] : []));
  const words = report.reasons.map((reason) => reason.message[language] ?? reason.message.vi);
  const sums = t("division_sums", {
    parent: number(report.parent_area_m2), parts: number(report.parts_area_m2), difference: number(report.difference_m2, 2),
  });
  const flaws = report.flaws.map((flaw) =>
    element("li", { text: `${FLAWS[flaw.kind]}: ${number(flaw.area_m2, 2)} m² · ${FLAW_IS[flaw.outcome]} · ${flaw.place[1].toFixed(6)}, ${flaw.place[0].toFixed(6)}` }),
  );
  at("conservation").replaceChildren(
    element("p", { className: `note ${report.verdict}`, text: words.join(" ") }), element("p", { className: "figures", text: sums }),
    ...(flaws.length ? [element("ul", {}, ...flaws)] : []),
  );
  const head = [t("part_part"), t("part_area"), t("part_registered"), t("part_verdict")].map((text) => element("th", { scope: "col", text }));
  at("parts").replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...found.parts.map(row)));
  at("result").hidden = false;
  at("result").scrollIntoView({ block: "start" });
  paint(found.parts);
}

function row(part) {
  const registered = part.registered_area_m2 === undefined || part.registered_area_m2 === null ? "–" : number(part.registered_area_m2);
  const told = part.answer ? element("a", { href: `${root}/checks/${encodeURIComponent(part.answer.id)}` }, badge(part.answer.verdict)) : "–";
  return element(
    "tr", {},
    element("th", { scope: "row", text: `${part.label ?? parents[0]?.label ?? ""} (${ROLES[part.role]})` }),
    element("td", { className: "figures", text: number(part.area_m2) }), element("td", { className: "figures", text: registered }),
    element("td", {}, told),
  );
}

const badge = (verdict) => element("span", { className: `mark ${verdict}`, text: VERDICTS[verdict] });

async function paint(parts) {
  const found = await map;
  if (!found) return;
  const features = parts.filter((part) => part.geometry).map((part) => ({ type: "Feature", properties: {}, geometry: part.geometry }));
  if (features.length) mark(found, { type: "FeatureCollection", features });
}

function complain(lines) {
  at("trouble").replaceChildren(...lines.map((text) => element("p", { text })));
  at("trouble").hidden = false;
  at("trouble").focus();
}
function say(place, text, isProblem = false) {
  place.textContent = text;
  place.classList.toggle("problem", isProblem);
}
show();
