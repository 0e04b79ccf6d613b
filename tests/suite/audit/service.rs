//! The audit service by itself: what it stores and what it refuses.

use serde_json::{Value, json};
use support::App;

/// The audit service with a route of its own, as when it runs alone.
async fn audit() -> App {
    let alone = |manifest: &mut support::Manifest| {
        manifest.table("component").remove("items");
        let triggers: toml::Value =
            toml::from_str("http = [{ route = '/...', component = 'audit' }]").expect("a table");
        manifest.toml().insert("trigger".into(), triggers);
    };
    App::builder().manifest(alone).start().await
}

/// Posts to `/events`; gives the status and the body.
async fn post(app: &App, body: impl Into<String>) -> (u16, String) {
    let request = app.http().post(app.url("/events")).header("content-type", "application/json").body(body.into());
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a whole body"))
}

/// A complete event; the number makes its id.
fn event(number: u32) -> Value {
    json!({
        "event_id": format!("00000000-0000-4000-8000-{number:012}"), "action": "get", "outcome": "ok", "item_id": 7,
        "request_id": format!("request-{number}"), "trace_id": null, "actor": null, "client_addr": "127.0.0.1:9",
        "occurred_at": "2026-11-21T10:00:00.123456Z", "details": { "items": 1 }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_again_is_stored_and_counted_once() {
    let app = audit().await;
    let three = Value::from(vec![event(1), event(2), event(3)]).to_string();
    assert_eq!(post(&app, event(1).to_string()).await.0, 204, "one event");
    for _ in 0..3 {
        assert_eq!(post(&app, three.as_str()).await.0, 204, "an array, in part or wholly known");
    }
    // The first event stays as it was, whatever comes under its id later.
    let mut forged = event(1);
    forged["outcome"] = "not_found".into();
    assert_eq!(post(&app, forged.to_string()).await.0, 204);
    let twice_in_one = Value::from(vec![event(4), event(4)]).to_string();
    assert_eq!(post(&app, twice_in_one).await.0, 204);
    let requests = (1..=4).map(|number| format!("request-{number}"));
    app.database().check_trail(requests).await;
    assert!(app.database().trail().await.iter().all(|row| row.outcome == "ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_stored_as_it_happened() {
    let app = audit().await;
    assert_eq!(post(&app, event(1).to_string()).await.0, 204);
    let stored: String = sqlx::query_scalar(
        "SELECT (to_jsonb(l) - 'id' - 'stored_at' - 'created_at' || jsonb_build_object('occurred_at', utc(created_at)))::text FROM audit_logs l",
    )
    .fetch_one(app.db())
    .await
    .expect("the row");
    assert_eq!(serde_json::from_str::<Value>(&stored).expect("JSON"), event(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_with_one_bad_event_is_refused_with_the_reason_and_nothing_of_it_is_stored() {
    let app = audit().await;
    let change = |field: &str, value: Value| {
        let mut event = event(2);
        event[field] = value;
        event
    };
    let mut incomplete = event(2);
    incomplete.as_object_mut().expect("an object").remove("action");
    let bad = [
        change("event_id", "not a uuid".into()),
        change("action", "explode".into()),
        change("outcome", "fine".into()),
        change("item_id", "7".into()),
        change("request_id", Value::Null),
        change("occurred_at", "yesterday".into()),
        change("occurred_at", "2026-13-41T10:00:00Z".into()),
        change("surprise", 1.into()),
        incomplete,
        Value::Null,
        Value::from(vec![event(2)]),
    ];
    for bad in bad {
        let (status, reason) = post(&app, Value::from(vec![event(1), bad.clone(), event(3)]).to_string()).await;
        assert!(matches!(status, 400 | 422), "{bad} is answered {status} {reason}");
        let problem: Value = serde_json::from_str(&reason).unwrap_or_else(|error| panic!("{error} in {reason}"));
        assert!(
            problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "{bad} is refused without a reason: {reason}"
        );
    }
    for (body, what) in [("", "nothing"), ("{", "half an object"), ("[]", "no event"), ("7", "a number")] {
        let (status, reason) = post(&app, body).await;
        assert!(matches!(status, 400 | 422), "{what} is answered {status} {reason}");
    }
    let too_many = Value::from((0..501).map(event).collect::<Vec<_>>()).to_string();
    let (status, reason) = post(&app, too_many).await;
    assert!(matches!(status, 400 | 413 | 422), "501 events are answered {status} {reason}");
    assert_eq!(app.database().count("audit_logs").await + app.database().count("audit_totals").await, 0);
}
