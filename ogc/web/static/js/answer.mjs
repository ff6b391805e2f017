// The page of a check: its map, the text to copy, printing.
import { flyTo, itemOf, makeMap, mark } from "./ground.mjs";
import { boxOf, json, t } from "./page.mjs";

const copy = document.getElementById("copy");
copy.addEventListener("click", async () => {
  const status = document.getElementById("copy-status");
  try {
    await navigator.clipboard.writeText(document.getElementById("appraisal").textContent);
    status.textContent = t("copied");
  } catch {
    status.textContent = t("copy_failed");
  }
});
document.getElementById("print").addEventListener("click", () => window.print());
// what is folded on the screen belongs on the paper
const folded = [...document.querySelectorAll(".group details")];
window.addEventListener("beforeprint", () => folded.forEach((part) => (part.open = true)));

const places = json("answer-places");
const container = document.getElementById("answer-map");
try {
  const parcels = await Promise.all(places.subject.fids.map((fid) => itemOf(places.subject.layer, fid)));
  if (places.ground) parcels.push({ type: "Feature", properties: {}, geometry: places.ground });
  if (!parcels.length) throw new Error("a shape that somebody else brought along");
  await draw(parcels.length > 1 ? together(parcels) : parcels[0]);
} catch {
  container.closest("section").hidden = true; // no right to the shape: the tables say it all
}

/** Several parcels checked as one, as one shape to mark. */
function together(parcels) {
  const coordinates = parcels.flatMap(({ geometry }) => (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates));
  return { type: "Feature", properties: {}, geometry: { type: "MultiPolygon", coordinates } };
}

async function draw(subject) {
  const wanted = new Set(Object.keys(places.hits));
  const map = await makeMap(container, {
    bounds: grown(boxOf(subject.geometry)),
    small: true,
    prepare: (style) => {
      const base = new Set(style.metadata.backdrop);
      for (const layer of style.layers) {
        const named = layer["source-layer"];
        if (named) {
          layer.layout = { ...layer.layout, visibility: wanted.has(named) || base.has(named) ? "visible" : "none" };
        }
      }
      return style;
    },
  });
  if (!map) return;
  mark(map, subject);
  for (const [layer, fids] of Object.entries(places.hits)) outline(map, layer, fids);
  flyTo(map, subject.geometry, { duration: 0, padding: 110, maxZoom: 18 });
}

/** The features that count, in red: their outline, or a ring around a point. */
function outline(map, layer, fids) {
  if (!map.getSource(layer)) return;
  const common = { source: layer, "source-layer": layer, filter: ["in", ["to-string", ["id"]], ["literal", fids]] };
  const line = { "line-color": "#96202a", "line-width": 2.4, "line-dasharray": [3, 1.5] };
  const ring = { "circle-radius": 9, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": "#96202a", "circle-stroke-width": 2.4 };
  map.addLayer({ id: `${layer}:hit`, type: "line", ...common, paint: line });
  if (map.getStyle().layers.some((known) => known.source === layer && known.type === "circle")) {
    map.addLayer({ id: `${layer}:hit-ring`, type: "circle", ...common, paint: ring });
  }
}

function grown([west, south, east, north]) {
  const [dx, dy] = [(east - west) / 2 || 0.001, (north - south) / 2 || 0.001];
  return [west - dx, south - dy, east + dx, north + dy];
}
