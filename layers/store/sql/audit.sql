-- record --
-- one access event
INSERT INTO access.event (phase, access, principal, os_user, roles, office, sector, action, layer, used, purpose, dossier,
                          decision, reason, grants, policy, revision, request, outcome, features, bytes, accesses, trace)
VALUES (%(phase)s, %(access)s, %(principal)s, %(os_user)s, %(roles)s::text[], %(office)s, %(sector)s, %(action)s,
        %(layer)s, %(used)s::text[], %(purpose)s, %(dossier)s, %(decision)s, %(reason)s, %(grants)s::text[], %(policy)s,
        %(revision)s, %(request)s, %(outcome)s, %(features)s, %(bytes)s, %(accesses)s, %(trace)s)

-- record_read --
-- the event of a read: its commit need not wait for the disk
WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO access.event (phase, access, principal, os_user, roles, office, sector, action, layer, used, purpose, dossier,
                          decision, reason, grants, policy, revision, request, outcome, features, bytes, accesses, trace)
SELECT %(phase)s, %(access)s, %(principal)s, %(os_user)s, %(roles)s::text[], %(office)s, %(sector)s, %(action)s,
       %(layer)s, %(used)s::text[], %(purpose)s, %(dossier)s, %(decision)s, %(reason)s, %(grants)s::text[], %(policy)s,
       %(revision)s, %(request)s, %(outcome)s, %(features)s, %(bytes)s, %(accesses)s, %(trace)s
FROM relaxed
