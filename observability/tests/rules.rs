//! Recording rules and alerts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files::{self, list, promtool, string};
use super::series::Known;

fn rules() -> Vec<Value> {
    files::rule_files().iter().flat_map(files::rules).collect()
}

fn alerts() -> Vec<Value> {
    rules().into_iter().filter(|rule| rule["alert"].is_string()).collect()
}

fn alert_names() -> BTreeSet<String> {
    alerts().iter().map(|alert| string(alert, "alert").to_owned()).collect()
}

#[test]
fn prometheus_loads_its_configuration_and_every_rule() {
    promtool(&["check", "config"], &["prometheus/prometheus.yml", "prometheus/compose.yml"].map(files::file));
    promtool(&["check", "rules"], &files::rule_files());
}

#[test]
fn rules_pass_their_tests() {
    promtool(&["test", "rules"], &files::all("prometheus/tests", "yml"));
}

#[test]
fn every_alert_has_a_test_case_that_fires_and_one_that_does_not() {
    let (mut fires, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for file in files::all("prometheus/tests", "yml") {
        let tests = files::yaml(&file);
        let cases = list(&tests, "tests").iter().filter_map(|test| test["alert_rule_test"].as_array()).flatten();
        for case in cases {
            let expected = if list(case, "exp_alerts").is_empty() { &mut quiet } else { &mut fires };
            expected.insert(string(case, "alertname").to_owned());
        }
    }
    assert_eq!(fires, alert_names(), "alerts with a case that fires, and all alerts");
    assert_eq!(quiet, alert_names(), "alerts with a case that does not fire, and all alerts");
}

#[test]
fn rules_use_only_known_series_and_labels() {
    let known = Known::read();
    for rule in rules() {
        known.check(string(&rule, "expr"));
    }
}

#[test]
fn every_alert_has_a_severity_a_summary_a_description_and_a_link_to_the_run_book() {
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
fn the_run_book_has_one_section_per_alert_with_means_confirm_and_fix() {
    let text = files::text("RUNBOOK.md");
    let mut sections = BTreeSet::new();
    for section in text.split("\n### ").skip(1) {
        let (name, body) = section.split_once('\n').expect("a section has a body");
        for part in ["**Means**", "**Confirm**", "**Fix**", "```sh"] {
            assert!(body.contains(part), "{name} lacks {part}");
        }
        assert!(sections.insert(name.trim().to_owned()), "two sections {name}");
    }
    assert_eq!(sections, alert_names(), "sections, and all alerts");
}

#[test]
fn the_local_stack_and_the_cluster_record_the_same_names() {
    let [local, cluster] = ["local", "cluster"].map(|place| {
        let rules = files::rules(format!("prometheus/rules/{place}/sources.yml"));
        rules.iter().map(|rule| string(rule, "record").to_owned()).collect::<BTreeSet<_>>()
    });
    assert_eq!(local, cluster);
}

/// A rule `…:count…` computes a number of requests from rates per second, so it multiplies by the seconds between two
/// samples.
#[test]
fn counts_of_failures_multiply_by_the_interval_of_their_samples() {
    let slo = files::yaml("prometheus/rules/slo.yml");
    let sources = list(&slo, "groups").iter().find(|group| group["name"] == "items-slo-sources").expect("the sources");
    let seconds = string(sources, "interval").strip_suffix('s').expect("an interval in seconds");
    let is_count = |rule: &Value| rule["record"].as_str().is_some_and(|name| name.contains("slo_failures:count"));
    let counts: Vec<_> = files::rules("prometheus/rules/slo.yml").into_iter().filter(is_count).collect();
    assert_eq!(counts.len(), 3);
    for rule in counts {
        assert!(string(&rule, "expr").starts_with(&format!("{seconds} * sum_over_time(")), "{rule}");
    }
}
