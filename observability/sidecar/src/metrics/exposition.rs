//! Writes values that exist only during a scrape.

use std::fmt::Error;

use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// Names and values of the labels of one series; empty for a metric without labels.
pub type Labels<'a> = Vec<(&'a str, &'a str)>;

/// The content of a histogram.
pub struct Buckets {
    /// Each upper bound with the number of values above the previous bound; `f64::MAX` stands for +Inf.
    pub counts: Vec<(f64, u64)>,
    /// Of all values.
    pub sum: f64,
}

/// A collector's encoder with one method per kind of metric.
///
/// A name is written as Prometheus shows it, except for a counter's `_total`; it ends with `_seconds` or `_bytes` if
/// the metric has that unit. A metric without series is left out with its help text.
pub struct Exposition<'a>(pub DescriptorEncoder<'a>);

impl Exposition<'_> {
    /// A gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue) -> Result<(), Error> {
        self.gauges(name, help, [(vec![], value)])
    }

    /// A gauge with one value for each set of labels.
    pub fn gauges<'l, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'l>, V)>,
    ) -> Result<(), Error> {
        self.family(name, help, MetricType::Gauge, series, |mut encoder, value| encoder.encode_gauge(&value))
    }

    /// A counter without labels.
    pub fn counter(&mut self, name: &str, help: &str, value: impl EncodeCounterValue) -> Result<(), Error> {
        self.counters(name, help, [(vec![], value)])
    }

    /// A counter with one value for each set of labels.
    pub fn counters<'l, V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'l>, V)>,
    ) -> Result<(), Error> {
        self.family(name, help, MetricType::Counter, series, |mut encoder, value| {
            encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    /// A histogram without labels.
    pub fn histogram(&mut self, name: &str, help: &str, Buckets { counts, sum }: Buckets) -> Result<(), Error> {
        self.family(name, help, MetricType::Histogram, [(vec![], ())], |mut encoder, ()| {
            let count = counts.iter().fold(0, |all: u64, (_, count)| all.saturating_add(*count));
            encoder.encode_histogram::<NoLabelSet>(sum, count, &counts, None)
        })
    }

    fn family<'l, V>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        series: impl IntoIterator<Item = (Labels<'l>, V)>,
        write: impl Fn(MetricEncoder<'_>, V) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        // The encoder appends the unit to the name.
        let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
        let unit = units.iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, Some(unit))));
        let (name, unit) = unit.unwrap_or((name, None));
        let mut encoder = self.0.encode_descriptor(name, help, unit, kind)?;
        for (labels, value) in series {
            // The encoder would write an empty set of labels as `{}`.
            if labels.is_empty() {
                return write(encoder, value);
            }
            write(encoder.encode_family(&labels)?, value)?;
        }
        Ok(())
    }
}
