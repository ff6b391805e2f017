// What every script shares: texts of the page, its prefix, requests to this service.
const read = (id) => {
  const found = document.getElementById(id);
  return found ? JSON.parse(found.textContent) : null;
};

export const root = document.body.dataset.root;
export const language = document.body.dataset.language;
export const settings = read("map-settings") ?? {};
export const json = read;
const texts = read("texts") ?? {};

/** A text of the interface with its places filled in. */
export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** JSON of this service. A problem becomes an Error that holds the problem's body and status. */
export async function ask(path, options = {}) {
  const response = await fetch(root + path, {
    ...options,
    headers: { accept: "application/json, application/geo+json", "accept-language": language, ...options.headers },
  });
  const body = response.headers.get("content-type")?.includes("json") ? await response.json() : null;
  if (response.ok) return { body, response };
  const error = new Error(body?.[`detail_${language}`] ?? body?.detail ?? t("failed"));
  Object.assign(error, { status: response.status, body });
  throw error;
}

/** An element with a class, a text and children; text is always text, never markup. */
export function element(name, { className = "", text = "", ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const numbers = new Map();
/** A number as an office writes it. */
export function number(value, digits = 1) {
  if (!numbers.has(digits)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    numbers.set(digits, new Intl.NumberFormat(language === "vi" ? "vi-VN" : "en-GB", options));
  }
  return numbers.get(digits).format(value);
}

/** The box [west, south, east, north] of GeoJSON coordinates. */
export function boxOf(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (part) => {
    if (typeof part[0] !== "number") return part.forEach(visit);
    box[0] = Math.min(box[0], part[0]);
    box[1] = Math.min(box[1], part[1]);
    box[2] = Math.max(box[2], part[0]);
    box[3] = Math.max(box[3], part[1]);
  };
  if (geometry.geometries) geometry.geometries.forEach((inner) => visit(inner.coordinates));
  else visit(geometry.coordinates);
  return box;
}
