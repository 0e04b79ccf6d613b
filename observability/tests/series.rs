//! The closed list of series that rules and dashboards may name: `prometheus/series.yml` and what the rules record.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::{App, Role, SOON, eventually};

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

/// Type and labels of each family of a scrape, by the name of its samples.
fn exported(scrape: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut families = BTreeMap::new();
    let mut family = (String::new(), String::new());
    for line in scrape.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').expect("a type");
            family = (name.to_owned(), kind.to_owned());
        }
        if line.starts_with('#') {
            continue;
        }
        let sample = line.split([' ', '{']).next().expect("a name");
        let name = if family.1 == "histogram" { &family.0 } else { sample };
        let (_, labels) = families.entry(name.to_owned()).or_insert((family.1.clone(), BTreeSet::new()));
        let Some((inside, _)) = line.split_once('{').and_then(|(_, rest)| rest.split_once("} ")) else { continue };
        // No label of ours has a comma in its value.
        labels.extend(inside.split(',').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())));
        labels.remove("le");
    }
    families
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_what_a_real_scrape_of_the_sidecar_has() {
    let database = App::start().await;
    let options = sidecar::Options::new(sidecar::Database {
        url: database.database().url(Role::Metrics),
        password: sidecar::Password::Url,
    });
    let sidecar = sidecar::Sidecar::start(options).await.expect("a sidecar");
    let spans = format!("http://{}/v1/traces", sidecar.otlp_address());
    let app = App::builder().beside(&database).spans(&spans).start().await;
    app.create("bolt").await;
    let url = format!("http://{}/metrics", sidecar.metrics_address());
    let scrape = eventually("a scrape with spans and totals", SOON, async || {
        let scrape = app.http().get(&url).send().await.expect("an answer").text().await.expect("a text");
        let parts = ["db_client_operation_duration_seconds_count{", "items_created_total 1\n"];
        if parts.iter().all(|part| scrape.contains(part)) { Ok(scrape) } else { Err(scrape) }
    })
    .await;

    let exported = exported(&scrape);
    let list = files::yaml(&files::file("prometheus/series.yml"));
    let listed = list["sidecar"].as_object().expect("series");
    for (name, (kind, labels)) in &exported {
        let series = listed.get(name).unwrap_or_else(|| panic!("series.yml does not list {name}"));
        assert_eq!(string(series, "type"), kind, "{name}");
        let known = series["labels"].as_array().map(Vec::as_slice).unwrap_or_default();
        let known: BTreeSet<_> = known.iter().map(|label| label.as_str().expect("a name").to_owned()).collect();
        assert_eq!(&known, labels, "labels of {name}");
    }
    for (name, series) in listed {
        let optional = series["optional"] == true;
        assert!(optional || exported.contains_key(name), "nothing exports {name}, which series.yml lists");
    }
}
