//! The manifests with which items and audit run alone say the same as the root `spin.toml`, but for what running alone
//! changes.

use std::path::Path;

use toml::{Table, Value};

fn manifest(path: &str) -> Table {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn table(value: &Table, path: &[&str]) -> Table {
    path.iter().fold(value.clone(), |table, key| {
        table.get(*key).and_then(Value::as_table).unwrap_or_else(|| panic!("no table {key}")).clone()
    })
}

/// The routes of one component: a path, or a table for a private one.
fn routes(manifest: &Table, component: &str) -> Vec<Value> {
    let triggers = table(manifest, &["trigger"])["http"].as_array().expect("triggers").clone();
    triggers
        .into_iter()
        .filter(|trigger| trigger["component"].as_str() == Some(component))
        .map(|trigger| trigger["route"].clone())
        .collect()
}

/// A component as the root has it, moved two folders down.
fn moved(root: &Table, component: &str) -> Table {
    let mut expected = table(root, &["component", component]);
    let source = expected["source"].as_str().expect("a path").to_owned();
    expected.insert("source".to_owned(), format!("../../{source}").into());
    let build = expected.get_mut("build").and_then(Value::as_table_mut).expect("a build section");
    let command = build["command"].as_str().expect("a command").to_owned();
    build.insert("command".to_owned(), format!("../../{command}").into());
    build.remove("watch");
    expected
}

/// The application variables that a component's section mentions, as the root declares them.
fn needed(root: &Table, component: &Table) -> Table {
    let text = component.to_string();
    table(root, &["variables"]).into_iter().filter(|(name, _)| text.contains(&format!("{{{{ {name} }}}}"))).collect()
}

#[test]
fn a_component_alone_is_declared_as_in_the_root_manifest() {
    let root = manifest("spin.toml");
    for component in ["items", "audit"] {
        let alone = manifest(&format!("components/{component}/spin.toml"));
        let expected = moved(&root, component);
        assert_eq!(table(&alone, &["component"]).len(), 1, "{component} is not alone");
        let mut found = table(&alone, &["component", component]);
        // It watches its own folder only.
        found.get_mut("build").and_then(Value::as_table_mut).expect("a build section").remove("watch");
        assert_eq!(found, expected, "component {component}");
        assert_eq!(alone["application"]["version"], root["application"]["version"], "version of {component}");

        let mut variables = needed(&root, &expected);
        if component == "items" {
            let audit_url = variables.get_mut("audit_url").and_then(Value::as_table_mut).expect("audit_url");
            audit_url.insert("default".to_owned(), "http://127.0.0.1:3001".into());
        }
        assert_eq!(table(&alone, &["variables"]), variables, "variables of {component}");
    }
}

#[test]
fn items_alone_has_its_routes_and_audit_alone_has_ordinary_ones() {
    let root = manifest("spin.toml");
    assert_eq!(routes(&manifest("components/items/spin.toml"), "items"), routes(&root, "items"));

    let private: Value = Table::from_iter([("private".to_owned(), true.into())]).into();
    assert_eq!(routes(&root, "audit"), [private]);
    let ordinary: Vec<Value> = ["/events", "/livez", "/readyz", "/..."].map(Value::from).to_vec();
    assert_eq!(routes(&manifest("components/audit/spin.toml"), "audit"), ordinary);
}
