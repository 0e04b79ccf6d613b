//! No function reads a whole table: the cost of an operation does not grow with what is stored.

use support::TestDatabase;

use super::CONTEXT;

/// Tables that grow; the others have one row, or one per action and outcome.
const GROWING: [&str; 5] = ["items", "idempotency", "audit_outbox", "audit_logs", "audit_refused"];

/// The plans of a statement and of everything inside its functions, with the settings of the services' roles. The
/// statement runs twice: once to plan, once with the kept plan.
async fn plans(database: &TestDatabase, statement: &str) -> String {
    let settings =
        "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;
                    SET client_min_messages = log; SET plan_cache_mode = force_generic_plan";
    let script = format!("{settings}; {statement}; {statement}");
    database.psql(|psql| psql.args(["-o", "/dev/null", "-c", &script])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plan_inside_the_functions_uses_an_index() {
    let database = TestDatabase::create().await;
    database.insert_items(50_000, "'d'").await;
    database.run("INSERT INTO idempotency SELECT 'key-' || n, '', gen_random_uuid(), n, now() - n * interval '1 s' FROM generate_series(1, 50000) n").await;
    database.enqueue("r", 50_000, "NULL").await;
    database
        .run("SELECT audit_store((SELECT json_agg(audit_event(o)) FROM audit_outbox o WHERE seq <= 20000)::text)")
        .await;
    database.run("ANALYZE").await;
    let holder = database.seize_lease(60).await;

    let statements = [
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
        format!("SELECT relay_next('{holder}', '{{1,2,3}}', 500)"),
        format!("SELECT relay_refuse('{holder}', 4, 'no')"),
        "SELECT audit_store((SELECT json_agg(audit_event(o)) FROM audit_outbox o WHERE seq BETWEEN 20001 AND 20100)::text)".to_owned(),
        format!("SELECT relay_fail('{holder}', 'no answer')"),
    ];
    for statement in statements {
        let plans = plans(&database, &statement).await;
        assert!(plans.contains("Query Text"), "auto_explain wrote no plan: {plans}");
        let scans = GROWING.map(|table| format!("Seq Scan on {table} "));
        let found: Vec<&str> = plans.lines().filter(|line| scans.iter().any(|scan| line.contains(scan))).collect();
        assert!(found.is_empty(), "{statement} reads a whole table: {found:#?}\n{plans}");
    }
}
