//! What a scrape looks like, line by line.

use crate::support::http::get;
use crate::support::{Database, GRACE, Scrape, eventually, start, without_database};

const CONTEXT: &str = "'request', NULL, NULL, NULL";

/// Twenty operations, some failing.
async fn operate(database: &Database) {
    for sql in [
        "SELECT items_create('a', '', 'key', CONTEXT), items_create('a', '', 'key', CONTEXT), items_create('b', '', 'key', CONTEXT)",
        "SELECT items_create('x', '', NULL, CONTEXT) FROM generate_series(1, 5)",
        "SELECT items_get(1, NULL, CONTEXT), items_get(1, ARRAY[1], CONTEXT), items_get(99, NULL, CONTEXT)",
        "SELECT items_list(0, 4, CONTEXT), items_stream(0, CONTEXT)",
        "SELECT items_update(1, 'c', '', NULL, CONTEXT), items_update(99, 'c', '', NULL, CONTEXT), items_update(1, 'c', '', ARRAY[7], CONTEXT)",
        "SELECT items_delete(1, ARRAY[7], CONTEXT), items_delete(1, NULL, CONTEXT), items_delete(1, NULL, CONTEXT), items_delete(99, NULL, CONTEXT)",
    ] {
        database.run(&sql.replace("CONTEXT", CONTEXT)).await;
    }
}

/// After [`operate`] and the relay.
const OPERATED: &str = r#"items_created_total 6
items_retrieved_total 11
items_operations_total{operation="create",outcome="ok"} 6
items_operations_total{operation="create",outcome="replayed"} 1
items_operations_total{operation="create",outcome="key_conflict"} 1
items_operations_total{operation="list",outcome="ok"} 2
items_operations_total{operation="get",outcome="ok"} 1
items_operations_total{operation="get",outcome="not_modified"} 1
items_operations_total{operation="get",outcome="not_found"} 1
items_operations_total{operation="update",outcome="ok"} 1
items_operations_total{operation="update",outcome="not_found"} 1
items_operations_total{operation="update",outcome="precondition_failed"} 1
items_operations_total{operation="delete",outcome="ok"} 1
items_operations_total{operation="delete",outcome="not_found"} 2
items_operations_total{operation="delete",outcome="precondition_failed"} 1
items_stored 5
audit_events_processed_total{action="create"} 8
audit_events_processed_total{action="list"} 2
audit_events_processed_total{action="get"} 3
audit_events_processed_total{action="update"} 3
audit_events_processed_total{action="delete"} 4
audit_outbox_events 0
audit_outbox_oldest_seconds 0.0
audit_refused_events 0
audit_relay_failures 0"#;

