-- What stands around the tables beside what ought to. Each block but the first names what is wrong.

-- possible --
-- Whether this login could put up the second wall, or somebody has.
SELECT bool_or(role.rolsuper OR role.rolcreaterole) OR EXISTS (SELECT FROM access.role_class) AS found
FROM pg_roles AS role WHERE role.rolname = session_user

-- classes --
SELECT database_role, grantees FROM access.role_class

-- rows --
SELECT role_class, layer, code FROM access.row_scope

-- columns --
SELECT role_class, layer, column_name FROM access.column_scope WHERE role_class <> 'lt_check'

-- granted --
SELECT CASE WHEN is_public THEN 'public' ELSE role_class END AS role_class, layer, column_name, privilege_type
FROM access.granted_column WHERE role_class <> 'lt_check'

-- granted_tables --
SELECT concat_ws(' ', CASE WHEN is_public THEN 'public' ELSE role_class END, privilege_type, layer) AS name
FROM access.granted_table

-- open_tables --
-- Tables of layers without row-level security, or whose owner it does not hold.
SELECT class.relname AS name FROM pg_class AS class
WHERE class.relnamespace = 'data'::regnamespace AND class.relkind IN ('r', 'p')
  AND NOT (class.relrowsecurity AND class.relforcerowsecurity)

-- other_relations --
-- Whatever else lies in the schema of the layers: views, materialised views, foreign tables have no wall.
SELECT class.relname AS name FROM pg_class AS class
WHERE class.relnamespace = 'data'::regnamespace AND class.relkind IN ('v', 'm', 'f')

-- leakproof --
-- Functions outside PostgreSQL itself that may be asked before the wall's own condition, but for those the wall knows of.
SELECT routine.oid::regprocedure::text AS name FROM pg_proc AS routine
WHERE routine.proleakproof AND routine.pronamespace <> 'pg_catalog'::regnamespace
  AND routine.oid NOT IN (SELECT access.asked_before_the_wall())

-- slow --
-- Not leakproof: the wall stands, boxes, tiles and searches do not use their index behind it.
SELECT routine.oid::regprocedure::text AS name FROM pg_proc AS routine
WHERE routine.oid IN (SELECT access.asked_before_the_wall()) AND NOT routine.proleakproof

-- views --
-- Views and materialised views around layers, pieces and facts that a class or everybody may read: they read with their
-- owner's right.
WITH RECURSIVE around (oid) AS (
    SELECT class.oid FROM pg_class AS class
    WHERE class.relnamespace IN ('data'::regnamespace, 'checks'::regnamespace) AND class.relkind IN ('r', 'p')
    UNION
    SELECT rule.ev_class FROM around
    JOIN pg_depend AS needs ON needs.refclassid = 'pg_class'::regclass AND needs.refobjid = around.oid
                           AND needs.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS rule ON rule.oid = needs.objid
)
SELECT DISTINCT view.oid::regclass::text AS name
FROM around JOIN pg_class AS view ON view.oid = around.oid AND view.relkind IN ('v', 'm')
CROSS JOIN pg_roles AS reader
WHERE (reader.rolname = 'lt_reader' OR reader.rolname LIKE 'lt\_class\_%')
  AND has_any_column_privilege(reader.oid, view.oid, 'SELECT')

-- readable --
-- What a class may read or change besides layers: its own scope, where layers stand, and the leaving of events.
SELECT DISTINCT concat_ws(' ', wanted.privilege, class.oid::regclass) AS name
FROM pg_class AS class
CROSS JOIN pg_roles AS reader
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('REFERENCES')) AS wanted (privilege)
WHERE class.relnamespace::regnamespace::text IN ('data', 'catalogue', 'checks', 'access', 'staging')
  AND class.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND (reader.rolname = 'lt_reader' OR reader.rolname LIKE 'lt\_class\_%')
  AND has_any_column_privilege(reader.oid, class.oid, wanted.privilege)
  AND NOT (wanted.privilege = 'SELECT' AND class.relnamespace = 'data'::regnamespace)
  AND (wanted.privilege, class.oid) NOT IN (
      ('SELECT', 'access.row_scope'::regclass), ('SELECT', 'catalogue.layer'::regclass),
      ('SELECT', 'catalogue.revision'::regclass), ('INSERT', 'access.event'::regclass))

-- owners --
-- Classes that own something, here or in what the cluster shares.
SELECT DISTINCT role.rolname AS name FROM pg_shdepend AS owned
JOIN pg_roles AS role ON role.oid = owned.refobjid AND owned.refclassid = 'pg_authid'::regclass
WHERE owned.deptype = 'o' AND owned.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND (role.rolname LIKE 'lt\_class\_%' OR role.rolname IN ('lt_reader', 'lt_api', 'lt_server'))

-- attributes --
-- Roles of ours with a power that walks through walls.
SELECT rolname AS name FROM pg_roles
WHERE (rolname LIKE 'lt\_class\_%' AND rolcanlogin)
   OR (rolname LIKE 'lt\_%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication))

-- memberships --
-- A class belongs to the readers and to nothing else: what it inherited would add up crosswise. Readers inherit nothing.
SELECT concat_ws(' ', member.rolname, '→', role.rolname) AS name
FROM pg_auth_members AS known
JOIN pg_roles AS role ON role.oid = known.roleid
JOIN pg_roles AS member ON member.oid = known.member
WHERE (member.rolname LIKE 'lt\_class\_%' AND role.rolname <> 'lt_reader') OR member.rolname = 'lt_reader'

-- outsiders --
-- Known classes whose role is missing or has no part in the readers' policies.
SELECT class.database_role AS name FROM access.role_class AS class
LEFT JOIN pg_roles AS role ON role.rolname = class.database_role
WHERE role.oid IS NULL OR NOT pg_has_role(role.oid, 'lt_reader', 'USAGE')
