-- The second wall (design, section 5): roles of the cluster, what each reaches, and the one function that makes the
-- GRANTs equal to it. A policy change writes rows and calls the function; it never runs DDL on a table.

-- ── roles ────────────────────────────────────────────────────────────────────────────────────────
-- Roles belong to the cluster: another database may have made them, or be making them now.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['lt_api', 'lt_audit', 'lt_check', 'lt_publish', 'lt_reader', 'lt_server'] LOOP
        CONTINUE WHEN to_regrole(wanted) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN %s', wanted,
                           CASE WHEN wanted = 'lt_server' THEN 'NOINHERIT' ELSE 'INHERIT' END);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'the role % is missing and may not be made', wanted
                    USING HINT = 'Let an administrator run: CREATE ROLE ' || wanted || ' NOLOGIN NOINHERIT;';
        END;
    END LOOP;
END
$$;

-- ── what each class reaches ──────────────────────────────────────────────────────────────────────
CREATE TABLE access.role_class (
    database_role text PRIMARY KEY CHECK (database_role ~ '^lt_class_[0-9a-f]{16}$'),
    grantees      text[] NOT NULL
);

ALTER TABLE access.row_scope ADD FOREIGN KEY (role_class) REFERENCES access.role_class;  -- code '*': every row

-- columns a class may read at most; lt_check stands here for the layers that subjects of checks come from
CREATE TABLE access.column_scope (
    role_class  text NOT NULL CHECK (role_class ~ '^lt_(check|class_[0-9a-f]{16})$'),
    layer       text NOT NULL REFERENCES catalogue.layer,
    column_name text NOT NULL,
    PRIMARY KEY (role_class, layer, column_name)
);

-- the wall each table was given: digest of the statements, and what PostgreSQL made of them
CREATE TABLE access.wall (
    layer      text PRIMARY KEY REFERENCES catalogue.layer,
    statements text NOT NULL,
    policies   jsonb NOT NULL
);

CREATE FUNCTION access.policies_of(layer text) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT coalesce(jsonb_agg(jsonb_build_array(
                   policy.polname, policy.polcmd, policy.polpermissive,
                   (SELECT jsonb_agg(coalesce(role.rolname, 'public') ORDER BY role.rolname)
                    FROM unnest(policy.polroles) AS named (oid) LEFT JOIN pg_roles AS role ON role.oid = named.oid),
                   pg_get_expr(policy.polqual, policy.polrelid), pg_get_expr(policy.polwithcheck, policy.polrelid)
               ) ORDER BY policy.polname), '[]')
        FROM pg_policy AS policy JOIN pg_class AS class ON class.oid = policy.polrelid
        WHERE class.relnamespace = 'data'::regnamespace AND class.relname = layer
    $$;

-- what roles other than its owner may read, column by column, in the schema data
CREATE VIEW access.granted_column AS
    SELECT pg_get_userbyid(acl.grantee)::text AS role_class, class.relname::text AS layer,
           attribute.attname::text AS column_name, acl.privilege_type, acl.grantee = 0 AS is_public
    FROM pg_class AS class
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND NOT attribute.attisdropped
    CROSS JOIN LATERAL aclexplode(attribute.attacl) AS acl
    WHERE class.relnamespace = 'data'::regnamespace AND acl.grantee <> class.relowner;

-- whole tables are granted to lt_publish alone
CREATE VIEW access.granted_table AS
    SELECT pg_get_userbyid(acl.grantee)::text AS role_class, class.relname::text AS layer, acl.privilege_type,
           acl.grantee = 0 AS is_public
    FROM pg_class AS class
    CROSS JOIN LATERAL aclexplode(class.relacl) AS acl
    WHERE class.relnamespace = 'data'::regnamespace AND acl.grantee <> class.relowner
      AND pg_get_userbyid(acl.grantee) <> 'lt_publish';

-- ── making it so ─────────────────────────────────────────────────────────────────────────────────
-- Only differences are granted and revoked. False, and no class stays known, where roles may not be made.
CREATE FUNCTION access.enforce() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    own  pg_roles%ROWTYPE;
    each record;
