// Copies what the pages and the notebook client load from the npm packages of the lock file to ../static/vendor.
// No bundler: the browsers we serve read ES modules as they are. `make assets` runs this, then `python -m ogc.web.glyphs`.
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, "node_modules");
const vendor = path.join(here, "..", "static", "vendor");

/** from (in node_modules) → to (in static/vendor) */
const COPIES = [
  ["maplibre-gl/dist/maplibre-gl.mjs", "maplibre/maplibre-gl.mjs"],
  ["maplibre-gl/dist/maplibre-gl-worker.mjs", "maplibre/maplibre-gl-worker.mjs"],
  ["maplibre-gl/dist/maplibre-gl.css", "maplibre/maplibre-gl.css"],
  ["maplibre-gl/LICENSE.txt", "maplibre/LICENSE.txt"],
  ["swagger-ui-dist/swagger-ui-bundle.js", "swagger/swagger-ui-bundle.js"],
  ["swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt", "swagger/swagger-ui-bundle.js.LICENSE.txt"],
  ["swagger-ui-dist/swagger-ui.css", "swagger/swagger-ui.css"],
  ["swagger-ui-dist/LICENSE", "swagger/LICENSE"],
  ["swagger-ui-dist/NOTICE", "swagger/NOTICE"],
  ["leaflet/dist/leaflet.js", "folium/leaflet/leaflet.js"],
  ["leaflet/dist/leaflet.css", "folium/leaflet/leaflet.css"],
  ["leaflet/dist/images", "folium/leaflet/images"],
  ["jquery/dist/jquery.min.js", "folium/jquery/jquery.min.js"],
  ["bootstrap/dist/js/bootstrap.bundle.min.js", "folium/bootstrap/bootstrap.bundle.min.js"],
  ["bootstrap/dist/css/bootstrap.min.css", "folium/bootstrap/bootstrap.min.css"],
  ["leaflet.awesome-markers/dist/leaflet.awesome-markers.js", "folium/awesome-markers/leaflet.awesome-markers.js"],
  ["leaflet.awesome-markers/dist/leaflet.awesome-markers.css", "folium/awesome-markers/leaflet.awesome-markers.css"],
  ["leaflet.awesome-markers/dist/images", "folium/awesome-markers/images"],
  ["@fortawesome/fontawesome-free/css/all.min.css", "folium/fontawesome/css/all.min.css"],
  ["@fortawesome/fontawesome-free/webfonts", "folium/fontawesome/webfonts"],
  ["glyphicons-only-bootstrap/fonts", "folium/glyphicons/fonts"],
];

/** The names folium gives its files (Map.default_js, Map.default_css) → ours, for the client. */
const FOLIUM = {
  js: {
    leaflet: "leaflet/leaflet.js",
    jquery: "jquery/jquery.min.js",
    bootstrap: "bootstrap/bootstrap.bundle.min.js",
    awesome_markers: "awesome-markers/leaflet.awesome-markers.js",
  },
  css: {
    leaflet_css: "leaflet/leaflet.css",
    bootstrap_css: "bootstrap/bootstrap.min.css",
    glyphicons_css: "glyphicons/css/glyphicons.css",
    awesome_markers_font_css: "fontawesome/css/all.min.css",
    awesome_markers_css: "awesome-markers/leaflet.awesome-markers.css",
    awesome_rotate_css: "awesome-markers/rotate.css",
  },
};

const SUBSETS = ["vietnamese", "latin-ext", "latin"];
/** family, weight, style: what the pages set text in; the glyphs of the map are cut from the same files */
const FACES = [
  ["noto-sans", 400, "normal"],
  ["noto-sans", 400, "italic"],
  ["noto-sans", 600, "normal"],
  ["noto-sans", 700, "normal"],
  ["noto-serif", 600, "normal"],
];

async function copy(from, to) {
  const target = path.join(vendor, to);
  await mkdir(path.dirname(target), { recursive: true });
  await cp(path.join(modules, from), target, { recursive: true });
  if (/\.(m?js|css)$/.test(target)) await forgetSourceMap(target);
}

/** The maps stay behind, so nothing must ask for them. */
async function forgetSourceMap(file) {
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/^\/[/*]# sourceMappingURL=.*$/m, ""));
}

async function write(to, text) {
  const target = path.join(vendor, to);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, text);
}

/** The @font-face rules of one face, unicode ranges as the package states them, woff2 only. */
async function face(family, weight, style) {
  const suffix = style === "italic" ? `${weight}-italic` : `${weight}`;
  const css = await readFile(path.join(modules, "@fontsource", family, `${suffix}.css`), "utf8");
  const rules = css.match(/@font-face\s*{[^}]*}/g) ?? [];
  const kept = [];
  for (const rule of rules) {
    const found = rule.match(/files\/([\w-]+)\.woff2/);
    const subset = SUBSETS.find((name) => found?.[1].startsWith(`${family}-${name}-${weight}`));
    if (!subset) continue;
    await copy(`@fontsource/${family}/files/${found[1]}.woff2`, `fonts/${found[1]}.woff2`);
    kept.push(rule.replace(/src:[^;]*;/, `src: url(${found[1]}.woff2) format("woff2");`));
  }
  if (kept.length !== SUBSETS.length) throw new Error(`${family} ${suffix}: ${kept.length} subsets, not ${SUBSETS.length}`);
  return kept.join("\n");
}

/** Of the package's whole style sheet only the icons: the rest would restyle the page. */
async function glyphicons() {
  const css = await readFile(path.join(modules, "glyphicons-only-bootstrap/css/bootstrap.min.css"), "utf8");
  const rules = css.match(/@font-face{[^}]*Glyphicons[^}]*}|\.glyphicon[\w-]*(:before)?{[^}]*}/g) ?? [];
  if (rules.length < 200) throw new Error(`glyphicons: only ${rules.length} rules found`);
  return rules.join("\n");
}

const rotations = () =>
  Array.from({ length: 359 }, (_, i) => `.fa-rotate-${i + 1}{transform:rotate(${i + 1}deg)}`).join("\n");

await rm(vendor, { recursive: true, force: true });
for (const [from, to] of COPIES) await copy(from, to);
const faces = [];
for (const [family, weight, style] of FACES) faces.push(await face(family, weight, style));
await write("fonts/fonts.css", faces.join("\n"));
await write("folium/glyphicons/css/glyphicons.css", await glyphicons());
await write("folium/awesome-markers/rotate.css", rotations());
await write("folium/manifest.json", JSON.stringify(FOLIUM, null, 2) + "\n");
console.log(`static/vendor: ${COPIES.length} entries, ${FACES.length} faces`);
