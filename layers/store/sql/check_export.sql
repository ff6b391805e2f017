-- pieces --
-- The pieces of a layer at a revision, zone by zone and near to near.
SELECT piece.zone, piece.fid, ST_AsBinary(piece.geom) AS geometry
FROM checks.piece
WHERE piece.layer = %(layer)s
  AND piece.since <= %(revision)s AND (piece.until IS NULL OR piece.until > %(revision)s)
ORDER BY piece.zone, piece.geom, piece.fid

-- facts --
SELECT fact.fid, fact.key, abs(fact.accuracy_m) AS accuracy_m, fact.attributes, fact.parcel_refs
FROM checks.fact
WHERE fact.layer = %(layer)s
  AND fact.since <= %(revision)s AND (fact.until IS NULL OR fact.until > %(revision)s)
ORDER BY fact.fid

-- held --
-- What the layer has by the books at a revision: its pieces and facts as the publication counted them.
SELECT counted.pieces, counted.facts
FROM checks.held counted
WHERE counted.layer = %(layer)s AND counted.revision <= %(revision)s
ORDER BY counted.revision DESC LIMIT 1

-- largest_accuracy --
-- Of all features the layer ever had, as the single check reads it: it bounds how far candidates are looked for.
SELECT coalesce(greatest(max(fact.accuracy_m), -min(fact.accuracy_m)), 0) AS accuracy_m
FROM checks.fact WHERE fact.layer = %(layer)s

-- mapped --
SELECT mapped.kind, mapped.zone, ST_AsBinary(mapped.geom) AS geometry
FROM checks.mapped
WHERE mapped.layer = %(layer)s
  AND mapped.since <= %(revision)s AND (mapped.until IS NULL OR mapped.until > %(revision)s)
ORDER BY mapped.kind, mapped.zone, mapped.geom
