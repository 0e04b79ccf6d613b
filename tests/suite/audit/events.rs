//! `POST /events` of audit running alone: which events it stores and which it refuses.

use support::{App, Value, event, json};

/// Audit with a route for everything and without items.
async fn audit() -> App {
    let alone = |manifest: &mut support::Manifest| {
        manifest.table("component").remove("items");
        manifest.triggers().clear();
        manifest.add_route("/...", "audit");
    };
    App::builder().manifest(alone).start().await
}

/// Posts to `/events` and returns the status and the body.
async fn post(app: &App, body: impl ToString) -> (u16, String) {
    let request = app.http().post(app.url("/events")).header("content-type", "application/json").body(body.to_string());
    let response = request.send().await.expect("a response");
    (response.status().as_u16(), response.text().await.expect("a whole body"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_again_is_stored_and_counted_once() {
    let app = audit().await;
    assert_eq!(post(&app, event(1)).await.0, 204, "one event");
    for _ in 0..3 {
        let known = json!([event(1), event(2), event(3)]);
        assert_eq!(post(&app, known).await.0, 204, "an array of which some or all are stored already");
    }
    // Another event with a known id does not change the stored one.
    let mut forged = event(1);
    forged["outcome"] = "not_found".into();
    assert_eq!(post(&app, forged).await.0, 204);
    assert_eq!(post(&app, json!([event(4), event(4)])).await.0, 204, "twice in one array");
    app.database().check_trail((1..=4).map(|number| format!("request-{number}"))).await;
    assert!(app.database().trail().await.iter().all(|row| row.outcome == "ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_stored_as_it_was_sent_with_the_time_of_storing() {
    let app = audit().await;
    assert_eq!(post(&app, event(1)).await.0, 204);
    let query = "SELECT (to_jsonb(l) - 'id' - 'stored_at' - 'created_at' - 'salt' - 'commitment' || jsonb_build_object('occurred_at', utc(created_at)))::text FROM audit_logs l";
    let stored: String = app.database().value(query).await;
    assert_eq!(serde_json::from_str::<Value>(&stored).expect("JSON"), event(1));
    let now = "SELECT stored_at BETWEEN now() - interval '1 minute' AND now() FROM audit_logs";
    assert!(app.database().value::<bool>(now).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_with_one_invalid_event_is_refused_with_the_reason_and_nothing_of_it_is_stored() {
    let app = audit().await;
    let changed = |field: &str, value: Value| {
        let mut event = event(2);
        event[field] = value;
        event
    };
    let mut incomplete = event(2);
    incomplete.as_object_mut().expect("an object").remove("action");
    for invalid in [
        changed("event_id", "not a uuid".into()),
        changed("action", "explode".into()),
        changed("outcome", "fine".into()),
        changed("item_id", "7".into()),
        changed("request_id", Value::Null),
        changed("occurred_at", "yesterday".into()),
        changed("occurred_at", "2026-13-41T10:00:00Z".into()),
        changed("surprise", 1.into()),
        incomplete,
        Value::Null,
        json!([event(2)]),
    ] {
        let (status, body) = post(&app, json!([event(1), invalid, event(3)])).await;
        assert!(matches!(status, 400 | 422), "{invalid}: {status} {body}");
        let problem: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"));
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{invalid}: {body}");
    }
    for (body, what) in [("", "nothing"), ("{", "half an object"), ("[]", "no event"), ("7", "a number")] {
        let (status, reason) = post(&app, body).await;
        assert!(matches!(status, 400 | 422), "{what}: {status} {reason}");
    }
    let (status, reason) = post(&app, Value::from((0..501).map(event).collect::<Vec<_>>())).await;
    assert!(matches!(status, 400 | 413 | 422), "501 events: {status} {reason}");
    assert_eq!(app.database().count("audit_logs").await + app.database().count("audit_totals").await, 0);
}
