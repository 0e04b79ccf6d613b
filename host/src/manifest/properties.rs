//! Manifests that are written are read as written; those that are broken are refused in one line.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// The manifest of this application.
const OWN: &str = include_str!("../../../spin.toml");

/// Where a key can be too much, and what stands there.
const TABLES: [(&str, &str); 6] = [
    ("[application]", "name = 'a'"),
    ("[variables]", "v = { default = 'd' }"),
    ("[variables.w]", "required = true"),
    ("[[trigger.http]]", "route = '/'\ncomponent = 'c'"),
    ("[component.c]", "source = 'c.wasm'"),
    ("[component.c.build]", "command = 'make'"),
];

fn text() -> impl Strategy<Value = String> {
    "[ -~]{0,12}"
}

fn names() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_-]{0,8}"
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        name in text(),
        defaults in prop::collection::btree_map(names(), prop::option::of(text()), 0..4),
        components in prop::collection::btree_map(names(), (text(), prop::collection::vec(text(), 0..3)), 1..4),
        routes in prop::collection::vec((prop::option::of(text()), any::<Index>()), 0..4),
    ) {
        let components: Vec<_> = components.into_iter().collect();
        let mut written = format!("spin_manifest_version = 2\n[application]\nname = {name:?}\n[variables]\n");
        for (name, default) in &defaults {
            written += &match default {
                Some(default) => format!("{name} = {{ default = {default:?} }}\n"),
                None => format!("{name} = {{ required = true }}\n"),
            };
        }
        for (route, component) in &routes {
            let route = route.as_ref().map_or("{ private = true }".to_owned(), |route| format!("{route:?}"));
            written += &format!("[[trigger.http]]\nroute = {route}\ncomponent = {:?}\n", component.get(&components).0);
        }
        for (name, (source, hosts)) in &components {
            written += &format!("[component.{name}]\nsource = {source:?}\nallowed_outbound_hosts = {hosts:?}\n");
        }

        let read = Manifest::parse(&written).map_err(|reason| TestCaseError::fail(format!("{reason}\n{written}")))?;
        prop_assert_eq!(read.application.name, name);
        let read_defaults: BTreeMap<_, _> = read.variables.into_iter().map(|(name, variable)| (name, variable.default)).collect();
        prop_assert_eq!(read_defaults, defaults);
        let read_routes: Vec<_> = read.trigger.http.into_iter().map(|trigger| match trigger.route {
            Route::Path(path) => (Some(path), trigger.component),
            Route::Private(_) => (None, trigger.component),
        }).collect();
        let routes: Vec<_> = routes.into_iter().map(|(route, at)| (route, at.get(&components).0.clone())).collect();
        prop_assert_eq!(read_routes, routes);
        let read_components: Vec<_> = read.component.into_iter()
            .map(|(name, component)| (name, (component.source.display().to_string(), component.allowed_outbound_hosts))).collect();
        prop_assert_eq!(read_components, components);
    }

    #[test]
    fn a_key_too_much_is_named_wherever_it_stands(key in "x[a-z_]{1,12}", at in 0..TABLES.len()) {
        let mut written = "spin_manifest_version = 2\n".to_owned();
        let mut line = 0;
        for (index, (head, content)) in TABLES.into_iter().enumerate() {
            written += &format!("{head}\n{content}\n");
            if index == at {
                written += &format!("{key} = {{}}\n");
                line = written.lines().count();
            }
        }
        let refusal = Manifest::parse(&written).map(|_| ()).unwrap_err();
        // Among variables a table of the name is a variable that has neither default nor need.
        let named = if TABLES[at].0 == "[variables]" { format!("variable {key} ") } else { format!("`{key}`") };
        let place = if TABLES[at].0 == "[variables]" { String::new() } else { format!("line {line}: ") };
        prop_assert!(refusal.starts_with(&place) && refusal.contains(&named), "{}\n{}", refusal, written);
    }

    #[test]
    fn a_damaged_manifest_is_read_or_refused_in_one_line_that_says_where(
        from in any::<Index>(), length in 0..40_usize, put in prop_oneof![Just(String::new()), "\\PC{0,6}", select(&["\n", "é", "[[", "\"", "\u{0}"][..]).prop_map(str::to_owned)],
    ) {
        let mut characters: Vec<char> = OWN.chars().collect();
        let from = from.index(characters.len());
        let to = (from + length).min(characters.len());
        characters.splice(from..to, put.chars());
        let damaged: String = characters.into_iter().collect();
        if let Err(reason) = Manifest::parse(&damaged) {
            prop_assert!(!reason.is_empty() && !reason.contains('\n'), "{}", reason);
            if let Some(line) = reason.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok()) {
                prop_assert!((1..=damaged.matches('\n').count() + 1).contains(&line), "{}", reason);
            }
        }
    }
}
