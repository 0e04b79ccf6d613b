-- What an administrator does. The two ways to remove something from the trail: old events, and the data of a person.
-- Both need the role `retention`, which an administrator takes with SET ROLE, and both write an event of their own into
-- the trail.

-- What audit_prune would remove: how many events, and when the first and the last of them happened.
CREATE OR REPLACE FUNCTION audit_prunable(
    p_before timestamptz, OUT events bigint, OUT oldest text, OUT newest text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT count(*), utc(min(created_at)), utc(max(created_at)) INTO events, oldest, newest FROM audit_logs
     WHERE created_at < p_before AND action <> 'prune' AND event_id NOT IN (SELECT event_id FROM audit_outbox);
END $$;

-- Removes the oldest events from before p_before, at most p_most, and returns their number: repeat until it is 0.
-- audit_totals does not shrink: it counts what happened, not what is stored. An event that is still in the outbox
-- stays, because the relay would store and count it again.
CREATE OR REPLACE FUNCTION audit_prune(p_before timestamptz, p_most integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_events bigint;
BEGIN
    IF p_before IS NULL OR p_before > clock_timestamp() THEN
        RAISE EXCEPTION 'only events of the past can be pruned, not those before %', utc(p_before)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM audit_logs WHERE id IN (
        SELECT id FROM audit_logs WHERE created_at < p_before AND action <> 'prune'
           AND event_id NOT IN (SELECT event_id FROM audit_outbox)
         ORDER BY created_at LIMIT p_most);
    GET DIAGNOSTICS v_events = ROW_COUNT;
    IF v_events > 0 THEN
        PERFORM audit_retained('prune', NULL, jsonb_build_object('before', utc(p_before), 'events', v_events));
    END IF;
    RETURN v_events;
END $$;

-- Removes what a deleted item has left behind: the details of its events in the trail and in audit_refused, and its
-- Idempotency-Key. The events themselves stay. Returns how many events of the trail had details.
CREATE OR REPLACE FUNCTION audit_erase(p_item_id bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_events bigint;
BEGIN
    IF EXISTS (SELECT FROM items WHERE id = p_item_id) THEN
        RAISE EXCEPTION 'item % exists: delete it first', p_item_id USING ERRCODE = 'object_in_use';
    END IF;
    -- Such an event would bring the details back when the relay delivers it.
    IF EXISTS (SELECT FROM audit_outbox WHERE item_id = p_item_id) THEN
        RAISE EXCEPTION 'events of item % are on their way: try again in a moment', p_item_id
            USING ERRCODE = 'object_in_use';
    END IF;
    DELETE FROM idempotency WHERE item_id = p_item_id;
    UPDATE audit_refused SET event = (event::jsonb - 'details')::json WHERE (event ->> 'item_id')::bigint = p_item_id;
    UPDATE audit_logs SET details = NULL WHERE item_id = p_item_id AND details IS NOT NULL AND action <> 'erase';
    GET DIAGNOSTICS v_events = ROW_COUNT;
    PERFORM audit_retained('erase', p_item_id, jsonb_build_object('events', v_events));
    RETURN v_events;
END $$;

-- Writes the event of one of the functions above. Its actor is the user who logged in.
CREATE OR REPLACE FUNCTION audit_retained(p_action text, p_item_id bigint, p_details jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO audit_logs (event_id, action, outcome, item_id, request_id, actor, created_at, stored_at, details)
    SELECT id, p_action, 'ok', p_item_id, id::text, session_user, clock_timestamp(), clock_timestamp(), p_details
      FROM gen_random_uuid() AS id
$$;

-- Begins another incarnation of the database and returns it.
CREATE OR REPLACE FUNCTION incarnate() RETURNS text LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT to_hex(setval('incarnation', (268435456 + random() * 4026531839)::bigint))
$$;
SELECT incarnate() WHERE pg_sequence_last_value('incarnation') IS NULL \g /dev/null

-- The step after every restore, before clients come back: no id and no entity tag that clients got since the backup was
-- made is used again. Ids jump p_jump ahead of the last one in this database and in p_used, which has the last value of
-- each sequence of the database that was replaced. Entity tags carry another incarnation, which is returned.
CREATE OR REPLACE FUNCTION database_restored(p_used jsonb DEFAULT '{}', p_jump bigint DEFAULT 1000000) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_jump < 0 THEN
        RAISE EXCEPTION 'ids cannot go back by %', p_jump USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM setval(name::regclass, greatest(nextval(name::regclass), (p_used ->> name)::bigint) + p_jump)
       FROM unnest(ARRAY['items_id_seq', 'audit_outbox_seq_seq', 'audit_logs_id_seq']) AS name;
    RETURN incarnate();
END $$;
