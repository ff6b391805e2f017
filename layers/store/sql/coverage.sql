-- What the matrix of coverage is made of: what the check engine reads, by commune instead of by subject.

-- communes --
-- The reference layer's pieces with the code of each, at a revision.
SELECT coalesce(fact.attributes ->> %(column)s::text, fact.key) AS code, piece.zone, ST_AsBinary(piece.geom) AS geom
FROM checks.piece
JOIN checks.fact ON fact.layer = piece.layer AND fact.fid = piece.fid
    AND fact.since <= %(revision)s AND (fact.until IS NULL OR fact.until > %(revision)s)
WHERE piece.layer = %(layer)s AND piece.since <= %(revision)s AND (piece.until IS NULL OR piece.until > %(revision)s)
ORDER BY code, piece.zone, piece.fid, geom

-- mapped --
-- The declared area of a layer and what was cut from it, at a revision.
SELECT kind, zone, ST_AsBinary(geom) AS geom
FROM checks.mapped
WHERE layer = %(layer)s AND since <= %(revision)s AND (until IS NULL OR until > %(revision)s)
ORDER BY kind, zone, geom

-- unplaced --
-- Refused rows of unknown place in the release that stands: with one of them nothing counts as mapped.
SELECT coalesce(jsonb_array_length(declaration -> 'unplaced'), 0) AS count
FROM catalogue.release
WHERE layer = %(layer)s AND revision <= %(revision)s
ORDER BY release DESC LIMIT 1

-- holding --
-- The places (given in parts) that some piece of the layer reaches into; the first piece found is enough.
SELECT place.number
FROM (SELECT DISTINCT number FROM unnest(%(numbers)s::int[]) AS one (number)) AS place
WHERE EXISTS (
    SELECT FROM unnest(%(numbers)s::int[], %(zones)s::smallint[], %(parts)s::bytea[]) AS part (number, zone, wkb)
    CROSS JOIN LATERAL (
        SELECT FROM checks.piece
        WHERE piece.geom && ST_GeomFromWKB(part.wkb) AND piece.layer = %(layer)s AND piece.zone = part.zone
          AND piece.since <= %(revision)s AND (piece.until IS NULL OR piece.until > %(revision)s)
          AND ST_Intersects(piece.geom, ST_GeomFromWKB(part.wkb))
        LIMIT 1
    ) AS met
    WHERE part.number = place.number
)

-- entries --
-- Of a register: the communes its entries are keyed to; null stands for an entry that names none.
SELECT DISTINCT named.code
FROM checks.fact
LEFT JOIN LATERAL (
    SELECT split_part(ref, '/', 1) AS code FROM unnest(fact.parcel_refs) AS ref WHERE ref LIKE '%%/%%'
) AS named ON true
WHERE fact.layer = %(layer)s AND fact.since <= %(revision)s AND (fact.until IS NULL OR fact.until > %(revision)s)

-- parcels --
-- Parcels by commune at a revision.
SELECT attributes ->> %(column)s::text AS code, count(*) AS count
FROM checks.fact
WHERE layer = %(layer)s AND since <= %(revision)s AND (until IS NULL OR until > %(revision)s)
GROUP BY 1
