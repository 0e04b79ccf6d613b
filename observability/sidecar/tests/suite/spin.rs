//! What Spin counts itself.

use opentelemetry_proto::tonic::metrics::v1::Metric;
use sidecar::Sidecar;

use crate::support::http::export;
use crate::support::otlp::{counter, histogram, metrics, text};
use crate::support::{Scrape, start, without_database};

/// A start before the sidecar's, and one after it.
const BEFORE: u64 = 1_000_000_000;
const AFTER: u64 = 9_000_000_000_000_000_000;

async fn send(sidecar: &Sidecar, export_of: Vec<Metric>) {
    let answer = export(sidecar.otlp_address(), "/v1/metrics", None, metrics(export_of)).await;
    assert_eq!((answer.status, answer.body), (200, vec![]));
}

fn requests(start: u64, items: i64, audit: i64) -> Metric {
    let attributes =
        |component| vec![text("trigger_type", "http"), text("app_id", "items"), text("component_id", component)];
    counter("spin.request_count", start, vec![(attributes("items"), items), (attributes("audit"), audit)])
}

#[tokio::test]
async fn totals_of_all_hosts_are_added_up_from_when_the_sidecar_started() {
    let sidecar = start(without_database()).await;
    let memory = |count, sum| {
        histogram(
            "spin.component_memory_used",
            AFTER,
            vec![text("component_id", "items"), text("unit", "By")],
            count,
            sum,
        )
    };
    send(&sidecar, vec![requests(BEFORE, 100, 50)]).await;
    send(&sidecar, vec![requests(AFTER, 7, 3), memory(2, 5e6)]).await;
    send(&sidecar, vec![requests(BEFORE, 110, 50), memory(3, 8e6)]).await;
    // Told again, and a host that started anew.
    send(&sidecar, vec![requests(AFTER, 7, 3), requests(AFTER + 1, 1, 0)]).await;

    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(
        scrape.series(&["spin_"]).join("\n"),
        r#"spin_request_count_total{trigger_type="http",component_id="audit"} 3
spin_request_count_total{trigger_type="http",component_id="items"} 18
spin_component_memory_used_bytes_sum{component_id="items"} 8000000.0
spin_component_memory_used_bytes_count{component_id="items"} 3
spin_component_memory_used_bytes_bucket{le="+Inf",component_id="items"} 3"#
    );
}

#[tokio::test]
async fn unknown_components_share_a_series_and_unknown_metrics_have_none() {
    let sidecar = start(without_database()).await;
    let evil = |n: i64| (vec![text("trigger_type", &format!("t{n}")), text("component_id", &format!("c{n}"))], n);
    send(
        &sidecar,
        vec![
            counter("spin.request_count", AFTER, (0..5000).map(evil).collect()),
            counter("evil", AFTER, vec![evil(1)]),
        ],
    )
    .await;
    send(&sidecar, vec![counter("spin.request_count", AFTER, (0..5000).map(|n| (evil(n).0, n + 1)).collect())]).await;
    let scrape = Scrape::of(&sidecar).await;
    let all = (1..=5000).sum::<i64>();
    assert_eq!(
        scrape.series(&["spin_"]),
        [format!(r#"spin_request_count_total{{trigger_type="other",component_id="other"}} {all}"#)]
    );
    assert!(!scrape.0.contains("evil"));
}

#[tokio::test]
async fn points_that_are_no_measurement_or_one_stream_too_many_are_dropped() {
    let sidecar = start(without_database()).await;
    let body =
        metrics(vec![requests(AFTER, -5, 3), histogram("spin.component_memory_used", AFTER, vec![], 1, f64::NAN)]);
    let answer = export(sidecar.otlp_address(), "/v1/metrics", None, body).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.is_empty(), "the sender is told");
    for n in 0..5 {
        let streams = (0..1000).map(|m| counter("spin.request_count", AFTER + n * 1000 + m, vec![(vec![], 1)]));
        let answer = export(sidecar.otlp_address(), "/v1/metrics", None, metrics(streams.collect())).await;
        assert_eq!(answer.status, 200);
    }
    let scrape = Scrape::of(&sidecar).await;
    assert_eq!(scrape.value(r#"otlp_metric_points_dropped_total{reason="bad_value"}"#), Some(2.0));
    // 4096 streams at a time, one of which is audit's.
    assert_eq!(scrape.value(r#"otlp_metric_points_dropped_total{reason="too_many_streams"}"#), Some(905.0));
    assert_eq!(scrape.value(r#"spin_request_count_total{trigger_type="other",component_id="other"}"#), Some(4095.0));
}
