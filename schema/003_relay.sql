-- The outbox, the lease and the relay. The lease is taken, never waited for; every statement of the relay names its holder,
-- and finds nothing to do once somebody else holds the lease.
-- What runs often is in PL/pgSQL, which keeps its plans, or is an expression in SQL that the planner puts in its place. Any other
-- function in SQL would be parsed and planned at each call; so would one that promises more (IMMUTABLE) than what it calls (STABLE).

-- RFC 3339, UTC, as many decimals as it takes. Through JSON because to_char takes twice the time.
CREATE OR REPLACE FUNCTION utc(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT trim('"' FROM to_json(p_at AT TIME ZONE 'UTC')::text) || 'Z'
$$;

-- A UUID of version 7 (RFC 9562, 5.7): they come in the order of time, so that an index of them grows at its end only.
CREATE OR REPLACE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((date_part('epoch', clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Keeps relay_lease_until in step. It is not taken back with its transaction: then nobody tries the lease for two seconds.
CREATE OR REPLACE FUNCTION relay_lease_copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval('relay_lease_until', CASE WHEN isfinite(NEW.held_until) THEN (extract(epoch FROM NEW.held_until) * 1e6)::bigint ELSE 0 END);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER relay_lease_copy AFTER UPDATE OF held_until ON relay_lease FOR EACH ROW EXECUTE FUNCTION relay_lease_copy();

-- Takes the lease for two seconds if it is free, and gives its holder. An expiry more than a minute ahead is free as well: the
-- clock was stepped back.
CREATE OR REPLACE FUNCTION relay_lease_try() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_left   bigint := pg_sequence_last_value('relay_lease_until') - (date_part('epoch', clock_timestamp()) * 1e6)::bigint;
    v_holder uuid;
BEGIN
    IF v_left BETWEEN 0 AND 60000000 THEN
        RETURN NULL;
    END IF;
    PERFORM FROM relay_lease
     WHERE held_until < clock_timestamp() OR held_until > clock_timestamp() + interval '60 s'
       FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE relay_lease SET holder = gen_random_uuid(), held_until = clock_timestamp() + interval '2 s' RETURNING holder INTO v_holder;
    END IF;
    RETURN v_holder;
END $$;

-- True while p_holder holds the lease; nobody can take it before the calling statement ends. What is left of it then outlasts one
-- delivery (1 s); it is not renewed every time, because each renewal leaves a dead row behind.
CREATE OR REPLACE FUNCTION relay_lease_keep(p_holder text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_until timestamptz;
BEGIN
    SELECT held_until INTO v_until FROM relay_lease WHERE holder = p_holder::uuid FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF v_until < clock_timestamp() + interval '1.5 s' THEN
        UPDATE relay_lease SET held_until = clock_timestamp() + interval '2 s';
    END IF;
    RETURN true;
END $$;

-- Writes the event of an operation, in its transaction. Gives true, so that it can stand in an expression: those PL/pgSQL evaluates
-- without a query around them, which every operation would pay for.
DROP FUNCTION IF EXISTS audit_record(uuid, text, text, bigint, jsonb, text, text, text, text); -- as it was named when it gave nothing
CREATE OR REPLACE FUNCTION audit_recorded(
    p_event_id uuid, p_action text, p_outcome text, p_item_id bigint, p_details jsonb,
    p_request_id text, p_trace_id text, p_actor text, p_client_addr text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    -- Before the event gets its number, so that relay_mark can tell when no smaller one can come any more.
    v_xact xid8 := pg_current_xact_id();
BEGIN
    INSERT INTO audit_outbox (event_id, action, outcome, item_id, request_id, trace_id, actor, client_addr, details)
    VALUES (p_event_id, p_action, p_outcome, p_item_id, p_request_id, p_trace_id, p_actor, p_client_addr, p_details);
    RETURN true;
END $$;

-- A value as the trail keeps it: itself up to 1 KiB, beyond that its length in bytes and its SHA-256.
CREATE OR REPLACE FUNCTION audit_value(p_value text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN octet_length(p_value) <= 1024 THEN to_jsonb(p_value)
           ELSE jsonb_build_object('bytes', octet_length(p_value), 'sha256', encode(sha256(convert_to(p_value, 'UTF8')), 'hex')) END
$$;

-- An event as it travels to audit.
CREATE OR REPLACE FUNCTION audit_event(p_event audit_outbox) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('event_id', p_event.event_id, 'action', p_event.action, 'outcome', p_event.outcome,
        'item_id', p_event.item_id, 'request_id', p_event.request_id, 'trace_id', p_event.trace_id, 'actor', p_event.actor,
        'client_addr', p_event.client_addr, 'occurred_at', utc(p_event.occurred_at), 'details', p_event.details)
$$;

-- Every event that waits has a greater number. 0 where numbers began anew.
CREATE OR REPLACE FUNCTION relay_passed() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN (SELECT CASE WHEN l.passed <= s.last_value THEN l.passed ELSE 0 END FROM relay_lease l, audit_outbox_seq_seq s);
END $$;

-- Whether no transaction is left that could commit an event up to `mark`. Has to be asked before looking for such events, or one
-- could commit in between.
CREATE OR REPLACE FUNCTION relay_mark_settled() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(mark_xid <= pg_snapshot_xmin(pg_current_snapshot()), false) FROM relay_lease);
END $$;

-- Every few thousand events: marks the last number given; a transaction later, takes an xid, which whoever had such a number has a
-- smaller one than; and once that is settled and the first event left is p_first, behind the mark (NULL: none is left), passes it.
CREATE OR REPLACE FUNCTION relay_mark(p_settled boolean, p_first bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_lease relay_lease := (SELECT l FROM relay_lease l);
    v_last  bigint      := (SELECT last_value FROM audit_outbox_seq_seq);
BEGIN
    -- Numbers of a database that was restored, or began anew, say nothing.
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

-- Takes the lease if there is something to relay; no row otherwise.
CREATE OR REPLACE FUNCTION relay_take() RETURNS TABLE (relay text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- Sorted, so that it never reads the table from its start.
    PERFORM FROM audit_outbox o WHERE o.seq > (SELECT relay_passed()) ORDER BY o.seq LIMIT 1;
    IF FOUND THEN
        relay := relay_lease_try();
        IF relay IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END IF;
END $$;

-- Removes what was delivered and gives the next batch, oldest first: at most p_most events (500 at most) and 1 MiB, at least one.
-- No row: the lease is somebody else's. NULLs: the outbox is empty and the lease is released.
DROP FUNCTION IF EXISTS relay_next(text, bigint[]); -- as it was before one could ask for fewer
CREATE OR REPLACE FUNCTION relay_next(p_holder text, p_done bigint[], p_most integer DEFAULT 500) RETURNS TABLE (seqs bigint[], events text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_settled boolean;
    v_passed  bigint;
BEGIN
    IF NOT relay_lease_keep(p_holder) THEN
        RETURN;
    END IF;
    -- Not worth waiting for the disk: if a crash undoes it, the events are sent once more, and audit has them.
    PERFORM set_config('synchronous_commit', 'off', true);
    v_settled := relay_mark_settled();
    v_passed := relay_passed();
    DELETE FROM audit_outbox o WHERE o.seq = ANY (p_done);
    IF FOUND THEN
        UPDATE relay_lease SET failures = 0, last_error = NULL WHERE failures > 0;
    END IF;
    SELECT array_agg(b.seq), '[' || string_agg(b.event, ',') || ']' INTO seqs, events
      FROM (SELECT e.seq, e.event, sum(octet_length(e.event) + 1) OVER w AS bytes, row_number() OVER w AS position
              FROM (SELECT o.seq, audit_event(o)::text AS event FROM audit_outbox o WHERE o.seq > v_passed ORDER BY o.seq LIMIT least(p_most, 500)) e
            WINDOW w AS (ORDER BY e.seq)) b
     WHERE b.bytes < 1048576 OR b.position = 1;
    PERFORM relay_mark(v_settled, seqs[1]);
    IF seqs IS NULL THEN
        UPDATE relay_lease SET holder = NULL, held_until = '-infinity';
    END IF;
    RETURN NEXT;
END $$;

-- Removes what was delivered and hands the lease over.
CREATE OR REPLACE FUNCTION relay_release(p_holder text, p_done bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF relay_lease_keep(p_holder) THEN
        DELETE FROM audit_outbox o WHERE o.seq = ANY (p_done);
        UPDATE relay_lease SET holder = NULL, held_until = '-infinity', failures = 0, last_error = NULL;
    END IF;
END $$;

-- Lets nobody relay for 1, 2, 4, … at most 30 seconds.
DROP FUNCTION IF EXISTS relay_fail(text, bigint[], text); -- as it was when it could also remove what was delivered
CREATE OR REPLACE FUNCTION relay_fail(p_holder text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF relay_lease_keep(p_holder) THEN
        UPDATE relay_lease SET holder = NULL, failures = least(failures, 30) + 1, last_error = left(p_reason, 1000),
                               held_until = clock_timestamp() + least(30, 2 ^ least(failures, 30)) * interval '1 s';
    END IF;
END $$;

-- Moves one event that audit refused out of the queue; one that it had stored before, when its holder died, is refused no more.
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
