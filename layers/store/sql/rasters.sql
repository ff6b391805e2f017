-- close --
-- From this revision on the raster that stood stands no more.
UPDATE catalogue.raster SET until = %(revision)s WHERE layer = %(layer)s AND until IS NULL

-- insert --
INSERT INTO catalogue.raster (layer, since, sha256, size_bytes, crs, west, north, cell_x, cell_y, width, height, kind,
                              nodata, valid_share, areas_m2)
VALUES (%(layer)s, %(since)s, %(sha256)s, %(size_bytes)s, %(crs)s, %(west)s, %(north)s, %(cell_x)s, %(cell_y)s,
        %(width)s, %(height)s, %(kind)s, %(nodata)s, %(valid_share)s, %(areas_m2)s)

-- restore --
-- The raster of an older revision once more; how many rows tells whether there was one.
INSERT INTO catalogue.raster (layer, since, sha256, size_bytes, crs, west, north, cell_x, cell_y, width, height, kind,
                              nodata, valid_share, areas_m2)
SELECT layer, %(revision)s, sha256, size_bytes, crs, west, north, cell_x, cell_y, width, height, kind, nodata,
       valid_share, areas_m2
FROM catalogue.raster
WHERE layer = %(layer)s AND since <= %(old)s AND (until IS NULL OR until > %(old)s)

-- at --
-- The raster of a revision (null: now).
SELECT sha256, size_bytes, crs, west, north, cell_x, cell_y, width, height, kind, nodata, valid_share, areas_m2
FROM catalogue.raster
WHERE layer = %(layer)s
  AND CASE WHEN %(revision)s::bigint IS NULL THEN until IS NULL
           ELSE since <= %(revision)s::bigint AND (until IS NULL OR until > %(revision)s::bigint) END

-- files --
-- Every file some revision stands on.
SELECT DISTINCT layer, sha256, size_bytes FROM catalogue.raster ORDER BY layer, sha256
