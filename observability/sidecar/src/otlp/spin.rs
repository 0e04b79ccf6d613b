//! What Spin counts itself and sends to `/v1/metrics`, added up over all hosts.
//!
//! Spin reports what it counted since its start, and every host describes itself alike, so that a stream is told apart by the address
//! it comes from and by when it started. What a host counted before the sidecar started belongs to the sidecar before this one and is
//! left out: these totals are of this process, as counters are, and a host that goes away takes nothing with it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::point::{self, Point, Total};
use super::wire::Malformed;
use crate::lock;
use crate::metrics::exposition::{Buckets, Exposition, Family};
use crate::metrics::labels::closed;

/// A host has about ten.
const MOST_STREAMS: usize = 4096;
/// A stream silent for so long makes room for a new one. Spin reports every minute.
const SILENCE: Duration = Duration::from_secs(600);

const COMPONENT: (&str, &[&str]) = ("component_id", &["items", "audit"]);
const TRIGGER: (&str, &[&str]) = ("trigger_type", &["http", "redis"]);
const INTERFACE: (&str, &[&str]) = ("interface", &["wasi", "spin"]);
const WAITED: (&str, &[&str]) = ("waited", &["true", "false"]);

enum Kind {
    Counter(fn() -> Family<'static>),
    /// Without buckets but the last: Spin's end at 10 000, below every guest's memory.
    Histogram(fn() -> Family<'static>),
}

/// A metric of Spin 3.6: its name there, what it becomes, and the closed values of its labels.
struct Known {
    name: &'static str,
    kind: Kind,
    labels: &'static [(&'static str, &'static [&'static str])],
}

static KNOWN: [Known; 5] = [
    Known {
        name: "spin.request_count",
        kind: Kind::Counter(|| {
            Family::new("spin_request_count", "Requests routed to a component, calls chained to it included.")
        }),
        labels: &[TRIGGER, COMPONENT],
    },
    Known {
        name: "spin.component_memory_used",
        kind: Kind::Histogram(|| Family::bytes("spin_component_memory_used", "Memory of an instance at its end.")),
        labels: &[COMPONENT],
    },
    Known {
        name: "spin.component_memory_used_on_init",
        kind: Kind::Histogram(|| {
            Family::bytes("spin_component_memory_used_on_init", "Memory of an instance at its start.")
        }),
        labels: &[COMPONENT],
    },
    Known {
        name: "spin.component_cpu_time",
        kind: Kind::Histogram(|| Family::seconds("spin_component_cpu_time", "Time an instance was computing.")),
        labels: &[COMPONENT],
    },
    Known {
        name: "outbound_http.concurrent_connection_permits_acquired",
        kind: Kind::Counter(|| {
            Family::new(
                "outbound_http_concurrent_connection_permits_acquired",
                "Outbound requests that got a connection, by whether they had to wait for it.",
            )
        }),
        labels: &[INTERFACE, WAITED],
    },
];

