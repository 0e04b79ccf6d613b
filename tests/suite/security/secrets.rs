//! Passwords and connection strings stay inside, whatever happens: no answer, log line, span or row has them.

use http::Method;
use serde_json::json;
use support::{App, Receiver, SOON, eventually};

/// What the application lets out while it works and while it fails.
async fn output(app: &App, receiver: &Receiver) -> String {
    let mut texts = Vec::new();
    let name = || json!({ "name": "bolt" });
    for path in ["/", "/livez", "/readyz", "/openapi.json", "/items", "/items/1", "/items/x", "/nowhere"] {
        texts.push(format!("{:?}", app.get(path).await));
    }
    for answer in [app.post(name()).await, app.put("/items/1", name()).await, app.delete("/items/1").await] {
        texts.push(format!("{answer:?}"));
    }
    let last = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    texts.push(format!("{:?}", app.send(app.request(Method::GET, "/items/9").header("traceparent", last)).await));
    receiver.trace("0af7651916cd43dd8448eb211c80319c", &["GET /items/:id"]).await;
    texts.push(format!("{:?}", receiver.spans()));
    texts.extend(app.logs());
    let rows = "SELECT l::text FROM audit_logs l UNION ALL SELECT o::text FROM audit_outbox o UNION ALL SELECT r::text FROM relay_lease r
                UNION ALL SELECT x::text FROM audit_refused x UNION ALL SELECT i::text FROM items i UNION ALL SELECT t::text FROM audit_totals t";
    let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(app.db()).await.expect("every row");
    texts.extend(rows);
    texts.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_by_any_way() {
    let receiver = Receiver::start().await;
    let well = App::builder().spans(&receiver.url()).start().await;
    let broken = App::builder().spans(&receiver.url()).start().await;
    broken.database().run("ALTER FUNCTION items_create RENAME TO items_create_gone").await;
    let no_audit =
        App::builder().spans(&receiver.url()).variable("audit_db_password", "wrong-password-7f3a").start().await;
    no_audit.create("waits").await;
    let told = "SELECT last_error FROM relay_lease";
    eventually("a relay that says why it fails", SOON, async || {
        no_audit.get("/readyz").await;
        let error: Option<String> = sqlx::query_scalar(told).fetch_one(no_audit.db()).await.expect("the lease");
        error.map(drop).ok_or("no error yet".to_owned())
    })
    .await;
    for (what, app) in [("well", &well), ("broken", &broken), ("no audit", &no_audit)] {
        let output = output(app, &receiver).await;
        let variables = app.database().variables();
        let passwords = variables.into_iter().filter(|(name, _)| name.ends_with("password")).map(|(_, value)| value);
        // Of the connection string the parts that nothing else has.
        let parts = ["password=", "dbname=", "connect_timeout=", "wrong-password-7f3a"].map(str::to_owned);
        for secret in passwords.chain(parts) {
            assert!(secret.len() > 6, "{secret:?} is too short to prove anything");
            let leak = output.lines().find(|line| line.contains(&secret));
            assert!(leak.is_none(), "{what}: {leak:?}");
        }
    }
}