fn operated(scrape: &Scrape) -> String {
    let prefixes = ["items_", "audit_events", "audit_outbox", "audit_refused", "audit_relay"];
    scrape.series(&prefixes).join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_counts_once_in_its_series_also_after_a_restart() {
    let database = Database::new().await;
    let sidecar = start(database.options()).await;
    operate(&database).await;
    let waiting = Scrape::of(&sidecar).await;
    assert_eq!(waiting.value("audit_outbox_events"), Some(20.0));
    assert_eq!(waiting.value("items_created_total"), Some(0.0));
    assert!(waiting.value("audit_outbox_oldest_seconds").unwrap() > 0.0);

    database.relay().await;
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(operated(&scrape), OPERATED);
    assert_eq!(scrape.value("audit_delivery_seconds_count"), Some(20.0));
    assert_eq!(scrape.value("audit_delivery_seconds_bucket{le=\"+Inf\"}"), Some(20.0));

    // A relay that repeats itself changes nothing.
    database.run("SELECT audit_store(json_build_array(row_to_json(l))::text) FROM (SELECT *, created_at AS occurred_at FROM audit_logs LIMIT 1) l").await;
    sidecar.shutdown(GRACE).await;
    let again = start(database.options()).await;
    assert_eq!(operated(&Scrape::of(&again).await), OPERATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_times_fall_into_the_buckets_of_the_schema() {
    let database = Database::new().await;
    database
        .run(
            "SELECT audit_store(json_agg(json_build_object('event_id', gen_random_uuid(), 'action', 'get', 'outcome', 'ok',
                 'request_id', 'r', 'occurred_at', clock_timestamp() - age * interval '1 s'))::text)
               FROM unnest(ARRAY[-60, 0.15, 0.7, 7, 7, 20, 3600]) AS age",
        )
        .await;
    let sidecar = start(database.options()).await;
    let scrape = Scrape::of(&sidecar).await;
    let buckets = scrape.series(&["audit_delivery_seconds_bucket", "audit_delivery_seconds_count"]);
    assert_eq!(
        buckets.join("\n"),
        r#"audit_delivery_seconds_count 7
audit_delivery_seconds_bucket{le="0.01"} 1
audit_delivery_seconds_bucket{le="0.025"} 1
audit_delivery_seconds_bucket{le="0.05"} 1
audit_delivery_seconds_bucket{le="0.1"} 1
audit_delivery_seconds_bucket{le="0.25"} 2
audit_delivery_seconds_bucket{le="0.5"} 2
audit_delivery_seconds_bucket{le="1.0"} 3
audit_delivery_seconds_bucket{le="2.5"} 3
audit_delivery_seconds_bucket{le="5.0"} 3
audit_delivery_seconds_bucket{le="10.0"} 5
audit_delivery_seconds_bucket{le="30.0"} 6
audit_delivery_seconds_bucket{le="+Inf"} 7"#
    );
    let sum = scrape.value("audit_delivery_seconds_sum").unwrap();
    assert!((3634.85..3636.0).contains(&sum), "{sum}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_sizes_connections_and_calls() {
    let database = Database::new().await;
    operate(&database).await;
    database.relay().await;
    let sidecar = start(database.options()).await;
    // Statistics reach the views when the sessions that made them have ended.
    let scrape = eventually("calls of functions", &sidecar, |scrape| {
        scrape.value("database_function_calls_total{function=\"items_create\"}") == Some(8.0)
    })
    .await;
    for series in [
        "database_function_seconds_total{function=\"items_create\"}",
        "database_size_bytes",
        "database_table_size_bytes{table=\"audit_logs\"}",
        "database_connections{role=\"metrics\"}",
        "database_connections_allowed",
        "database_up",
    ] {
        assert!(scrape.value(series).is_some_and(|value| value > 0.0), "{series}:\n{}", scrape.0);
    }
    assert_eq!(scrape.series(&["database_table_rows{"]).len(), 7);
    assert_eq!(scrape.series(&["database_connections{"]).len(), 4);
}

#[tokio::test]
async fn each_family_has_help_and_type_and_a_base_unit_where_it_has_one() {
    let database = Database::new().await;
    let sidecar = start(database.options()).await;
    let answer = get(sidecar.metrics_address(), "/metrics").await;
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.ends_with("# EOF\n"));
    let mut family = ("", "");
    for line in text.lines() {
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", "HELP", _, help] => {
                assert!(help.len() > 10 && help.ends_with('.') && !help.ends_with(".."), "{line}")
            }
            ["#", "TYPE", name, kind] => family = (name, kind),
            ["#", "UNIT", name, unit] => {
                assert!(name.ends_with(unit) && ["seconds", "bytes"].contains(&unit), "{line}")
            }
            ["#", "EOF"] => {}
            _ => {
                let suffixes: &[&str] = match family.1 {
                    "counter" => &["_total"],
                    "histogram" => &["_sum", "_count", "_bucket"],
                    "info" => &["_info"],
                    _ => &[""],
                };
                let rest = line.strip_prefix(family.0).unwrap_or_else(|| panic!("{line} is not of {family:?}"));
                let ends = |suffix: &&str| rest.strip_prefix(*suffix).is_some_and(|rest| rest.starts_with(['{', ' ']));
                assert!(suffixes.iter().any(ends), "{line} is not of {family:?}");
            }
        }
    }
}

#[tokio::test]
async fn before_the_first_reading_values_are_absent_and_the_sidecar_is_ready() {
    let sidecar = start(without_database()).await;
    let ready = get(sidecar.metrics_address(), "/readyz").await;
    assert_eq!((ready.status, &ready.body[..]), (200, &b"ready\ndatabase: not asked yet\n"[..]));
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.value("database_up"), Some(0.0));
    assert_eq!(scrape.value("database_readings_total{outcome=\"error\"}"), Some(1.0));
    assert_eq!(scrape.series(&["items_", "audit_", "database_size", "database_values"]), [""; 0]);
    let ready = get(sidecar.metrics_address(), "/readyz").await;
    assert_eq!((ready.status, &ready.body[..]), (200, &b"ready\ndatabase: lost\n"[..]));
    assert_eq!(get(sidecar.metrics_address(), "/livez").await.status, 200);
}

#[tokio::test]
async fn the_sidecar_tells_about_itself_and_the_processes_it_watches() {
    let mut options = without_database();
    options.build = sidecar::Build { version: "1.2.3".into(), revision: "abc".into() };
    let watch =
        |name: &str, pid, children| sidecar::Watch { name: name.into(), pid: sidecar::Pid::Number(pid), children };
    options.watch = vec![
        watch("host", std::process::id(), false),
        watch("group", std::process::id(), true),
        watch("gone", u32::MAX, false),
    ];
    let sidecar = start(options).await;
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.series(&["build_info"]), ["build_info{version=\"1.2.3\",revision=\"abc\"} 1"]);
    for series in [
        "process_resident_memory_bytes",
        "process_open_fds",
        "watched_process_resident_memory_bytes{process=\"host\"}",
        "watched_process_resident_memory_bytes{process=\"group\"}",
    ] {
        assert!(scrape.value(series).is_some_and(|value| value > 0.0), "{series}:\n{}", scrape.0);
    }
    assert!(scrape.value("watched_process_cpu_seconds_total{process=\"host\"}").is_some());
    assert!(!scrape.0.contains("gone"));
    let started = scrape.value("process_start_time_seconds").unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((now - 600.0..=now + 1.0).contains(&started), "{started} at {now}");
}