BEGIN
    SELECT * INTO own FROM pg_roles WHERE rolname = current_user;
    IF NOT (own.rolsuper OR own.rolcreaterole) THEN
        DELETE FROM access.row_scope;
        DELETE FROM access.role_class;
        RETURN false;
    END IF;
    IF own.rolsuper THEN
        PERFORM access.harden();
    END IF;
    PERFORM access.join_groups();
    FOR each IN SELECT database_role AS name FROM access.role_class ORDER BY 1 LOOP
        PERFORM access.make_class(each.name, NOT own.rolsuper);
    END LOOP;
    FOR each IN SELECT * FROM access.granted_table LOOP
        EXECUTE format('REVOKE %s ON data.%I FROM %s', each.privilege_type, each.layer,
                       CASE WHEN each.is_public THEN 'PUBLIC' ELSE quote_ident(each.role_class) END);
    END LOOP;
    FOR each IN
        SELECT granted.role_class, granted.layer, granted.privilege_type, granted.is_public,
               string_agg(quote_ident(granted.column_name), ', ') AS columns
        FROM access.granted_column AS granted
        WHERE granted.is_public OR granted.privilege_type <> 'SELECT' OR NOT EXISTS (
            SELECT FROM access.column_scope AS scope
            WHERE (scope.role_class, scope.layer, scope.column_name)
                = (granted.role_class, granted.layer, granted.column_name))
        GROUP BY 1, 2, 3, 4
    LOOP
        EXECUTE format('REVOKE %s (%s) ON data.%I FROM %s', each.privilege_type, each.columns, each.layer,
                       CASE WHEN each.is_public THEN 'PUBLIC' ELSE quote_ident(each.role_class) END);
    END LOOP;
    FOR each IN
        SELECT scope.role_class, scope.layer, string_agg(quote_ident(scope.column_name), ', ') AS columns
        FROM access.column_scope AS scope
        JOIN pg_class AS class ON class.relnamespace = 'data'::regnamespace AND class.relname = scope.layer
        JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attname = scope.column_name
        WHERE NOT attribute.attisdropped AND NOT EXISTS (
            SELECT FROM access.granted_column AS granted
            WHERE granted.privilege_type = 'SELECT' AND NOT granted.is_public
              AND (granted.role_class, granted.layer, granted.column_name)
                = (scope.role_class, scope.layer, scope.column_name))
        GROUP BY 1, 2
    LOOP
        EXECUTE format('GRANT SELECT (%s) ON data.%I TO %I', each.columns, each.layer, each.role_class);
    END LOOP;
    RETURN true;
END
$$;

-- What only a superuser may do, and a restored backup or a new PostGIS undoes. `&&` compares boxes and raises for no pair
-- of shapes of one system, so it may be asked before the wall's own condition: with it, boxes and tiles use the index.
-- Nothing else of PostGIS may: ST_Intersects and its like raise errors that tell. ST_EstimatedExtent reads statistics of
-- all rows, whoever asks.
CREATE FUNCTION access.harden() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT routine.oid::regprocedure AS name FROM pg_proc AS routine
                WHERE routine.oid = access.overlaps_function() AND NOT routine.proleakproof LOOP
        EXECUTE format('ALTER FUNCTION %s LEAKPROOF', each.name);
    END LOOP;
    FOR each IN SELECT routine.oid::regprocedure AS name FROM pg_proc AS routine
                WHERE routine.proname = 'st_estimatedextent' AND has_function_privilege('lt_reader', routine.oid, 'EXECUTE') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', each.name);
    END LOOP;
END
$$;

-- the function behind geometry && geometry, wherever PostGIS was installed
CREATE FUNCTION access.overlaps_function() RETURNS oid
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT operator.oprcode::oid
        FROM pg_operator AS operator JOIN pg_type AS type ON type.oid = operator.oprleft AND type.typname = 'geometry'
        WHERE operator.oprname = '&&' AND operator.oprright = operator.oprleft
    $$;

