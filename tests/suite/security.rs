//! What SECURITY.md promises about the running system. That audit is private: `audit/private.rs`.

mod grants;
mod injection;
mod isolation;
mod responses;
mod secrets;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use support::{App, Builder, Receiver, root};

/// A password that no role has.
const WRONG: &str = "wrong-password-hidden7z";

/// Its name, and how to cause it.
type Trouble = (&'static str, fn(Builder) -> Builder);

/// The healthy application, and one in every trouble whose causes it must not reveal. Each has its own receiver of
/// spans.
async fn in_every_trouble() -> Vec<(&'static str, App, Receiver)> {
    let mut all = Vec::new();
    let troubles: [Trouble; 8] = [
        ("healthy", |app| app),
        ("no database", Builder::without_database),
        ("a wrong password of items", |app| app.variable("items_db_password", WRONG)),
        ("a wrong password of audit", |app| app.variable("audit_db_password", WRONG)),
        ("a password that breaks the address", |app| app.variable("items_db_password", "it's broken-hidden7z")),
        ("no such database", |app| app.variable("db_name", "nowhere")),
        ("an invalid sslmode", |app| app.variable("db_sslmode", "perhaps")),
        ("another schema", |app| app),
    ];
    for (what, trouble) in troubles {
        let receiver = Receiver::start().await;
        let app = trouble(App::builder().spans(&receiver.url())).start().await;
        if what == "another schema" {
            for function in ["items_get", "items_ready", "items_create"] {
                app.database().run(&format!("ALTER FUNCTION {function} RENAME TO {function}_gone")).await;
            }
        }
        all.push((what, app, receiver));
    }
    all
}

#[test]
fn every_test_that_security_md_names_exists() {
    let mut grep = Command::new("grep");
    grep.args(["-rhoE", "--include=*.rs", r"fn \w+\("]).current_dir(root());
    let found = grep.args(["components", "host", "observability", "stack", "tests"]).output().expect("run grep");
    let functions = String::from_utf8_lossy(&found.stdout);
    let text = fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md");
    let table = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Boundary"));
    let shown = table.filter_map(|line| line.trim_end_matches([' ', '|']).rsplit_once(" | "));
    let named: BTreeSet<&str> = shown.flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 25, "{named:?}");
    for name in named {
        let exists =
            if name.contains('/') { root().join(name).exists() } else { functions.contains(&format!("fn {name}(")) };
        assert!(exists, "SECURITY.md names {name}, which does not exist");
    }
}
