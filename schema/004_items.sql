-- The operations on items, one function each: an operation is one statement that applies whole or not at all, with its
-- event. `relay` is the holder of the lease if this call took it. p_match and p_none_match are the versions listed in
-- If-Match and If-None-Match (item_versions), NULL without that header; 0 in p_none_match stands for `*`.

-- The entity tag of a version, without quotes. It carries the database's incarnation: after a restore the same version
-- number belongs to other content. Setting search_path would take longer than the rest of it.
CREATE OR REPLACE FUNCTION item_tag(p_version bigint) RETURNS text LANGUAGE plpgsql STRICT SECURITY DEFINER AS $$
BEGIN
    RETURN p_version::text || '-' || to_hex(pg_sequence_last_value('public.incarnation'));
END $$;

-- The versions that entity tags, separated by spaces, stand for; 0 for `*`. A tag that item_tag does not write in this
-- incarnation stands for none.
CREATE OR REPLACE FUNCTION item_versions(p_tags text) RETURNS bigint[]
LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tag      text;
    v_form     text     := '^[1-9][0-9]{0,17}-' || to_hex(pg_sequence_last_value('incarnation')) || '$';
    v_versions bigint[] := '{}';
BEGIN
    FOREACH v_tag IN ARRAY string_to_array(p_tags, ' ') LOOP
        IF v_tag = '*' THEN v_versions := v_versions || 0::bigint; END IF;
        IF v_tag ~ v_form THEN v_versions := v_versions || split_part(v_tag, '-', 1)::bigint; END IF;
    END LOOP;
    RETURN v_versions;
END $$;

