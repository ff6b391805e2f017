-- table --
-- The wall of one layer's table, the same whatever the policy: what a class reaches stands in access.row_scope. Both
-- sub-selects read it once a statement. {reached} is the condition below.
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS wall_read ON {table};
CREATE POLICY wall_read ON {table} FOR SELECT TO lt_reader USING ({reached});
DROP POLICY IF EXISTS wall_check ON {table};
CREATE POLICY wall_check ON {table} FOR SELECT TO lt_check USING (true);
DROP POLICY IF EXISTS wall_write ON {table};
CREATE POLICY wall_write ON {table} FOR ALL TO lt_publish, CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO lt_publish

-- every_row --
(SELECT EXISTS (SELECT FROM access.row_scope AS scope
                WHERE scope.role_class = current_user AND scope.layer = {layer} AND scope.code = '*'))

-- rows_of_communes --
{every_row} OR {commune} = ANY (ARRAY(SELECT scope.code FROM access.row_scope AS scope
                                      WHERE scope.role_class = current_user AND scope.layer = {layer}))

-- standing --
-- Layers whose table has the wall it was given: enabled, forced, with the policies as they were written down.
SELECT wall.layer, wall.statements
FROM access.wall AS wall
JOIN pg_class AS class ON class.relname = wall.layer AND class.relnamespace = 'data'::regnamespace
WHERE class.relrowsecurity AND class.relforcerowsecurity AND wall.policies = access.policies_of(wall.layer)

-- record --
-- What PostgreSQL made of the statements is kept, so that a later change of a policy is seen.
INSERT INTO access.wall (layer, statements, policies)
VALUES (%(layer)s, %(statements)s, access.policies_of(%(layer)s))
ON CONFLICT (layer) DO UPDATE SET statements = excluded.statements, policies = excluded.policies

-- lock --
-- one change of the walls at a time
SELECT pg_advisory_xact_lock(7305220263)

-- forget_scopes --
DELETE FROM access.column_scope

-- forget_rows --
DELETE FROM access.row_scope

-- forget_classes --
DELETE FROM access.role_class

-- store_classes --
INSERT INTO access.role_class (database_role, grantees)
SELECT database_role, grantees FROM jsonb_to_recordset(%(classes)s::jsonb) AS row(database_role text, grantees text[])

-- store_rows --
INSERT INTO access.row_scope (role_class, layer, code)
SELECT role_class, layer, code FROM unnest(%(roles)s::text[], %(layers)s::text[], %(codes)s::text[])
    AS row(role_class, layer, code)

-- store_columns --
INSERT INTO access.column_scope (role_class, layer, column_name)
SELECT role_class, layer, column_name FROM unnest(%(roles)s::text[], %(layers)s::text[], %(columns)s::text[])
    AS row(role_class, layer, column_name)

-- store_checked --
-- Subjects of checks are looked up in the reference layers, with the engine's right: all columns, and no other layer.
INSERT INTO access.column_scope (role_class, layer, column_name)
SELECT 'lt_check', class.relname, attribute.attname
FROM catalogue.applied JOIN catalogue.text AS whole ON whole.digest = applied.profile
CROSS JOIN LATERAL jsonb_each_text(whole.body::jsonb -> 'header' -> 'reference_layers') AS named
JOIN pg_class AS class ON class.relnamespace = 'data'::regnamespace AND class.relname = named.value
JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped

-- known_roles --
SELECT rolname FROM pg_roles

-- enforce_where_it_is --
-- A backup from before the second wall has nothing to enforce.
DO $$ BEGIN
    IF to_regproc('access.enforce') IS NOT NULL THEN
        PERFORM access.enforce();
    END IF;
END $$

-- enforce --
SELECT access.enforce() AS stands
