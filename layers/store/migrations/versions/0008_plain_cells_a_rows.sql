-- Every row, past ones too, in one pass over each table: as a generated column it is filled without an UPDATE, and is a
-- plain one from then on (PostgreSQL 13, DROP EXPRESSION). Who may read `fid` may read it (layers/access/scope.py).
DO $$
DECLARE
    layer record;
    reader record;
    fits text;
BEGIN
    FOR layer IN
        SELECT class.oid, class.relname AS name FROM pg_class AS class
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
        EXECUTE format('ALTER TABLE data.%I ADD is_plain boolean NOT NULL GENERATED ALWAYS AS (%s) STORED',
                       layer.name, coalesce(nullif(fits, ''), 'true'));
        EXECUTE format('ALTER TABLE data.%I ALTER is_plain DROP EXPRESSION', layer.name);
        EXECUTE format('ALTER TABLE data.%I ALTER is_plain SET DEFAULT false', layer.name);
        FOR reader IN
            SELECT DISTINCT given.grantee::regrole AS role
            FROM pg_attribute CROSS JOIN LATERAL aclexplode(attacl) AS given
            WHERE attrelid = layer.oid AND attname = 'fid' AND given.privilege_type = 'SELECT' AND given.grantee <> 0
        LOOP
            EXECUTE format('GRANT SELECT (is_plain) ON data.%I TO %s', layer.name, reader.role);
        END LOOP;
    END LOOP;
END
$$;

INSERT INTO access.column_scope (role_class, layer, column_name)
SELECT role_class, layer, 'is_plain' FROM access.column_scope WHERE column_name = 'fid';
