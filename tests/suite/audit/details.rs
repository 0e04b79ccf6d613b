//! What the trail records about each operation: details, and the caller's name and address.

use support::{App, Method, SOON, Value, json};

/// The details of the only row with this action and outcome.
async fn details(app: &App, action: &str, outcome: &str) -> Value {
    let mut rows = app.database().trail().await;
    rows.retain(|row| row.action == action && row.outcome == outcome);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0).details
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_up_to_a_kibibyte_are_in_the_trail_and_longer_ones_are_digests() {
    let app = App::start().await;
    // 1 024 and 1 026 bytes: bytes count, not characters.
    let (kept, digested) = ("é".repeat(512), "é".repeat(513));
    let item = app.post(json!({ "name": "bolt", "description": kept })).await.item();
    let path = format!("/items/{}", item.id);
    app.put(&path, json!({ "name": "bolt", "description": digested })).await;
    app.delete(&path).await;
    app.audited(3, SOON).await;
    let digest = json!({ "bytes": 1026, "sha256": "085638aad30c4fc37eb096d1d73961417bd64ffeba69c29889fe224926179d17" });
    assert_eq!(details(&app, "create", "ok").await, json!({ "name": "bolt", "description": kept }));
    let change = json!({ "version": 2, "description": { "from": kept, "to": digest } });
    assert_eq!(details(&app, "update", "ok").await, change, "only what changed");
    assert_eq!(details(&app, "delete", "ok").await, json!({ "version": 2, "name": "bolt", "description": digest }));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_record_how_many_items_they_returned() {
    let app = App::start().await;
    for name in ["a", "b", "c"] {
        app.create(name).await;
    }
    app.get("/items/1").await;
    app.get("/items/4").await;
    app.get("/items?limit=2&after=0").await;
    app.get("/items?after=1").await;
    app.audited(7, SOON).await;
    assert_eq!(details(&app, "get", "ok").await, json!({ "items": 1 }));
    assert_eq!(details(&app, "get", "not_found").await, Value::Null);
    let trail = app.database().trail().await;
    let lists: Vec<&Value> = trail.iter().filter(|row| row.action == "list").map(|row| &row.details).collect();
    assert_eq!(lists, [&json!({ "after": 0, "limit": 2, "items": 2 }), &json!({ "after": 1, "items": 2 })]);
    app.database().check_totals().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_precondition_records_the_version_there_was_and_those_expected() {
    let app = App::start().await;
    let path = format!("/items/{}", app.create("bolt").await.id);
    let [seven, eight, nine] = [app.database().tag(7).await, app.database().tag(8).await, app.database().tag(9).await];
    let put = app
        .request(Method::PUT, &path)
        .header("if-match", format!("{seven}, {eight}, \"x\""))
        .json(&json!({ "name": "nut" }));
    assert_eq!(app.send(put).await.status, 412);
    let delete = app.request(Method::DELETE, &path).header("if-match", nine);
    assert_eq!(app.send(delete).await.status, 412);
    app.audited(3, SOON).await;
    assert_eq!(details(&app, "update", "precondition_failed").await, json!({ "version": 1, "expected": [7, 8] }));
    assert_eq!(details(&app, "delete", "precondition_failed").await, json!({ "version": 1, "expected": [9] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_create_records_the_event_of_the_first_one() {
    let app = App::start().await;
    for _ in 0..2 {
        let create = app.request(Method::POST, "/items").header("idempotency-key", "k");
        assert_eq!(app.send(create.json(&json!({ "name": "bolt" }))).await.status, 201);
    }
    app.audited(2, SOON).await;
    let first: String = app.database().value("SELECT event_id::text FROM audit_logs WHERE outcome = 'ok'").await;
    assert_eq!(details(&app, "create", "replayed").await, json!({ "first_event_id": first }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_name_is_recorded_only_if_a_proxy_is_trusted_with_it() {
    for (trust, recorded) in [("false", None), ("true", Some("jane@example.org"))] {
        let app = App::builder().variable("trust_actor", trust).start().await;
        let named = app.request(Method::GET, "/items").header("x-actor", "jane@example.org");
        assert_eq!(app.send(named).await.status, 200);
        assert_eq!(app.get("/items").await.status, 200);
        app.audited(2, SOON).await;
        let actors: Vec<_> = app.database().trail().await.into_iter().map(|row| row.actor).collect();
        assert_eq!(actors, [recorded.map(str::to_owned), None], "trust_actor={trust}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_address_is_what_a_trusted_proxy_reports_and_never_what_a_client_claims() {
    // The peer of the host is this test: a client, or where its address is trusted, a proxy.
    const HERE: &str = "127.0.0.1";
    for (trusted, expected) in [
        ("", [HERE; 4]),
        ("10.42.0.0/16", [HERE; 4]),
        ("10.42.0.0/16, 127.0.0.0/8", ["192.0.2.1", "192.0.2.1", "2001:db8::1", HERE]),
    ] {
        let app = App::builder().variable("trusted_proxies", trusted).start().await;
        for lines in [&["192.0.2.1"][..], &["6.6.6.6", "192.0.2.1:5000, 10.42.0.9"], &["[2001:db8::1]:5000"], &["no"]] {
            let get = app.request(Method::GET, "/items").header("spin-client-addr", "6.6.6.6:6");
            let get = lines.iter().fold(get, |get, line| get.header("x-forwarded-for", *line));
            assert_eq!(app.send(get).await.status, 200);
        }
        app.audited(4, SOON).await;
        let recorded = app.database().values::<String>("SELECT client_addr FROM audit_logs ORDER BY created_at").await;
        assert_eq!(recorded, expected, "trusted_proxies={trusted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spin_headers_from_outside_change_nothing() {
    let app = App::start().await;
    app.create("bolt").await;
    let request = app
        .request(Method::GET, "/items/1")
        .header("spin-client-addr", "6.6.6.6:6")
        .header("spin-path-info", "/readyz")
        .header("spin-full-url", "http://audit.spin.internal/events")
        .header("spin-path-match-id", "2")
        .header("spin-component-route", "/livez");
    let response = app.send(request).await;
    assert_eq!((response.status.as_u16(), response.item().id), (200, 1));
    app.audited(2, SOON).await;
    for row in app.database().trail().await {
        assert_eq!(row.client_addr.as_deref(), Some("127.0.0.1"));
    }
}
