-- The data model of the design, section 5. Layers' own tables (data.<layer>) are made by `profile apply`.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS unaccent;

CREATE SCHEMA catalogue;
CREATE SCHEMA data;
CREATE SCHEMA checks;
CREATE SCHEMA access;
-- tables of publications under way; a sweep drops those whose process is gone
CREATE SCHEMA staging;

-- ── catalogue ────────────────────────────────────────────────────────────────────────────────────
-- every definition, procedure, policy text ever applied; a record names them by digest
CREATE TABLE catalogue.text (
    digest text PRIMARY KEY CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
    kind   text NOT NULL CHECK (kind IN ('profile', 'layer', 'procedure', 'policy', 'rules')),
    body   text NOT NULL,
    stored timestamptz NOT NULL DEFAULT now()
);

-- the one pointer that `profile apply` switches; processes serve only what stands here
CREATE TABLE catalogue.applied (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    profile text NOT NULL REFERENCES catalogue.text,
    applied timestamptz NOT NULL DEFAULT now(),
    os_user text NOT NULL
);

CREATE TABLE catalogue.layer (
    id           text PRIMARY KEY,
    number       smallint GENERATED ALWAYS AS IDENTITY UNIQUE,  -- names the layer in checks.*
    definition   text NOT NULL REFERENCES catalogue.text,
    state        text NOT NULL DEFAULT 'empty' CHECK (state IN ('empty', 'served', 'suspended', 'withdrawn')),
    state_reason text,
    revision     bigint NOT NULL DEFAULT 0,                     -- the row is locked while it is counted up
    changed      timestamptz NOT NULL DEFAULT now()
);

-- any committed change of a layer
CREATE TABLE catalogue.revision (
    layer      text NOT NULL REFERENCES catalogue.layer,
    revision   bigint NOT NULL CHECK (revision > 0),
    kind       text NOT NULL CHECK (kind IN ('publish', 'rollback', 'edit', 'suspend', 'resume', 'withdraw', 'erase', 'confirm')),
    created    timestamptz NOT NULL DEFAULT clock_timestamp(),
    definition text NOT NULL REFERENCES catalogue.text,
    state      text NOT NULL,                                   -- of the layer from this revision on
    principal  text NOT NULL,
    os_user    text,
    reason     text,
    added      integer NOT NULL DEFAULT 0,
    changed    integer NOT NULL DEFAULT 0,
    removed    integer NOT NULL DEFAULT 0,
    PRIMARY KEY (layer, revision)
);
CREATE INDEX revision_created ON catalogue.revision (layer, created);

-- a revision that an officer named
CREATE TABLE catalogue.release (
    layer          text NOT NULL,
    release        integer NOT NULL CHECK (release > 0),
    revision       bigint NOT NULL,
    note           text NOT NULL DEFAULT '',
    source_name    text NOT NULL,
    source_layer   text,
    source_digest  text NOT NULL,
    content_digest text NOT NULL,                               -- over all current (fid, row_hash), ordered by fid
    declaration    jsonb NOT NULL,                              -- what the officer declared the file complete for
    report         jsonb NOT NULL,                              -- as `publish --json` printed it
    PRIMARY KEY (layer, release),
    UNIQUE (layer, revision),
    FOREIGN KEY (layer, revision) REFERENCES catalogue.revision
);

-- where a revision changed something, for watchers and caches
CREATE TABLE catalogue.change_box (
    layer    text NOT NULL,
    revision bigint NOT NULL,
    geom     geometry(Polygon, 4326) NOT NULL,
    FOREIGN KEY (layer, revision) REFERENCES catalogue.revision
);
CREATE INDEX change_box_geom ON catalogue.change_box USING gist (geom);

-- keys change when communes merge or sheets are renumbered; fids do not
CREATE TABLE catalogue.alias (
    layer  text NOT NULL REFERENCES catalogue.layer,
    key    text NOT NULL,
    fid    bigint NOT NULL,
    since  bigint NOT NULL,
    until  bigint,
    PRIMARY KEY (layer, key, fid, since)
);

CREATE TABLE catalogue.commune (
    code       text NOT NULL,
    generation smallint NOT NULL,
    name       text NOT NULL,
    kind       text NOT NULL,
    successors text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (code, generation)
);

-- ── checks: what the engine may read ─────────────────────────────────────────────────────────────
-- coordinates are in the CRS of the zone (its position in the profile, from 0); one GiST for all layers
CREATE TABLE checks.piece (
    layer smallint NOT NULL,
    zone  smallint NOT NULL,
    fid   bigint NOT NULL,
    since bigint NOT NULL,
    until bigint,
    geom  geometry(Geometry, 0) NOT NULL
);
CREATE INDEX piece_geom ON checks.piece USING gist (geom);
CREATE INDEX piece_fid ON checks.piece (layer, fid);

