-- What CQL2 filters and the parameter q need of the database: functions that neither raise nor tell, the same in every
-- locale. `layers.filters.folding`, `arithmetic` and `arrays` say the same in Python; tests hold them together.
CREATE SCHEMA cql;
GRANT USAGE ON SCHEMA cql TO lt_reader, lt_check, lt_publish, lt_audit, lt_api;

-- CASEI: full case folding. After ICU's lower case only these characters are left to fold.
CREATE FUNCTION cql.casei(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    folded text := lower(value COLLATE "und-x-icu");
    long   text[];
    short  text[];
BEGIN
    IF folded !~ U&'\005b\00b5\00df\0149\017f\01f0\0345\0390\03b0\03c2\03d0\03d1\03d5\03d6\03f0\03f1\03f5\0587'
        '\1c80\1c81\1c82\1c83\1c84\1c85\1c86\1c87\1c88\1e96\1e97\1e98\1e99\1e9a\1e9b\1f50\1f52\1f54'
        '\1f56\1f80\1f81\1f82\1f83\1f84\1f85\1f86\1f87\1f90\1f91\1f92\1f93\1f94\1f95\1f96\1f97\1fa0'
        '\1fa1\1fa2\1fa3\1fa4\1fa5\1fa6\1fa7\1fb2\1fb3\1fb4\1fb6\1fb7\1fbe\1fc2\1fc3\1fc4\1fc6\1fc7'
        '\1fd2\1fd3\1fd6\1fd7\1fe2\1fe3\1fe4\1fe6\1fe7\1ff2\1ff3\1ff4\1ff6\1ff7\fb00\fb01\fb02\fb03'
        '\fb04\fb05\fb06\fb13\fb14\fb15\fb16\fb17\005d' THEN
        RETURN folded;
    END IF;
    folded := translate(folded,
        U&'\00b5\017f\0345\03c2\03d0\03d1\03d5\03d6\03f0\03f1\03f5\1c80\1c81\1c82\1c83\1c84\1c85\1c86'
        '\1c87\1c88\1e9b\1fbe',
        U&'\03bc\0073\03b9\03c3\03b2\03b8\03c6\03c0\03ba\03c1\03b5\0432\0434\043e\0441\0442\0442\044a'
        '\0463\a64b\1e61\03b9');
    long := string_to_array(U&'\00df\0149\01f0\0390\03b0\0587\1e96\1e97\1e98\1e99\1e9a\1f50\1f52\1f54\1f56\1f80\1f81\1f82'
        '\1f83\1f84\1f85\1f86\1f87\1f90\1f91\1f92\1f93\1f94\1f95\1f96\1f97\1fa0\1fa1\1fa2\1fa3\1fa4'
        '\1fa5\1fa6\1fa7\1fb2\1fb3\1fb4\1fb6\1fb7\1fc2\1fc3\1fc4\1fc6\1fc7\1fd2\1fd3\1fd6\1fd7\1fe2'
        '\1fe3\1fe4\1fe6\1fe7\1ff2\1ff3\1ff4\1ff6\1ff7\fb00\fb01\fb02\fb03\fb04\fb05\fb06\fb13\fb14'
        '\fb15\fb16\fb17', NULL);
    short := string_to_array(U&'\0073\0073|\02bc\006e|\006a\030c|\03b9\0308\0301|\03c5\0308\0301|\0565\0582|'
        '\0068\0331|\0074\0308|\0077\030a|\0079\030a|\0061\02be|\03c5\0313|'
        '\03c5\0313\0300|\03c5\0313\0301|\03c5\0313\0342|\1f00\03b9|\1f01\03b9|\1f02\03b9|'
        '\1f03\03b9|\1f04\03b9|\1f05\03b9|\1f06\03b9|\1f07\03b9|\1f20\03b9|'
        '\1f21\03b9|\1f22\03b9|\1f23\03b9|\1f24\03b9|\1f25\03b9|\1f26\03b9|'
        '\1f27\03b9|\1f60\03b9|\1f61\03b9|\1f62\03b9|\1f63\03b9|\1f64\03b9|'
        '\1f65\03b9|\1f66\03b9|\1f67\03b9|\1f70\03b9|\03b1\03b9|\03ac\03b9|'
        '\03b1\0342|\03b1\0342\03b9|\1f74\03b9|\03b7\03b9|\03ae\03b9|\03b7\0342|'
        '\03b7\0342\03b9|\03b9\0308\0300|\03b9\0308\0301|\03b9\0342|\03b9\0308\0342|\03c5\0308\0300|'
        '\03c5\0308\0301|\03c1\0313|\03c5\0342|\03c5\0308\0342|\1f7c\03b9|\03c9\03b9|'
        '\03ce\03b9|\03c9\0342|\03c9\0342\03b9|\0066\0066|\0066\0069|\0066\006c|'
        '\0066\0066\0069|\0066\0066\006c|\0073\0074|\0073\0074|\0574\0576|\0574\0565|'
        '\0574\056b|\057e\0576|\0574\056d', '|');
    FOR place IN 1 .. array_length(long, 1) LOOP
        folded := replace(folded, long[place], short[place]);
    END LOOP;
    RETURN folded;
END
$$;

-- ACCENTI: combining marks go, and the strokes of letters that Unicode does not take apart.
CREATE FUNCTION cql.accenti(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT translate(normalize(regexp_replace(normalize(value, NFD),
                   U&'[\0300-\036f\1ab0-\1aff\1dc0-\1dff\20d0-\20ff\fe20-\fe2f]', '', 'g'), NFC),
               U&'\0111\0110\00f8\00d8\0142\0141\0127\0126\0167\0166\0131\0180\0243\0268\0197\0289\0244\0247'
               '\0246\0249\0248\024d\024c\024f\024e\01b6\01b5\01e5\01e4\023c\023b\2c65\023a\0275\019f\019a'
               '\023d',
               'dDoOlLhHtTibBiIuUeEjJrRyYzZgGcCaAoOlL')
    $$;

-- The words of a text in their order, folded, with one blank before, between and behind.
CREATE FUNCTION cql.searchable(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT ' ' || btrim(regexp_replace(cql.accenti(cql.casei(value)),
            U&'[\0001-\002f\003a-\0040\005b-\0060\007b-\00bf\2000-\206f\3000-\303f]+', ' ', 'g')) || ' '
    $$;

CREATE FUNCTION cql.words(value text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT string_to_array(btrim(cql.searchable(value)), ' ') $$;

-- Arithmetic in double precision; NULL where there is no result or one could overflow.
CREATE FUNCTION cql.calculate(operator text, a double precision, b double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    quotient double precision;
BEGIN
    IF NOT (a = 0 OR abs(a) BETWEEN 1e-100 AND 1e100) OR NOT (b = 0 OR abs(b) BETWEEN 1e-100 AND 1e100) THEN
        RETURN NULL;
    END IF;
    CASE operator
        WHEN '+' THEN RETURN a + b;
        WHEN '-' THEN RETURN a - b;
        WHEN '*' THEN RETURN a * b;
        WHEN '^' THEN
            IF a = 0 THEN
                RETURN CASE WHEN b > 0 THEN 0 WHEN b = 0 THEN 1 END;
            ELSIF a < 0 AND b <> floor(b) OR abs(b * ln(abs(a))) > 230 THEN
                RETURN NULL;
            END IF;
            RETURN power(a, b);
        ELSE
            IF b = 0 THEN
                RETURN NULL;
            END IF;
    END CASE;
    quotient := a / b;
    RETURN CASE operator WHEN '/' THEN quotient WHEN 'div' THEN trunc(quotient) ELSE a - b * trunc(quotient) END;
END
$$;

-- What the entries of a list column hold under one name.
CREATE FUNCTION cql.list_values(entries jsonb, item text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT coalesce(jsonb_agg(entry -> item) FILTER (WHERE jsonb_typeof(entry -> item) <> 'null'), '[]')
        FROM jsonb_array_elements(CASE jsonb_typeof(entries) WHEN 'array' THEN entries ELSE '[]' END) AS each (entry)
    $$;

-- Arrays of scalars, compared as sets.
CREATE FUNCTION cql.compare_arrays(relation text, a jsonb, b jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT CASE relation
            WHEN 'contains' THEN a @> b
            WHEN 'containedby' THEN a <@ b
            WHEN 'equals' THEN a @> b AND a <@ b
            ELSE EXISTS (SELECT FROM jsonb_array_elements(a) AS each (member) WHERE b @> jsonb_build_array(member))
        END
    $$;

-- ── behind the wall ──────────────────────────────────────────────────────────────────────────────
-- What may be asked before the wall's own condition, so that it can use an index: boxes that overlap, and words of a
-- text. Neither raises for any value: `@>` compares arrays of texts here, and a class has no way to others.
CREATE FUNCTION access.asked_before_the_wall() RETURNS SETOF oid
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
        VALUES (access.overlaps_function()), ('cql.words(text)'::regprocedure::oid),
               ('pg_catalog.arraycontains(anyarray, anyarray)'::regprocedure::oid)
    $$;

CREATE OR REPLACE FUNCTION access.harden() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT routine.oid::regprocedure AS name FROM pg_proc AS routine
                WHERE routine.oid IN (SELECT access.asked_before_the_wall()) AND NOT routine.proleakproof LOOP
        EXECUTE format('ALTER FUNCTION %s LEAKPROOF', each.name);
    END LOOP;
    FOR each IN SELECT routine.oid::regprocedure AS name FROM pg_proc AS routine
                WHERE routine.proname = 'st_estimatedextent' AND has_function_privilege('lt_reader', routine.oid, 'EXECUTE') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', each.name);
    END LOOP;
END
$$;
