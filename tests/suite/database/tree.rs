//! The trail as a tree: what is digested, by whichever way events come. That changes are noticed:
//! `observability/sidecar/tests/sidecar/attacks.rs`.

use futures::future::join_all;
use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, TestDatabase, event, json};

use super::with_role;

/// Settings that change how values are written.
const HOSTILE: &str = "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard';
    SET bytea_output = 'escape'; SET extra_float_digits = -15; SET standard_conforming_strings = off;
    SET client_encoding = 'LATIN1'; SET quote_all_identifiers = on; SET lc_numeric = 'C'; SET search_path = pg_temp;
    SET xmloption = content; SET backslash_quote = on; SET escape_string_warning = off;";

async fn store(audit: &PgPool, numbers: std::ops::Range<usize>) {
    let events: Vec<_> = numbers.map(event).collect();
    sqlx::query("SELECT audit_store($1)").bind(json!(events).to_string()).execute(audit).await.expect("store");
}

/// Two events, then two batches that begin an incarnation.
const BATCHES: &str = r#"
    INSERT INTO public.audit_logs (id, event_id, action, outcome, item_id, request_id, trace_id, actor, client_addr,
                                   created_at, stored_at, details, salt) OVERRIDING SYSTEM VALUE VALUES
    (1002, '00000000-0000-4000-8000-000000000002', 'list', 'ok', NULL, 'r/2', '0af7651916cd43dd8448eb211c80319c', NULL,
     NULL, '2026-11-21T10:00:00Z', '1999-12-31T23:59:59Z', NULL, decode('000102030405060708090a0b0c0d0e0f', 'hex')),
    (1001, '00000000-0000-4000-8000-000000000001', 'update', 'ok', 7, 'r/1', NULL, E'Zo\u00eb "Z"', '[::1]:9',
     '2026-11-21T10:00:00.123456Z', '1999-12-31T23:59:59Z',
     E'{"longer": "\\u0001", "a": {"\u00fc\\n\\"\\\\": [1e20, null, true]}, "b": 1.50}',
     decode('000102030405060708090a0b0c0d0e0f', 'hex'));
    SET search_path = public;
    SELECT audit_append(ROW(0, NULL, NULL, 0, NULL, NULL, NULL, '0a1b2c3d', E'trail/00000001\n5\nAA=\n\n\u2014 x\n')
                        ::audit_batches) FROM generate_series(1, 2)"#;

/// The constants are computed from the texts by other means, and are the same with every version of PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_digested_depends_on_no_setting_and_no_version() {
    let database = TestDatabase::create().await;
    database.run("ALTER TABLE audit_batches DISABLE TRIGGER USER").await;
    database.run("ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only").await;
    for settings in ["", HOSTILE] {
        for emptied in
            ["DELETE FROM audit_batches", "DELETE FROM audit_logs", "UPDATE audit_tree SET size = 0, edge = '{}'"]
        {
            database.run(emptied).await;
        }
        let mut session = database.superuser().acquire().await.expect("connect").detach();
        sqlx::raw_sql(AssertSqlSafe(format!("{settings}{BATCHES}"))).execute(&mut session).await.expect("append");
        let query = "SELECT encode(digest, 'hex') FROM audit_batches WHERE events = 2
                     UNION ALL SELECT encode(node, 'hex') FROM audit_tree, unnest(edge) AS node";
        let expected = [
            "26138dc1b43524af9f5c4e5eb9f59aca37a0ccbcb5d7a0bb1261a53e05ff8142",
            "17ffceceab581cdb4ab0ebafb675c5628a019fa0f7261f1e107bfb98e250ddcf",
            "2771d380462816ccee12a17ff258f7a3628570ff532c6f38438e5ccc65ca75b0",
        ];
        assert_eq!(database.values::<String>(query).await, expected, "{settings}");
    }
}

/// How many events are in no batch or in two, or in one with another number of them.
const MISPLACED: &str = "
    SELECT (SELECT count(*) FROM audit_logs l WHERE 1 <> (
                SELECT count(*) FROM audit_batches WHERE l.id BETWEEN first_id AND last_id))
         + (SELECT count(*) FROM audit_batches b WHERE events <> (
                SELECT count(*) FROM audit_logs WHERE id BETWEEN first_id AND last_id))";

#[tokio::test(flavor = "multi_thread")]
async fn what_one_statement_stores_is_one_batch_and_ids_of_batches_never_overlap() {
    let (database, audit) = with_role(Role::Audit).await;
    // Every event is sent by two of these at once, as by a relay that was overtaken.
    join_all((0..20).map(|part| store(&audit, part / 2 * 50..part / 2 * 50 + 60))).await;
    assert_eq!(database.count("audit_logs").await, 510);
    assert_eq!(database.value::<i64>(MISPLACED).await, 0);
    let batches: i64 = database.value("SELECT count(*) FROM audit_batches WHERE events > 0").await;
    store(&audit, 0..3).await;
    assert_eq!(database.value::<i64>("SELECT size FROM audit_tree").await, batches + 1, "nothing stored, no batch");
    database.run("INSERT INTO audit_logs (event_id, action, outcome, request_id, created_at, stored_at) VALUES (gen_random_uuid(), 'get', 'ok', 'r', now(), now())").await;
    assert_eq!(database.value::<i64>(MISPLACED).await, 0, "by whomever it is inserted");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_refuse_update_delete_and_truncate_to_everybody() {
    let database = TestDatabase::create().await;
    for statement in ["UPDATE audit_batches SET events = 1", "DELETE FROM audit_batches", "TRUNCATE audit_batches"] {
        let error = sqlx::raw_sql(statement).execute(database.superuser()).await.expect_err(statement);
        assert!(error.to_string().contains("append-only"), "{statement}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_from_before_the_tree_is_appended_in_ranges_while_audit_stores() {
    let (database, audit) = with_role(Role::Audit).await;
    // As it was in the release before.
    for statement in [
        "ALTER TABLE audit_logs DROP COLUMN salt, DROP COLUMN commitment",
        "DROP TRIGGER audit_logs_lock ON audit_logs",
        "DROP TRIGGER audit_logs_batch ON audit_logs",
        "ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_action_check, ADD CONSTRAINT audit_logs_action_check CHECK (action IN ('create', 'list', 'get', 'update', 'delete', 'prune', 'erase'))",
        "INSERT INTO audit_logs (event_id, action, outcome, request_id, actor, created_at, stored_at) SELECT gen_random_uuid(), 'get', 'ok', 'r', 'eve', now(), now() FROM generate_series(1, 25000)",
        "ALTER TABLE audit_logs DISABLE TRIGGER USER",
        "DELETE FROM audit_logs WHERE id % 5 = 0",
        "ALTER TABLE audit_logs ENABLE TRIGGER USER",
    ] {
        database.run(statement).await;
    }
    let mut number = 0;
    let load = async {
        loop {
            number += 10;
            store(&audit, number..number + 10).await;
        }
    };
    tokio::select! {
        () = database.apply_schema() => {}
        () = load => unreachable!(),
    }
    assert!(number > 10, "events were stored meanwhile");
    assert_eq!(database.value::<i64>(MISPLACED).await, 0);
    assert_eq!(database.value::<i64>("SELECT count(*) FROM audit_logs WHERE salt IS NULL").await, 0);
    let largest: i32 = database.value("SELECT max(events) FROM audit_batches").await;
    assert_eq!(largest, 10_000);
    assert!(database.value::<bool>("SELECT isempty(unbatched) FROM audit_tree").await);
    database.apply_schema().await;
    assert_eq!(database.value::<i64>(MISPLACED).await, 0, "once");
}
