-- What the catalogue page says of every layer besides its definition.

-- releases --
-- The newest release of every layer that its current revision still holds, when it was published, and its oldest content.
SELECT DISTINCT ON (r.layer) r.layer, r.release, r.note, v.created, coalesce(r.content_date, v.created) AS content_date
FROM catalogue.release AS r
JOIN catalogue.revision AS v ON v.layer = r.layer AND v.revision = r.revision
JOIN catalogue.layer AS l ON l.id = r.layer AND r.revision <= l.revision
ORDER BY r.layer, r.release DESC

-- mapped --
-- Where each layer is declared to be complete now.
SELECT l.id AS layer,
       bool_or(m.kind = 'everywhere') AS everywhere,
       coalesce(array_agg(DISTINCT m.commune) FILTER (WHERE m.kind = 'area' AND m.commune IS NOT NULL), '{}') AS communes,
       count(*) FILTER (WHERE m.kind = 'refused') AS refused
FROM checks.mapped AS m
JOIN catalogue.layer AS l ON l.number = m.layer
WHERE m.until IS NULL
GROUP BY l.id
