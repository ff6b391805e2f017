-- Two things are noted of every row when it is written: whether its cells are JSON as they stand (`plain_cells`), and how
-- far the corners of its shape may move (`clearance`). Rows of before, past ones too, get them in one pass over each
-- table: as generated columns they are filled without an UPDATE, and are plain ones from then on (PostgreSQL 13, DROP
-- EXPRESSION). Who may read `fid` may read the one, who may read the shape the other (layers/access/scope.py).
DO $$
DECLARE
    layer record;
    reader record;
    fits text;
    added text;
BEGIN
    FOR layer IN
        SELECT class.oid, class.relname AS name,
               EXISTS (SELECT FROM pg_attribute WHERE attrelid = class.oid AND attname = 'geom_3857') AS has_shapes
        FROM pg_class AS class
        WHERE class.relnamespace = 'data'::regnamespace AND class.relkind = 'r' ORDER BY class.relname
    LOOP
        SELECT concat_ws(' AND ',
                   '(' || string_agg(format('coalesce(%I, '''')', attname), ' || ' ORDER BY attnum)
                          FILTER (WHERE atttypid = 'text'::regtype) || $q$) COLLATE "C" !~ '["\\\u0001-\u001f]'$q$,
                   string_agg(format($q$coalesce(abs(%I) < 'Infinity', true)$q$, attname), ' AND ' ORDER BY attnum)
                          FILTER (WHERE atttypid = 'float8'::regtype))
        INTO fits
        FROM pg_attribute
        WHERE attrelid = layer.oid AND attnum > 0 AND NOT attisdropped AND attname <> 'key';
        added := format('ADD is_plain boolean NOT NULL GENERATED ALWAYS AS (%s) STORED',
                        coalesce(nullif(fits, ''), 'true'));
        IF layer.has_shapes THEN
            added := added || ', ADD clearance_m float8 NOT NULL
                                GENERATED ALWAYS AS (ST_MinimumClearance(geom_3857)) STORED';
        END IF;
        EXECUTE format('ALTER TABLE data.%I ', layer.name) || added;
        EXECUTE format('ALTER TABLE data.%I ALTER is_plain DROP EXPRESSION', layer.name);
        EXECUTE format('ALTER TABLE data.%I ALTER is_plain SET DEFAULT false', layer.name);
        IF layer.has_shapes THEN
            EXECUTE format('ALTER TABLE data.%I ALTER clearance_m DROP EXPRESSION', layer.name);
            EXECUTE format('ALTER TABLE data.%I ALTER clearance_m SET DEFAULT 0', layer.name);
        END IF;
        FOR reader IN
            SELECT given.grantee::regrole AS role, kind.noted
            FROM (VALUES ('fid', 'is_plain'), ('geom_3857', 'clearance_m')) AS kind(read, noted)
            JOIN pg_attribute ON attname = kind.read CROSS JOIN LATERAL aclexplode(attacl) AS given
            WHERE attrelid = layer.oid AND given.privilege_type = 'SELECT' AND given.grantee <> 0
        LOOP
            EXECUTE format('GRANT SELECT (%I) ON data.%I TO %s', reader.noted, layer.name, reader.role);
        END LOOP;
    END LOOP;
END
$$;

INSERT INTO access.column_scope (role_class, layer, column_name)
SELECT scope.role_class, scope.layer, kind.noted
FROM access.column_scope AS scope
JOIN (VALUES ('fid', 'is_plain'), ('geom_3857', 'clearance_m')) AS kind(read, noted) ON kind.read = scope.column_name;
