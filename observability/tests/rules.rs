//! Recording rules and alerts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files::{self, list, promtool, string};
use super::series::{self, Known};

fn alerts() -> Vec<Value> {
    series::rules().into_iter().filter(|rule| rule["alert"].is_string()).collect()
}

fn recorded(file: &str) -> BTreeSet<String> {
    let groups = files::yaml(&files::file(file));
    list(&groups, "groups")
        .iter()
        .flat_map(|group| list(group, "rules"))
        .map(|rule| string(rule, "record").to_owned())
        .collect()
}

#[test]
fn prometheus_loads_its_configuration_and_every_rule() {
    let configurations = ["prometheus/prometheus.yml", "prometheus/compose.yml"];
    promtool(&["check", "config"], &configurations.map(files::file));
    promtool(&["check", "rules"], &files::rule_files());
}

#[test]
fn rules_do_what_their_tests_say() {
    promtool(&["test", "rules"], &files::all("prometheus/tests", "yml"));
}

#[test]
fn every_alert_is_tested_to_fire_and_to_stay_quiet() {
    let (mut fire, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for file in files::all("prometheus/tests", "yml") {
        let tests = files::yaml(&file);
        let cases = list(&tests, "tests").iter().filter_map(|test| test["alert_rule_test"].as_array()).flatten();
        for case in cases {
            let expected = if list(case, "exp_alerts").is_empty() { &mut quiet } else { &mut fire };
            expected.insert(string(case, "alertname").to_owned());
        }
    }
    let alerts: BTreeSet<_> = alerts().iter().map(|alert| string(alert, "alert").to_owned()).collect();
    assert_eq!(fire, alerts, "tested to fire, and the alerts there are");
    assert_eq!(quiet, alerts, "tested to stay quiet, and the alerts there are");
}

#[test]
fn every_rule_names_only_series_that_somebody_exports() {
    let known = Known::read();
    for rule in series::rules() {
        known.check(string(&rule, "expr"));
    }
}

#[test]
fn every_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on() {
    for alert in alerts() {
        let name = string(&alert, "alert");
        assert!(["page", "ticket"].contains(&string(&alert["labels"], "severity")), "{name}");
        for text in ["summary", "description"] {
            assert!(string(&alert["annotations"], text).len() > 20, "{name}: {text}");
        }
        let link = format!("observability/RUNBOOK.md#{}", name.to_lowercase());
        assert_eq!(string(&alert["annotations"], "runbook_url"), link);
    }
}

#[test]
fn every_alert_has_its_section_in_the_run_book_and_every_section_its_alert() {
    let text = files::text(&files::file("RUNBOOK.md"));
    let mut sections = BTreeSet::new();
    for section in text.split("\n### ").skip(1) {
        let (name, body) = section.split_once('\n').expect("a section has a body");
        for part in ["**Means**", "**Confirm**", "**Fix**", "```sh"] {
            assert!(body.contains(part), "{name} lacks {part}");
        }
        assert!(sections.insert(name.trim().to_owned()), "{name} is there twice");
    }
    let alerts: BTreeSet<_> = alerts().iter().map(|alert| string(alert, "alert").to_owned()).collect();
    assert_eq!(sections, alerts, "sections, and the alerts there are");
}

#[test]
fn the_local_stack_and_the_cluster_record_the_same_names() {
    assert_eq!(recorded("prometheus/rules/local/sources.yml"), recorded("prometheus/rules/cluster/sources.yml"));
}

/// The guards of the burn-rate alerts count requests from samples of a known distance.
#[test]
fn failures_are_counted_at_the_interval_they_are_recorded() {
    let rules = files::yaml(&files::file("prometheus/rules/slo.yml"));
    let sources =
        list(&rules, "groups").iter().find(|group| group["name"] == "items-slo-sources").expect("the sources");
    let seconds = string(sources, "interval").strip_suffix('s').expect("an interval in seconds");
    let counts: Vec<_> = list(&rules, "groups")
        .iter()
        .flat_map(|group| list(group, "rules"))
        .filter(|rule| rule["record"].as_str().is_some_and(|name| name.starts_with("items:slo_failures:count")))
        .collect();
    assert_eq!(counts.len(), 3);
    for rule in counts {
        assert!(string(rule, "expr").starts_with(&format!("{seconds} * sum_over_time(")), "{rule}");
    }
}
