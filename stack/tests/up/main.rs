//! The `stack` binary as `make up` starts it: real processes, real signals, real PostgreSQL.

mod database_url;
mod folder;
mod metrics;
mod refused;
mod running;
mod upkeep;
mod wait;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use folder::{Folder, kill};
use running::Running;
use wait::eventually;

const NONE: [String; 0] = [];

#[test]
fn a_created_item_is_audited_and_still_there_after_a_restart() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    running.create("kept");
    assert_eq!(running.end_with(Signal::TERM), Some(0));

    let running = Running::start(&folder);
    let list = running.http("GET", "/items", "", 200);
    assert!(list.contains(r#""name":"kept""#), "{list}");
    eventually("both operations are audited", || {
        let rows = folder
            .psql("itemsdb", "SELECT string_agg(action || ' ' || outcome, ', ' ORDER BY created_at) FROM audit_logs");
        if rows == "create ok, list ok" { Ok(()) } else { Err(rows) }
    });
}

#[test]
fn a_stopped_stack_leaves_no_process_behind() {
    let folder = Folder::new();
    // Two signals at once are one: a terminal and `make` both pass Ctrl-C on.
    for signals in [&[Signal::TERM][..], &[Signal::INT], &[Signal::INT, Signal::TERM]] {
        let running = Running::start(&folder);
        assert!(!folder.processes().is_empty(), "the server runs");
        for signal in signals {
            running.signal(*signal);
        }
        assert_eq!(running.until_ended().0, Some(0));
        assert_eq!(folder.processes(), NONE, "after {signals:?}");
    }
}

#[test]
fn a_stack_stopped_while_it_starts_leaves_no_process_behind() {
    for milestone in [
        "",
        "data/postgres.lock",
        "data/postgres/data.new/PG_VERSION",
        "data/postgres/data/postmaster.pid",
        "data/pgpass",
    ] {
        let folder = Folder::new();
        let running = Running::spawn(&folder, &[]);
        eventually(&format!("{milestone} exists"), || {
            if folder.path().join(milestone).exists() { Ok(()) } else { Err(running.log()) }
        });
        let code = running.end_with(Signal::TERM);
        // Before the handlers are installed, the signal itself ends the process.
        assert!(matches!(code, Some(0) | None), "at {milestone}: {code:?}");
        assert_eq!(folder.processes(), NONE, "at {milestone}");
        Running::start(&folder);
    }
}

#[test]
fn server_and_sidecar_of_a_killed_stack_stop_and_the_next_stack_starts() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    assert_ne!(folder.sidecar(), "");
    running.end_with(Signal::KILL);
    eventually("no process is left", || {
        let left = folder.processes();
        if left.is_empty() { Ok(()) } else { Err(left.join(", ")) }
    });
    Running::start(&folder);
}

#[test]
fn a_server_that_outlived_its_stack_is_stopped_and_started_again() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    let orphan = folder.server();
    // First the shells above the server, which would stop it.
    for shell in folder.processes().iter().filter(|process| process.contains("keeper")) {
        kill(shell, Signal::KILL);
    }
    running.end_with(Signal::KILL);
    let running = Running::start(&folder);
    assert_ne!(folder.server(), orphan);
    assert!(running.log().contains(&format!("of an earlier run (process {orphan}) stopped")), "{}", running.log());
}

#[test]
fn a_server_that_dies_is_started_again() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    let first = folder.server();
    kill(&first, Signal::KILL);
    eventually("the application is ready on a new server", || {
        running.ready()?;
        if folder.server() == first { Err("the server is the old one".to_owned()) } else { Ok(()) }
    });
    assert!(running.log().contains("starting it again"), "{}", running.log());
}

#[test]
fn a_pid_file_that_a_power_failure_left_behind_does_not_keep_a_stack_from_starting() {
    let folder = Folder::new();
    Running::start(&folder).end_with(Signal::TERM);
    let file = folder.path().join("data/postgres/data/postmaster.pid");
    let living_process = format!("{}\n/\n1\n15432\n", std::process::id());
    for content in ["", "\0\0garbage", &living_process] {
        fs::write(&file, content).unwrap();
        let running = Running::start(&folder);
        assert!(running.log().contains("postmaster.pid is of no running server: removed"), "{}", running.log());
        assert_eq!(running.end_with(Signal::TERM), Some(0), "after {content:?}");
    }
}

#[test]
fn empty_variables_are_unset_and_a_listener_may_be_named() {
    let folder = Folder::new();
    let running = Running::spawn(&folder, &["--database-url", "", "--take-over", "", "--listen", "localhost:0"]);
    running.create("there");
    assert!(folder.path().join("data/postgres").exists());
}

#[test]
fn only_their_owner_can_read_files_with_passwords() {
    let folder = Folder::new();
    fs::write(folder.path().join(".env"), "OTHER=kept\nSPIN_VARIABLE_DB_PORT=1\n").unwrap();
    let running = Running::start(&folder);
    for file in ["data/passwords", "data/pgpass", "data/postgres/password", "data/postgres/log", ".env"] {
        let metadata = fs::metadata(folder.path().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(metadata.permissions().mode() & 0o077, 0, "{file}");
    }
    let env = fs::read_to_string(folder.path().join(".env")).unwrap();
    assert!(env.starts_with("OTHER=kept\nSPIN_VARIABLE_DB_HOST=127.0.0.1\nSPIN_VARIABLE_DB_PORT="), "{env}");
    for line in env.lines().filter(|line| line.contains("PASSWORD")) {
        let (name, password) = line.split_once('=').unwrap();
        assert!(password.len() >= 32, "{name}");
        assert!(!running.log().contains(password), "{name} is printed");
    }
}
