//! Passwords and connection strings stay inside: no response, log line, span or row has them, in good health or in
//! trouble.

use support::{App, Method, Receiver, SOON, eventually, json};

use super::{WRONG, in_every_trouble};

/// Everything that the application writes or sends while it works and while it fails.
async fn output(app: &App, receiver: &Receiver) -> String {
    let mut responses = Vec::new();
    let name = || json!({ "name": "bolt" });
    for path in ["/", "/livez", "/readyz", "/openapi.json", "/items", "/items/1", "/items/x", "/nowhere"] {
        responses.push(app.get(path).await);
    }
    responses.extend([app.post(name()).await, app.put("/items/1", name()).await, app.delete("/items/1").await]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let last = app.request(Method::GET, "/items/9").header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
    responses.push(app.send(last).await);
    receiver.trace(trace, &["GET /items/:id"]).await;
    let mut texts = vec![format!("{responses:?}"), format!("{:?}", receiver.spans())];
    texts.extend(app.logs());
    let rows = "SELECT l::text FROM audit_logs l UNION ALL SELECT o::text FROM audit_outbox o UNION ALL SELECT r::text FROM relay_lease r
                UNION ALL SELECT x::text FROM audit_refused x UNION ALL SELECT i::text FROM items i UNION ALL SELECT t::text FROM audit_totals t";
    texts.extend(app.database().values::<String>(rows).await);
    texts.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_response_log_line_span_or_row_has_a_password_or_a_connection_string() {
    for (what, app, receiver) in in_every_trouble().await {
        if what == "a wrong password of audit" {
            app.create("waits").await;
            eventually("a reason why the relay fails", SOON, async || {
                app.get("/readyz").await;
                app.database().lease().await.last_error.map(drop).ok_or("none".to_owned())
            })
            .await;
        }
        let output = output(&app, &receiver).await;
        let variables = app.database().variables().into_iter();
        let passwords = variables.filter(|(name, _)| name.ends_with("password")).map(|(_, value)| value);
        // Of the connection string the parts that occur nowhere else.
        let parts = [WRONG, "broken-hidden7z", "password=", "dbname=", "connect_timeout="].map(str::to_owned);
        for secret in passwords.chain(parts) {
            assert!(secret.len() > 6, "{secret:?} is too short to prove anything");
            let leak = output.lines().find(|line| line.contains(&secret));
            assert!(leak.is_none(), "{what}: {leak:?}");
        }
    }
}
