-- The outbox, the lease and the relay. The lease is tried, never waited for. Every statement of the relay names its
-- holder and does nothing once another holder has the lease.
-- Hot functions are PL/pgSQL (its plans are cached) or a single SQL expression that the planner can inline. Any other
-- SQL function is planned again on every call, also an IMMUTABLE one that calls a STABLE one.

-- RFC 3339, UTC, with as many decimals as needed. It goes through JSON because to_char takes twice as long.
CREATE OR REPLACE FUNCTION utc(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT trim('"' FROM to_json(p_at AT TIME ZONE 'UTC')::text) || 'Z'
$$;

-- A UUID of version 7 (RFC 9562, 5.7). They sort by time, so an index on them grows only at its end.
CREATE OR REPLACE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((date_part('epoch', clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1),
        52, 1), 53, 1), 'hex')::uuid
$$;

-- Copies held_until to relay_lease_until. Sequences do not roll back: after a rollback the lease is not tried for 2 s.
CREATE OR REPLACE FUNCTION relay_lease_copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval('relay_lease_until', CASE WHEN isfinite(NEW.held_until)
                                        THEN (extract(epoch FROM NEW.held_until) * 1e6)::bigint ELSE 0 END);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER relay_lease_copy AFTER UPDATE OF held_until ON relay_lease
    FOR EACH ROW EXECUTE FUNCTION relay_lease_copy();

-- Takes the lease for two seconds if it is free and returns its new holder, otherwise NULL. An expiry more than a
-- minute ahead counts as free too: the clock was set back.
CREATE OR REPLACE FUNCTION relay_lease_try() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_now    bigint := (date_part('epoch', clock_timestamp()) * 1e6)::bigint;
    v_holder uuid;
BEGIN
    IF pg_sequence_last_value('relay_lease_until') - v_now BETWEEN 0 AND 60000000 THEN RETURN NULL; END IF;
    PERFORM FROM relay_lease
     WHERE held_until < clock_timestamp() OR held_until > clock_timestamp() + interval '60 s'
       FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE relay_lease SET holder = gen_random_uuid(), held_until = clock_timestamp() + interval '2 s'
        RETURNING holder INTO v_holder;
    END IF;
    RETURN v_holder;
END $$;

