//! Writing values that exist only at the moment of a scrape.

use std::fmt::Error;

use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

static SECONDS: Unit = Unit::Seconds;
static BYTES: Unit = Unit::Bytes;

/// The labels of one series; may be none.
pub type Labels<'a> = Vec<(&'a str, &'a str)>;

/// A family: its name without the unit, which is appended, and a help text.
#[derive(Clone, Copy)]
pub struct Family<'a> {
    name: &'a str,
    unit: Option<&'a Unit>,
    help: &'a str,
}

impl<'a> Family<'a> {
    pub fn new(name: &'a str, help: &'a str) -> Self {
        Self { name, unit: None, help }
    }

    pub fn seconds(name: &'a str, help: &'a str) -> Self {
        Self { unit: Some(&SECONDS), ..Self::new(name, help) }
    }

    pub fn bytes(name: &'a str, help: &'a str) -> Self {
        Self { unit: Some(&BYTES), ..Self::new(name, help) }
    }
}

/// What a histogram holds: for each upper bound how many values it has above the bound before; `f64::MAX` stands for +Inf.
pub struct Buckets {
    pub counts: Vec<(f64, u64)>,
    pub sum: f64,
}

/// An encoder with the words that collectors need. A family without series is left out, help text and all.
pub struct Exposition<'a>(pub DescriptorEncoder<'a>);

impl Exposition<'_> {
    pub fn gauge(&mut self, family: Family, value: impl EncodeGaugeValue) -> Result<(), Error> {
        self.gauges(family, [(vec![], value)])
    }

    pub fn gauges<'l, V: EncodeGaugeValue>(
        &mut self,
        family: Family,
        series: impl IntoIterator<Item = (Labels<'l>, V)>,
    ) -> Result<(), Error> {
        self.family(family, MetricType::Gauge, series, |mut encoder, value| encoder.encode_gauge(&value))
    }

    pub fn counter(&mut self, family: Family, value: impl EncodeCounterValue) -> Result<(), Error> {
        self.counters(family, [(vec![], value)])
    }

    pub fn counters<'l, V: EncodeCounterValue>(
        &mut self,
        family: Family,
        series: impl IntoIterator<Item = (Labels<'l>, V)>,
    ) -> Result<(), Error> {
        self.family(family, MetricType::Counter, series, |mut encoder, value| {
            encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    pub fn histograms<'l>(
        &mut self,
        family: Family,
        series: impl IntoIterator<Item = (Labels<'l>, Buckets)>,
    ) -> Result<(), Error> {
        let write = |mut encoder: MetricEncoder<'_>, Buckets { counts, sum }| {
            let count = counts.iter().fold(0, |all: u64, (_, count)| all.saturating_add(*count));
            encoder.encode_histogram::<NoLabelSet>(sum, count, &counts, None)
        };
        self.family(family, MetricType::Histogram, series, write)
    }

    fn family<'l, V>(
        &mut self,
        Family { name, unit, help }: Family,
        kind: MetricType,
        series: impl IntoIterator<Item = (Labels<'l>, V)>,
        write: impl Fn(MetricEncoder<'_>, V) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        let mut encoder = self.0.encode_descriptor(name, help, unit, kind)?;
        for (labels, value) in series {
            // An empty set of labels would be written as `{}`; a family without labels has one series.
            if labels.is_empty() {
                return write(encoder, value);
            }
            write(encoder.encode_family(&labels)?, value)?;
        }
        Ok(())
    }
}