/// One series: its metric (a place in [`KNOWN`]) and the values of its labels, the second empty where there is but one.
type Series = (usize, [&'static str; 2]);

fn series(point: &Point) -> Option<Series> {
    let metric = KNOWN.iter().position(|known| known.name.as_bytes() == point.metric)?;
    let mut values = [""; 2];
    for (value, (key, set)) in values.iter_mut().zip(KNOWN[metric].labels) {
        *value = closed(set, point.attribute(key).text());
    }
    Some((metric, values))
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stream {
    peer: IpAddr,
    resource: u64,
    start: u64,
    series: Series,
}

#[derive(Debug)]
struct Last {
    total: Total,
    heard: Instant,
}

/// Why a point is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    BadValue,
    TooManyStreams,
}

impl Refused {
    pub const ALL: [Self; 2] = [Self::BadValue, Self::TooManyStreams];

    pub fn reason(self) -> &'static str {
        match self {
            Self::BadValue => "bad_value",
            Self::TooManyStreams => "too_many_streams",
        }
    }
}

/// The totals of Spin's own metrics.
pub struct Spin(Mutex<State>);

struct State {
    /// Nanoseconds of Unix time.
    started: u64,
    streams: HashMap<Stream, Last>,
    totals: BTreeMap<Series, Total>,
}

impl Default for Spin {
    fn default() -> Self {
        let started = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self(Mutex::new(State {
            started: u64::try_from(started.as_nanos()).unwrap_or(u64::MAX),
            streams: HashMap::new(),
            totals: BTreeMap::new(),
        }))
    }
}

impl Spin {
    /// Adds what an `ExportMetricsServiceRequest` from `peer` tells, and calls `dropped` for each point it cannot use.
    ///
    /// # Errors
    /// When it is not one; nothing has been added then.
    pub fn take(
        &self,
        peer: IpAddr,
        request: &[u8],
        now: Instant,
        mut dropped: impl FnMut(Refused),
    ) -> Result<(), Malformed> {
        point::each(request, |_| {})?;
        // Points that differ in what is no label here are one stream: they are summed before they are compared with the last report.
        let mut reported: HashMap<Stream, Total> = HashMap::new();
        let mut state = lock(&self.0);
        point::each(request, |point| {
            let Some(series) = series(&point) else {
                return;
            };
            if !point.value.is_sane() {
                return dropped(Refused::BadValue);
            }
            if !point.cumulative {
                return state.totals.entry(series).or_default().add(point.value);
            }
            let mut resource = DefaultHasher::new();
            point.resource.hash(&mut resource);
            let stream = Stream { peer, resource: resource.finish(), start: point.start, series };
            if reported.len() >= MOST_STREAMS && !reported.contains_key(&stream) {
                return dropped(Refused::TooManyStreams);
            }
            reported.entry(stream).or_default().add(point.value);
        })?;
        for (stream, total) in reported {
            if state.advance(stream, total, now).is_none() {
                dropped(Refused::TooManyStreams);
            }
        }
        Ok(())
    }
}

impl State {
    /// `None` when there is no room for another stream.
    fn advance(&mut self, stream: Stream, total: Total, now: Instant) -> Option<()> {
        let series = stream.series;
        let before = match self.streams.get_mut(&stream) {
            Some(last) => {
                last.heard = now;
                std::mem::replace(&mut last.total, total)
            }
            None => {
                if self.streams.len() >= MOST_STREAMS {
                    self.streams.retain(|_, last| now.duration_since(last.heard) < SILENCE);
                }
                if self.streams.len() >= MOST_STREAMS {
                    return None;
                }
                let known = if stream.start < self.started { total } else { Total::default() };
                self.streams.insert(stream, Last { total, heard: now });
                known
            }
        };
        self.totals.entry(series).or_default().add(total.since(before));
        Some(())
    }
}

impl fmt::Debug for Spin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spin")
    }
}

impl Collector for Spin {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let totals = lock(&self.0).totals.clone();
        let mut exposition = Exposition(encoder);
        for (index, known) in KNOWN.iter().enumerate() {
            let of_metric = totals.range((index, [""; 2])..(index + 1, [""; 2]));
            let of_metric = of_metric.map(|((_, values), total)| {
                let names = known.labels.iter().map(|(name, _)| *name);
                (names.zip(*values).collect::<Vec<_>>(), total)
            });
            match known.kind {
                Kind::Counter(family) => {
                    exposition.counters(family(), of_metric.map(|(labels, total)| (labels, total.count)))?;
                }
                Kind::Histogram(family) => {
                    let buckets = |total: &Total| Buckets { counts: vec![(f64::MAX, total.count)], sum: total.sum };
                    exposition.histograms(family(), of_metric.map(|(labels, total)| (labels, buckets(total))))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIES: Series = (0, ["http", "items"]);

    fn state() -> State {
        State { started: 1000, streams: HashMap::new(), totals: BTreeMap::new() }
    }

    fn stream(start: u64) -> Stream {
        Stream { peer: [10, 0, 0, 1].into(), resource: 0, start, series: SERIES }
    }

    fn count(count: u64) -> Total {
        Total { count, sum: count as f64 }
    }

    #[test]
    fn what_a_host_counted_before_the_sidecar_started_is_left_out() {
        let (mut state, now) = (state(), Instant::now());
        for (start, reported, total) in [(500, 40, 0), (500, 42, 2), (2000, 7, 9), (2000, 7, 9), (500, 50, 17)] {
            state.advance(stream(start), count(reported), now).unwrap();
            assert_eq!(state.totals[&SERIES].count, total, "{start} at {reported}");
        }
    }

    #[test]
    fn a_silent_stream_makes_room_and_a_total_never_falls() {
        let (mut state, now) = (state(), Instant::now());
        for start in 0..MOST_STREAMS as u64 {
            state.advance(stream(5000 + start), count(1), now).unwrap();
        }
        assert_eq!(state.advance(stream(1), count(1), now), None);
        let later = now + SILENCE;
        state.advance(stream(5000), count(3), later - Duration::from_secs(1)).unwrap();
        state.advance(stream(2), count(1), later).unwrap();
        assert_eq!(state.streams.len(), 2);
        assert_eq!(state.totals[&SERIES].count, MOST_STREAMS as u64 + 2);
    }
}
