// WGS 84 → the storage CRS by the pinned operation (seven parameters, coordinate frame) and transverse Mercator
// (Krüger series to n⁴: well under a millimetre within a zone). A test holds it to pyproj.

/** A function (lon, lat in degrees) → [east, north] in metres. */
export function projector(p) {
  const e2 = p.f * (2 - p.f);
  const n = p.f / (2 - p.f);
  const radius = (p.a / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
  const alpha = [
    n / 2 - (2 / 3) * n ** 2 + (5 / 16) * n ** 3 + (41 / 180) * n ** 4,
    (13 / 48) * n ** 2 - (3 / 5) * n ** 3 + (557 / 1440) * n ** 4,
    (61 / 240) * n ** 3 - (103 / 140) * n ** 4,
    (49561 / 161280) * n ** 4,
  ];
  const degree = Math.PI / 180;

  function cartesian(lon, lat) {
    const v = p.a / Math.sqrt(1 - e2 * Math.sin(lat) ** 2);
    return [v * Math.cos(lat) * Math.cos(lon), v * Math.cos(lat) * Math.sin(lon), v * (1 - e2) * Math.sin(lat)];
  }

  // the operation goes from the storage datum to WGS 84: take it back
  function shifted([x, y, z]) {
    const k = 1 + p.ds;
    const [u, v, w] = [(x - p.dx) / k, (y - p.dy) / k, (z - p.dz) / k];
    return [u - p.rz * v + p.ry * w, p.rz * u + v - p.rx * w, -p.ry * u + p.rx * v + w];
  }

  function geographic([x, y, z]) {
    const across = Math.hypot(x, y);
    let lat = Math.atan2(z, across * (1 - e2));
    for (let i = 0; i < 5; i++) {
      const v = p.a / Math.sqrt(1 - e2 * Math.sin(lat) ** 2);
      lat = Math.atan2(z + e2 * v * Math.sin(lat), across);
    }
    return [Math.atan2(y, x), lat];
  }

  function projected([lon, lat]) {
    const e = Math.sqrt(e2);
    const conformal = Math.sinh(Math.atanh(Math.sin(lat)) - e * Math.atanh(e * Math.sin(lat)));
    const delta = lon - p.lon0 * degree;
    const xi = Math.atan2(conformal, Math.cos(delta));
    const eta = Math.atanh(Math.sin(delta) / Math.sqrt(1 + conformal ** 2));
    let [north, east] = [xi, eta];
    alpha.forEach((a, i) => {
      const m = 2 * (i + 1);
      north += a * Math.sin(m * xi) * Math.cosh(m * eta);
      east += a * Math.cos(m * xi) * Math.sinh(m * eta);
    });
    return [p.fe + p.k0 * radius * east, p.fn + p.k0 * radius * north];
  }

  return (lon, lat) => projected(geographic(shifted(cartesian(lon * degree, lat * degree))));
}
