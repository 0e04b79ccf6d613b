-- Least privilege: the two services, and retention, may call their own functions and touch no table; metrics may read numbers, no content.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, items, audit, metrics, retention;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, items, audit, metrics, retention;

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
