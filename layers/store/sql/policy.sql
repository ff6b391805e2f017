-- Proposals, and the switch from one policy to the next.

-- in_force --
SELECT policy.digest, text.body
FROM access.policy AS policy JOIN catalogue.text AS text ON text.digest = policy.digest
WHERE policy.one

-- one_at_a_time --
SELECT pg_advisory_xact_lock(hashtextextended('proposal ' || %(is_operator)s::boolean || ' ' || %(by)s::text, 0))

-- withdraw --
UPDATE access.proposal SET state = 'withdrawn' WHERE by = %(by)s AND is_operator = %(is_operator)s AND state = 'open'

-- propose --
INSERT INTO access.proposal (digest, base, by, is_operator, os_user, note, created)
VALUES (%(digest)s, %(base)s, %(by)s, %(is_operator)s, %(os_user)s, %(note)s, %(created)s)

-- open_proposal --
SELECT proposal.id, proposal.digest, proposal.base, proposal.by, proposal.os_user, proposal.note, proposal.created,
       text.body, base.body AS base_body, (SELECT digest FROM access.policy WHERE one) AS in_force
FROM access.proposal AS proposal
JOIN catalogue.text AS text ON text.digest = proposal.digest
JOIN catalogue.text AS base ON base.digest = proposal.base
WHERE proposal.by = %(by)s AND proposal.is_operator = %(is_operator)s AND proposal.state = 'open'

-- first --
-- the first policy of a database that had none
INSERT INTO access.policy (digest, by, applied) VALUES (%(digest)s, %(by)s, clock_timestamp())
ON CONFLICT (one) DO NOTHING

-- switch --
-- compare and set: touches nothing when another policy than the base is in force
UPDATE access.policy SET digest = %(digest)s, by = %(by)s, applied = clock_timestamp()
WHERE one AND digest = %(base)s

-- record --
INSERT INTO access.policy_change (digest, previous, proposal, by, os_user, note)
VALUES (%(digest)s, %(previous)s, %(proposal)s, %(by)s, %(os_user)s, %(note)s)

-- applied --
UPDATE access.proposal SET state = 'applied' WHERE id = %(proposal)s AND state = 'open'

-- history --
SELECT digest, previous, by, os_user, note, applied FROM access.policy_change ORDER BY id DESC LIMIT %(limit)s

-- agreements --
-- the latest version of each
SELECT DISTINCT ON (id) id, version, state, body, created FROM access.agreement ORDER BY id, version DESC

-- agree --
-- one version more; what is not said anew stays as it was
INSERT INTO access.agreement (id, version, state, body)
SELECT %(id)s, coalesce(max(version), 0) + 1, %(state)s,
       coalesce((array_agg(body ORDER BY version DESC))[1], '{}'::jsonb) || %(body)s::jsonb
FROM access.agreement WHERE id = %(id)s
RETURNING id, version, state, body, created
