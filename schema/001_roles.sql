-- Roles belong to the server, not to one database: they are created once and shared by every database on it.
-- items_owner owns everything; items, audit and metrics log in and own nothing. retention, the only one that may take something out of
-- the trail, is taken on by an administrator with SET ROLE.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['items_owner', 'items', 'audit', 'metrics', 'retention'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOINHERIT', role);
        END IF;
    END LOOP;
END $$;

ALTER ROLE items LOGIN;
ALTER ROLE audit LOGIN;
ALTER ROLE metrics LOGIN INHERIT;

\if :{?items_password}
ALTER ROLE items PASSWORD :'items_password';
\endif
\if :{?audit_password}
ALTER ROLE audit PASSWORD :'audit_password';
\endif
\if :{?metrics_password}
ALTER ROLE metrics PASSWORD :'metrics_password';
\endif

-- A host sets no statement time-out of its own. The pool does not roll back, so an open transaction must not live long either.
ALTER ROLE items SET statement_timeout = '5s';
ALTER ROLE audit SET statement_timeout = '5s';
ALTER ROLE metrics SET statement_timeout = '5s';
ALTER ROLE items SET lock_timeout = '1s';
ALTER ROLE audit SET lock_timeout = '1s';
ALTER ROLE metrics SET lock_timeout = '1s';
ALTER ROLE items SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE audit SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE metrics SET idle_in_transaction_session_timeout = '5s';
-- The functions' statements are planned once per session: planning a page for its very numbers takes longer than reading it.
ALTER ROLE items SET plan_cache_mode = 'force_generic_plan';
ALTER ROLE audit SET plan_cache_mode = 'force_generic_plan';

-- Statistics views only; sizes and activity, no rows.
GRANT pg_read_all_stats TO metrics;

-- Whoever applies the schema acts as its owner (a superuser may anyway, a managed service's master user needs the membership).
GRANT items_owner, retention TO CURRENT_USER;
GRANT USAGE, CREATE ON SCHEMA public TO items_owner;
