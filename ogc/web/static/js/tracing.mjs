// Corners set on a map one by one, by pointer or at its middle, as a line or a ring.
import { makeMap } from "./ground.mjs";
import { settings, t } from "./page.mjs";

/** A small map with the backdrop of the page and the parcels. */
export function openMap(container) {
  return makeMap(container, {
    small: true,
    prepare: (style) => {
      const wanted = new Set([...style.metadata.backdrop, settings.parcel]);
      for (const layer of style.layers) {
        if (layer["source-layer"]) {
          layer.layout = { ...layer.layout, visibility: wanted.has(layer["source-layer"]) ? "visible" : "none" };
        }
      }
      return style;
    },
  });
}

/** Draw corners; `isOpen` says whether a click is meant for them. `geometry()` is null until there are enough. */
export function trace(map, { add, undo, clear, status, isRing, isOpen = () => true, changed = () => {} }) {
  const corners = [];
  const geometry = () => {
    if (corners.length < (isRing ? 3 : 2)) return null;
    return isRing
      ? { type: "Polygon", coordinates: [[...corners, corners[0]]] }
      : { type: "LineString", coordinates: corners };
  };
  async function draw() {
    const found = await map;
    if (!found) return;
    const drawn = geometry() ?? (corners.length ? { type: "MultiPoint", coordinates: corners } : null);
    const data = drawn ? { type: "Feature", properties: {}, geometry: drawn } : { type: "FeatureCollection", features: [] };
    if (found.getSource("traced")) found.getSource("traced").setData(data);
    else {
      found.addSource("traced", { type: "geojson", data });
      found.addLayer({ id: "traced:line", type: "line", source: "traced", paint: { "line-color": "#b3261e", "line-width": 3 } });
      found.addLayer({ id: "traced:point", type: "circle", source: "traced", paint: { "circle-color": "#b3261e", "circle-radius": 5 } });
    }
    status.textContent = t("corners", { n: corners.length });
    changed();
  }
  const corner = (place) => {
    corners.push([Number(place.lng.toFixed(8)), Number(place.lat.toFixed(8))]);
    draw();
  };
  add.addEventListener("click", async () => corner((await map).getCenter()));
  undo.addEventListener("click", () => (corners.pop(), draw()));
  clear.addEventListener("click", () => (corners.splice(0), draw()));
  map.then((found) => found?.on("click", (event) => isOpen() && corner(event.lngLat)));
  return { geometry };
}