-- key and the columns named by any rule, label, basis or role; nothing else of the row is the engine's business
CREATE TABLE checks.fact (
    layer       smallint NOT NULL,
    fid         bigint NOT NULL,
    since       bigint NOT NULL,
    until       bigint,
    key         text,
    accuracy_m  double precision NOT NULL,
    attributes  jsonb NOT NULL DEFAULT '{}',
    parcel_refs text[] NOT NULL DEFAULT '{}',                   -- register entries: the parcels they are keyed to
    PRIMARY KEY (layer, fid, since)
);
CREATE INDEX fact_key ON checks.fact (layer, key);
-- the largest accuracy of a layer widens every search: read from the end of this index, never by a scan
CREATE INDEX fact_accuracy ON checks.fact (layer, accuracy_m);
CREATE INDEX fact_parcel_refs ON checks.fact USING gin (parcel_refs) WHERE parcel_refs <> '{}';

-- the declared mapped area (everywhere, or polygons) and what was cut from it
CREATE TABLE checks.mapped (
    layer   smallint NOT NULL,
    since   bigint NOT NULL,
    until   bigint,
    kind    text NOT NULL CHECK (kind IN ('everywhere', 'area', 'refused')),
    zone    smallint,
    commune text,
    reason  text,
    geom    geometry(Geometry, 0),
    CHECK ((kind = 'everywhere') = (geom IS NULL)),
    CHECK ((geom IS NULL) = (zone IS NULL))
);
CREATE INDEX mapped_geom ON checks.mapped USING gist (geom);
CREATE INDEX mapped_layer ON checks.mapped (layer, since);

-- sealed: never updated
CREATE TABLE checks.record (
    id          text PRIMARY KEY,
    created     timestamptz NOT NULL,
    procedure   text NOT NULL,
    subject_layer text,
    subject_fid bigint,
    dossier     text,
    purpose     text,
    principal   text NOT NULL,
    digest      text NOT NULL,                                  -- sha256 of body
    body        text NOT NULL                                   -- canonical JSON
);
CREATE INDEX record_dossier ON checks.record (dossier) WHERE dossier IS NOT NULL;
CREATE INDEX record_subject ON checks.record (subject_layer, subject_fid);

-- the one job table; procrastinate only wakes workers
CREATE TABLE checks.job (
    id            uuid PRIMARY KEY,
    owner         text NOT NULL,
    kind          text NOT NULL,
    inputs        jsonb NOT NULL,
    inputs_digest text NOT NULL,
    state         text NOT NULL CHECK (state IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
    partitions    integer NOT NULL DEFAULT 0,
    done          integer NOT NULL DEFAULT 0,
    message       text,
    result        jsonb,
    created       timestamptz NOT NULL DEFAULT now(),
    updated       timestamptz NOT NULL DEFAULT now()
);

-- ── access ───────────────────────────────────────────────────────────────────────────────────────
-- grants are data; the profile only seeds them
CREATE TABLE access.policy (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    digest  text NOT NULL REFERENCES catalogue.text,            -- the canonical whole, kind 'policy'
    applied timestamptz NOT NULL DEFAULT now(),
    by      text NOT NULL
);

CREATE TABLE access.agreement (
    id      text NOT NULL,
    version integer NOT NULL,
    state   text NOT NULL CHECK (state IN ('draft', 'requested', 'approved', 'active', 'suspended', 'expired', 'terminated')),
    body    jsonb NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, version)
);

-- what the second wall reads: rows a role class may reach, by an indexed code column
CREATE TABLE access.row_scope (
    role_class text NOT NULL,
    layer      text NOT NULL REFERENCES catalogue.layer,
    code       text NOT NULL,
    PRIMARY KEY (role_class, layer, code)
);

CREATE TABLE access.event (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    principal text NOT NULL,
    os_user   text,
    roles     text[] NOT NULL DEFAULT '{}',
    action    text NOT NULL,
    layer     text,
    purpose   text,
    dossier   text,
    decision  text NOT NULL CHECK (decision IN ('allow', 'deny')),
    reason    text,
    grants    text[] NOT NULL DEFAULT '{}',
    policy    text,
    revision  bigint,
    request   text,                                             -- digest of the normalised request, never its values
    features  bigint,
    accesses  integer NOT NULL DEFAULT 1,                       -- tiles and 304: counted in memory, flushed each minute
    trace     text
);
CREATE INDEX event_layer ON access.event (layer, at);

CREATE TABLE access.seal (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sealed   timestamptz NOT NULL DEFAULT clock_timestamp(),
    first_id bigint NOT NULL,
    last_id  bigint NOT NULL,
    previous text,
    digest   text NOT NULL
);
