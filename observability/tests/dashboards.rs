//! The Grafana dashboards. Grafana itself is not run.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::files::{self, list, promtool, string};
use super::logs;
use super::series::Known;

fn dashboards() -> Vec<Value> {
    files::all("grafana/dashboards", "json").iter().map(|path| files::json(path)).collect()
}

fn panels() -> Vec<Value> {
    let panels: Vec<_> = dashboards().iter().flat_map(|dashboard| list(dashboard, "panels").to_vec()).collect();
    panels.into_iter().filter(|panel| panel["type"] != "row").collect()
}

/// The expressions for one kind of data source, with Grafana's variables filled in.
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
fn dashboards_have_a_fixed_uid_and_find_their_data_sources() {
    let provisioned = files::yaml(&files::file("grafana/provisioning/datasources/datasources.yml"));
    let mut uids = BTreeSet::new();
    for dashboard in dashboards() {
        let uid = string(&dashboard, "uid");
        assert!(uids.insert(uid.to_owned()), "{uid} is there twice");
        assert!(dashboard.get("__inputs").is_none() && dashboard.get("id").is_none(), "{uid} was exported, not kept");
        assert!(dashboard["schemaVersion"].as_u64() >= Some(39), "{uid}");
        for variable in list(&dashboard["templating"], "list") {
            let source = list(&provisioned, "datasources").iter().find(|source| source["type"] == variable["query"]);
            let source = source.unwrap_or_else(|| panic!("{uid}: no data source for {variable}"));
            assert_eq!(
                (&variable["type"], &variable["current"]["value"]),
                (&json!("datasource"), &source["uid"]),
                "{uid}"
            );
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_where_from() {
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
fn panels_lie_side_by_side() {
    for dashboard in dashboards() {
        let (mut cells, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for panel in list(&dashboard, "panels") {
            assert!(
                ids.insert(panel["id"].as_u64().expect("an id")),
                "{} is there twice: {}",
                panel["id"],
                dashboard["uid"]
            );
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a place"));
            assert!(w > 0 && h > 0 && x + w <= 24, "{}", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(cells.insert(cell), "{} lies upon another panel", panel["title"]);
            }
        }
    }
}

#[test]
fn every_expression_is_valid_and_names_only_series_that_somebody_exports() {
    let known = Known::read();
    let expressions = expressions("prometheus");
    for expression in &expressions {
        known.check(expression);
    }
    let rules: Vec<_> = expressions
        .iter()
        .enumerate()
        .map(|(at, expr)| json!({ "record": format!("panel:{at}"), "expr": expr }))
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("panels.yml");
    // JSON is YAML.
    fs::write(&file, json!({ "groups": [{ "name": "panels", "rules": rules }] }).to_string()).expect("write the rules");
    promtool(&["check", "rules"], &[file]);
}

#[test]
fn every_log_query_selects_by_the_labels_there_are() {
    for query in expressions("loki") {
        logs::check_query(&query);
    }
}
