//! SECURITY.md says which test shows what: each of them has to be there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::root;

mod answers;
mod injection;
mod secrets;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_that_the_security_page_names_is_there() {
    let mut files = Vec::new();
    for folder in ["components", "host", "observability", "stack", "tests"] {
        sources(&root().join(folder), &mut files);
    }
    let code: String = files.iter().map(|file| fs::read_to_string(file).expect("a source")).collect();
    let page = fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md");
    let table = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Boundary"));
    let shown = table.filter_map(|line| line.trim_end_matches([' ', '|']).rsplit_once(" | "));
    let named: BTreeSet<&str> = shown.flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 25, "{named:?}");
    for name in named {
        let there = if name.contains('/') { root().join(name).exists() } else { code.contains(&format!("fn {name}(")) };
        assert!(there, "SECURITY.md names {name}, which is nowhere");
    }
}
