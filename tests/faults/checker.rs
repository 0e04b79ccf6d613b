//! Compares what clients saw with what the database holds.

mod events;
mod items;
#[cfg(test)]
mod tests;

use crate::history::Attempt;
use crate::tables::Tables;

/// Everything that differs.
pub fn compare(attempts: &[Attempt], tables: &Tables) -> Vec<String> {
    let mut findings = events::compare(attempts, tables);
    findings.extend(items::compare(attempts, tables));
    findings
}
