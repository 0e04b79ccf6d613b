-- What audit may do: store events.

-- Upper bounds, in seconds, of the delay buckets in audit_totals. One more bucket holds everything above the last
-- bound.
CREATE OR REPLACE FUNCTION audit_delay_bounds() RETURNS double precision[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]::double precision[]
$$;

-- Stores a JSON array of events, all or none. An event that is stored already is skipped, so the relay may repeat
-- itself. The totals are counted in the same statement, from the rows that were really inserted.
CREATE OR REPLACE FUNCTION audit_store(p_events text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    WITH stored AS (
        INSERT INTO audit_logs (event_id, action, outcome, item_id, request_id, trace_id, actor, client_addr,
                                created_at, stored_at, details)
        SELECT e.event_id, e.action, e.outcome, e.item_id, e.request_id, e.trace_id, e.actor, e.client_addr,
               e.occurred_at, clock_timestamp(), e.details
          FROM jsonb_to_recordset(p_events::jsonb) AS e (
               event_id uuid, action text, outcome text, item_id bigint, request_id text, trace_id text, actor text,
               client_addr text, occurred_at timestamptz, details jsonb)
        ON CONFLICT (event_id) DO NOTHING
        RETURNING action, outcome, coalesce((details ->> 'items')::bigint, 0) AS items,
                  greatest(extract(epoch FROM stored_at - created_at), 0)::double precision AS delay
    ), placed AS (
        SELECT action, outcome, items, delay, width_bucket(delay, audit_delay_bounds()) AS bucket FROM stored
    )
    INSERT INTO audit_totals AS t (action, outcome, events, items, delays, delay_seconds)
    SELECT action, outcome, count(*), sum(items)::bigint, ARRAY[
           count(*) FILTER (WHERE bucket = 0), count(*) FILTER (WHERE bucket = 1), count(*) FILTER (WHERE bucket = 2),
           count(*) FILTER (WHERE bucket = 3), count(*) FILTER (WHERE bucket = 4), count(*) FILTER (WHERE bucket = 5),
           count(*) FILTER (WHERE bucket = 6), count(*) FILTER (WHERE bucket = 7), count(*) FILTER (WHERE bucket = 8),
           count(*) FILTER (WHERE bucket = 9), count(*) FILTER (WHERE bucket = 10), count(*) FILTER (WHERE bucket = 11)
           ], sum(delay)
      FROM placed GROUP BY action, outcome ORDER BY action, outcome
    ON CONFLICT (action, outcome) DO UPDATE
       SET events = t.events + excluded.events, items = t.items + excluded.items,
           delays = ARRAY(SELECT b.old + b.new FROM unnest(t.delays, excluded.delays) AS b (old, new)),
           delay_seconds = t.delay_seconds + excluded.delay_seconds;
END $$;

-- Readiness: fails unless events can be stored. It writes into the outbox, because nothing leaves the trail again.
CREATE OR REPLACE FUNCTION audit_ready() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM database_ready();
    PERFORM FROM audit_logs WHERE id = 0;
END $$;

-- The trail is append-only for every role, its owner and superusers included. The exception is `retention`: it has no
-- right on the table, so it can change rows only through the functions of 006_retention.sql.
CREATE OR REPLACE FUNCTION audit_logs_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('role') = 'retention' AND TG_OP <> 'TRUNCATE' THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'audit_logs is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION audit_logs_append_only();
