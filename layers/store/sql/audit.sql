-- record --
-- one access event
INSERT INTO access.event (principal, os_user, roles, action, layer, purpose, dossier, decision, reason, grants, policy,
                          revision, request, features, accesses, trace)
VALUES (%(principal)s, %(os_user)s, %(roles)s, %(action)s, %(layer)s, %(purpose)s, %(dossier)s, %(decision)s,
        %(reason)s, %(grants)s, %(policy)s, %(revision)s, %(request)s, %(features)s, %(accesses)s, %(trace)s)

-- record_read --
-- the event of a read: its commit need not wait for the disk
WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO access.event (principal, os_user, roles, action, layer, purpose, dossier, decision, reason, grants, policy,
                          revision, request, features, accesses, trace)
SELECT %(principal)s, %(os_user)s, %(roles)s, %(action)s, %(layer)s, %(purpose)s, %(dossier)s, %(decision)s,
       %(reason)s, %(grants)s, %(policy)s, %(revision)s, %(request)s, %(features)s, %(accesses)s, %(trace)s
FROM relaxed