-- An item as clients see it. Not row_to_json, which would write timestamps in the session's zone.
CREATE OR REPLACE FUNCTION item_json(
    p_id bigint, p_name text, p_description text, p_created_at timestamptz, p_updated_at timestamptz
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"id":' || p_id || ',"name":' || to_json(p_name) || ',"description":' || to_json(p_description)
        || ',"created_at":"' || utc(p_created_at) || '","updated_at":"' || utc(p_updated_at) || '"}'
$$;

-- Keeps items.json up to date, also for rows that an operator writes.
CREATE OR REPLACE FUNCTION items_json() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.json := item_json(NEW.id, NEW.name, NEW.description, NEW.created_at, NEW.updated_at);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER items_json BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION items_json();

-- Outcomes: ok, replayed (the key was used with the same body within 24 hours: the first response again) and
-- key_conflict (the key was used with another body). Each actor has keys of its own.
CREATE OR REPLACE FUNCTION items_create(
    p_name text, p_description text, p_key text, p_request_id text, p_trace_id text, p_actor text, p_client_addr text,
    OUT outcome text, OUT id bigint, OUT item text, OUT relay text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_event   uuid        := uuid_v7();
    v_now     timestamptz := clock_timestamp();
    v_details jsonb;
    v_hash    bytea;
    v_known   idempotency;
    -- A key has no space in it, so no two pairs of key and actor are written alike.
    v_key     text        := p_key || coalesce(' ' || p_actor, '');
BEGIN
    id := nextval('items_id_seq');
    outcome := 'ok';
    IF p_key IS NOT NULL THEN
        DELETE FROM idempotency WHERE key IN (
            SELECT old.key FROM idempotency old WHERE old.created_at < v_now - interval '24 hours' AND old.key <> v_key
             ORDER BY old.created_at LIMIT 10 FOR UPDATE SKIP LOCKED);
        v_hash := sha256(convert_to(jsonb_build_array(p_name, p_description)::text, 'UTF8'));
        -- Waits for a concurrent request with the same key; reuses a key that has expired.
        INSERT INTO idempotency AS known (key, body_hash, event_id, item_id, created_at)
        VALUES (v_key, v_hash, v_event, id, v_now)
        ON CONFLICT (key) DO UPDATE SET body_hash = excluded.body_hash, event_id = excluded.event_id,
                                        item_id = excluded.item_id, created_at = excluded.created_at
         WHERE known.created_at < excluded.created_at - interval '24 hours';
        IF NOT FOUND THEN
            SELECT * INTO STRICT v_known FROM idempotency known WHERE known.key = v_key;
            id := v_known.item_id;
            v_now := v_known.created_at;
            v_details := jsonb_build_object('first_event_id', v_known.event_id);
            outcome := CASE WHEN v_known.body_hash = v_hash THEN 'replayed' ELSE 'key_conflict' END;
        END IF;
    END IF;
    IF outcome = 'ok' THEN
        INSERT INTO items (id, name, description, created_at, updated_at) OVERRIDING SYSTEM VALUE
        VALUES (items_create.id, p_name, p_description, v_now, v_now) RETURNING json INTO item;
        v_details := jsonb_build_object('name', audit_value(p_name), 'description', audit_value(p_description));
    ELSIF outcome = 'replayed' THEN
        item := item_json(id, p_name, p_description, v_now, v_now);
    END IF;
    relay := CASE WHEN audit_recorded(v_event, 'create', outcome, id, v_details, p_request_id, p_trace_id, p_actor,
                                      p_client_addr) THEN relay_lease_try() END;
END $$;

-- Outcomes: ok, not_modified, not_found.
CREATE OR REPLACE FUNCTION items_get(
    p_id bigint, p_none_match bigint[], p_request_id text, p_trace_id text, p_actor text, p_client_addr text,
    OUT outcome text, OUT version bigint, OUT item text, OUT relay text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_details jsonb;
BEGIN
    SELECT i.version, i.json INTO version, item FROM items i WHERE i.id = p_id;
    IF item IS NULL THEN
        outcome := 'not_found';
    ELSIF p_none_match && ARRAY[0, version] THEN
        outcome := 'not_modified';
        item := NULL;
    ELSE
        outcome := 'ok';
        v_details := '{"items": 1}';
    END IF;
    relay := CASE WHEN audit_recorded(uuid_v7(), 'get', outcome, p_id, v_details, p_request_id, p_trace_id, p_actor,
                                      p_client_addr) THEN relay_lease_try() END;
END $$;

-- One page as a JSON array. `next` is the id to use as p_after for the following page, NULL when this is the last one.
CREATE OR REPLACE FUNCTION items_list(
    p_after bigint, p_limit integer, p_request_id text, p_trace_id text, p_actor text, p_client_addr text,
    OUT items text, OUT next bigint, OUT relay text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_count bigint;
    v_last  bigint;
BEGIN
    SELECT '[' || coalesce(string_agg(i.json, ','), '') || ']', count(*), max(i.id) INTO items, v_count, v_last
      FROM (SELECT row.id, row.json FROM public.items row WHERE row.id > p_after ORDER BY row.id LIMIT p_limit) i;
    -- Not EXISTS, for which the planner would read the table from its start.
    IF v_count = p_limit
       AND (SELECT row.id FROM public.items row WHERE row.id > v_last ORDER BY row.id LIMIT 1) IS NOT NULL THEN
        next := v_last;
    END IF;
    relay := CASE WHEN audit_recorded(uuid_v7(), 'list', 'ok', NULL,
                                      jsonb_build_object('after', p_after, 'limit', p_limit, 'items', v_count),
                                      p_request_id, p_trace_id, p_actor, p_client_addr) THEN relay_lease_try() END;
END $$;

-- Starts a full list: returns its highest id and its length, and writes the event before the first item is sent. It
-- does not try the lease, which would expire while the list is sent; the caller uses relay_take afterwards.
CREATE OR REPLACE FUNCTION items_stream(
    p_after bigint, p_request_id text, p_trace_id text, p_actor text, p_client_addr text,
    OUT last bigint, OUT count bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT coalesce(max(i.id), 0), count(*) INTO last, count FROM items i WHERE i.id > p_after;
    PERFORM audit_recorded(uuid_v7(), 'list', 'ok', NULL, jsonb_build_object('after', p_after, 'items', count),
                           p_request_id, p_trace_id, p_actor, p_client_addr);
END $$;

-- The next chunk of a full list: JSON objects joined by commas, at most 500 and 1 MiB, at least one, and `last`, the id
-- of the last of them. No row when none is left up to p_last.
CREATE OR REPLACE FUNCTION items_chunk(p_after bigint, p_last bigint) RETURNS TABLE (items text, last bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT string_agg(c.json, ','), max(c.id)
      FROM (SELECT r.id, r.json, sum(octet_length(r.json) + 1) OVER w AS bytes, row_number() OVER w AS position
              FROM (SELECT i.id, i.json FROM public.items i
                     WHERE i.id > p_after AND i.id <= p_last ORDER BY i.id LIMIT 500) r
            WINDOW w AS (ORDER BY r.id)) c
     WHERE c.bytes <= 1048576 OR c.position = 1
    HAVING count(*) > 0;
END $$;

-- Replaces name and description. Outcomes: ok, not_found, precondition_failed.
CREATE OR REPLACE FUNCTION items_update(
    p_id bigint, p_name text, p_description text, p_match bigint[],
    p_request_id text, p_trace_id text, p_actor text, p_client_addr text,
    OUT outcome text, OUT version bigint, OUT item text, OUT relay text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_old     items;
    v_now     timestamptz;
    v_details jsonb;
BEGIN
    SELECT * INTO v_old FROM items i WHERE i.id = p_id FOR UPDATE;
    version := v_old.version;
    IF NOT FOUND THEN
        outcome := 'not_found';
    ELSIF NOT version = ANY (p_match) THEN
        outcome := 'precondition_failed';
        v_details := jsonb_build_object('version', version, 'expected', p_match);
    ELSE
        outcome := 'ok';
        version := version + 1;
        v_now := greatest(clock_timestamp(), v_old.updated_at);
        UPDATE items SET name = p_name, description = p_description, version = items_update.version, updated_at = v_now
         WHERE id = p_id RETURNING json INTO item;
        v_details := jsonb_strip_nulls(jsonb_build_object('version', version,
            'name', CASE WHEN v_old.name <> p_name THEN jsonb_build_object(
                'from', audit_value(v_old.name), 'to', audit_value(p_name)) END,
            'description', CASE WHEN v_old.description <> p_description THEN jsonb_build_object(
                'from', audit_value(v_old.description), 'to', audit_value(p_description)) END));
    END IF;
    relay := CASE WHEN audit_recorded(uuid_v7(), 'update', outcome, p_id, v_details, p_request_id, p_trace_id, p_actor,
                                      p_client_addr) THEN relay_lease_try() END;
END $$;

-- Outcomes: ok, not_found, precondition_failed.
CREATE OR REPLACE FUNCTION items_delete(
    p_id bigint, p_match bigint[], p_request_id text, p_trace_id text, p_actor text, p_client_addr text,
    OUT outcome text, OUT relay text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_old     items;
    v_details jsonb;
BEGIN
    SELECT * INTO v_old FROM items i WHERE i.id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'not_found';
    ELSIF NOT v_old.version = ANY (p_match) THEN
        outcome := 'precondition_failed';
        v_details := jsonb_build_object('version', v_old.version, 'expected', p_match);
    ELSE
        outcome := 'ok';
        DELETE FROM items i WHERE i.id = p_id;
        v_details := jsonb_build_object('version', v_old.version, 'name', audit_value(v_old.name),
                                        'description', audit_value(v_old.description));
    END IF;
    relay := CASE WHEN audit_recorded(uuid_v7(), 'delete', outcome, p_id, v_details, p_request_id, p_trace_id, p_actor,
                                      p_client_addr) THEN relay_lease_try() END;
END $$;

-- Readiness: fails unless an operation can be done; how many events wait (counted up to 10 001) and how old the oldest
-- is, and whether the relay is backing off. Tries the lease when an event waits, so that an idle system drains too.
CREATE OR REPLACE FUNCTION items_ready(
    OUT waiting bigint, OUT oldest_seconds double precision, OUT failing boolean, OUT relay text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM database_ready();
    PERFORM FROM items i WHERE i.id = 0;
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0) INTO waiting, oldest_seconds
      FROM (SELECT occurred_at FROM audit_outbox WHERE seq > (SELECT relay_passed()) ORDER BY seq LIMIT 10001) o;
    SELECT l.failures > 0 INTO failing FROM relay_lease l;
    IF waiting > 0 THEN relay := relay_lease_try(); END IF;
END $$;
