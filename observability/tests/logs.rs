//! Log collection. The two programs are rarely where the tests run: what can be checked without them is, the rest is ignored, and
//! runs with `--ignored`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::files::{self, run};
use super::promql;

/// Each is loaded together with `lines.alloy`.
const COLLECTORS: [&str; 2] = ["logs/cluster.alloy", "logs/compose.alloy"];
const LABELS: [&str; 4] = ["namespace", "app", "component", "level"];

/// Panics when a LogQL query selects streams by anything but the labels that Alloy sets.
pub fn check_query(query: &str) {
    // A stream selector is a PromQL selector without a name.
    let start = query.find('{').unwrap_or_else(|| panic!("no stream selector: {query}"));
    let end = start + query[start..].find('}').unwrap_or_else(|| panic!("the stream selector does not end: {query}"));
    let names = promql::names(&format!("stream{}", &query[start..=end]));
    let labels = &names.selectors[0].labels;
    assert!(!labels.is_empty(), "selects everything: {query}");
    for label in labels {
        assert!(LABELS.contains(&label.as_str()), "{label} is no label: {query}");
    }
    for open in ["{}", "()", "[]"] {
        let count = |at: usize| query.matches(&open[at..=at]).count();
        assert_eq!(count(0), count(1), "{open} in {query}");
    }
}

/// The body of a block, by the text before its brace.
fn block<'a>(text: &'a str, head: &str) -> &'a str {
    let start = text.find(&format!("{head} {{")).unwrap_or_else(|| panic!("no block {head}"));
    let body = &text[start + head.len() + 2..];
    let mut depth = 1;
    let end = body.find(|c| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0
    });
    &body[..end.unwrap_or_else(|| panic!("{head} does not end"))]
}

/// The keys of `values = { … }` or the words of `values = [ … ]` in a block.
fn values(block: &str) -> BTreeSet<&str> {
    let body = block.split_once("values = ").expect("values").1;
    let words = body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn alloy_labels_streams_by_bounded_values_only() {
    let text = files::text(&files::file("logs/lines.alloy"));
    let process = block(&text, r#"loki.process "lines""#);
    assert_eq!(values(block(process, "stage.label_keep")), LABELS.into());
    let labels = values(block(process, "stage.labels"));
    assert!(labels.is_subset(&LABELS.into()), "{labels:?}");
    assert_eq!(values(block(process, "stage.structured_metadata")), ["pod", "request_id", "trace_id"].into());
    let parsed = block(process, "stage.json");
    for member in ["ts", "level", "component", "request_id", "trace_id"] {
        assert!(parsed.contains(&format!("{member} ")), "{member} is not parsed");
    }
}

#[test]
fn every_alloy_component_that_is_referred_to_is_there() {
    for collector in COLLECTORS {
        check_references(&[collector, "logs/lines.alloy"].map(|file| files::text(&files::file(file))).concat());
    }
}

fn check_references(text: &str) {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let declared: BTreeSet<String> = code
        .iter()
        .filter(|line| !line.starts_with([' ', '}']))
        .filter_map(|line| {
            let (kind, label) = line.strip_suffix(" {")?.split_once(' ')?;
            Some(format!("{kind}.{}", label.trim_matches('"')))
        })
        .collect();
    let referred: BTreeSet<String> = code
        .iter()
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_'))
        .filter_map(|word| {
            [".targets", ".output", ".receiver", ".rules"]
                .iter()
                .find_map(|export| word.strip_suffix(export))
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(declared.len(), 5, "{declared:?}");
    assert_eq!(referred.len(), 4, "{referred:?}");
    assert!(referred.is_subset(&declared), "{referred:?} in {declared:?}");
}

#[test]
fn loki_keeps_structured_metadata_and_forgets_in_time() {
    let loki = files::yaml(&files::file("logs/loki.yml"));
    let expected: [(&str, Value); 8] = [
        ("/auth_enabled", json!(false)),
        ("/common/replication_factor", json!(1)),
        ("/common/ring/kvstore/store", json!("inmemory")),
        ("/schema_config/configs/0/store", json!("tsdb")),
        ("/schema_config/configs/0/schema", json!("v13")),
        ("/limits_config/allow_structured_metadata", json!(true)),
        ("/limits_config/retention_period", json!("336h")),
        ("/compactor/retention_enabled", json!(true)),
    ];
    for (pointer, value) in expected {
        assert_eq!(loki.pointer(pointer), Some(&value), "{pointer}");
    }
    let store = loki.pointer("/schema_config/configs/0/object_store");
    assert_eq!(
        store,
        loki.pointer("/compactor/delete_request_store"),
        "requests to delete are kept where the logs are"
    );
    let sections: BTreeSet<_> = loki.as_object().expect("sections").keys().map(String::as_str).collect();
    let known =
        ["analytics", "auth_enabled", "common", "compactor", "limits_config", "query_range", "schema_config", "server"];
    assert_eq!(sections, known.into());
}

#[test]
fn every_log_query_of_the_readme_selects_by_the_labels_there_are() {
    let text = files::text(&files::file("README.md"));
    let blocks: Vec<_> =
        text.split("```logql\n").skip(1).map(|rest| rest.split_once("```").expect("a block ends").0).collect();
    assert!(blocks.len() >= 5, "by request, by item, errors, slow, one component");
    for query in blocks {
        check_query(query);
    }
}

#[test]
#[ignore = "not run: no alloy binary"]
fn alloy_takes_its_configuration() {
    for collector in COLLECTORS {
        let folder = tempfile::tempdir().expect("a folder");
        for file in [collector, "logs/lines.alloy"].map(files::file) {
            fs::copy(&file, folder.path().join(file.file_name().expect("a name"))).expect("a copy");
        }
        run("alloy", "Grafana Alloy", &["validate"], &[folder.path().to_owned()]);
    }
}

#[test]
#[ignore = "not run: no loki binary"]
fn loki_takes_its_configuration() {
    run("loki", "Grafana Loki", &["-verify-config", "-config.file"], &[files::file("logs/loki.yml")]);
}
