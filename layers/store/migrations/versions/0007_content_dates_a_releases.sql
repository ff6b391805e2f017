-- How old the content of a release is: an earlier content that a release brought back, and all that lies outside of a
-- release's scope, is as old as before. Null: all of it is as new as the release.
ALTER TABLE catalogue.release ADD content_date timestamptz;

-- A release of before this was stored tells of a scope by the rows of its file outside of it, or by holding more
-- features than its file, which replaces everything where it has no scope.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT release.layer, release.release, release.revision, release.report,
               (release.report ->> 'rolled_back_to')::bigint AS restored,
               (SELECT held.facts FROM checks.held JOIN catalogue.layer ON layer.number = held.layer
                WHERE layer.id = release.layer AND held.revision = release.revision) AS facts,
               (release.report #>> '{diff,added}')::bigint + (release.report #>> '{diff,changed}')::bigint
                   + (release.report #>> '{diff,unchanged}')::bigint AS rows
        FROM catalogue.release ORDER BY release.layer, release.release
    LOOP
        CONTINUE WHEN each.restored IS NULL
            AND coalesce((each.report #>> '{rows,outside_scope}')::bigint, 0) = 0
            AND coalesce(each.facts <= each.rows, true);
        UPDATE catalogue.release SET content_date = (
            SELECT coalesce(known.content_date, made.created)
            FROM catalogue.release known JOIN catalogue.revision made USING (layer, revision)
            WHERE known.layer = each.layer AND known.revision <= coalesce(each.restored, each.revision - 1)
            ORDER BY known.release DESC LIMIT 1)
        WHERE release.layer = each.layer AND release.release = each.release;
    END LOOP;
END
$$;
