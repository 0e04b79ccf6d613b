//! A broken manifest is refused in one line.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// The manifest of this application.
const OWN: &str = include_str!("../../../spin.toml");

/// The tables of a manifest, and what is in them.
const TABLES: [(&str, &str); 6] = [
    ("[application]", "name = 'a'"),
    ("[variables]", "v = { default = 'd' }"),
    ("[variables.w]", "required = true"),
    ("[[trigger.http]]", "route = '/'\ncomponent = 'c'"),
    ("[component.c]", "source = 'c.wasm'"),
    ("[component.c.build]", "command = 'make'"),
];

proptest! {
    #[test]
    fn an_unknown_key_is_named_in_every_table(key in "x[a-z_]{1,12}", at in 0..TABLES.len()) {
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
        // In `[variables]` the key is a variable that is neither required nor has a default.
        let (place, named) = match TABLES[at].0 {
            "[variables]" => (String::new(), format!("variable {key} ")),
            _ => (format!("line {line}: "), format!("`{key}`")),
        };
        prop_assert!(refusal.starts_with(&place) && refusal.contains(&named), "{}\n{}", refusal, written);
    }

    #[test]
    fn a_damaged_manifest_is_read_or_refused_in_one_line(
        from in any::<Index>(),
        length in 0..40_usize,
        put in prop_oneof!["\\PC{0,6}", select(&["", "\n", "é", "[[", "\"", "\u{0}"][..]).prop_map(str::to_owned)],
    ) {
        let mut characters: Vec<char> = OWN.chars().collect();
        let from = from.index(characters.len());
        let to = (from + length).min(characters.len());
        characters.splice(from..to, put.chars());
        let damaged: String = characters.into_iter().collect();
        if let Err(reason) = Manifest::parse(&damaged) {
            prop_assert!(!reason.is_empty() && !reason.contains('\n'), "{}", reason);
            let line = reason.strip_prefix("line ").and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
            let lines = 1..=damaged.matches('\n').count() + 1;
            prop_assert!(line.is_none_or(|line| lines.contains(&line)), "{}", reason);
        }
    }
}
