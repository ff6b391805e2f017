// The page /map: layers on and off, a parcel found or clicked, the way to its check.
import { flyTo, itemOf, makeMap, mark } from "./ground.mjs";
import { ask, element, number, root, settings, t } from "./page.mjs";
import { projector } from "./vn2000.mjs";

const shown = new Set(settings.shown);
const boxes = [...document.querySelectorAll("#layers input[type=checkbox]")];
const titles = new Map(boxes.map((box) => [box.value, box.closest("label").innerText.trim()]));
const map = await makeMap(document.getElementById("map"), {
  prepare: (style) => {
    for (const layer of style.layers) {
      if (layer["source-layer"]) layer.layout = { ...layer.layout, visibility: shown.has(layer["source-layer"]) ? "visible" : "none" };
    }
    return style;
  },
});
if (map) {
  const layersOf = (name) => map.getStyle().layers.filter((layer) => layer["source-layer"] === name);

  // on a phone the list of layers starts closed, so that the map is seen first
  const list = document.getElementById("layers");
  const narrow = matchMedia("(max-width: 52rem)");
  list.open = !narrow.matches;
  narrow.addEventListener("change", () => (list.open = !narrow.matches));

  for (const box of boxes) {
    box.addEventListener("change", () => {
      for (const layer of layersOf(box.value)) {
        map.setLayoutProperty(layer.id, "visibility", box.checked ? "visible" : "none");
      }
    });
  }

  const full = new Map();
  for (const slider of document.querySelectorAll("[data-opacity]")) {
    slider.addEventListener("input", () => {
      for (const { id, type } of layersOf(slider.dataset.opacity)) {
        const name = type === "symbol" ? "text-opacity" : `${type}-opacity`;
        if (!full.has(id)) full.set(id, map.getPaintProperty(id, name) ?? 1);
        const whole = full.get(id);
        if (typeof whole === "number") map.setPaintProperty(id, name, (whole * slider.value) / 100);
      }
    });
  }

  // ── where the pointer is ──────────────────────────────────────────────────────────────────────
  const project = settings.readout ? projector(settings.readout) : null;
  const [local, wgs] = ["place-local", "place-wgs"].map((id) => document.getElementById(id));
  const tell = ({ lng, lat }) => {
    wgs.textContent = `WGS 84  ${number(lng, 6)}  ${number(lat, 6)}`;
    if (!project) return;
    const [east, north] = project(lng, lat);
    local.textContent = `VN-2000  X ${number(north, 2)}  Y ${number(east, 2)}`;
  };
  map.on("mousemove", (event) => tell(event.lngLat));
  map.on("move", () => tell(map.getCenter()));
  tell(map.getCenter());

  const hint = document.getElementById("zoom-hint");
  const { metadata, sources } = map.getStyle();
  const hintZoom = () => (hint.hidden = !sources[settings.parcel] || map.getZoom() >= metadata.parcels_from);
  map.on("zoom", hintZoom);
  hintZoom();

  // ── one feature ───────────────────────────────────────────────────────────────────────────────
  const panel = document.getElementById("chosen");
  const body = document.getElementById("chosen-body");
  document.getElementById("close").addEventListener("click", () => {
    panel.hidden = true;
    mark(map, null);
    map.getCanvas().focus();
  });

  async function choose(layer, fid, others = [], move = false) {
    panel.hidden = false;
    body.replaceChildren(element("p", { text: t("loading") }));
    try {
      const item = await itemOf(layer, fid);
      if (item.geometry) mark(map, item);
      body.replaceChildren(...(await describe(layer, fid, item)), ...also(others));
      if (item.geometry && move) flyTo(map, item.geometry, { padding: beside(panel) });
    } catch (error) {
      body.replaceChildren(element("p", { className: "problem", text: error.message }));
    }
  }

  /** Room for the panel: beside it on a wide screen, above it on a narrow one. */
  function beside({ offsetWidth, offsetHeight, offsetLeft, parentElement }) {
    const isWide = offsetWidth < parentElement.offsetWidth * 0.8;
    const side = 60;
    if (isWide) return { top: side, right: side, bottom: side, left: side + offsetLeft + offsetWidth };
    const bottom = Math.min(offsetHeight + 20, parentElement.offsetHeight * 0.6);
    return { top: side, right: 30, bottom, left: 30 };
  }

  async function describe(layer, fid, item) {
    const facts = element("dl", { className: "facts small" });
    for (const [name, title] of await columnsOf(layer)) {
      const value = item.properties[name];
      if (value === null || value === undefined || typeof value === "object") continue;
      facts.append(element("dt", { text: title }), element("dd", { text: typeof value === "number" ? plain(value) : String(value) }));
    }
    const links = element("p", { className: "actions" });
    if (layer === settings.parcel) {
      links.append(element("a", { className: "button", id: "check-parcel", href: `${root}/check?fid=${fid}`, text: t("check_parcel") }));
    }
    links.append(element("a", { className: "button second", href: `${root}/collections/${layer}/items/${fid}`, text: t("open_item") }));
    return [element("p", { className: "small quiet", text: titles.get(layer) ?? t("parcel") }), heading(layer, item), links, facts];
  }

  const filled = (item) => settings.label?.replace(/\{(\w+)\}/g, (_, name) => item.properties[name] ?? "–");
  function heading(layer, item) {
    const label = labels.get(`${layer}/${item.id}`) ?? (layer === settings.parcel ? filled(item) : null);
    return element("h2", { text: label ?? titles.get(layer) ?? layer });
  }
  const labels = new Map();
  const plain = (value) => (Number.isInteger(value) ? String(value) : number(value, 1));

  const columns = new Map();
  async function columnsOf(layer) {
    if (!columns.has(layer)) {
      const { body: schema } = await ask(`/collections/${layer}/schema?f=json`);
      const found = Object.entries(schema.properties ?? {}).filter(([, property]) => !property["x-ogc-role"]?.includes("geometry"));
      columns.set(layer, found.map(([name, property]) => [name, property.title ?? name]));
    }
    return columns.get(layer);
  }

  function also(others) {
    if (!others.length) return [];
    const list = element("ul", { className: "also" });
    for (const other of others) {
      const button = element("button", { className: "plain", type: "button", text: titles.get(other.layer) ?? other.layer });
      button.addEventListener("click", () => choose(other.layer, other.fid));
      list.append(element("li", {}, button));
    }
    return [element("h3", { text: document.getElementById("map").dataset.also }), list];
  }

  // a square far away is drawn for the parcel at its anchor, seldom the one that lies under the pointer: closer instead
  const isCell = (feature) => Boolean(feature.properties._cell);
  map.on("click", (event) => {
    const near = [[event.point.x - 3, event.point.y - 3], [event.point.x + 3, event.point.y + 3]];
    const here = map.queryRenderedFeatures(near).filter((feature) => feature.sourceLayer && feature.id !== undefined && !isCell(feature));
    const unique = [...new Map(here.map((f) => [`${f.sourceLayer}/${f.id}`, { layer: f.sourceLayer, fid: String(f.id) }])).values()];
    const exact = map.queryRenderedFeatures(event.point).find((feature) => feature.sourceLayer === settings.parcel);
    const first = exact && !isCell(exact) ? { layer: exact.sourceLayer, fid: String(exact.id) } : unique.find((one) => one.layer !== settings.commune);
    if (!first && exact) return map.easeTo({ center: event.lngLat, zoom: metadata.parcels_from + 1 });
    if (!first) return;
    const others = unique.filter((one) => one.layer !== first.layer && one.layer !== settings.commune && one.layer !== settings.parcel);
    choose(first.layer, first.fid, others);
  });
  for (const { id } of map.getStyle().layers.filter((layer) => layer["source-layer"])) {
    map.on("mouseenter", id, () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", id, () => (map.getCanvas().style.cursor = ""));
  }

  // ── a parcel by its number ────────────────────────────────────────────────────────────────────
  const status = document.getElementById("find-status");
  const found = document.getElementById("find-list");
  document.getElementById("find").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [commune, sheet, parcel] = ["commune", "sheet", "parcel"].map((id) => document.getElementById(id).value.trim());
    found.hidden = true;
    if (!commune || !sheet || !parcel) return (status.textContent = t("need_number"));
    status.textContent = t("loading");
    try {
      const { body: answer } = await ask(`/parcels?${new URLSearchParams({ commune, sheet, parcel })}`);
      listCandidates(answer.candidates);
    } catch (error) {
      status.textContent = error.message;
    }
  });

  function listCandidates(candidates) {
    status.textContent = candidates.length === 0 ? t("found_none") : candidates.length > 1 ? t("found_many", { n: candidates.length }) : "";
    for (const one of candidates) labels.set(`${settings.parcel}/${one.fid}`, one.label);
    if (candidates.length === 1) return choose(settings.parcel, candidates[0].fid, [], true);
    found.hidden = candidates.length === 0;
    found.replaceChildren(
      ...candidates.map((one) => {
        const button = element("button", { className: "plain", type: "button", text: one.current ? one.label : `${one.label} (${t("former")})` });
        button.addEventListener("click", () => choose(settings.parcel, one.fid, [], true));
        return element("li", {}, button);
      }),
    );
  }

  const asked = new URLSearchParams(location.search).get("fid");
  if (asked) choose(settings.parcel, asked, [], true);
}
