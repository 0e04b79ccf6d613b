CREATE TABLE IF NOT EXISTS items (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    description text        NOT NULL CHECK (char_length(description) <= 10000),
    version     bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    -- The item as clients see it, written by a trigger (004_items.sql): building the JSON of a hundred rows takes three
    -- times as long as reading it back.
    json        text        NOT NULL
) WITH (fillfactor = 90);

-- What each Idempotency-Key of the last 24 hours created; the key is followed by a space and the actor, where there is
-- one. A repeated request has the same name and description (the hash proves it), so the first response is built again
-- from these columns and the request.
CREATE TABLE IF NOT EXISTS idempotency (
    key        text        PRIMARY KEY,
    body_hash  bytea       NOT NULL,
    event_id   uuid        NOT NULL,
    item_id    bigint      NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_created_at ON idempotency (created_at);

-- Events that audit has not stored yet. Rows leave as fast as they come, so autovacuum starts by number, not by share.
CREATE TABLE IF NOT EXISTS audit_outbox (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid        NOT NULL,
    action      text        NOT NULL,
    outcome     text        NOT NULL,
    item_id     bigint,
    request_id  text        NOT NULL,
    trace_id    text,
    actor       text,
    client_addr text,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    details     jsonb
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

-- One row: who relays until when, or until when nobody may (back-off). The low fillfactor leaves room for its versions.
CREATE TABLE IF NOT EXISTS relay_lease (
    singleton  boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    holder     uuid,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    failures   integer     NOT NULL DEFAULT 0,
    last_error text,
    -- No event up to `passed` is left or can still be committed: the relay starts behind it, and so never steps over
    -- rows that are deleted but kept by an old snapshot. relay_mark (003_relay.sql) advances it by the other two.
    passed     bigint      NOT NULL DEFAULT 0,
    mark       bigint,
    mark_xid   xid8
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
        autovacuum_vacuum_cost_delay = 0);
INSERT INTO relay_lease DEFAULT VALUES ON CONFLICT DO NOTHING;

-- A copy of held_until, in microseconds since 1970. Every operation looks at it, and a sequence has no row versions:
-- the look stays cheap while an old snapshot keeps thousands of versions of the row above.
CREATE SEQUENCE IF NOT EXISTS relay_lease_until MINVALUE 0 START 0;

-- Events that audit rejected for good, with its reason. They leave the outbox so that they do not block the others.
CREATE TABLE IF NOT EXISTS audit_refused (
    event_id   uuid        PRIMARY KEY,
    event      json        NOT NULL,
    reason     text        NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The audit trail, one row per operation: created_at is when the operation happened, stored_at when audit stored it.
CREATE TABLE IF NOT EXISTS audit_logs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid        NOT NULL UNIQUE,
    action      text        NOT NULL CHECK (action IN (
                'create', 'list', 'get', 'update', 'delete', 'prune', 'erase', 'restore')),
    outcome     text        NOT NULL CHECK (outcome IN (
                'ok', 'not_modified', 'not_found', 'precondition_failed', 'replayed', 'key_conflict')),
    item_id     bigint,
    request_id  text        NOT NULL,
    trace_id    text,
    actor       text,
    client_addr text,
    created_at  timestamptz NOT NULL,
    stored_at   timestamptz NOT NULL,
    -- Actor, client address and details are in the tree (below) only as SHA-256 of the salt and them. audit_erase
    -- removes the three and the salt, without which nobody can guess them, and keeps this SHA-256 as the commitment.
    salt        bytea       DEFAULT uuid_send(gen_random_uuid()),
    commitment  bytea,
    details     jsonb
);
-- A trail from before the tree, perhaps from a restored backup: see `unbatched` below.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'audit_logs'::regclass AND attname = 'salt') THEN
        RETURN;
    END IF;
    ALTER TABLE audit_logs ADD COLUMN salt bytea, ADD COLUMN commitment bytea;
    -- In a statement of its own, the default is not written into the rows that exist.
    ALTER TABLE audit_logs ALTER COLUMN salt SET DEFAULT uuid_send(gen_random_uuid());
    -- Not validated, which would read the whole table: the constraint before was narrower.
    ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_action_check, ADD CONSTRAINT audit_logs_action_check CHECK (action
        IN ('create', 'list', 'get', 'update', 'delete', 'prune', 'erase', 'restore')) NOT VALID;
    DROP TABLE IF EXISTS audit_tree, audit_batches CASCADE;
END $$;
CREATE INDEX IF NOT EXISTS audit_logs_created_at ON audit_logs (created_at);
CREATE INDEX IF NOT EXISTS audit_logs_item_id ON audit_logs (item_id, created_at) WHERE item_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_logs_request_id ON audit_logs (request_id);

-- Counters of stored events, updated by the statement that stores them: exact, and lower only after a restore.
-- delays[i] counts events whose delay from happening to being stored is below audit_delay_bounds()[i] and not in
-- delays[i - 1]; the last element, all others.
CREATE TABLE IF NOT EXISTS audit_totals (
    action        text             NOT NULL,
    outcome       text             NOT NULL,
    events        bigint           NOT NULL,
    items         bigint           NOT NULL,
    delays        bigint[]         NOT NULL,
    delay_seconds double precision NOT NULL,
    PRIMARY KEY (action, outcome)
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
        autovacuum_vacuum_cost_delay = 0);

-- The trail as a tree (RFC 6962, 2.1): a person who keeps a signed head of it notices any change of what was there
-- before. A leaf is a batch: the events that one statement stored. It stays when audit_prune removes the events. A batch
-- without events begins an incarnation of the trail: after a restore, `head` is the last head of the one before.
CREATE TABLE IF NOT EXISTS audit_batches (
    batch       bigint  PRIMARY KEY,
    first_id    bigint,
    last_id     bigint,
    events      integer NOT NULL,
    oldest      timestamptz,
    newest      timestamptz,
    digest      bytea,
    incarnation text,
    head        text
);

-- One row: how many leaves the tree has, and its edge, the roots of its complete subtrees from the largest to the
-- smallest, to which batches are appended.
CREATE TABLE IF NOT EXISTS audit_tree (
    singleton   boolean   PRIMARY KEY DEFAULT true CHECK (singleton),
    size        bigint    NOT NULL DEFAULT 0,
    edge        bytea[]   NOT NULL DEFAULT '{}',
    incarnation text      NOT NULL DEFAULT '',
    -- The events of the batches below are removed.
    pruned      bigint    NOT NULL DEFAULT 0,
    -- Ids of events that were stored before there was a tree and are in no batch yet: schema.sql appends them when it
    -- has committed, without a long lock.
    unbatched   int8range NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
        autovacuum_vacuum_cost_delay = 0);
-- Until the end of the transaction, when the triggers of 005_audit.sql are there, no event can be stored in between.
LOCK TABLE audit_logs IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO audit_tree (unbatched)
SELECT CASE WHEN count(*) > 0 THEN int8range(min(id), max(id), '[]') ELSE 'empty' END FROM audit_logs
ON CONFLICT DO NOTHING;

-- A random number of eight hexadecimal digits, which a restore changes (006_retention.sql): entity tags from before and
-- after a restore differ in it. It is a sequence, because reading a row for each tag takes ten times as long.
CREATE SEQUENCE IF NOT EXISTS incarnation MINVALUE 268435456 MAXVALUE 4294967295;

-- Nobody may execute a function created from here on until 007_grants.sql grants it.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
