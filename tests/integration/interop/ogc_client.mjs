// @camptocamp/ogc-client against a running service: node ogc_client.mjs CLIENT BASE [TOKEN]; prints one JSON value.
const [client, base, token] = process.argv.slice(2);
const { OgcApiEndpoint, setFetchOptions, enableFallbackWithoutWorker } = await import(client);
enableFallbackWithoutWorker();
if (token) setFetchOptions({ headers: { Authorization: `Bearer ${token}` } });

const endpoint = new OgcApiEndpoint(base);
const names = await endpoint.featureCollections;
const zone = await endpoint.getCollectionInfo("zone");
const url = await endpoint.getCollectionItemsUrl("zone", { limit: 2, asJson: true, query: "filter=cap >= 1" });
const fetched = await (await fetch(url, token ? { headers: { Authorization: `Bearer ${token}` } } : {})).json();
const items = await endpoint.getCollectionItems("zone", 10);

console.log(JSON.stringify({
  info: await endpoint.info,
  classes: (await endpoint.conformanceClasses).length,
  names,
  tiled: await endpoint.vectorTileCollections,
  grids: await endpoint.tileMatrixSets,
  hasFeatures: await endpoint.hasFeatures,
  hasTiles: await endpoint.hasTiles,
  zone: { id: zone.id, crs: zone.crs, formats: zone.itemFormats, queryables: zone.queryables, sortables: zone.sortables },
  filtered: fetched.features.map((feature) => feature.properties.ma),
  items: items.map((item) => item.properties.ma),
  item: (await endpoint.getCollectionItem("zone", "2")).properties.ma,
  boxed: (await endpoint.getCollectionItems("zone", 10, 0, true, ["-cap"], [106, 11, 107, 12], ["ma"])).map(
    (item) => item.properties,
  ),
  tileset: await endpoint.getVectorTilesetUrl("zone"),
}));
