-- Creates or updates the whole database:  psql -X -v ON_ERROR_STOP=1 -f schema/schema.sql
-- It is one transaction, and can be applied again; what follows the transaction can be interrupted and continues at the
-- next time. It needs a role that may create roles: a superuser, or the master user of a managed service. Passwords come
-- from the environment, never from a command line; a role whose variable is unset keeps the password it has. With
-- DATABASE_RESTORED set, it also takes the step after a restore (database_restored in 006_retention.sql).
\set ON_ERROR_STOP on
\getenv items_password ITEMS_DB_PASSWORD
\getenv audit_password AUDIT_DB_PASSWORD
\getenv metrics_password METRICS_DB_PASSWORD
\getenv restored DATABASE_RESTORED
SET client_min_messages = warning;
-- What this file depends on, whatever the server and the database set.
SET search_path = public;
SET standard_conforming_strings = on;
SET default_transaction_isolation = 'read committed';
SET default_transaction_read_only = off;
BEGIN;
SELECT pg_advisory_xact_lock(hashtext('schema.sql')) \g /dev/null
\ir 001_roles.sql
SET LOCAL ROLE items_owner;
\ir 002_tables.sql
\ir 003_relay.sql
\ir 004_items.sql
\ir 005_audit.sql
\ir 006_retention.sql
\ir 007_grants.sql
RESET ROLE;
\ir 008_database.sql
\if :{?restored}
SELECT database_restored() AS incarnation;
\endif
COMMIT;

-- Events from before the tree become part of it, 10 000 in each transaction, while the services run.
SET ROLE items_owner;
SELECT 'SET ROLE retention; SELECT ''older events appended to the tree: '' || audit_adopt()'
  FROM audit_tree, generate_series(lower(unbatched), upper(unbatched) - 1, 10000) \gexec
RESET ROLE;
