-- Rasters of layers: one file a revision, kept outside the database under the SHA-256 of its bytes. A row says which file
-- stands from which revision on, and how its cells lie; the file itself is never changed.
CREATE TABLE catalogue.raster (
    layer      text NOT NULL REFERENCES catalogue.layer,
    since      bigint NOT NULL,
    until      bigint,
    sha256     text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint NOT NULL,
    crs        text NOT NULL,                                    -- 'EPSG:n' or WKT
    west       double precision NOT NULL,                        -- of the upper left corner, in units of the CRS
    north      double precision NOT NULL,
    cell_x     double precision NOT NULL CHECK (cell_x > 0),     -- to the east and to the south
    cell_y     double precision NOT NULL CHECK (cell_y > 0),
    width      integer NOT NULL CHECK (width > 0),
    height     integer NOT NULL CHECK (height > 0),
    kind       text NOT NULL,                                    -- of the values: uint8, int16, float32 …
    nodata     double precision,
    valid_share double precision NOT NULL,                       -- of all cells, those with a value of some class
    areas_m2   jsonb NOT NULL DEFAULT '{}',                      -- class → area over the whole raster
    PRIMARY KEY (layer, since)
);
CREATE UNIQUE INDEX raster_current ON catalogue.raster (layer) WHERE until IS NULL;
CREATE INDEX raster_file ON catalogue.raster (sha256);

GRANT SELECT ON catalogue.raster TO lt_api, lt_check, lt_publish, lt_audit;
