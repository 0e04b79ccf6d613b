//! A scrape, line by line.

use std::io::Read;

use sidecar::{Pid, Watch};

use crate::support::database::Database;
use crate::support::{
    GRACE, NO_DATABASE, OPEN_METRICS, Scrape, config, eventually, get, scrape, start, without_database,
};

/// Twenty operations, some of which fail. `$` stands for the arguments that describe the request.
const OPERATIONS: &str = "
    SELECT items_create('a', '', 'key', $), items_create('a', '', 'key', $), items_create('b', '', 'key', $);
    SELECT items_create('x', '', NULL, $) FROM generate_series(1, 5);
    SELECT items_get(1, NULL, $), items_get(1, ARRAY[1], $), items_get(99, NULL, $);
    SELECT items_list(0, 4, $), items_stream(0, $);
    SELECT items_update(1, 'c', '', NULL, $), items_update(99, 'c', '', NULL, $), items_update(1, 'c', '', ARRAY[7], $);
    SELECT items_delete(1, ARRAY[7], $), items_delete(1, NULL, $), items_delete(1, NULL, $), items_delete(99, NULL, $)";

/// The series after [`OPERATIONS`] and the relay.
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

async fn operate(database: &Database) {
    database.run(&OPERATIONS.replace('$', "'request', NULL, NULL, NULL")).await;
}

fn operated(scrape: &Scrape) -> String {
    let prefixes = ["items_", "audit_events", "audit_outbox", "audit_refused", "audit_relay"];
    scrape.series(&prefixes).join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_counts_once_even_after_a_restart() {
    let database = Database::new().await;
    let sidecar = start(database.config()).await;
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

    // Storing an event a second time changes nothing.
    database
        .run(
            "SELECT audit_store(json_build_array(row_to_json(event))::text)
               FROM (SELECT *, created_at AS occurred_at FROM audit_logs LIMIT 1) event",
        )
        .await;
    sidecar.shutdown(GRACE).await;
    let again = start(database.config()).await;
    assert_eq!(operated(&Scrape::of(&again).await), OPERATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_times_are_in_the_buckets_of_the_schema() {
    let database = Database::new().await;
    database
        .run(
            "SELECT audit_store(json_agg(json_build_object('event_id', gen_random_uuid(), 'action', 'get',
                 'outcome', 'ok', 'request_id', 'r', 'occurred_at', clock_timestamp() - age * interval '1 s'))::text)
               FROM unnest(ARRAY[-60, 0.15, 0.7, 7, 7, 20, 3600]) AS age",
        )
        .await;
    let sidecar = start(database.config()).await;
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
async fn sizes_connections_and_function_calls_of_the_server_are_exposed() {
    let database = Database::new().await;
    operate(&database).await;
    database.relay().await;
    let sidecar = start(database.config()).await;
    // A session's statistics reach the views when it ends.
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
    assert_eq!(scrape.series(&["database_table_rows{"]).len(), 9);
    assert_eq!(scrape.series(&["database_connections{"]).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_is_text_unless_open_metrics_is_asked_for_and_compressed_if_that_is_accepted() {
    let database = Database::new().await;
    let sidecar = start(database.config()).await;
    let address = sidecar.metrics_address();
    let plain = scrape(address, &[]).await;
    assert_eq!(plain.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(plain.headers()["vary"], "accept, accept-encoding");
    assert!(!plain.headers().contains_key("content-encoding"));
    let text = plain.text().await.unwrap();
    for line in ["# TYPE items_created_total counter", "# TYPE build_info gauge", "# TYPE database_up gauge"] {
        assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
    }
    for absent in ["# EOF", "# UNIT", " # {"] {
        assert!(!text.contains(absent), "{absent}:\n{text}");
    }
    // The same series are in both.
    let names = |text: &str| -> Vec<String> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.filter_map(|line| line.split_once(' ')).map(|(series, _)| series.to_owned()).collect()
    };
    assert_eq!(names(&text), names(&Scrape::of(&sidecar).await.0));

    let packed = scrape(address, &[("accept", OPEN_METRICS), ("accept-encoding", "br, gzip")]).await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let mut open_metrics = String::new();
    let packed = packed.bytes().await.unwrap();
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut open_metrics).unwrap();
    assert!(open_metrics.ends_with("# EOF\n"), "{open_metrics}");
    assert!(packed.len() * 3 < open_metrics.len(), "{} of {} bytes", packed.len(), open_metrics.len());
}

#[tokio::test]
async fn every_metric_has_a_help_text_a_type_and_the_suffixes_of_its_type_and_unit() {
    let database = Database::new().await;
    let sidecar = start(database.config()).await;
    let response = scrape(sidecar.metrics_address(), &[("accept", OPEN_METRICS)]).await;
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = response.text().await.unwrap();
    let metrics = text.strip_suffix("# EOF\n").unwrap();
    for metric in metrics.split("# HELP ").skip(1) {
        let (name, rest) = metric.split_once(' ').unwrap();
        let (help, rest) = rest.split_once(&format!("\n# TYPE {name} ")).unwrap();
        assert!(help.len() > 10 && help.ends_with('.') && !help.ends_with(".."), "{metric}");
        let unit = ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(unit));
        assert_eq!(
            unit.is_some_and(|unit| rest.contains(&format!("# UNIT {name} {unit}\n"))),
            unit.is_some(),
            "{metric}"
        );
        let suffixes = match rest.lines().next().unwrap() {
            "counter" => &["_total"][..],
            "histogram" => &["_sum", "_count", "_bucket"],
            "info" => &["_info"],
            _ => &[""],
        };
        for sample in rest.lines().skip(1).filter(|line| !line.starts_with("# UNIT")) {
            let rest = sample.strip_prefix(name).unwrap_or_else(|| panic!("{sample} is not of {name}"));
            let ends = |suffix: &&str| rest.strip_prefix(*suffix).is_some_and(|rest| rest.starts_with(['{', ' ']));
            assert!(suffixes.iter().any(ends), "{sample} is not of {name}");
        }
    }
}

#[tokio::test]
async fn before_the_first_reading_values_are_absent_and_the_sidecar_is_ready() {
    let sidecar = without_database().await;
    let ready =
        async || get(sidecar.metrics_address(), "/readyz").await.error_for_status().unwrap().text().await.unwrap();
    assert_eq!(ready().await, "ready\ndatabase: not read yet\n");
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.value("database_up"), Some(0.0));
    assert_eq!(scrape.value("database_readings_total{outcome=\"error\"}"), Some(1.0));
    assert_eq!(scrape.series(&["items_", "audit_", "database_size", "database_values"]), [""; 0]);
    assert_eq!(ready().await, "ready\ndatabase: lost\n");
    assert_eq!(get(sidecar.metrics_address(), "/livez").await.status(), 200);
}

#[tokio::test]
async fn the_sidecar_exposes_its_version_its_own_usage_and_that_of_watched_processes() {
    let mut config = config(NO_DATABASE);
    let own = std::process::id();
    let watch = |name: &str, pid, children| Watch { name: name.into(), pid: Pid::Number(pid), children };
    config.watch = vec![watch("host", own, false), watch("group", own, true), watch("gone", u32::MAX, false)];
    let sidecar = start(config).await;
    let scrape = Scrape::of(&sidecar).await;
    let [build] = scrape.series(&["build_info"])[..] else { panic!("one build_info:\n{}", scrape.0) };
    assert!(
        build.starts_with(concat!("build_info{version=\"", env!("CARGO_PKG_VERSION"), "\",revision=\"")),
        "{build}"
    );
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
