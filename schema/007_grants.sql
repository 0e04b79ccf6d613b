-- Least privilege: items, audit and retention may execute their own functions and use no table; metrics may read
-- numbers, no content, and try whether an event can be written; auditor may read the trail. First every right is revoked, from our own objects
-- only: an extension may have created others in this schema.
DO $$
DECLARE v_object text;
BEGIN
    FOR v_object IN
        SELECT oid::regclass::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relowner = current_role::regrole AND relkind IN ('r', 'S', 'v')
        UNION ALL
        SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace AND proowner = current_role::regrole
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, items, audit, metrics, retention, auditor', v_object);
    END LOOP;
END $$;

GRANT EXECUTE ON FUNCTION
    items_create, items_get, items_list, items_stream, items_chunk, items_update, items_delete, items_ready,
    item_tag, item_versions,
    relay_take, relay_next, relay_release, relay_fail, relay_refuse
TO items;
GRANT EXECUTE ON FUNCTION audit_store, audit_ready TO audit;
GRANT EXECUTE ON FUNCTION audit_prunable, audit_prune, audit_erase, audit_incarnate, audit_adopt TO retention;
GRANT EXECUTE ON FUNCTION audit_delay_bounds, relay_passed, database_ready TO metrics;
GRANT SELECT ON audit_totals, audit_batches, audit_tree, relay_lease TO metrics;
GRANT SELECT (seq, occurred_at) ON audit_outbox TO metrics;
GRANT SELECT (refused_at) ON audit_refused TO metrics;
GRANT SELECT ON audit_logs, audit_batches, audit_tree TO auditor;
