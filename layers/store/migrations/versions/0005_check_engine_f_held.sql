-- How many pieces and facts a layer must have at a revision, written by the transaction that makes them. What the
-- engine reads is held against it: a table that was emptied must not look like a layer with nothing in it.
CREATE TABLE checks.held (
    layer    smallint NOT NULL,
    revision bigint NOT NULL,
    pieces   bigint NOT NULL CHECK (pieces >= 0),
    facts    bigint NOT NULL CHECK (facts >= 0),
    PRIMARY KEY (layer, revision)
);

-- what stands today is taken for whole; of earlier revisions nothing is known
INSERT INTO checks.held (layer, revision, pieces, facts)
SELECT layer.number, layer.revision,
       (SELECT count(*) FROM checks.piece WHERE piece.layer = layer.number AND piece.until IS NULL),
       (SELECT count(*) FROM checks.fact WHERE fact.layer = layer.number AND fact.until IS NULL)
FROM catalogue.layer
WHERE layer.revision > 0;

-- only who owns the tables publishes: the server could otherwise hide what is missing
REVOKE ALL ON checks.held FROM lt_api, lt_publish;
GRANT SELECT ON checks.held TO lt_check, lt_publish, lt_audit;
