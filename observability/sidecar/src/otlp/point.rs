//! A point of a metric, as far as the sidecar reads it: counters and histograms. Field numbers are those of
//! `opentelemetry/proto/metrics/v1/metrics.proto`.

use super::span::{Attribute, key_value};
use super::wire::{Fields, Malformed, Value, messages};

/// `AggregationTemporality`.
const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;
/// `DataPointFlags`: no value was recorded.
const NO_VALUE: u64 = 1;

/// How many values there were and their sum. A counter has no more than a count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    pub count: u64,
    pub sum: f64,
}

impl Total {
    /// A sum beyond this is no measurement, and would make a scrape unreadable in the end.
    const HIGHEST: f64 = 1e18;

    pub fn is_sane(self) -> bool {
        (0.0..=Self::HIGHEST).contains(&self.sum)
    }

    pub fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
    }

    /// What was added since `earlier`; everything when this is a fresh start.
    pub fn since(self, earlier: Self) -> Self {
        match self.count.checked_sub(earlier.count) {
            Some(count) if self.sum >= earlier.sum => Self { count, sum: self.sum - earlier.sum },
            _ => self,
        }
    }
}

#[derive(Debug)]
pub struct Point<'a> {
    /// Who reports: the resource as it was sent.
    pub resource: &'a [u8],
    pub metric: &'a [u8],
    /// Since when it counts, in nanoseconds of Unix time.
    pub start: u64,
    /// Counts from `start`, and not from the report before.
    pub cumulative: bool,
    pub value: Total,
    message: &'a [u8],
    attributes: u64,
}

impl<'a> Point<'a> {
    pub fn attribute(&self, key: &str) -> Attribute<'a> {
        messages(self.message, self.attributes)
            .flatten()
            .filter_map(|message| key_value(message).ok())
            .find(|(found, _)| *found == key.as_bytes())
            .map(|(_, value)| value)
            .unwrap_or_default()
    }
}

/// Calls `each` with every point of a monotonic sum or a histogram in an `ExportMetricsServiceRequest`.
///
/// # Errors
/// At the first thing that is not protobuf; `each` has then been called for the points before it.
pub fn each<'a>(request: &'a [u8], mut each: impl FnMut(Point<'a>)) -> Result<(), Malformed> {
    for resource_metrics in messages(request, 1) {
        let resource_metrics = resource_metrics?;
        let resource = messages(resource_metrics, 1).next().transpose()?;
        for scope_metrics in messages(resource_metrics, 2) {
            for metric in messages(scope_metrics?, 2) {
                of_metric(metric?, resource.unwrap_or_default(), &mut each)?;
            }
        }
    }
    Ok(())
}

fn of_metric<'a>(metric: &'a [u8], resource: &'a [u8], each: &mut impl FnMut(Point<'a>)) -> Result<(), Malformed> {
    let name = messages(metric, 1).next().transpose()?.unwrap_or_default();
    for field in Fields::of(metric) {
        let (data, attributes) = match field? {
            (7, sum) => (sum.bytes()?, 7),
            (9, histogram) => (histogram.bytes()?, 9),
            _ => continue,
        };
        let (mut temporality, mut monotonic) = (0, attributes == 9);
        for field in Fields::of(data) {
            match field? {
                (2, value) => temporality = value.varint()?,
                (3, Value::Varint(value)) => monotonic = value != 0,
                _ => {}
            }
        }
        for message in messages(data, 1) {
            let message = message?;
            let (start, value) = if attributes == 7 { number(message)? } else { histogram(message)? };
            for attribute in messages(message, attributes) {
                key_value(attribute?)?;
            }
            let (Some(value), true, DELTA | CUMULATIVE) = (value, monotonic, temporality) else {
                continue;
            };
            each(Point {
                resource,
                metric: name,
                start,
                cumulative: temporality == CUMULATIVE,
                value,
                message,
                attributes,
            });
        }
    }
    Ok(())
}

/// A `NumberDataPoint`: its start and its value.
fn number(message: &[u8]) -> Result<(u64, Option<Total>), Malformed> {
    let (mut start, mut value, mut flags) = (0, None, 0);
    for field in Fields::of(message) {
        match field? {
            (2, found) => start = found.fixed64()?,
            (4, found) => value = Some(found.double()?),
            (6, found) => value = Some(found.fixed64()?.cast_signed() as f64),
            (8, found) => flags = found.varint()?,
            _ => {}
        }
    }
    let total = value.filter(|_| flags & NO_VALUE == 0).map(|value| Total { count: value as u64, sum: value });
    Ok((start, total))
}

/// A `HistogramDataPoint`: its start, count and sum.
fn histogram(message: &[u8]) -> Result<(u64, Option<Total>), Malformed> {
    let (mut start, mut total, mut flags) = (0, Total::default(), 0);
    for field in Fields::of(message) {
        match field? {
            (2, found) => start = found.fixed64()?,
            (4, found) => total.count = found.fixed64()?,
            (5, found) => total.sum = found.double()?,
            (10, found) => flags = found.varint()?,
            _ => {}
        }
    }
    Ok((start, (flags & NO_VALUE == 0).then_some(total)))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_the_difference_or_all_of_a_fresh_start() {
        let total = |count, sum| Total { count, sum };
        assert_eq!(total(5, 9.0).since(total(3, 4.0)), total(2, 5.0));
        assert_eq!(total(2, 3.0).since(total(3, 4.0)), total(2, 3.0));
        assert_eq!(total(5, 3.0).since(total(3, 4.0)), total(5, 3.0));
    }

    #[test]
    fn a_sum_that_is_no_measurement_is_not_sane() {
        for sum in [-1.0, f64::NAN, f64::INFINITY, 1e19] {
            assert!(!Total { count: 1, sum }.is_sane(), "{sum}");
        }
        assert!(Total::default().is_sane());
    }
}
