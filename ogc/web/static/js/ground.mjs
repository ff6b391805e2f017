// A MapLibre map on the service's own style: tiles, glyphs and worker come from here and nowhere else.
import * as maplibre from "../vendor/maplibre/maplibre-gl.mjs";
import { ask, boxOf, language, t } from "./page.mjs";

const WORDS = {
  vi: {
    "NavigationControl.ZoomIn": "Phóng to",
    "NavigationControl.ZoomOut": "Thu nhỏ",
    "NavigationControl.ResetBearing": "Hướng bắc lên trên",
    "Map.Title": "Bản đồ",
    "ScaleControl.Meters": "m",
    "ScaleControl.Kilometers": "km",
    "AttributionControl.ToggleAttribution": "Nguồn dữ liệu",
    "CooperativeGesturesHandler.WindowsHelpText": "Giữ Ctrl và cuộn để phóng to",
    "CooperativeGesturesHandler.MacHelpText": "Giữ ⌘ và cuộn để phóng to",
    "CooperativeGesturesHandler.MobileHelpText": "Dùng hai ngón tay để di chuyển bản đồ",
  },
  en: {},
};

export { maplibre };

/** The caller's style, with the initial view on `bounds` where they are given. */
export async function makeMap(container, { bounds = null, small = false, prepare = (style) => style } = {}) {
  let style;
  try {
    ({ body: style } = await ask("/map/style.json"));
  } catch (error) {
    return saying(container, error.message);
  }
  try {
    const map = new maplibre.Map({
      container,
      style: prepare(style),
      bounds: bounds ?? style.metadata.bounds,
      fitBoundsOptions: { padding: small ? 50 : 20, maxZoom: 18 },
      locale: WORDS[language],
      attributionControl: false,
      cooperativeGestures: small,
      dragRotate: false,
      pitchWithRotate: false,
      maxPitch: 0,
      fadeDuration: 0,
      hash: small ? false : "at",
      // every word is Latin: no font of the visitor's machine is asked for glyphs
      localIdeographFontFamily: false,
    });
    map.touchZoomRotate.disableRotation();
    map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new maplibre.ScaleControl({ maxWidth: 120 }), "bottom-right");
    container.map = map; // for tests and for the curious
    await new Promise((done) => map.once("load", done));
    return map;
  } catch {
    return saying(container, t("no_webgl"));
  }
}

function saying(container, text) {
  container.textContent = text;
  container.classList.add("map-silent");
  return null;
}

/** Mark one shape: filled dark, drawn above everything but labels. */
export function mark(map, feature) {
  const known = map.getSource("marked");
  const data = feature ?? { type: "FeatureCollection", features: [] };
  if (known) return known.setData(data);
  map.addSource("marked", { type: "geojson", data });
  const before = map.getStyle().layers.find((layer) => layer.type === "symbol")?.id;
  const paint = { "fill-color": "#0d4f52", "fill-opacity": 0.35 };
  map.addLayer({ id: "marked:fill", type: "fill", source: "marked", paint }, before);
  map.addLayer({ id: "marked:halo", type: "line", source: "marked", paint: { "line-color": "#fff", "line-width": 6 } }, before);
  map.addLayer({ id: "marked:line", type: "line", source: "marked", paint: { "line-color": "#093b3e", "line-width": 3 } }, before);
}

/** One feature of a layer as GeoJSON. */
export async function itemOf(layer, fid) {
  const { body } = await ask(`/collections/${encodeURIComponent(layer)}/items/${encodeURIComponent(fid)}?f=json`);
  return body;
}

export function flyTo(map, geometry, options = {}) {
  const [west, south, east, north] = boxOf(geometry);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  map.fitBounds([west, south, east, north], { padding: 90, maxZoom: 18.5, duration: calm ? 0 : 600, ...options });
}
