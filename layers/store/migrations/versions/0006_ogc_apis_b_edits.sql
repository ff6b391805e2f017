-- Editing single features over HTTP: the server acts as lt_publish, closes rows and adds rows, and removes nothing.
GRANT INSERT, UPDATE (until) ON checks.piece, checks.fact TO lt_publish;
GRANT INSERT ON catalogue.revision, catalogue.change_box, catalogue.alias TO lt_publish;
GRANT UPDATE (revision, state, state_reason, changed) ON catalogue.layer TO lt_publish;
GRANT SELECT ON catalogue.fid_key TO lt_publish;

-- What a layer holds at a revision stands once the revision is there: the server writes it only for the one that it is
-- just making, so that it can never hide what is missing.
GRANT INSERT, UPDATE (pieces, facts) ON checks.held TO lt_publish;
ALTER TABLE checks.held ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON checks.held FOR SELECT TO lt_check, lt_publish, lt_audit USING (true);
CREATE POLICY made_now ON checks.held FOR INSERT TO lt_publish WITH CHECK (
    revision = (SELECT layer.revision + 1 FROM catalogue.layer WHERE layer.number = held.layer));
CREATE POLICY counted_now ON checks.held FOR UPDATE TO lt_publish USING (
    revision = (SELECT layer.revision + 1 FROM catalogue.layer WHERE layer.number = held.layer));
