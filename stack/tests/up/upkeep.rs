//! The scripts with which an operator backs up and restores the running stack's database, and removes parts of the trail.

use std::process::Command;

use crate::folder::{Folder, root};
use crate::running::Running;
use crate::wait::eventually;

/// Runs a script of `scripts/` on the server of `folder`: what it printed, as an error if it failed.
fn run(folder: &Folder, script: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(root().join("scripts").join(format!("{script}.sh")))
        .args(arguments)
        .env("DATABASE_URL", folder.admin_url("itemsdb"))
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    if output.status.success() { Ok(text) } else { Err(text) }
}

fn until_audited(folder: &Folder, events: usize) {
    eventually(&format!("{events} events are in the trail and none waits"), || {
        let counts = folder
            .psql("itemsdb", "SELECT (SELECT count(*) FROM audit_logs) || ' ' || (SELECT count(*) FROM audit_outbox)");
        if counts == format!("{events} 0") { Ok(()) } else { Err(counts) }
    });
}

/// All rows that an operator wants to have back, as text.
fn content(folder: &Folder) -> String {
    folder.psql(
        "itemsdb",
        "SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT 'item ' || i::text AS line FROM items i
            UNION ALL SELECT 'event ' || a::text FROM audit_logs a
            UNION ALL SELECT 'total ' || t::text FROM audit_totals t
            UNION ALL SELECT 'key ' || k::text FROM idempotency k) AS everything",
    )
}

#[test]
fn a_backup_restores_data_trail_totals_and_sequences_in_the_same_and_in_another_stack() {
    let (first, second) = (Folder::new(), Folder::new());
    let running = Running::start(&first);
    for name in ["a", "b", "c"] {
        running.create(name);
    }
    running.http("DELETE", "/items/3", "", 204);
    until_audited(&first, 4);
    let kept = content(&first);
    let file = first.path().join("items.dump");
    let output = run(&first, "backup", &[file.to_str().unwrap()]).unwrap();
    assert!(output.contains("bytes in"), "{output}");

    running.create("later");
    until_audited(&first, 5);
    let other = Running::start(&second);
    other.create("of its own");
    for (folder, running) in [(&first, &running), (&second, &other)] {
        let output = run(folder, "restore", &[file.to_str().unwrap()]).unwrap();
        assert!(output.contains("restored"), "{output}");
        assert_eq!(content(folder), kept);
        running.create("afterwards");
        assert_eq!(folder.psql("itemsdb", "SELECT max(id) FROM items"), "4", "ids are not used again");
        until_audited(folder, 5);
        let rights = "SELECT has_table_privilege('items', 'items', 'SELECT')::text
            || has_function_privilege('items', 'items_ready()', 'EXECUTE')";
        assert_eq!(folder.psql("itemsdb", rights), "falsetrue", "roles have their rights and no others");
    }
}

#[test]
fn a_backup_that_cannot_be_written_or_read_changes_nothing() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    running.create("a");
    until_audited(&folder, 1);
    let kept = content(&folder);
    let broken = folder.path().join("broken.dump");
    run(&folder, "backup", &[broken.to_str().unwrap()]).unwrap();
    let dump = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &dump[..dump.len() / 2]).unwrap();
    for (script, argument) in
        [("restore", broken.to_str().unwrap()), ("restore", "/nowhere.dump"), ("backup", "/proc/items.dump")]
    {
        assert_ne!(run(&folder, script, &[argument]).unwrap_err(), "", "{script} {argument}");
    }
    assert_eq!(content(&folder), kept);
}

#[test]
fn an_operator_prunes_the_trail_and_erases_an_item() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    running.create("Jane");
    running.http("DELETE", "/items/1", "", 204);
    until_audited(&folder, 2);
    let output = run(&folder, "retention", &["erase", "1"]).unwrap();
    assert!(output.contains("of item 1 erased"), "{output}");
    assert!(!content(&folder).contains("Jane"));
    let output = run(&folder, "retention", &["prune", "now"]).unwrap();
    assert!(output.contains("3 events from before now pruned"), "{output}");
    let left = folder.psql("itemsdb", "SELECT action || ' by ' || actor FROM audit_logs");
    assert_eq!(left, "prune by postgres");
    for arguments in
        [&["prune"][..], &["prune", "tomorrow"], &["prune", "no date"], &["erase", "'; DROP TABLE items; --"], &[]]
    {
        let output = run(&folder, "retention", arguments).unwrap_err();
        assert!(output.to_lowercase().contains("error"), "{arguments:?}: {output}");
    }
}
