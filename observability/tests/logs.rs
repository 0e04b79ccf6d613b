//! Log collection. The programs `alloy` and `loki` are rarely installed: tests that need them are ignored and run with
//! `--ignored`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::files::{self, run};
use super::promql;

/// Alloy loads each of these together with `lines.alloy`.
const COLLECTORS: [&str; 2] = ["logs/cluster.alloy", "logs/compose.alloy"];
/// The labels of log streams.
const LABELS: [&str; 4] = ["namespace", "app", "component", "level"];

/// Panics when a LogQL query does not select streams by labels that Alloy sets.
pub fn check_query(query: &str) {
    // A stream selector is a PromQL selector without a name.
    let selector = query.split_once('{').and_then(|(_, rest)| Some(rest.split_once('}')?.0));
    let selector = selector.unwrap_or_else(|| panic!("no stream selector: {query}"));
    let labels = promql::names(&format!("stream{{{selector}}}")).selectors.swap_remove(0).labels;
    assert!(!labels.is_empty(), "selects everything: {query}");
    for label in labels {
        assert!(LABELS.contains(&label.as_str()), "streams have no label {label}: {query}");
    }
    for [open, close] in [['{', '}'], ['(', ')'], ['[', ']']] {
        assert_eq!(query.matches(open).count(), query.matches(close).count(), "{open}{close} in {query}");
    }
}

/// The words of `values = …` (or `expressions = …`) on the first line of a stage in `lines.alloy`.
fn stage<'a>(text: &'a str, name: &str) -> BTreeSet<&'a str> {
    let (_, body) = text.split_once(&format!("{name} {{\n")).unwrap_or_else(|| panic!("no stage {name}"));
    let (_, values) = body.lines().next().and_then(|line| line.split_once(" = ")).expect("values");
    values.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect()
}

#[test]
fn alloy_labels_streams_by_bounded_values_only() {
    let text = files::text("logs/lines.alloy");
    assert_eq!(stage(&text, "stage.label_keep"), LABELS.into());
    assert_eq!(stage(&text, "stage.labels"), ["component", "level"].into());
    assert_eq!(stage(&text, "stage.structured_metadata"), ["pod", "request_id", "trace_id"].into());
    assert_eq!(stage(&text, "stage.json"), ["ts", "level", "component", "request_id", "trace_id"].into());
}

#[test]
fn every_alloy_component_that_is_referred_to_exists() {
    for collector in COLLECTORS {
        let text = [collector, "logs/lines.alloy"].map(files::text).concat();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let declared = code.iter().filter(|line| !line.starts_with([' ', '}'])).filter_map(|line| {
            let (kind, label) = line.strip_suffix(" {")?.split_once(' ')?;
            Some(format!("{kind}.{}", label.trim_matches('"')))
        });
        let declared: BTreeSet<String> = declared.collect();
        let words =
            code.iter().flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_'));
        let exports = [".targets", ".output", ".receiver", ".rules"];
        let referred = words.filter_map(|word| exports.iter().find_map(|export| word.strip_suffix(export)));
        let referred: BTreeSet<String> = referred.map(str::to_owned).collect();
        assert_eq!((declared.len(), referred.len()), (5, 4), "{declared:?}, {referred:?}");
        assert!(referred.is_subset(&declared), "{referred:?} in {declared:?}");
    }
}

#[test]
fn loki_stores_structured_metadata_and_deletes_after_two_weeks() {
    let loki = files::yaml("logs/loki.yml");
    for (pointer, value) in [
        ("/auth_enabled", json!(false)),
        ("/common/replication_factor", json!(1)),
        ("/common/ring/kvstore/store", json!("inmemory")),
        ("/schema_config/configs/0/store", json!("tsdb")),
        ("/schema_config/configs/0/schema", json!("v13")),
        ("/limits_config/allow_structured_metadata", json!(true)),
        ("/limits_config/retention_period", json!("336h")),
        ("/compactor/retention_enabled", json!(true)),
        // Delete requests are stored where the logs are.
        ("/compactor/delete_request_store", loki["schema_config"]["configs"][0]["object_store"].clone()),
    ] {
        assert_eq!(loki.pointer(pointer), Some(&value), "{pointer}");
    }
    let sections: BTreeSet<_> = loki.as_object().expect("sections").keys().map(String::as_str).collect();
    let known =
        ["analytics", "auth_enabled", "common", "compactor", "limits_config", "query_range", "schema_config", "server"];
    assert_eq!(sections, known.into());
}

#[test]
fn every_log_query_of_the_readme_selects_by_known_labels() {
    let text = files::text("README.md");
    let blocks = text.split("```logql\n").skip(1).map(|rest| rest.split_once("```").expect("a block ends").0);
    let blocks: Vec<_> = blocks.collect();
    assert!(blocks.len() >= 5, "by request, by trace, errors, slow, one component");
    blocks.into_iter().for_each(check_query);
}

#[test]
#[ignore = "not run: no alloy binary"]
fn alloy_accepts_its_configuration() {
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
fn loki_accepts_its_configuration() {
    run("loki", "Grafana Loki", &["-verify-config", "-config.file"], &[files::file("logs/loki.yml")]);
}