-- True while p_holder holds the lease. Nobody else can take it before the calling statement ends, and at least 1.5 s
-- are left: one delivery takes at most 1 s. Not every call renews it, because each renewal leaves a dead row.
CREATE OR REPLACE FUNCTION relay_lease_keep(p_holder text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_until timestamptz;
BEGIN
    SELECT held_until INTO v_until FROM relay_lease WHERE holder = p_holder::uuid FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    IF v_until < clock_timestamp() + interval '1.5 s' THEN
        UPDATE relay_lease SET held_until = clock_timestamp() + interval '2 s';
    END IF;
    RETURN true;
END $$;

-- Writes the event of an operation in the same transaction. Returns true so that it can be part of an expression, which
-- PL/pgSQL evaluates without running a query: every operation would pay for one.
CREATE OR REPLACE FUNCTION audit_recorded(
    p_event_id uuid, p_action text, p_outcome text, p_item_id bigint, p_details jsonb,
    p_request_id text, p_trace_id text, p_actor text, p_client_addr text
) RETURNS boolean LANGUAGE plpgsql AS $$
-- Takes the xid before the INSERT takes a seq: relay_mark relies on this order.
DECLARE v_xact xid8 := pg_current_xact_id();
BEGIN
    INSERT INTO audit_outbox (event_id, action, outcome, item_id, request_id, trace_id, actor, client_addr, details)
    VALUES (p_event_id, p_action, p_outcome, p_item_id, p_request_id, p_trace_id, p_actor, p_client_addr, p_details);
    RETURN true;
END $$;

-- Raises `not ready: REASON` unless this session can store an event, which it tries: it costs what an event costs. The
-- components and the sidecar look for the reasons; the server's own messages are in its own language.
CREATE OR REPLACE FUNCTION database_ready() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_seq bigint;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'not ready: in recovery' USING ERRCODE = 'read_only_sql_transaction';
    ELSIF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION 'not ready: read-only' USING ERRCODE = 'read_only_sql_transaction';
    ELSIF getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION 'not ready: wrong encoding' USING ERRCODE = 'untranslatable_character';
    END IF;
    INSERT INTO audit_outbox (event_id, action, outcome, request_id) VALUES (gen_random_uuid(), 'get', 'ok', 'readiness')
    RETURNING seq INTO v_seq;
    DELETE FROM audit_outbox WHERE seq = v_seq;
EXCEPTION WHEN disk_full THEN
    RAISE EXCEPTION 'not ready: no space' USING ERRCODE = 'disk_full';
END $$;

-- A value as the trail keeps it: up to 1 KiB the value itself, beyond that its length in bytes and its SHA-256.
CREATE OR REPLACE FUNCTION audit_value(p_value text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN octet_length(p_value) <= 1024 THEN to_jsonb(p_value) ELSE jsonb_build_object(
        'bytes', octet_length(p_value), 'sha256', encode(sha256(convert_to(p_value, 'UTF8')), 'hex')) END
$$;

-- An event as the relay sends it to audit.
CREATE OR REPLACE FUNCTION audit_event(p_event audit_outbox) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('event_id', p_event.event_id, 'action', p_event.action, 'outcome', p_event.outcome,
        'item_id', p_event.item_id, 'request_id', p_event.request_id, 'trace_id', p_event.trace_id,
        'actor', p_event.actor, 'client_addr', p_event.client_addr, 'occurred_at', utc(p_event.occurred_at),
        'details', p_event.details)
$$;

-- Every waiting event has a greater seq than this. 0 if the sequence was restarted: then the column means nothing.
CREATE OR REPLACE FUNCTION relay_passed() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN (SELECT CASE WHEN passed <= last_value THEN passed ELSE 0 END FROM relay_lease, audit_outbox_seq_seq);
END $$;

-- Whether every transaction that could commit an event up to `mark` has ended. Must be called before the outbox is
-- read: an event could be committed in between.
CREATE OR REPLACE FUNCTION relay_mark_settled() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(mark_xid <= pg_snapshot_xmin(pg_current_snapshot()), false) FROM relay_lease);
END $$;

-- Advances `passed` in three steps: (1) after 5000 events, remember the newest seq as `mark`; (2) in a later
-- transaction take an xid: every transaction that got a seq up to `mark` has a smaller one; (3) once all smaller xids
-- have ended (p_settled) and p_first, the first event left (NULL: none), is behind `mark`, set `passed = mark`.
CREATE OR REPLACE FUNCTION relay_mark(p_settled boolean, p_first bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_lease relay_lease := (SELECT l FROM relay_lease l);
    v_last  bigint      := (SELECT last_value FROM audit_outbox_seq_seq);
BEGIN
    -- The mark of a database that was restored, or whose sequence was restarted, means nothing.
    IF v_lease.mark > v_last OR v_lease.mark_xid > pg_snapshot_xmax(pg_current_snapshot()) THEN
        UPDATE relay_lease SET mark = NULL, mark_xid = NULL;
    ELSIF v_lease.mark IS NULL THEN
        UPDATE relay_lease SET mark = v_last WHERE v_last > relay_passed() + 5000;
    ELSIF v_lease.mark_xid IS NULL THEN
        UPDATE relay_lease SET mark_xid = pg_current_xact_id();
    ELSIF p_settled AND (p_first > v_lease.mark) IS NOT FALSE THEN
        UPDATE relay_lease SET passed = mark, mark = NULL, mark_xid = NULL;
    END IF;
END $$;

-- Takes the lease if an event waits and the lease is free; no row otherwise.
CREATE OR REPLACE FUNCTION relay_take() RETURNS TABLE (relay text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- ORDER BY makes the planner use the index instead of reading the table from its start.
    PERFORM FROM audit_outbox o WHERE o.seq > (SELECT relay_passed()) ORDER BY o.seq LIMIT 1;
    IF FOUND THEN
        relay := relay_lease_try();
        IF relay IS NOT NULL THEN RETURN NEXT; END IF;
    END IF;
END $$;

-- Removes the delivered events p_done and returns the next batch, oldest first: at most p_most events (NULL: no limit)
-- and 1 MiB, at least one event. No row: another holder has the lease. NULLs: the outbox is empty and the lease is
-- released.
CREATE OR REPLACE FUNCTION relay_next(p_holder text, p_done bigint[], p_most integer DEFAULT NULL)
RETURNS TABLE (seqs bigint[], events text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_settled boolean;
    v_passed  bigint;
BEGIN
    IF NOT relay_lease_keep(p_holder) THEN RETURN; END IF;
    -- Does not wait for the disk: if a crash undoes the removal, the events are sent again and audit skips them.
    PERFORM set_config('synchronous_commit', 'off', true);
    v_settled := relay_mark_settled();
    v_passed := relay_passed();
    DELETE FROM audit_outbox o WHERE o.seq = ANY (p_done);
    IF FOUND THEN UPDATE relay_lease SET failures = 0, last_error = NULL WHERE failures > 0; END IF;
    SELECT array_agg(b.seq), '[' || string_agg(b.event, ',') || ']' INTO seqs, events
      FROM (SELECT e.seq, e.event, sum(octet_length(e.event) + 1) OVER w AS bytes, row_number() OVER w AS position
              FROM (SELECT o.seq, audit_event(o)::text AS event FROM audit_outbox o
                     WHERE o.seq > v_passed ORDER BY o.seq LIMIT p_most) e
            WINDOW w AS (ORDER BY e.seq)) b
     WHERE b.bytes < 1048576 OR b.position = 1;
    PERFORM relay_mark(v_settled, seqs[1]);
    IF seqs IS NULL THEN UPDATE relay_lease SET holder = NULL, held_until = '-infinity'; END IF;
    RETURN NEXT;
END $$;

-- Removes the delivered events and releases the lease.
CREATE OR REPLACE FUNCTION relay_release(p_holder text, p_done bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF relay_lease_keep(p_holder) THEN
        DELETE FROM audit_outbox o WHERE o.seq = ANY (p_done);
        UPDATE relay_lease SET holder = NULL, held_until = '-infinity', failures = 0, last_error = NULL;
    END IF;
END $$;

-- Backs off: nobody can take the lease for 1, 2, 4, … at most 30 seconds, twice as long after each failure in a row.
CREATE OR REPLACE FUNCTION relay_fail(p_holder text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF relay_lease_keep(p_holder) THEN
        UPDATE relay_lease
           SET holder = NULL, failures = least(failures, 30) + 1, last_error = left(p_reason, 1000),
               held_until = clock_timestamp() + least(30, 2 ^ least(failures, 30)) * interval '1 s';
    END IF;
END $$;

-- Moves an event that audit rejected to audit_refused. If audit stored it earlier (its holder died before removing it),
-- the event is only removed.
CREATE OR REPLACE FUNCTION relay_refuse(p_holder text, p_seq bigint, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF relay_lease_keep(p_holder) THEN
        WITH refused AS (DELETE FROM audit_outbox o WHERE o.seq = p_seq RETURNING o.event_id, audit_event(o) AS event)
        INSERT INTO audit_refused (event_id, event, reason)
        SELECT r.event_id, r.event, left(p_reason, 1000) FROM refused r
         WHERE NOT EXISTS (SELECT FROM audit_logs l WHERE l.event_id = r.event_id) ON CONFLICT DO NOTHING;
    END IF;
END $$;
