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

-- The tree. What is digested depends on no setting: rows without moments as text, moments as the bytes that PostgreSQL
-- sends, batches as JSON. `sidecar verify` computes the same.

-- The commitment to what audit_erase may remove.
CREATE OR REPLACE FUNCTION audit_commitment(p_salt bytea, p_actor text, p_client_addr text, p_details jsonb)
RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(p_salt || convert_to(ROW(p_actor, p_client_addr, p_details)::text, 'UTF8'))
$$;

-- The digest of an event.
CREATE OR REPLACE FUNCTION audit_digest(
    p_id bigint, p_event_id uuid, p_action text, p_outcome text, p_item_id bigint, p_request_id text, p_trace_id text,
    p_created_at timestamptz, p_stored_at timestamptz, p_commitment bytea
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(
        convert_to(ROW(p_id, p_event_id, p_action, p_outcome, p_item_id, p_request_id, p_trace_id)::text, 'UTF8')
        || timestamptz_send(p_created_at) || timestamptz_send(p_stored_at) || p_commitment)
$$;

-- Appends a batch to the tree.
CREATE OR REPLACE FUNCTION audit_append(p_batch audit_batches) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_tree audit_tree;
    v_node bytea;
    v_rest bigint;
BEGIN
    SELECT * INTO STRICT v_tree FROM audit_tree FOR UPDATE;
    p_batch.batch := v_tree.size;
    INSERT INTO audit_batches VALUES (p_batch.*);
    v_node := sha256(decode('00', 'hex') || convert_to(json_build_array(p_batch.first_id, p_batch.last_id,
        p_batch.events, p_batch.oldest AT TIME ZONE 'UTC', p_batch.newest AT TIME ZONE 'UTC',
        encode(p_batch.digest, 'hex'), p_batch.incarnation, p_batch.head)::text, 'UTF8'));
    -- As many complete subtrees as the size has ones at its end are joined with the new leaf.
    v_rest := v_tree.size;
    WHILE v_rest % 2 = 1 LOOP
        v_node := sha256(decode('01', 'hex') || v_tree.edge[cardinality(v_tree.edge)] || v_node);
        v_tree.edge := trim_array(v_tree.edge, 1);
        v_rest := v_rest / 2;
    END LOOP;
    UPDATE audit_tree SET size = size + 1, edge = v_tree.edge || v_node,
                          incarnation = coalesce(p_batch.incarnation, incarnation);
END $$;

-- Whatever inserts events appends them as a batch. The lock comes before the first id, so the ids of two batches never
-- overlap.
CREATE OR REPLACE FUNCTION audit_logs_batch() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_batch audit_batches;
BEGIN
    IF TG_WHEN = 'BEFORE' THEN
        PERFORM FROM audit_tree FOR UPDATE;
        RETURN NULL;
    END IF;
    SELECT min(id), max(id), count(*), min(created_at), max(created_at), sha256(string_agg(audit_digest(
               id, event_id, action, outcome, item_id, request_id, trace_id, created_at, stored_at,
               audit_commitment(salt, actor, client_addr, details)), '' ORDER BY id))
      INTO v_batch.first_id, v_batch.last_id, v_batch.events, v_batch.oldest, v_batch.newest, v_batch.digest
      FROM stored;
    IF v_batch.events > 0 THEN PERFORM audit_append(v_batch); END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER audit_logs_lock BEFORE INSERT ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION audit_logs_batch();
CREATE OR REPLACE TRIGGER audit_logs_batch AFTER INSERT ON audit_logs
    REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION audit_logs_batch();

CREATE OR REPLACE FUNCTION audit_batches_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_batches is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER audit_batches_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_batches
    FOR EACH STATEMENT EXECUTE FUNCTION audit_batches_append_only();

-- Gives salts to the oldest events that were stored before there was a tree, at most p_most, and appends them as a
-- batch. Returns their number: schema.sql calls it for each range of p_most ids.
CREATE OR REPLACE FUNCTION audit_adopt(p_most integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_ids   int8range;
    v_batch audit_batches;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit_adopt'));
    SELECT unbatched INTO STRICT v_ids FROM audit_tree;
    WITH adopted AS (
        UPDATE audit_logs SET salt = uuid_send(gen_random_uuid())
         WHERE id IN (SELECT id FROM audit_logs WHERE id >= lower(v_ids) AND id < upper(v_ids) ORDER BY id LIMIT p_most)
        RETURNING *)
    SELECT min(id), max(id), count(*), min(created_at), max(created_at), sha256(string_agg(audit_digest(
               id, event_id, action, outcome, item_id, request_id, trace_id, created_at, stored_at,
               audit_commitment(salt, actor, client_addr, details)), '' ORDER BY id))
      INTO v_batch.first_id, v_batch.last_id, v_batch.events, v_batch.oldest, v_batch.newest, v_batch.digest
      FROM adopted;
    IF v_batch.events > 0 THEN
        PERFORM audit_append(v_batch);
        UPDATE audit_tree SET unbatched = int8range(v_batch.last_id + 1, upper(v_ids));
    END IF;
    RETURN v_batch.events;
END $$;
