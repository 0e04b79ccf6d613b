//! The series that rules and dashboards may use: those in `prometheus/series.yml` and those that rules record.

use std::collections::{BTreeMap, BTreeSet};

use support::{App, Role, SOON, eventually};

use super::files::{self, string, strings};
use super::promql;

/// The labels that Prometheus and its operator add to each series.
const TARGET: [&str; 7] = ["instance", "job", "namespace", "pod", "container", "endpoint", "service"];
/// The labels of recorded series.
const RECORDED: [&str; 5] = ["method", "code", "le", "slo", "part"];

/// Names of series, with their labels except those in [`TARGET`].
pub struct Known(BTreeMap<String, Vec<String>>);

impl Known {
    pub fn read() -> Known {
        let mut known = BTreeMap::new();
        let exporters = files::yaml("prometheus/series.yml");
        for exporter in exporters.as_object().expect("exporters").values() {
            for (name, series) in exporter.as_object().expect("series") {
                let labels = strings(series, "labels");
                if string(series, "type") == "histogram" {
                    known.insert(format!("{name}_sum"), labels.clone());
                    known.insert(format!("{name}_count"), labels.clone());
                    known.insert(format!("{name}_bucket"), [labels, vec!["le".to_owned()]].concat());
                } else {
                    known.insert(name.clone(), labels);
                }
            }
        }
        let rules: Vec<_> = files::rule_files().iter().flat_map(files::rules).collect();
        let recorded = rules.iter().filter_map(|rule| rule["record"].as_str());
        known.extend(recorded.map(|name| (name.to_owned(), RECORDED.map(str::to_owned).to_vec())));
        Known(known)
    }

    /// Panics when `expression` uses an unknown series or label.
    pub fn check(&self, expression: &str) {
        let names = promql::names(expression);
        for selector in &names.selectors {
            let name = &selector.name;
            let labels = self.0.get(name).unwrap_or_else(|| panic!("unknown series {name}: {expression}"));
            for label in &selector.labels {
                let exists = labels.contains(label) || TARGET.contains(&label.as_str());
                assert!(exists, "{name} has no label {label}: {expression}");
            }
        }
        for label in &names.grouping {
            let exists = self.0.values().flatten().any(|known| known == label) || TARGET.contains(&label.as_str());
            assert!(exists, "unknown label {label}: {expression}");
        }
    }
}

#[test]
#[should_panic(expected = "unknown series items_create_total")]
fn a_misspelled_series_is_found() {
    Known::read().check("rate(items_create_total[5m])");
}

#[test]
#[should_panic(expected = "items_operations_total has no label route")]
fn a_label_that_a_series_does_not_have_is_found() {
    Known::read().check(r#"sum(items_operations_total{route="x"})"#);
}

/// Type and labels of each metric of a scrape, by the name of its samples (a histogram by its own name).
fn exported(scrape: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut metrics = BTreeMap::new();
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
        let (_, labels) = metrics.entry(name.to_owned()).or_insert((family.1.clone(), BTreeSet::new()));
        let Some((inside, _)) = line.split_once('{').and_then(|(_, rest)| rest.split_once("} ")) else { continue };
        // No value of a label contains a comma.
        labels.extend(inside.split(',').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())));
        labels.remove("le");
    }
    metrics
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_matches_a_real_scrape_of_the_sidecar() {
    let database = App::start().await;
    let url = database.database().url(Role::Metrics);
    let config = sidecar::Config::new(sidecar::Database { url, password: sidecar::Password::Url });
    let sidecar = sidecar::Sidecar::start(config).await.expect("a sidecar");
    let spans = format!("http://{}/v1/traces", sidecar.otlp_address());
    let app = App::builder().beside(&database).spans(&spans).start().await;
    app.create("bolt").await;
    let url = format!("http://{}/metrics", sidecar.metrics_address());
    let scrape = eventually("a scrape with spans and totals", SOON, async || {
        let request = app.http().get(&url).header("accept", "application/openmetrics-text; version=1.0.0");
        let scrape = request.send().await.expect("a response").text().await.expect("a text");
        let parts = ["db_client_operation_duration_seconds_count{", "items_created_total 1\n"];
        if parts.iter().all(|part| scrape.contains(part)) { Ok(scrape) } else { Err(scrape) }
    })
    .await;

    // What `curl` gets is what promtool reads, and it finds nothing to criticise.
    let text = app.http().get(&url).send().await.expect("a response").text().await.expect("a text");
    assert!(text.contains("http_server_request_duration_seconds_count{") && !text.contains("# EOF"), "{text}");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("write the scrape");
    let check = "promtool check metrics <\"$0\"";
    files::run("sh", "the Debian package prometheus", &["-c", check], &[file.path().to_owned()]);

    let exported = exported(&scrape);
    let list = files::yaml("prometheus/series.yml");
    let listed = list["sidecar"].as_object().expect("series");
    for (name, (kind, labels)) in &exported {
        let series = listed.get(name).unwrap_or_else(|| panic!("series.yml lacks {name}"));
        assert_eq!(string(series, "type"), kind, "{name}");
        assert_eq!(&BTreeSet::from_iter(strings(series, "labels")), labels, "labels of {name}");
    }
    for (name, series) in listed {
        let optional = series["optional"] == true;
        assert!(optional || exported.contains_key(name), "series.yml lists {name}, which the sidecar does not export");
    }
}
