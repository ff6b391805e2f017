-- standing --
-- Read after the rows: a notification may still be on its way, and a walk over pages must stay on what its first page saw.
SELECT revision, state FROM catalogue.layer WHERE id = %(layer)s

-- at --
-- What the service knew at an instant: the last revision that was there, and the state it left the layer in.
SELECT revision, state FROM catalogue.revision
WHERE layer = %(layer)s AND created <= %(instant)s
ORDER BY revision DESC LIMIT 1
