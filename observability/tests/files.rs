//! Reads `observability/`, and runs the programs that check its files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde_json::Value;

/// The path of `observability/PATH`.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../observability").join(path)
}

/// The content of `observability/PATH`.
pub fn text(path: impl AsRef<Path>) -> String {
    let path = file("").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn yaml(path: impl AsRef<Path>) -> Value {
    serde_saphyr::from_str(&text(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

pub fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&text(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}

/// The files in `observability/FOLDER`, not in its subfolders. There is at least one.
pub fn all(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(file(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("read a folder").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    assert!(!files.is_empty(), "no *.{extension} in {folder}");
    files
}

/// All rule files: the common ones, those of the local stack and those of the cluster.
pub fn rule_files() -> Vec<PathBuf> {
    ["prometheus/rules", "prometheus/rules/local", "prometheus/rules/cluster"].map(|folder| all(folder, "yml")).concat()
}

/// The rules of a rule file.
pub fn rules(path: impl AsRef<Path>) -> Vec<Value> {
    list(&yaml(path), "groups").iter().flat_map(|group| list(group, "rules").to_vec()).collect()
}

/// Runs a program that must succeed. `package` is what to install when it is missing.
pub fn run(program: &str, package: &str, arguments: &[&str], files: &[PathBuf]) {
    let output = match Command::new(program).args(arguments).args(files).output() {
        Ok(output) => output,
        Err(e) if e.kind() == io::ErrorKind::NotFound => panic!("{program} is missing; fix: install {package}"),
        Err(e) => panic!("{program}: {e}"),
    };
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{program} {} {files:#?}\n{printed}", arguments.join(" "));
}

pub fn promtool(arguments: &[&str], files: &[PathBuf]) {
    run("promtool", "the Debian package prometheus", arguments, files);
}

/// A member that must be a string.
pub fn string<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("no string {member:?} in {value:#}"))
}

/// A member that must be a list.
pub fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().unwrap_or_else(|| panic!("no list {member:?} in {value:#}"))
}

/// The members of a list of strings; none if the member is missing.
pub fn strings(value: &Value, member: &str) -> Vec<String> {
    let members = value[member].as_array().into_iter().flatten();
    members.map(|member| member.as_str().expect("a string").to_owned()).collect()
}
