//! The audit trail: append-only, each event once, counted exactly.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, TestDatabase};

use super::value;

fn event(number: u32) -> Value {
    json!({
        "event_id": format!("00000000-0000-4000-8000-{number:012}"), "action": "list", "outcome": "ok", "item_id": null, "request_id": "r-1",
        "trace_id": null, "actor": null, "client_addr": null, "occurred_at": "2026-11-21T10:00:00.123456Z", "details": { "items": 3 },
    })
}

async fn store(audit: &PgPool, events: &Value) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT audit_store($1)").bind(events.to_string()).execute(audit).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_refuses_update_delete_and_truncate_to_everybody() {
    let database = TestDatabase::create().await;
    let audit = database.role(Role::Audit);
    store(&audit, &json!([event(1)])).await.expect("store");
    for statement in [
        "UPDATE audit_logs SET actor = 'x'",
        "DELETE FROM audit_logs",
        "DELETE FROM audit_logs WHERE false",
        "TRUNCATE audit_logs",
    ] {
        for role in ["postgres", "items_owner"] {
            let mut transaction = database.look().begin().await.expect("begin");
            sqlx::raw_sql(AssertSqlSafe(format!("SET LOCAL ROLE {role}")))
                .execute(&mut *transaction)
                .await
                .expect("take the role");
            let error = sqlx::raw_sql(statement).execute(&mut *transaction).await.expect_err(statement);
            assert!(error.to_string().contains("append-only"), "{role}: {statement}: {error}");
        }
    }
    assert_eq!(database.count("audit_logs").await, 1);
    audit.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stored_twice_is_one_row_counted_once() {
    let database = TestDatabase::create().await;
    let audit = database.role(Role::Audit);
    store(&audit, &json!([event(1), event(2)])).await.expect("store");
    store(&audit, &json!([event(2), event(3)])).await.expect("store again");
    store(&audit, &json!([event(4), event(4)])).await.expect("store the same event twice in one call");
    assert_eq!(database.count("audit_logs").await, 4);
    let totals: (i64, i64) =
        sqlx::query_as("SELECT events, items FROM audit_totals").fetch_one(database.look()).await.expect("totals");
    assert_eq!(totals, (4, 12));
    audit.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_stored_whole_or_not_at_all() {
    let database = TestDatabase::create().await;
    let audit = database.role(Role::Audit);
    for (member, bad) in [
        ("event_id", json!("no uuid")),
        ("event_id", Value::Null),
        ("action", json!("peek")),
        ("outcome", json!("splendid")),
        ("request_id", Value::Null),
        ("occurred_at", json!("yesterday, more or less")),
        ("item_id", json!("seven")),
    ] {
        let mut wrong = event(2);
        wrong[member] = bad;
        let error = store(&audit, &json!([event(1), wrong, event(3)])).await.expect_err(member);
        let code = error
            .as_database_error()
            .and_then(|error| error.code().map(String::from))
            .expect("an error of the database");
        assert!(code.starts_with("22") || code.starts_with("23"), "{member}: {error} ({code})");
    }
    assert_eq!(database.count("audit_logs").await, 0);
    assert_eq!(database.count("audit_totals").await, 0);
    audit.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_falls_into_the_bucket_of_its_delay() {
    let database = TestDatabase::create().await;
    let audit = database.role(Role::Audit);
    let bounds: Vec<f64> = value(&database, "SELECT audit_delay_bounds()").await;
    for (number, age) in bounds.iter().map(|bound| bound * 0.7).chain([60.0]).enumerate() {
        let mut event = event(u32::try_from(number).expect("few"));
        event["occurred_at"] =
            json!(value::<String>(&database, &format!("SELECT utc(clock_timestamp() - interval '{age} s')")).await);
        store(&audit, &json!([event])).await.expect("store");
    }
    // How old an event really was when it was stored is in its row; the machine may have been slow.
    let query = "SELECT extract(epoch FROM stored_at - created_at)::float8 FROM audit_logs";
    let ages: Vec<f64> = sqlx::query_scalar(query).fetch_all(database.look()).await.expect("read the ages");
    let mut expected = vec![0; bounds.len() + 1];
    for age in &ages {
        expected[bounds.iter().filter(|bound| **bound <= *age).count()] += 1;
    }
    let delays: Vec<i64> = value(&database, "SELECT delays FROM audit_totals").await;
    assert_eq!(delays, expected);
    assert!(
        delays[bounds.len()] >= 1 && delays.iter().filter(|count| **count > 0).count() > 5,
        "{delays:?} tells little"
    );
    let sum: f64 = value(&database, "SELECT delay_seconds FROM audit_totals").await;
    assert!((sum - ages.iter().sum::<f64>()).abs() < 0.001, "{sum}");
    audit.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_keeps_when_it_happened_and_when_it_was_stored() {
    let database = TestDatabase::create().await;
    let audit = database.role(Role::Audit);
    store(&audit, &json!([event(1)])).await.expect("store");
    assert_eq!(
        value::<String>(&database, "SELECT utc(created_at) FROM audit_logs").await,
        "2026-11-21T10:00:00.123456Z"
    );
    assert!(
        value::<bool>(&database, "SELECT stored_at BETWEEN now() - interval '1 minute' AND now() FROM audit_logs")
            .await
    );
    audit.close().await;
}
