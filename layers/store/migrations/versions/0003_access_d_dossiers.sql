-- Dossiers, and what was told under them of layers that may be checked but not seen.

CREATE TABLE access.dossier (
    id         text PRIMARY KEY CHECK (id <> '' AND length(id) <= 100),
    procedure  text,                                             -- null: any
    offices    text[] NOT NULL DEFAULT '{}',                     -- who handles it; none: every desk
    parcels    bigint[] NOT NULL DEFAULT '{}',                   -- fids of the parcel layer
    surveys    text[] NOT NULL DEFAULT '{}',                     -- sha256 of survey files, in hexadecimal
    opened     timestamptz NOT NULL DEFAULT clock_timestamp(),
    opened_by  text NOT NULL,
    changed    timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL,
    closed     timestamptz
);

-- One row for each reader of each record of which something reserved was told: what quotas count, and what a second
-- reading rests on. It is written in the transaction of the record, before any answer leaves, and never removed.
CREATE TABLE access.disclosure (
    record    text NOT NULL REFERENCES checks.record,
    principal text NOT NULL,
    dossier   text NOT NULL REFERENCES access.dossier,
    bound_by  text NOT NULL CHECK (bound_by IN ('parcel', 'inside', 'survey')),
    is_first  boolean NOT NULL,                                  -- the check itself; false: somebody read it later
    day       date NOT NULL,                                     -- in Vietnam
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (record, principal)
);
CREATE INDEX disclosure_dossier ON access.disclosure (dossier) WHERE is_first;
CREATE INDEX disclosure_day ON access.disclosure (principal, day);
