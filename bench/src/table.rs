//! Measured values, as tables, and whether they reach their targets.

use std::collections::BTreeMap;

/// The values of one measurement, one per round.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<f64>);

impl Values {
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The median, NaN without values.
    pub fn median(&self) -> f64 {
        let mut values = self.0.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        }
    }

    /// The least value, NaN without values.
    pub fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    /// The greatest value, NaN without values.
    pub fn most(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    /// The range of the values, as a share of the median.
    pub fn spread(&self) -> f64 {
        (self.most() - self.least()) / self.median()
    }

    /// The ratio to `other` in each round.
    pub fn times(&self, other: &Self) -> Self {
        self.0.iter().zip(&other.0).map(|(own, other)| own / other).collect()
    }

    /// `median (least-most)`.
    pub fn shown(&self) -> String {
        let digits = self.digits();
        format!("{:.digits$} ({:.digits$}-{:.digits$})", self.median(), self.least(), self.most())
    }

    /// The median alone.
    pub fn shown_median(&self) -> String {
        let digits = self.digits();
        format!("{:.digits$}", self.median())
    }

    fn digits(&self) -> usize {
        if self.median() < 10.0 { 2 } else { usize::from(self.median() < 100.0) }
    }
}

impl FromIterator<f64> for Values {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

/// All values of one run, by system, row (such as a workload) and measure (such as the rate).
#[derive(Default)]
pub struct Table(BTreeMap<(&'static str, String, &'static str), Values>);

impl Table {
    pub fn add(&mut self, system: &'static str, row: &str, measure: &'static str, value: f64) {
        self.0.entry((system, row.to_owned(), measure)).or_default().add(value);
    }

    /// System, row and values of everything that has this measure.
    pub fn measured(&self, measure: &str) -> impl Iterator<Item = (&'static str, &str, &Values)> {
        let cells = self.0.iter().filter(move |((.., of), _)| *of == measure);
        cells.map(|((system, row, _), values)| (*system, &**row, values))
    }

    /// The values of one cell, if it was measured.
    pub fn get(&self, system: &'static str, row: &str, measure: &'static str) -> Option<&Values> {
        self.0.get(&(system, row.to_owned(), measure))
    }
}

/// The name of a row.
pub fn row(workload: &str, connections: usize) -> String {
    format!("{workload}, {connections}")
}

/// A target and the value that was reached.
pub struct Target {
    /// What is measured, with its unit.
    pub name: String,
    /// The target.
    pub wanted: f64,
    /// The measured value.
    pub reached: f64,
    /// Whether a higher value is better.
    pub at_least: bool,
}

impl Target {
    /// Whether it was reached.
    pub fn is_met(&self) -> bool {
        if self.at_least { self.reached >= self.wanted } else { self.reached <= self.wanted }
    }

    /// One row of the table of targets.
    pub fn markdown(&self) -> String {
        let verdict = if self.is_met() {
            "met".to_owned()
        } else {
            format!("**missed by {:.0} %**", ((self.reached / self.wanted - 1.0).abs() * 100.0).max(1.0))
        };
        let sign = if self.at_least { "at least" } else { "at most" };
        format!("| {} | {sign} {} | {} | {verdict} |", self.name, short(self.wanted), short(self.reached))
    }
}

fn short(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(all: &[f64]) -> Values {
        Values(all.to_vec())
    }

    #[test]
    fn one_bad_round_does_not_change_the_median() {
        assert_eq!(values(&[3.0, 1.0, 900.0]).median(), 3.0);
        assert_eq!(values(&[4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert_eq!(values(&[120.0, 100.0, 90.0]).shown(), "100 (90-120)");
        assert_eq!(values(&[1.5, 1.0, 2.0]).shown(), "1.50 (1.00-2.00)");
    }

    #[test]
    fn a_missed_target_shows_by_how_much() {
        let target = |at_least, reached| Target { name: "x".into(), wanted: 40.0, reached, at_least }.markdown();
        assert_eq!(target(false, 30.0), "| x | at most 40 | 30 | met |");
        assert_eq!(target(false, 40.1), "| x | at most 40 | 40.1 | **missed by 1 %** |");
        assert_eq!(target(false, 50.0), "| x | at most 40 | 50 | **missed by 25 %** |");
        assert_eq!(target(true, 30.0), "| x | at least 40 | 30 | **missed by 25 %** |");
    }
}
