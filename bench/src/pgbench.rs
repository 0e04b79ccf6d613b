//! What pgbench runs: the statements of the application.

use std::path::PathBuf;

use items::store::{CREATE, GET, LIST};

use crate::database::ITEMS;
use crate::load::Workload;

/// Its name in the table.
pub const NAME: &str = "pgbench";
/// As many as each system has.
pub const SESSIONS: usize = 64;

/// One transaction of a workload.
pub fn script(workload: Workload) -> String {
    let (statement, own): (_, &[&str]) = match workload {
        Workload::Create => (CREATE, &["'bolt'", "'zinc plated, one of many, sold by the hundred'", "NULL"]),
        Workload::Get => (GET, &[":id", "NULL"]),
        Workload::Page => (LIST, &[":id", "100"]),
        _ => unreachable!("only these are measured"),
    };
    // The request id, the trace id, the actor and the address of the caller.
    let parameters = own.iter().chain(&["'01936b4c-8c1f-7a3e-9d52-1f7f0c5a9e11'", "NULL", "NULL", "'127.0.0.1'"]);
    let numbered = parameters
        .enumerate()
        .fold(statement.to_owned(), |statement, (index, value)| statement.replace(&format!("${}", index + 1), value));
    format!("\\set id random(1, {})\n{numbered}\n", ITEMS - 100)
}

/// Debian has it in the folder of the server's programs.
pub fn program() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let there = versions.map(|version| version.path().join("bin/pgbench")).filter(|program| program.exists());
    there.max().unwrap_or_else(|| PathBuf::from("pgbench"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_the_statement_of_the_application_with_values() {
        assert_eq!(
            script(Workload::Get),
            "\\set id random(1, 99900)\nSELECT outcome, item_tag(version), item, relay FROM items_get(:id, \
             item_versions(NULL), '01936b4c-8c1f-7a3e-9d52-1f7f0c5a9e11', NULL, NULL, '127.0.0.1')\n"
        );
    }
}
