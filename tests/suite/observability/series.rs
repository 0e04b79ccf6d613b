//! The closed list of series that rules and dashboards may name: `prometheus/series.yml` and what the rules record.

use std::collections::BTreeMap;

use serde_json::Value;

use super::files::{self, list, string};
use super::promql;

/// What Prometheus and its operator add to each series.
const TARGET: [&str; 7] = ["instance", "job", "namespace", "pod", "container", "endpoint", "service"];
/// What recorded series carry.
const RECORDED: [&str; 5] = ["method", "code", "le", "slo", "part"];

/// Series with their labels, those of the target left out.
pub struct Known(BTreeMap<String, Vec<String>>);

impl Known {
    pub fn read() -> Known {
        let mut known = BTreeMap::new();
        let exporters = files::yaml(&files::file("prometheus/series.yml"));
        for (name, series) in
            exporters.as_object().expect("exporters").values().flat_map(|all| all.as_object().expect("series"))
        {
            let labels: Vec<String> = match &series["labels"] {
                Value::Null => Vec::new(),
                labels => labels
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|label| label.as_str().expect("a name").to_owned())
                    .collect(),
            };
            if string(series, "type") == "histogram" {
                known.insert(format!("{name}_sum"), labels.clone());
                known.insert(format!("{name}_count"), labels.clone());
                known.insert(format!("{name}_bucket"), [labels, vec!["le".to_owned()]].concat());
            } else {
                known.insert(name.clone(), labels);
            }
        }
        for rule in rules() {
            if let Some(name) = rule["record"].as_str() {
                known.insert(name.to_owned(), RECORDED.map(str::to_owned).to_vec());
            }
        }
        Known(known)
    }

    /// Panics when `expression` names a series or a label that nobody exports.
    pub fn check(&self, expression: &str) {
        let names = promql::names(expression);
        for selector in &names.selectors {
            let labels =
                self.0.get(&selector.name).unwrap_or_else(|| panic!("nobody exports {}: {expression}", selector.name));
            for label in &selector.labels {
                let there = labels.contains(label) || TARGET.contains(&label.as_str());
                assert!(there, "{} has no label {label}: {expression}", selector.name);
            }
        }
        for label in &names.grouping {
            let there = self.0.values().flatten().any(|known| known == label) || TARGET.contains(&label.as_str());
            assert!(there, "nobody exports the label {label}: {expression}");
        }
    }
}

/// Every rule of every rule file.
pub fn rules() -> Vec<Value> {
    let groups =
        files::rule_files().iter().flat_map(|path| list(&files::yaml(path), "groups").to_vec()).collect::<Vec<_>>();
    groups.iter().flat_map(|group| list(group, "rules").to_vec()).collect()
}

#[test]
#[should_panic(expected = "nobody exports items_create_total")]
fn a_misspelled_series_is_found() {
    Known::read().check("rate(items_create_total[5m])");
}

#[test]
#[should_panic(expected = "items_operations_total has no label route")]
fn a_label_that_a_series_does_not_have_is_found() {
    Known::read().check(r#"sum(items_operations_total{route="x"})"#);
}
