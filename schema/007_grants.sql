-- Least privilege: the two services, and retention, may call their own functions and touch no table; metrics may read numbers, no content.
-- One by one, because an extension may have put things of its own, and of another owner, into this schema.
DO $$
DECLARE
    v_what text;
BEGIN
    FOR v_what IN
        SELECT oid::regclass::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relowner = current_role::regrole AND relkind IN ('r', 'S', 'v')
        UNION ALL
        SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proowner = current_role::regrole
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, items, audit, metrics, retention', v_what);
    END LOOP;
END $$;

GRANT EXECUTE ON FUNCTION
    items_create, items_get, items_list, items_stream, items_chunk, items_update, items_delete, items_ready,
    relay_take, relay_next, relay_release, relay_fail, relay_refuse
TO items;

GRANT EXECUTE ON FUNCTION audit_store, audit_ready TO audit;

GRANT EXECUTE ON FUNCTION audit_prune, audit_erase TO retention;

GRANT EXECUTE ON FUNCTION audit_delay_bounds, relay_passed TO metrics;
GRANT SELECT ON audit_totals, relay_lease TO metrics;
GRANT SELECT (seq, occurred_at) ON audit_outbox TO metrics;
GRANT SELECT (refused_at) ON audit_refused TO metrics;
