// What a check may be about besides one parcel: several, a drawing, a pasted table, a file; each shown back first.
import { flyTo, mark } from "./ground.mjs";
import { ask, element, number, t, language } from "./page.mjs";

const at = (id) => document.getElementById(id);
/** Rows of a table that are shown; a longer one is told to be. */
const MOST_ROWS = 200;

/** Makes the choice of a subject work. `map` is a promise, `parcel()` the parcel that was found and chosen. */
export function makeSubjects(form, map, parcel) {
  const kind = () => form.querySelector("input[name=kind]:checked").value;
  const several = []; // {fid, label}
  const corners = []; // [lon, lat] of the drawing
  let shown = null; // what goes to the service as coordinates or file, once it was read

  for (const radio of form.querySelectorAll("input[name=kind]")) radio.addEventListener("change", show);
  function show() {
    for (const part of form.querySelectorAll("[data-kind]")) part.hidden = !part.dataset.kind.split(" ").includes(kind());
    readout(null);
    draw();
  }

  // ── several parcels ───────────────────────────────────────────────────────────────────────────
  function add(one) {
    if (kind() !== "parcels" || !one || several.some((known) => known.fid === one.fid)) return;
    several.push(one);
    list();
  }
  function list() {
    at("several").replaceChildren(
      ...several.map((one, place) => {
        const remove = element("button", { type: "button", className: "link", text: t("remove"), "aria-label": `${t("remove")}: ${one.label}` });
        remove.addEventListener("click", () => {
          several.splice(place, 1);
          list();
          at("find").focus();
        });
        return element("li", {}, element("span", { text: one.label }), remove);
      }),
    );
    at("several-status").textContent = t("several_chosen", { n: several.length });
  }

  // ── a drawing ─────────────────────────────────────────────────────────────────────────────────
  const ring = () => [...corners, corners[0]];
  async function draw() {
    const found = await map;
    if (!found || kind() !== "draw") return;
    const type = corners.length > 2 ? "Polygon" : corners.length > 1 ? "LineString" : "Point";
    const coordinates = { Polygon: [ring()], LineString: corners, Point: corners[0] }[type];
    mark(found, corners.length ? { type: "Feature", properties: {}, geometry: { type, coordinates } } : null);
    at("draw-status").textContent = t("corners", { n: corners.length });
    const [north, east] = language === "vi" ? ["B", "Đ"] : ["N", "E"];
    at("corners").replaceChildren(
      ...corners.map(([lon, lat]) => element("li", { text: `${lat.toFixed(6)}° ${north}, ${lon.toFixed(6)}° ${east}` })),
    );
  }
  function corner(place) {
    corners.push([Number(place.lng.toFixed(8)), Number(place.lat.toFixed(8))]);
    draw();
  }
  at("draw-add").addEventListener("click", async () => corner((await map).getCenter()));
  at("draw-undo").addEventListener("click", () => (corners.pop(), draw()));
  at("draw-clear").addEventListener("click", () => (corners.splice(0), draw()));
  map.then((found) => found?.on("click", (event) => kind() === "draw" && corner(event.lngLat)));

  // ── a pasted table, a file ────────────────────────────────────────────────────────────────────
  at("table-read").addEventListener("click", () => {
    const text = at("table").value;
    if (!text.trim()) return trouble(t("need_table"));
    const coordinates = { text };
    if (at("table-crs").value) coordinates.crs = at("table-crs").value;
    if (at("table-axes").value) coordinates.axes = at("table-axes").value;
    readBack({ coordinates });
  });
  at("file-read").addEventListener("click", async () => {
    const [file] = at("file").files;
    if (!file) return trouble(t("need_file"));
    const given = { name: file.name, content: await base64(file) };
    if (at("file-crs").value) given.crs = at("file-crs").value;
    if (at("file-key").value.trim()) given.key = at("file-key").value.trim();
    readBack({ file: given });
  });
  for (const id of ["table", "table-crs", "table-axes", "file", "file-crs", "file-key"]) {
    at(id).addEventListener("input", () => readout(null));
  }

  /** How the service reads what was brought; or why not, and what was probably meant. */
  async function readBack(subject) {
    readout(null);
    at("read-status").textContent = t("loading");
    try {
      const { body } = await ask("/subjects", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ subject }),
      });
      at("read-status").textContent = "";
      readout(body);
      shown = subject;
    } catch (error) {
      trouble(error.message, error.body);
    }
  }

  function readout(body) {
    shown = null;
    at("read-status").textContent = "";
    at("read-trouble").hidden = true;
    at("readout").hidden = !body;
    if (body) {
      at("readout").replaceChildren(...summary(body));
      place(body.geojson);
      at("preview-text").textContent = t("area_is", { area: number(body.area_m2, 1) });
    }
  }

  function trouble(text, body = {}) {
    at("read-status").textContent = "";
    const proposals = (body?.proposals ?? []).map(offer);
    const choices = (body?.choices ?? []).map(choice);
    at("read-trouble").replaceChildren(element("p", { text }), ...proposals, ...choices);
    at("read-trouble").hidden = false;
    at("read-trouble").focus();
  }

  function offer(proposal) {
    const button = element("button", { type: "button", className: "button second", text: t("use_proposal") });
    button.addEventListener("click", () => readBack({ coordinates: proposal.coordinates }));
    for (const event of ["focus", "pointerenter"]) button.addEventListener(event, () => place(proposal.geojson));
    const words = `${proposal.reason[language] ?? proposal.reason.vi} ${t("area_is", { area: number(proposal.area_m2, 1) })}`;
    return element("div", { className: "proposal" }, element("p", { text: words }), button);
  }

  function choice({ key, label }) {
    const button = element("button", { type: "button", className: "button second", text: `${t("choose")} ${label || key}` });
    button.addEventListener("click", () => {
      at("file-key").value = key;
      at("file-read").click();
    });
    return element("div", { className: "proposal" }, button);
  }

  async function place(geometry) {
    const found = await map;
    if (!found) return;
    mark(found, { type: "Feature", properties: {}, geometry });
    flyTo(found, geometry, { maxZoom: 18, padding: 60 });
  }

  show();
  return {
    add,
    kind,
    /** The `subject` of a check, or the words that say what is missing. */
    subject() {
      if (kind() === "parcels") return several.length ? { parcels: several.map((one) => `fid:${one.fid}`) } : t("need_parcels");
      if (kind() === "draw") return corners.length > 2 ? { geometry: { type: "Polygon", coordinates: [ring()] } } : t("need_drawing");
      if (kind() === "table" || kind() === "file") return shown ?? t("need_reading");
      return parcel() ? { fid: parcel().fid } : t("need_parcel");
    },
    refused: (error) => (kind() === "table" || kind() === "file") && error.body?.proposals && trouble(error.message, error.body),
  };
}

