//! Everything the sidecar exposes.

pub mod exposition;
pub mod labels;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::labels::{OTHER, Operation, Request, Status, Trace};
use crate::database;
use crate::options::{Build, Watch};
use crate::otlp::span::{BadTime, Span, Subject};
use crate::otlp::spin::{Refused, Spin};
use crate::process::Processes;

/// Upper bounds, in seconds. 0.25 is the objective for a request's latency.
const REQUEST_SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const DATABASE_SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The label sets are closed, but their product is 5 000: an application has some dozens of combinations, so that further ones are
/// somebody's play and count as `other` in all three labels.
const MOST_REQUEST_SERIES: usize = 400;

type Histogram = HistogramWithExemplars<Trace>;

fn request_seconds() -> Histogram {
    Histogram::new(REQUEST_SECONDS.into_iter())
}

fn database_seconds() -> Histogram {
    Histogram::new(DATABASE_SECONDS.into_iter())
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Export {
    signal: &'static str,
    code: Status,
}

pub struct Metrics {
    requests: Family<Request, Histogram, fn() -> Histogram>,
    request_series: AtomicUsize,
    operations: Family<Operation, Histogram, fn() -> Histogram>,
    connection_wait: Histogram,
    spans_received: Counter,
    spans_dropped: Family<Reason, Counter>,
    points_dropped: Family<Reason, Counter>,
    exports: Family<Export, Counter>,
    forwarded: Family<Outcome, Counter>,
    /// What Spin counts itself.
    pub spin: Arc<Spin>,
    /// What the database says.
    pub database: Arc<database::Status>,
}

impl Metrics {
    /// The metrics and the registry that writes them.
    pub fn new(build: &Build, watched: &[Watch]) -> (Self, Registry) {
        let metrics = Self {
            requests: Family::new_with_constructor(request_seconds),
            request_series: AtomicUsize::new(0),
            operations: Family::new_with_constructor(database_seconds),
            connection_wait: database_seconds(),
            spans_received: Counter::default(),
            spans_dropped: Family::default(),
            points_dropped: Family::default(),
            exports: Family::default(),
            forwarded: Family::default(),
            spin: Arc::default(),
            database: Arc::default(),
        };
        for reason in BadTime::ALL.map(BadTime::reason) {
            metrics.spans_dropped.get_or_create_owned(&Reason { reason });
        }
        for reason in Refused::ALL.map(Refused::reason) {
            metrics.points_dropped.get_or_create_owned(&Reason { reason });
        }
        let mut registry = Registry::default();
        metrics.register(&mut registry, build, watched);
        (metrics, registry)
    }

    /// Help texts end without a full stop here: the registry adds it.
    fn register(&self, registry: &mut Registry, build: &Build, watched: &[Watch]) {
        registry.register_with_unit(
            "http_server_request_duration",
            "Requests from outside, until the head of the answer, from the host's server spans",
            Unit::Seconds,
            self.requests.clone(),
        );
        registry.register_with_unit(
            "db_client_operation_duration",
            "Statements of the components by the database function they call, from the host's spans",
            Unit::Seconds,
            self.operations.clone(),
        );
        registry.register_with_unit(
            "db_client_connection_wait",
            "Waiting for a connection of the host's pool, failed waits included, from the host's spans",
            Unit::Seconds,
            self.connection_wait.clone(),
        );
        registry.register_collector(Box::new(self.database.clone()));
        registry.register_collector(Box::new(self.spin.clone()));
        registry.register(
            "otlp_spans_received",
            "Spans in accepted exports, those that nothing is measured from included",
            self.spans_received.clone(),
        );
        registry.register("otlp_spans_dropped", "Spans that could not be measured", self.spans_dropped.clone());
        registry.register(
            "otlp_metric_points_dropped",
            "Points of the host's own metrics that could not be added up",
            self.points_dropped.clone(),
        );
        registry.register(
            "otlp_exports",
            "Exports by signal and by the status code they were answered with",
            self.exports.clone(),
        );
        registry.register(
            "otlp_forwarded_exports",
            "Exports passed on: taken by the next receiver (ok), refused or not reached (failed), or never sent (dropped)",
            self.forwarded.clone(),
        );
        registry.register_collector(Box::new(Processes::new(watched)));
        let build = vec![("version", build.version.clone()), ("revision", build.revision.clone())];
        registry.register("build", "What runs here", Info::new(build));
    }

    /// Takes what one span tells; false when it had to be dropped.
    pub fn observe(&self, span: &Span) -> bool {
        self.spans_received.inc();
        let subject = span.subject();
        if subject == Subject::Nothing {
            return true;
        }
        let seconds = match span.duration() {
            Ok(seconds) => seconds,
            Err(bad) => {
                let reason = bad.reason();
                self.spans_dropped.get_or_create(&Reason { reason }).inc();
                return false;
            }
        };
        let trace = Trace::new(span.trace_id);
        match subject {
            Subject::Request => {
                let status = span.status.number().map_or(Status::OTHER, Status::new);
                let labels = Request::new(span.route.text(), span.method.text(), status);
                self.request(labels).observe(seconds, trace, None);
            }
            Subject::Operation => {
                let labels = Operation::new(span.name, span.failed);
                self.operations.get_or_create(&labels).observe(seconds, trace, None);
            }
            Subject::Connection => self.connection_wait.observe(seconds, trace, None),
            Subject::Nothing => {}
        }
        true
    }

    fn request(&self, labels: Request) -> Histogram {
        if let Some(known) = self.requests.get(&labels) {
            return known.clone();
        }
        // Only one export is read at a time: nobody adds a series in between.
        if self.request_series.fetch_add(1, Ordering::Relaxed) < MOST_REQUEST_SERIES {
            self.requests.get_or_create_owned(&labels)
        } else {
            self.requests.get_or_create_owned(&Request::OTHER)
        }
    }

    pub fn point_dropped(&self, refused: Refused) {
        let reason = refused.reason();
        self.points_dropped.get_or_create(&Reason { reason }).inc();
    }

    pub fn answered(&self, signal: &'static str, code: u16) {
        let code = Status::new(code.into());
        self.exports.get_or_create(&Export { signal, code }).inc();
    }

    pub fn forwarded(&self, outcome: &'static str) -> Counter {
        debug_assert_ne!(outcome, OTHER);
        self.forwarded.get_or_create_owned(&Outcome { outcome })
    }
}
