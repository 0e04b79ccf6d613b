//! What an operator does to the running stack's database: back it up, restore it, take something out of the trail.

use std::process::Command;

use crate::folder::{Folder, root};
use crate::running::Running;
use crate::wait::eventually;

/// Runs a script of `scripts/` on the server of `folder`; what it says, and whether it succeeded.
fn run(folder: &Folder, script: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(root().join("scripts").join(format!("{script}.sh")))
        .args(arguments)
        .env("DATABASE_URL", folder.admin_url("itemsdb"))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn create(running: &Running, name: &str) {
    let answer = running.http("POST", "/items", &format!(r#"{{"name":"{name}"}}"#));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

fn audited(folder: &Folder, events: usize) {
    eventually(&format!("{events} events in the trail, none on their way"), || {
        let counts = folder
            .psql("itemsdb", "SELECT (SELECT count(*) FROM audit_logs) || ' ' || (SELECT count(*) FROM audit_outbox)");
        if counts == format!("{events} 0") { Ok(()) } else { Err(counts) }
    });
}

/// Everything an operator would miss, as text.
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
fn a_backup_brings_data_trail_totals_and_sequences_back_also_into_another_stack() {
    let (first, second) = (Folder::new(), Folder::new());
    let running = Running::start(&first);
    for name in ["a", "b", "c"] {
        create(&running, name);
    }
    assert!(running.http("DELETE", "/items/3", "").starts_with("HTTP/1.1 204"));
    audited(&first, 4);
    let kept = content(&first);
    let file = first.path().join("items.dump");
    let (ok, said) = run(&first, "backup", &[file.to_str().unwrap()]);
    assert!(ok && said.contains("bytes in"), "{said}");

    // What happened since is undone where it was taken, and the application goes on.
    create(&running, "later");
    audited(&first, 5);
    let other = Running::start(&second);
    create(&other, "of its own");
    for (folder, running) in [(&first, &running), (&second, &other)] {
        let (ok, said) = run(folder, "restore", &[file.to_str().unwrap()]);
        assert!(ok && said.contains("restored"), "{said}");
        assert_eq!(content(folder), kept);
        create(running, "afterwards");
        assert_eq!(folder.psql("itemsdb", "SELECT max(id) FROM items"), "4", "ids are not used again");
        audited(folder, 5);
        let rights = folder.psql("itemsdb", "SELECT has_table_privilege('items', 'items', 'SELECT')::text || has_function_privilege('items', 'items_ready()', 'EXECUTE')");
        assert_eq!(rights, "falsetrue", "roles have their rights and no others");
    }
}

#[test]
fn a_backup_that_cannot_be_written_or_read_changes_nothing() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    create(&running, "a");
    audited(&folder, 1);
    let kept = content(&folder);
    let broken = folder.path().join("broken.dump");
    let (ok, said) = run(&folder, "backup", &[broken.to_str().unwrap()]);
    assert!(ok, "{said}");
    let whole = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    for (script, argument) in
        [("restore", broken.to_str().unwrap()), ("restore", "/nowhere.dump"), ("backup", "/proc/items.dump")]
    {
        let (ok, said) = run(&folder, script, &[argument]);
        assert!(!ok && !said.is_empty(), "{script} {argument}: {said}");
    }
    assert_eq!(content(&folder), kept);
}

#[test]
fn the_trail_is_pruned_and_an_item_erased_by_an_operator() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    create(&running, "Jane");
    assert!(running.http("DELETE", "/items/1", "").starts_with("HTTP/1.1 204"));
    audited(&folder, 2);
    let (ok, said) = run(&folder, "retention", &["erase", "1"]);
    assert!(ok && said.contains("of item 1 erased"), "{said}");
    assert!(!content(&folder).contains("Jane"));
    let (ok, said) = run(&folder, "retention", &["prune", "now"]);
    assert!(ok && said.contains("3 events from before now pruned"), "{said}");
    let left = folder.psql("itemsdb", "SELECT action || ' by ' || actor FROM audit_logs");
    assert_eq!(left, "prune by postgres");
    for arguments in
        [&["prune"][..], &["prune", "tomorrow"], &["prune", "no date"], &["erase", "'; DROP TABLE items; --"], &[]]
    {
        let (ok, said) = run(&folder, "retention", arguments);
        assert!(!ok && said.to_lowercase().contains("error"), "{arguments:?}: {said}");
    }
}
