//! The table in `host/README.md` is true as far as its form and its tests say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use support::root;

/// What a row may say of the embedded host. None is `laxer`.
const VERDICTS: [&str; 3] = ["same", "stricter here: ", "not offered: "];

/// Every function below a folder, with its file.
fn functions(folder: &Path, found: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a file");
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('(').map(|(name, _)| name));
            found.extend(names.map(|name| (name.to_owned(), path.clone())));
        }
    }
}

#[test]
fn each_row_is_the_same_stricter_or_not_offered_and_names_tests_that_run_where_it_holds() {
    let mut tests = BTreeMap::new();
    for folder in ["host/src", "host/tests", "tests/suite"] {
        functions(&root().join(folder), &mut tests);
    }
    let text = fs::read_to_string(root().join("host/README.md")).expect("host/README.md");
    let (_, contract) = text.split_once("## The contract").expect("the contract");
    let rows: Vec<Vec<&str>> = contract
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| Behaviour"))
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .collect();
    assert!(rows.len() > 70, "{} rows", rows.len());
    let mut named = BTreeSet::new();
    for row in &rows {
        let [behaviour, _, here, names] = row[..] else { panic!("not four columns: {row:?}") };
        let same = here.strip_prefix("same").is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ';']));
        assert!(same || VERDICTS[1..].iter().any(|verdict| here.starts_with(verdict)), "{behaviour}: {here}");
        let files: Vec<&PathBuf> = names
            .split('`')
            .skip(1)
            .step_by(2)
            .map(|name| {
                named.insert(name);
                tests.get(name).unwrap_or_else(|| panic!("{behaviour}: there is no test {name}"))
            })
            .collect();
        // Both hosts run the suite, but for this folder.
        let on_both = |file: &&PathBuf| {
            file.starts_with(root().join("tests/suite")) && !file.starts_with(root().join("tests/suite/embedded_host"))
        };
        assert!(!files.is_empty() && (!same || files.iter().any(on_both)), "{behaviour}: no test on both hosts");
    }
    let unnamed: Vec<&String> = tests
        .iter()
        .filter(|(name, file)| {
            let contract = file.parent().is_some_and(|folder| folder.ends_with("host_contract"));
            let is_test = fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("]\nasync fn {name}()")));
            contract && is_test && !named.contains(name.as_str())
        })
        .map(|(name, _)| name)
        .collect();
    assert!(unnamed.is_empty(), "no row names {unnamed:?}");
}
