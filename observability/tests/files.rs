//! Reading `observability/`, and running the programs that judge what is in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde_json::Value;

/// `observability/PATH`.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../observability").join(path)
}

pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn json(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files right in `observability/FOLDER`, sorted; there is at least one.
pub fn all(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = file(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("read a folder").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "no *.{extension} in {}", folder.display());
    files
}

/// Every rule file: the common ones, those of the local stack, those of the cluster.
pub fn rule_files() -> Vec<PathBuf> {
    ["prometheus/rules", "prometheus/rules/local", "prometheus/rules/cluster"]
        .iter()
        .flat_map(|folder| all(folder, "yml"))
        .collect()
}

/// Runs a program that must approve. `package` is what to install where it is missing.
pub fn run(program: &str, package: &str, arguments: &[&str], files: &[PathBuf]) {
    let output = match Command::new(program).args(arguments).args(files).output() {
        Ok(output) => output,
        Err(e) if e.kind() == io::ErrorKind::NotFound => panic!("{program} is missing: install {package}"),
        Err(e) => panic!("{program}: {e}"),
    };
    assert!(
        output.status.success(),
        "{program} {} {files:#?}\n{}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

pub fn promtool(arguments: &[&str], files: &[PathBuf]) {
    run("promtool", "the Debian package prometheus", arguments, files);
}

/// A member that must be text.
pub fn string<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("no text {member:?} in {value:#}"))
}

/// A member that must be a list.
pub fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().unwrap_or_else(|| panic!("no list {member:?} in {value:#}"))
}
