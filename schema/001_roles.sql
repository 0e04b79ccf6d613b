-- Roles belong to the server and are shared by all its databases. items_owner owns everything; items, audit and metrics
-- log in and own nothing. retention may remove parts of the audit trail: an administrator uses it with SET ROLE.
DO $$
DECLARE role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['items_owner', 'items', 'audit', 'metrics', 'retention'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOINHERIT', role);
        END IF;
    END LOOP;
    -- A host sets no timeouts. Its pool does not roll back, so an abandoned transaction has to end by itself.
    FOREACH role IN ARRAY ARRAY['items', 'audit', 'metrics'] LOOP
        EXECUTE format('ALTER ROLE %I LOGIN', role);
        EXECUTE format('ALTER ROLE %I SET statement_timeout = ''5s''', role);
        EXECUTE format('ALTER ROLE %I SET lock_timeout = ''1s''', role);
        EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''5s''', role);
    END LOOP;
END $$;
-- The functions' statements are planned once per session: planning a page for its actual parameters takes longer than
-- reading it.
ALTER ROLE items SET plan_cache_mode = 'force_generic_plan';
ALTER ROLE audit SET plan_cache_mode = 'force_generic_plan';
-- Statistics views: sizes and activity, no rows.
ALTER ROLE metrics INHERIT;
GRANT pg_read_all_stats TO metrics;

\if :{?items_password}
ALTER ROLE items PASSWORD :'items_password';
\endif
\if :{?audit_password}
ALTER ROLE audit PASSWORD :'audit_password';
\endif
\if :{?metrics_password}
ALTER ROLE metrics PASSWORD :'metrics_password';
\endif

-- For SET ROLE items_owner: a superuser can do so anyway, the master user of a managed service needs the membership.
GRANT items_owner, retention TO CURRENT_USER;
GRANT USAGE, CREATE ON SCHEMA public TO items_owner;
