-- What an administrator does. The two ways to remove something from the trail: old events, and the data of a person.
-- Both need the role `retention`, which an administrator takes with SET ROLE, and both write an event of their own into
-- the trail.

-- The first batch that audit_prune leaves: it holds an event of p_before or later.
CREATE OR REPLACE FUNCTION audit_first_kept(p_before timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT batch FROM audit_batches WHERE batch >= pruned AND newest >= p_before
                      ORDER BY batch LIMIT 1), size) FROM audit_tree
$$;

-- What audit_prune would remove: how many events, and when the first and the last of them happened.
CREATE OR REPLACE FUNCTION audit_prunable(
    p_before timestamptz, OUT events bigint, OUT oldest text, OUT newest text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_kept bigint := audit_first_kept(p_before);
BEGIN
    SELECT coalesce(sum(b.events), 0), utc(min(b.oldest)), utc(max(b.newest)) INTO events, oldest, newest
      FROM audit_batches b WHERE batch >= (SELECT pruned FROM audit_tree) AND batch < v_kept;
END $$;

-- Removes the events of the oldest batches, if all of them are from before p_before, and returns their number: repeat
-- until it is 0. It removes at most p_most, and at least one batch. The batches stay, so the rest of the tree can still
-- be verified. audit_totals does not shrink: it counts what happened, not what is stored. A batch with an event that is
-- still in the outbox stays, and so do those behind it, because the relay would store and count the event again.
CREATE OR REPLACE FUNCTION audit_prune(p_before timestamptz, p_most integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_from   bigint := (SELECT pruned FROM audit_tree);
    v_kept   bigint := audit_first_kept(p_before);
    v_below  bigint;
    v_events bigint;
BEGIN
    IF p_before IS NULL OR p_before > clock_timestamp() THEN
        RAISE EXCEPTION 'only events of the past can be pruned, not those before %', utc(p_before)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT max(batch) + 1 INTO v_below
      FROM (SELECT batch, events, sum(events) OVER (ORDER BY batch) AS total
              FROM (SELECT * FROM audit_batches WHERE batch >= v_from AND batch < v_kept
                     ORDER BY batch LIMIT p_most) b) b
     WHERE total <= p_most OR total = events;
    SELECT coalesce(min(batch), v_below) INTO v_below
      FROM audit_batches JOIN audit_logs l ON l.id BETWEEN first_id AND last_id JOIN audit_outbox USING (event_id)
     WHERE batch >= v_from AND batch < v_below;
    DELETE FROM audit_logs l USING audit_batches b
     WHERE b.batch >= v_from AND b.batch < v_below AND l.id BETWEEN b.first_id AND b.last_id;
    GET DIAGNOSTICS v_events = ROW_COUNT;
    IF v_events > 0 THEN
        UPDATE audit_tree SET pruned = greatest(pruned, v_below);
        PERFORM audit_retained('prune', NULL,
            jsonb_build_object('before', utc(p_before), 'events', v_events, 'below', v_below));
    END IF;
    RETURN v_events;
END $$;

-- Removes what a deleted item has left behind: the details, actors and client addresses of its events in the trail and
-- in audit_refused, and its Idempotency-Key. The events themselves stay, and the tree with them: it holds only a
-- commitment to the three. Returns how many events of the trail had any of them.
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
    UPDATE audit_refused SET event = (event::jsonb - 'details' - 'actor' - 'client_addr')::json
     WHERE (event ->> 'item_id')::bigint = p_item_id;
    UPDATE audit_logs SET commitment = audit_commitment(salt, actor, client_addr, details), salt = NULL, actor = NULL,
                          client_addr = NULL, details = NULL
     WHERE item_id = p_item_id AND num_nonnulls(actor, client_addr, details) > 0 AND action <> 'erase';
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

-- Appends a batch that begins the current incarnation of the database as one of the trail.
CREATE OR REPLACE FUNCTION audit_begin(p_head text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_batch audit_batches;
BEGIN
    v_batch.events := 0;
    v_batch.incarnation := to_hex(pg_sequence_last_value('public.incarnation'));
    v_batch.head := p_head;
    PERFORM audit_append(v_batch);
END $$;
SELECT audit_begin(NULL) FROM audit_tree WHERE size = 0 \g /dev/null

-- States that a backup was restored, for which the sidecar could take an attack: it signs no tree that is smaller than
-- the last head that it knows, or different. Begins an incarnation that names this head (p_head, a checkpoint), appends
-- an event, and returns the incarnation. What the head covered and the backup did not have stays visible as missing.
CREATE OR REPLACE FUNCTION audit_incarnate(p_head text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_incarnation text;
BEGIN
    IF p_head ~ '^[^\n]+/[0-9a-f]{8}\n[0-9]+\n[0-9A-Za-z+/]{43}=\n\n[^\n]+\n$' IS NOT TRUE THEN
        RAISE EXCEPTION 'not a checkpoint of the trail' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT incarnation INTO STRICT v_incarnation FROM audit_tree FOR UPDATE;
    -- database_restored has begun one already, unless the backup was restored by other means.
    IF v_incarnation = to_hex(pg_sequence_last_value('incarnation')) THEN PERFORM incarnate(); END IF;
    PERFORM audit_begin(p_head);
    SELECT incarnation INTO STRICT v_incarnation FROM audit_tree;
    PERFORM audit_retained('restore', NULL, jsonb_build_object('incarnation', v_incarnation, 'head', p_head));
    RETURN v_incarnation;
END $$;
