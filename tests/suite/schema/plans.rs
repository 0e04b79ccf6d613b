//! No function reads a whole table: what an operation costs does not grow with what is stored.

use support::TestDatabase;

use super::CONTEXT;

/// Tables that grow; the others have one row, or one per action and outcome.
const GROWING: [&str; 5] = ["items", "idempotency", "audit_outbox", "audit_logs", "audit_refused"];
/// Once to plan, once with the plan that is kept.
const CALLS: usize = 2;

/// Runs a statement in a session with the settings of the services' roles and gives the plans of everything inside of it.
async fn plans(database: &TestDatabase, statement: &str) -> String {
    let watch =
        "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;
                 SET client_min_messages = log; SET plan_cache_mode = force_generic_plan";
    let script = format!("{watch}; {}", [statement; CALLS].join("; "));
    database.psql(|psql| psql.args(["-o", "/dev/null", "-c", &script])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_inside_the_functions_uses_an_index() {
    let database = TestDatabase::create().await;
    database
        .run("INSERT INTO items (name, description, created_at, updated_at) SELECT 'n', 'd', now(), now() FROM generate_series(1, 50000)")
        .await;
    database
        .run(
            "INSERT INTO idempotency SELECT 'key-' || n, '', gen_random_uuid(), n, now() - n * interval '1 s' FROM generate_series(1, 50000) n",
        )
        .await;
    database.enqueue("r", 50_000, "NULL").await;
    database
        .run("SELECT audit_store((SELECT json_agg(audit_event(o)) FROM audit_outbox o WHERE seq <= 20000)::text)")
        .await;
    database.run("ANALYZE").await;
    let holder = database.seize_lease(60).await;

    let calls = [
        format!("SELECT items_create('n', 'd', NULL, {CONTEXT})"),
        format!("SELECT items_create('n', 'd', 'new', {CONTEXT})"),
        format!("SELECT items_create('n', 'd', 'key-7', {CONTEXT})"),
        format!("SELECT items_get(25000, NULL, {CONTEXT})"),
        format!("SELECT items_list(25000, 100, {CONTEXT})"),
        format!("SELECT items_stream(49000, {CONTEXT})"),
        "SELECT items_chunk(25000, 50000)".to_owned(),
        format!("SELECT items_update(7, 'm', 'd', NULL, {CONTEXT})"),
        format!("SELECT items_delete(8, NULL, {CONTEXT})"),
        "SELECT items_ready()".to_owned(),
        "SELECT relay_take()".to_owned(),
        format!("SELECT relay_next('{holder}', '{{1,2,3}}')"),
        format!("SELECT relay_refuse('{holder}', 4, 'no')"),
        "SELECT audit_store((SELECT json_agg(audit_event(o)) FROM audit_outbox o WHERE seq BETWEEN 20001 AND 20100)::text)".to_owned(),
        format!("SELECT relay_fail('{holder}', 'no answer')"),
    ];
    for call in calls {
        let told = plans(&database, &call).await;
        let missed = GROWING.map(|table| format!("Seq Scan on {table} "));
        let scans: Vec<&str> =
            told.lines().filter(|line| missed.iter().any(|scan| line.contains(scan.as_str()))).collect();
        assert!(told.contains("Query Text"), "auto_explain says nothing: {told}");
        assert!(scans.is_empty(), "{call} reads a whole table: {scans:#?}\n{told}");
    }
}
