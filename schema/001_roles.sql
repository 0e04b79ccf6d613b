-- Roles belong to the server and are shared by all its databases. items_owner owns everything; items, audit and metrics
-- log in and own nothing. Two roles are for people: retention may remove parts of the audit trail (an administrator uses
-- it with SET ROLE), auditor may read it (CREATE ROLE somebody LOGIN IN ROLE auditor).
DO $$
DECLARE
    role    text;
    v_name  text;
    v_value text;
BEGIN
    FOREACH role IN ARRAY ARRAY['items_owner', 'items', 'audit', 'metrics', 'retention', 'auditor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOINHERIT', role);
        END IF;
    END LOOP;
    -- Every setting that their statements depend on, so that none of the server or the database counts. Not
    -- default_transaction_read_only: it is the operator's switch, and readiness reports it.
    FOREACH role IN ARRAY ARRAY['items', 'audit', 'metrics'] LOOP
        EXECUTE format('ALTER ROLE %I LOGIN', role);
        FOR v_name, v_value IN
            SELECT s.name, pinned.value FROM (VALUES
                -- A host sets no timeouts. Its pool does not roll back, so an abandoned transaction has to end by
                -- itself; an idle session stays.
                ('statement_timeout', '5s'), ('lock_timeout', '1s'), ('idle_in_transaction_session_timeout', '5s'),
                ('transaction_timeout', '0'), ('idle_session_timeout', '0'),
                -- An update waits for another of the same item, and an answered event is durable.
                ('default_transaction_isolation', 'read committed'), ('synchronous_commit', 'on'),
                -- The names in statements, and the triggers of our tables.
                ('search_path', 'public'), ('session_replication_role', 'origin'),
                -- How text is read, written and reported.
                ('standard_conforming_strings', 'on'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'),
                ('TimeZone', 'UTC'), ('timezone_abbreviations', 'Default'), ('bytea_output', 'hex'),
                ('extra_float_digits', '1'), ('lc_messages', 'C'), ('lc_monetary', 'C'), ('lc_numeric', 'C'),
                ('lc_time', 'C')
            ) AS pinned (name, value)
            -- The master user of a managed service may not set two of them, and older servers lack one.
            JOIN pg_settings s USING (name) WHERE s.context = 'user' OR has_parameter_privilege(s.name, 'SET')
        LOOP
            EXECUTE format('ALTER ROLE %I SET %I = %L', role, v_name, v_value);
        END LOOP;
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
GRANT items_owner, retention, auditor TO CURRENT_USER;
GRANT USAGE, CREATE ON SCHEMA public TO items_owner;
