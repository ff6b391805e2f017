// The map beside a table: the layer's tiles, and the shapes of the page's own rows.
import { makeMap, mark } from "./ground.mjs";
import { boxOf, json } from "./page.mjs";

const container = document.getElementById("small-map");
if (container) {
  const shown = json("features");
  const boxes = (shown?.features ?? []).map((feature) => boxOf(feature.geometry));
  const bounds = boxes.length
    ? [0, 1, 2, 3].map((i) => (i < 2 ? Math.min : Math.max)(...boxes.map((box) => box[i])))
    : JSON.parse(container.dataset.bounds ?? "null");
  const wanted = new Set([container.dataset.layer]);
  const map = await makeMap(container, {
    bounds,
    small: true,
    prepare: (style) => {
      style.metadata.backdrop.forEach((layer) => layer !== style.metadata.parcel && wanted.add(layer));
      for (const layer of style.layers) {
        if (layer["source-layer"]) layer.layout = { ...layer.layout, visibility: wanted.has(layer["source-layer"]) ? "visible" : "none" };
      }
      return style;
    },
  });
  if (map && boxes.length) mark(map, shown);
}
