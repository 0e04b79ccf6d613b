//! `schema/schema.sql` can be applied again, whatever the database holds.

use support::Role;

use super::{CONTEXT, call, with_role};

#[tokio::test(flavor = "multi_thread")]
async fn applying_the_schema_again_changes_nothing_even_with_an_extension_in_it() {
    let (database, items) = with_role(Role::Items).await;
    database.run("CREATE EXTENSION pg_stat_statements SCHEMA public").await;
    database.apply_schema().await;
    call(&items, "items_create", &format!("'bolt', '', 'key', {CONTEXT}")).await;
    let fingerprint = "SELECT md5(string_agg(entry, E'\\n' ORDER BY entry)) FROM (
        SELECT concat(pg_get_functiondef(oid), proacl) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT concat(relname, relkind, relacl, reloptions) FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat(a.attrelid::regclass, a.attname, a.atttypid::regtype, a.attacl) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat(conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT concat(tgname, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT items::text FROM items UNION ALL SELECT audit_outbox::text FROM audit_outbox
        UNION ALL SELECT idempotency::text FROM idempotency UNION ALL SELECT relay_lease::text FROM relay_lease UNION ALL SELECT item_tag(1)) AS everything (entry)";
    let before: String = database.value(fingerprint).await;
    database.apply_schema().await;
    assert_eq!(database.value::<String>(fingerprint).await, before);
}
