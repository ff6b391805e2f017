-- policy --
-- The policy that this transaction sees; an edit that was decided on another one does not go through.
SELECT digest FROM access.policy

-- wait_briefly --
-- A publication holds the layer's row while it commits; whoever edits is told so, and does not keep a connection.
SELECT set_config('lock_timeout', '4s', true)