-- A class owns nothing, cannot log in, and has the readers' policies. The server's login may become it; so may an owner
-- who is no superuser. Two databases of a cluster may make the same one at the same instant.
CREATE FUNCTION access.make_class(name text, for_owner boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    PERFORM access.join_role('lt_reader', name), access.join_role(name, 'lt_server');
    IF for_owner THEN
        PERFORM access.join_role(name, current_user);
    END IF;
END
$$;

CREATE FUNCTION access.join_role(role_name text, member_name text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_auth_members AS known
                   JOIN pg_roles AS role ON role.oid = known.roleid AND role.rolname = role_name
                   JOIN pg_roles AS member ON member.oid = known.member AND member.rolname = member_name) THEN
        EXECUTE format('GRANT %I TO %I', role_name, member_name);
    END IF;
EXCEPTION WHEN unique_violation THEN NULL;
END
$$;
CREATE FUNCTION access.join_groups() RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT access.join_role('lt_check', 'lt_api'), access.join_role('lt_audit', 'lt_api'),
               access.join_role('lt_api', 'lt_server'), access.join_role('lt_publish', 'lt_server')
    $$;

REVOKE EXECUTE ON FUNCTION access.enforce(), access.make_class(text, boolean), access.join_role(text, text),
    access.join_groups(), access.harden() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.enforce() TO lt_publish;

-- ── what the roles may besides ───────────────────────────────────────────────────────────────────
GRANT USAGE ON SCHEMA data, catalogue, access TO lt_reader, lt_check, lt_publish, lt_audit, lt_api;
GRANT USAGE ON SCHEMA checks TO lt_check, lt_publish, lt_api;

-- a class leaves events and sees where the layers stand that it reaches: no others, no releases, no scope of another class
GRANT INSERT ON access.event TO lt_reader, lt_check, lt_publish, lt_api;
GRANT SELECT ON access.row_scope TO lt_reader;
GRANT SELECT (id, revision, state) ON catalogue.layer TO lt_reader;
GRANT SELECT (layer, revision, state, created) ON catalogue.revision TO lt_reader;
ALTER TABLE access.row_scope ENABLE ROW LEVEL SECURITY;
ALTER TABLE catalogue.layer ENABLE ROW LEVEL SECURITY;
ALTER TABLE catalogue.revision ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON access.row_scope FOR SELECT TO lt_reader USING (role_class = current_user);
CREATE POLICY reached ON catalogue.layer FOR SELECT TO lt_reader USING (
    id = ANY (ARRAY(SELECT scope.layer FROM access.row_scope AS scope WHERE scope.role_class = current_user)));
CREATE POLICY reached ON catalogue.revision FOR SELECT TO lt_reader USING (
    layer = ANY (ARRAY(SELECT scope.layer FROM access.row_scope AS scope WHERE scope.role_class = current_user)));
CREATE POLICY service ON access.row_scope TO lt_publish, lt_audit, lt_api USING (true) WITH CHECK (true);
CREATE POLICY service ON catalogue.layer TO lt_check, lt_publish, lt_audit, lt_api USING (true) WITH CHECK (true);
CREATE POLICY service ON catalogue.revision TO lt_check, lt_publish, lt_audit, lt_api USING (true) WITH CHECK (true);

GRANT SELECT ON ALL TABLES IN SCHEMA catalogue TO lt_api, lt_check, lt_publish, lt_audit;
GRANT SELECT ON access.policy, access.agreement TO lt_api, lt_check, lt_publish, lt_audit;
GRANT SELECT ON access.role_class, access.row_scope, access.column_scope, access.wall,
                access.granted_column, access.granted_table TO lt_api, lt_publish, lt_audit;
GRANT INSERT, UPDATE, DELETE ON access.role_class, access.row_scope, access.column_scope TO lt_publish;
GRANT SELECT ON ALL TABLES IN SCHEMA checks TO lt_check, lt_publish;
GRANT INSERT ON checks.record TO lt_check;
GRANT SELECT ON access.event TO lt_audit;
GRANT INSERT ON catalogue.text TO lt_publish;
GRANT INSERT, UPDATE ON access.policy TO lt_publish;
GRANT SELECT ON public.schema_version TO lt_api, lt_publish;
-- what comes later in these schemas is the service's too; sealed tables take back what must not be
ALTER DEFAULT PRIVILEGES IN SCHEMA access, checks GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO lt_api, lt_publish;

-- The web service logs in as lt_server, which owns nothing and inherits nothing, and acts as one of these: stepping back
-- from a class (RESET ROLE) ends where nothing can be read. Serving is checking and leaving events.
SELECT access.join_groups();
