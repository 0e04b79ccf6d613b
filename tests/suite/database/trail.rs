//! The audit trail: append-only, complete events, exact delays. That an event is stored once: `audit/events.rs`.

use sqlx::{AssertSqlSafe, PgPool};
use support::{Role, Value, event, json};

use super::with_role;

async fn store(audit: &PgPool, events: Value) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT audit_store($1)").bind(events.to_string()).execute(audit).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_refuses_update_delete_and_truncate_to_everybody() {
    let (database, audit) = with_role(Role::Audit).await;
    store(&audit, json!([event(1)])).await.expect("store");
    for statement in [
        "UPDATE audit_logs SET actor = 'x'",
        "DELETE FROM audit_logs",
        "DELETE FROM audit_logs WHERE false",
        "TRUNCATE audit_logs",
    ] {
        for role in ["postgres", "items_owner"] {
            let mut transaction = database.superuser().begin().await.expect("begin");
            let take = sqlx::raw_sql(AssertSqlSafe(format!("SET LOCAL ROLE {role}")));
            take.execute(&mut *transaction).await.expect("take the role");
            let error = sqlx::raw_sql(statement).execute(&mut *transaction).await.expect_err(statement);
            assert!(error.to_string().contains("append-only"), "{role}: {statement}: {error}");
        }
    }
    assert_eq!(database.count("audit_logs").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_with_an_invalid_event_is_an_error_of_class_22_or_23_and_nothing_is_stored() {
    let (database, audit) = with_role(Role::Audit).await;
    for (member, invalid) in [
        ("event_id", json!("no uuid")),
        ("event_id", Value::Null),
        ("action", json!("peek")),
        ("outcome", json!("splendid")),
        ("request_id", Value::Null),
        ("occurred_at", json!("yesterday, more or less")),
        ("item_id", json!("seven")),
    ] {
        let mut wrong = event(2);
        wrong[member] = invalid;
        let error = store(&audit, json!([event(1), wrong, event(3)])).await.expect_err(member);
        let code = error.as_database_error().and_then(|error| error.code()).expect("an error of the database");
        assert!(code.starts_with("22") || code.starts_with("23"), "{member}: {error} ({code})");
    }
    assert_eq!(database.count("audit_logs").await, 0);
    assert_eq!(database.count("audit_totals").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_counted_in_the_bucket_of_its_delay() {
    let (database, audit) = with_role(Role::Audit).await;
    let bounds: Vec<f64> = database.value("SELECT audit_delay_bounds()").await;
    for (number, age) in bounds.iter().map(|bound| bound * 0.7).chain([60.0]).enumerate() {
        let mut event = event(number);
        let occurred = format!("SELECT utc(clock_timestamp() - interval '{age} s')");
        event["occurred_at"] = database.value::<String>(&occurred).await.into();
        store(&audit, json!([event])).await.expect("store");
    }
    // The true delay of each event is in its row: the machine may have been slow.
    let ages: Vec<f64> =
        database.values("SELECT extract(epoch FROM stored_at - created_at)::float8 FROM audit_logs").await;
    let mut expected = vec![0; bounds.len() + 1];
    for age in &ages {
        expected[bounds.iter().filter(|bound| **bound <= *age).count()] += 1;
    }
    let delays: Vec<i64> = database.value("SELECT delays FROM audit_totals").await;
    assert_eq!(delays, expected);
    let used = delays.iter().filter(|count| **count > 0).count();
    assert!(delays[bounds.len()] >= 1 && used > 5, "{delays:?} are too few buckets to show anything");
    let sum: f64 = database.value("SELECT delay_seconds FROM audit_totals").await;
    assert!((sum - ages.iter().sum::<f64>()).abs() < 0.001, "{sum}");
}
