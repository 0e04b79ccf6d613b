//! What the sidecar counts itself. What it reads at each scrape is in [`crate::database`] and [`crate::process`].

pub mod exposition;
pub mod known;
pub mod labels;
pub mod negotiation;
pub mod text;

use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use self::labels::{Export, Operation, Request, Trace};

/// Upper bounds of the buckets, in seconds. 0.25 is the objective for a request's latency.
const REQUEST_SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const DATABASE_SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The label values of requests have 5 000 combinations, of which the application uses a few dozen. Beyond this number,
/// an attacker is trying them out: further combinations count as `other` in all three labels.
const MAX_REQUEST_SERIES: usize = 400;

/// A histogram whose exemplars name a trace.
type Histogram = HistogramWithExemplars<Trace>;
/// A counter with one label, whose values are constants.
type Counters = Family<[(&'static str, &'static str); 1], Counter>;

/// Metrics of received spans and exports.
pub struct Metrics {
    requests: Family<Request, Histogram, fn() -> Histogram>,
    request_series: AtomicUsize,
    operations: Family<Operation, Histogram, fn() -> Histogram>,
    /// Waits for a database connection.
    pub connection_wait: Histogram,
    /// Spans, measured or not.
    pub spans_received: Counter,
    spans_dropped: Counters,
    exports: Family<Export, Counter>,
    forwarded: Counters,
}

impl Metrics {
    /// All metrics, registered, and `build_info`. Help texts have no full stop here: the registry adds it.
    pub fn register(registry: &mut Registry) -> Self {
        let revision = option_env!("SIDECAR_REVISION").unwrap_or("unknown");
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION")), ("revision", revision)]);
        registry.register("build", "Version and commit of the sidecar", build);
        Self {
            requests: seconds(
                registry,
                "http_server_request_duration",
                "Time from receiving a request to sending the head of its response, from the host's server spans",
                Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS.into_iter())),
            ),
            request_series: AtomicUsize::new(0),
            operations: seconds(
                registry,
                "db_client_operation_duration",
                "Duration of SQL statements by the function they call, from the host's spans",
                Family::new_with_constructor(|| Histogram::new(DATABASE_SECONDS.into_iter())),
            ),
            connection_wait: seconds(
                registry,
                "db_client_connection_wait",
                "Time that components waited for a database connection, also in vain, from the host's spans",
                Histogram::new(DATABASE_SECONDS.into_iter()),
            ),
            spans_received: counter(registry, "otlp_spans_received", "Spans in accepted exports, measured or not"),
            spans_dropped: counter(registry, "otlp_spans_dropped", "Spans with impossible times, by reason"),
            exports: counter(registry, "otlp_exports", "Exports, by signal and status code of the response"),
            forwarded: counter(
                registry,
                "otlp_forwarded_exports",
                "Exports passed on: accepted (ok), rejected or not delivered (failed), not sent (dropped)",
            ),
        }
    }

    /// Observes a request from outside.
    pub fn request(&self, labels: Request, seconds: f64, trace: Option<Trace>) {
        if let Some(known) = self.requests.get(&labels) {
            return known.observe(seconds, trace, None);
        }
        // Exports are read one at a time, so no other thread adds a series in between.
        let room = self.request_series.fetch_add(1, Ordering::Relaxed) < MAX_REQUEST_SERIES;
        let labels = if room { labels } else { Request::OTHER };
        self.requests.get_or_create(&labels).observe(seconds, trace, None);
    }

    /// Observes an SQL statement.
    pub fn operation(&self, labels: Operation, seconds: f64, trace: Option<Trace>) {
        self.operations.get_or_create(&labels).observe(seconds, trace, None);
    }

    /// The counter of the spans dropped for `reason`. The series exists from the first call on.
    pub fn spans_dropped(&self, reason: &'static str) -> Counter {
        self.spans_dropped.get_or_create_owned(&[("reason", reason)])
    }

    /// Counts an export and the status code of its response.
    pub fn export(&self, labels: Export) {
        self.exports.get_or_create(&labels).inc();
    }

    /// The counter of forwarded exports with `outcome`. The series exists from the first call on.
    pub fn forwarded(&self, outcome: &'static str) -> Counter {
        self.forwarded.get_or_create_owned(&[("outcome", outcome)])
    }
}

fn seconds<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}

fn counter<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}