/** A table as it was read: corners with their edges, area, what does not fit. */
function summary(body) {
  const head = [t("area_is", { area: number(body.area_m2, 1) }), body.crs_title[language] ?? body.crs];
  const parts = [element("p", { className: "figures", text: head.join(" ") })];
  for (const reason of body.reasons) {
    parts.push(element("p", { className: "note refer", text: reason.message[language] ?? reason.message.vi }));
  }
  if (body.points.length) parts.push(element("div", { className: "scrolled", tabindex: "0", role: "region", "aria-label": t("corners_read") }, table(body)));
  if (body.points.length > MOST_ROWS) parts.push(element("p", { className: "small quiet", text: t("more_rows", { n: body.points.length - MOST_ROWS }) }));
  return parts;
}

function table({ points, edges }) {
  const head = ["corner", "x_north", "y_east", "edge"].map((name) => element("th", { scope: "col", text: heading(name) }));
  const rows = points.slice(0, MOST_ROWS).map((point, place) => {
    const edge = edges[place];
    return element(
      "tr",
      {},
      element("th", { scope: "row", text: point.number }),
      ...[point.x, point.y].map((value) => element("td", { className: "figures", text: number(value, Math.abs(value) < 1000 ? 7 : 3) })),
      element("td", { className: "figures", text: `${edge.from}–${edge.to}: ${number(edge.length_m, 2)}` }),
    );
  });
  return element("table", { className: "corners" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
}

const heading = (name) => ({ corner: t("corner"), x_north: t("x_north"), y_east: t("y_east"), edge: t("edge") })[name];

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const pieces = [];
  for (let start = 0; start < bytes.length; start += 32_768) pieces.push(String.fromCharCode(...bytes.subarray(start, start + 32_768)));
  return btoa(pieces.join(""));
}
