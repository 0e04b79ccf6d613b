//! The Grafana dashboards, checked without running Grafana.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::files::{self, list, promtool, string};
use super::logs;
use super::series::Known;

fn dashboards() -> Vec<Value> {
    files::all("grafana/dashboards", "json").iter().map(files::json).collect()
}

/// The panels of all dashboards, without rows.
fn panels() -> Vec<Value> {
    let panels = dashboards().into_iter().flat_map(|dashboard| list(&dashboard, "panels").to_vec());
    panels.filter(|panel| panel["type"] != "row").collect()
}

/// The expressions for one kind of data source, with Grafana's variables replaced.
fn expressions(kind: &str) -> Vec<String> {
    let panels = panels();
    let targets = panels.iter().flat_map(|panel| list(panel, "targets"));
    let of_kind = targets.filter(|target| target["datasource"]["type"] == kind);
    let expressions: Vec<_> = of_kind
        .map(|target| string(target, "expr").replace("$__rate_interval", "5m").replace("$__auto", "5m"))
        .collect();
    assert!(!expressions.is_empty(), "no expression for {kind}");
    for expression in &expressions {
        assert!(!expression.contains('$'), "an unknown variable: {expression}");
    }
    expressions
}

#[test]
fn dashboards_have_a_fixed_uid_and_provisioned_data_sources() {
    let provisioned = files::yaml("grafana/provisioning/datasources/datasources.yml");
    let mut uids = BTreeSet::new();
    for dashboard in dashboards() {
        let uid = string(&dashboard, "uid");
        assert!(uids.insert(uid.to_owned()), "two dashboards {uid}");
        assert!(dashboard.get("__inputs").is_none() && dashboard.get("id").is_none(), "{uid} is an export of Grafana");
        assert!(dashboard["schemaVersion"].as_u64() >= Some(39), "{uid}");
        for variable in list(&dashboard["templating"], "list") {
            let source = list(&provisioned, "datasources").iter().find(|source| source["type"] == variable["query"]);
            let source = source.unwrap_or_else(|| panic!("{uid}: no data source for {variable}"));
            let found = (&variable["type"], &variable["current"]["value"]);
            assert_eq!(found, (&json!("datasource"), &source["uid"]), "{uid}");
        }
    }
}

#[test]
fn every_panel_has_a_title_a_description_a_unit_and_a_data_source() {
    for panel in panels() {
        assert!(string(&panel, "title").len() > 2 && string(&panel, "description").len() > 10, "{panel:#}");
        if panel["type"] != "logs" {
            assert!(!string(&panel["fieldConfig"]["defaults"], "unit").is_empty(), "{panel:#}");
        }
        let kind = string(&panel["datasource"], "type");
        assert_eq!(panel["datasource"]["uid"], format!("${{{kind}}}"), "{panel:#}");
        let mut references = BTreeSet::new();
        for target in list(&panel, "targets") {
            assert_eq!(target["datasource"], panel["datasource"], "{panel:#}");
            assert!(references.insert(string(target, "refId")), "{panel:#}");
        }
        assert!(!references.is_empty(), "{panel:#}");
    }
}

#[test]
fn panels_have_different_ids_and_do_not_overlap() {
    for dashboard in dashboards() {
        let (mut cells, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for panel in list(&dashboard, "panels") {
            let title = string(panel, "title");
            assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{title}: the id is in use");
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a place"));
            assert!(w > 0 && h > 0 && x + w <= 24, "{title}");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(cells.insert(cell), "{title} overlaps another panel");
            }
        }
    }
}

#[test]
fn every_expression_is_valid_and_uses_only_known_series_and_labels() {
    let known = Known::read();
    let mut rules = Vec::new();
    for (number, expr) in expressions("prometheus").iter().enumerate() {
        known.check(expr);
        rules.push(json!({ "record": format!("panel:{number}"), "expr": expr }));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("panels.yml");
    fs::write(&file, json!({ "groups": [{ "name": "panels", "rules": rules }] }).to_string()).expect("write the rules");
    promtool(&["check", "rules"], &[file]);
}

#[test]
fn every_log_query_selects_by_known_labels() {
    for query in expressions("loki") {
        logs::check_query(&query);
    }
}
