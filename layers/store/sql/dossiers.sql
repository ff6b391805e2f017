-- dossier --
-- one dossier, as it stands
SELECT id, procedure, offices, parcels, surveys, opened, opened_by, changed, changed_by, closed
FROM access.dossier WHERE id = %(id)s

-- put --
-- Register a dossier or change it. What was told under it stays counted, whatever it becomes.
INSERT INTO access.dossier (id, procedure, offices, parcels, surveys, opened, opened_by, changed, changed_by, closed)
VALUES (%(id)s, %(procedure)s, %(offices)s, %(parcels)s, %(surveys)s, %(now)s, %(by)s, %(now)s, %(by)s,
        CASE WHEN %(is_closed)s THEN %(now)s::timestamptz END)
ON CONFLICT (id) DO UPDATE SET
    procedure = excluded.procedure, offices = excluded.offices, parcels = excluded.parcels, surveys = excluded.surveys,
    changed = excluded.changed, changed_by = excluded.changed_by,
    closed = CASE WHEN excluded.closed IS NULL THEN NULL ELSE coalesce(access.dossier.closed, excluded.closed) END
RETURNING id, procedure, offices, parcels, surveys, opened, opened_by, changed, changed_by, closed

-- lock --
-- The dossier for one who is about to count: until the transaction ends nobody else counts under it.
SELECT id, procedure, offices, parcels, surveys, opened, opened_by, changed, changed_by, closed
FROM access.dossier WHERE id = %(id)s FOR UPDATE

-- lock_day --
-- The same for one person's day; always taken after the dossier's, so that no two wait for each other.
SELECT pg_advisory_xact_lock(hashtextextended('disclosure ' || %(principal)s || ' ' || %(day)s::date::text, 0))

-- used --
-- how much of both quotas is gone
SELECT (SELECT count(*) FROM access.disclosure WHERE dossier = %(dossier)s AND is_first) AS of_dossier,
       (SELECT count(*) FROM access.disclosure WHERE principal = %(principal)s AND day = %(day)s) AS of_day

-- disclose --
-- One answer more. Who reads one record twice at the same moment is one reader.
INSERT INTO access.disclosure (record, principal, dossier, bound_by, is_first, day)
VALUES (%(record)s, %(principal)s, %(dossier)s, %(bound_by)s, %(is_first)s, %(day)s)
ON CONFLICT (record, principal) DO NOTHING

-- disclosures --
-- who was told something reserved of these records
SELECT record, principal, dossier, bound_by, is_first FROM access.disclosure WHERE record = ANY(%(records)s)
