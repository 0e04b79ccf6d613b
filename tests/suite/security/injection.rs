//! SQL in a request is data: it comes back as it was sent, and nothing else happens.

use support::{App, Method, SOON, json};

const STATEMENTS: [&str; 14] = [
    "'; DROP TABLE items; --",
    "' OR '1'='1",
    "1; DELETE FROM items",
    "x'); SELECT items_delete(1, NULL, '', NULL, NULL, NULL); --",
    "$1",
    "$$; SELECT pg_sleep(30); $$",
    "\\'; COPY items TO PROGRAM 'id'; --",
    "E'\\x27'; COMMIT; --",
    "\"; ALTER ROLE items SUPERUSER; --",
    "' UNION SELECT rolpassword FROM pg_authid --",
    "\u{2019}; TRUNCATE audit_logs; --",
    "{\"$ne\":null}",
    "NULL",
    "%00'; SET ROLE postgres; --",
];

/// Everything in the database but rows: tables, functions, and what roles may do.
async fn inventory(app: &App) -> Vec<String> {
    let query = "SELECT c.oid::regclass::text || coalesce(c.relacl::text, '') FROM pg_class c WHERE relnamespace = 'public'::regnamespace
                 UNION SELECT p.oid::regprocedure::text || coalesce(p.proacl::text, '') || md5(prosrc) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
                 UNION SELECT rolname || rolsuper || rolcreaterole || rolcanlogin FROM pg_roles WHERE rolname IN ('items', 'audit', 'metrics')
                 ORDER BY 1";
    app.database().values(query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_in_a_body_or_a_header_is_data() {
    let app = App::builder().variable("trust_actor", "true").start().await;
    let before = inventory(&app).await;
    let mut ids = Vec::new();
    for statement in STATEMENTS {
        let key = statement.replace(' ', "/**/");
        let key = if key.is_ascii() { key } else { "key'--".into() };
        let create = || {
            app.request(Method::POST, "/items")
                .json(&json!({ "name": statement, "description": statement }))
                .header("Idempotency-Key", &key)
                .header("X-Actor", statement)
                .header("X-Request-Id", statement)
                .header("traceparent", statement)
        };
        let item = app.send(create()).await.item();
        assert_eq!((item.name.as_str(), item.description.as_str()), (statement, statement));
        let again = app.send(create()).await;
        assert_eq!((again.header("idempotency-replayed"), again.item()), ("true", item.clone()));

        let path = format!("/items/{}", item.id);
        let tag = format!("\"{}\"", key.replace('"', "'"));
        let held = app.send(app.request(Method::GET, &path).header("If-None-Match", &tag)).await;
        assert_eq!((held.status.as_u16(), held.item()), (200, item), "{tag}");
        let stale = app.request(Method::PUT, &path).json(&json!({ "name": "other" })).header("If-Match", &tag);
        assert_eq!(app.send(stale).await.status, 412, "{tag}");
        ids.push(held.item().id);
    }
    let operations = i64::try_from(4 * STATEMENTS.len()).expect("few");
    app.audited(operations, SOON).await;
    assert_eq!(inventory(&app).await, before);
    let items = app.get("/items").await.items();
    assert_eq!(items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), STATEMENTS);
    assert_eq!(items.iter().map(|item| item.id).collect::<Vec<_>>(), ids);
    let trail = app.database().trail().await;
    let creations: Vec<_> = trail.iter().filter(|row| row.action == "create" && row.outcome == "ok").collect();
    for (row, statement) in creations.iter().zip(STATEMENTS) {
        assert_eq!((row.actor.as_deref(), row.trace_id.as_deref()), (Some(statement), None));
        assert_eq!(row.details["name"], statement, "{row:?}");
    }
    assert_eq!(creations.len(), STATEMENTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_in_a_path_or_a_query_never_reaches_the_database() {
    let app = App::start().await;
    let before = inventory(&app).await;
    for statement in STATEMENTS {
        let escaped: String = statement.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            format!("/items/{escaped}"),
            format!("/items/1{escaped}"),
            format!("/items?after={escaped}"),
            format!("/items?limit=1{escaped}"),
            format!("/items?{escaped}=1"),
        ] {
            let response = app.get(&path).await;
            assert_eq!((response.status.as_u16(), response.find("server-timing")), (400, None), "{path}: {response:?}");
        }
    }
    assert_eq!(inventory(&app).await, before);
    assert_eq!(app.database().stored_and_waiting().await, (0, 0));
}
