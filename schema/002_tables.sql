CREATE TABLE IF NOT EXISTS items (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    description text        NOT NULL CHECK (char_length(description) <= 10000),
    version     bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
) WITH (fillfactor = 90);

-- The item as clients see it. Written with the item (004_items.sql), which is read more often: to write a hundred of them takes three
-- times as long as to read them.
ALTER TABLE items ADD COLUMN IF NOT EXISTS json text;

-- What each Idempotency-Key of the last 24 hours created. The answer is not kept: name and description are those of the
-- request that repeats it (the hash says so), the rest is here.
CREATE TABLE IF NOT EXISTS idempotency (
    key        text        PRIMARY KEY,
    body_hash  bytea       NOT NULL,
    event_id   uuid        NOT NULL,
    item_id    bigint      NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_created_at ON idempotency (created_at);

-- Events not yet handed to audit. Emptied as fast as it fills, hence an autovacuum that does not wait for a share of the table.
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
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000, autovacuum_vacuum_cost_delay = 0);

-- Who relays now, or until when nobody may (back-off): one row, updated in place (room for it, and an early autovacuum).
CREATE TABLE IF NOT EXISTS relay_lease (
    singleton  boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    holder     uuid,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    failures   integer     NOT NULL DEFAULT 0,
    last_error text
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
INSERT INTO relay_lease DEFAULT VALUES ON CONFLICT DO NOTHING;

-- No event up to `passed` is left or can still come; `mark` is what `passed` becomes next (003_relay.sql). Without them every look
-- at the outbox would step over all events that an old snapshot keeps from being cleaned away.
ALTER TABLE relay_lease ADD COLUMN IF NOT EXISTS passed bigint NOT NULL DEFAULT 0,
                        ADD COLUMN IF NOT EXISTS mark bigint, ADD COLUMN IF NOT EXISTS mark_xid xid8;

-- held_until again, in microseconds since 1970, where it has one version only: every operation asks whether the lease is free, and
-- an old snapshot may keep thousands of versions of its row.
CREATE SEQUENCE IF NOT EXISTS relay_lease_until MINVALUE 0 START 0;

-- Events that audit refused for good, with its reason: out of the queue, so that one bad event never blocks the rest.
CREATE TABLE IF NOT EXISTS audit_refused (
    event_id   uuid        PRIMARY KEY,
    event      json        NOT NULL,
    reason     text        NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The audit trail: one row per operation. created_at is when it happened, stored_at when it got here.
CREATE TABLE IF NOT EXISTS audit_logs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid        NOT NULL UNIQUE,
    action      text        NOT NULL CHECK (action IN ('create', 'list', 'get', 'update', 'delete', 'prune', 'erase')),
    outcome     text        NOT NULL CHECK (outcome IN ('ok', 'not_modified', 'not_found', 'precondition_failed', 'replayed', 'key_conflict')),
    item_id     bigint,
    request_id  text        NOT NULL,
    trace_id    text,
    actor       text,
    client_addr text,
    created_at  timestamptz NOT NULL,
    stored_at   timestamptz NOT NULL,
    details     jsonb
);
CREATE INDEX IF NOT EXISTS audit_logs_created_at ON audit_logs (created_at);
CREATE INDEX IF NOT EXISTS audit_logs_item_id ON audit_logs (item_id, created_at) WHERE item_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS audit_logs_request_id ON audit_logs (request_id);

-- Exact counters of what audit_logs holds, kept by the statement that stores events. delays[i] counts the events that took
-- less than audit_delay_bounds()[i] seconds from happening to being stored and not less than the bound before; the last, all others.
CREATE TABLE IF NOT EXISTS audit_totals (
    action        text             NOT NULL,
    outcome       text             NOT NULL,
    events        bigint           NOT NULL,
    items         bigint           NOT NULL,
    delays        bigint[]         NOT NULL,
    delay_seconds double precision NOT NULL,
    PRIMARY KEY (action, outcome)
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);

-- From here on a new function is nobody's until it is granted.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
