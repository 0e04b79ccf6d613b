//! The `stack` binary as `make up` starts it: real processes, real signals, real PostgreSQL.

mod folder;
mod metrics;
mod running;
mod upkeep;
mod wait;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use folder::{Folder, kill};
use running::Running;
use wait::eventually;

#[test]
fn a_created_item_is_listed_and_audited_and_kept_for_the_next_run() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    let created = running.http("POST", "/items", r#"{"name":"kept"}"#);
    assert!(created.starts_with("HTTP/1.1 201"), "{created}");
    assert_eq!(running.terminate(), Some(0));

    let running = Running::start(&folder);
    let listed = running.http("GET", "/items", "");
    assert!(listed.contains(r#""name":"kept""#), "{listed}");
    eventually("both operations are audited", || {
        let rows = folder
            .psql("itemsdb", "SELECT string_agg(action || ' ' || outcome, ', ' ORDER BY created_at) FROM audit_logs");
        if rows == "create ok, list ok" { Ok(()) } else { Err(rows) }
    });
}

#[test]
fn a_terminated_stack_leaves_no_process_behind() {
    let folder = Folder::new();
    for signal in [Signal::TERM, Signal::INT] {
        let running = Running::start(&folder);
        assert!(!folder.processes().is_empty(), "the server runs");
        assert_eq!(running.end_with(signal), Some(0));
        assert_eq!(folder.processes(), Vec::<String>::new(), "after {signal:?}");
    }
}

#[test]
fn a_signal_that_comes_twice_at_once_is_one_and_nothing_is_cut_short() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    running.signal(Signal::INT);
    assert_eq!(running.end_with(Signal::TERM), Some(0));
}

#[test]
fn a_stack_terminated_while_it_starts_leaves_no_process_behind() {
    for milestone in [
        "",
        "data/postgres.lock",
        "data/postgres/data.new/PG_VERSION",
        "data/postgres/data/postmaster.pid",
        "data/pgpass",
    ] {
        let folder = Folder::new();
        let running = Running::spawn(&folder, &[]);
        eventually(&format!("{milestone} is there"), || {
            if folder.path().join(milestone).exists() { Ok(()) } else { Err(running.log()) }
        });
        let code = running.terminate();
        // Before the handlers are in place, the signal itself ends the process.
        assert!(matches!(code, Some(0) | None), "at {milestone}: {code:?}");
        assert_eq!(folder.processes(), Vec::<String>::new(), "at {milestone}");
        Running::start(&folder);
    }
}

#[test]
fn a_killed_stack_takes_its_server_along_and_the_next_one_starts() {
    let folder = Folder::new();
    Running::start(&folder).end_with(Signal::KILL);
    eventually("no process is left", || match &folder.processes()[..] {
        [] => Ok(()),
        left => Err(left.join(", ")),
    });
    Running::start(&folder);
}

#[test]
fn a_server_that_outlived_its_stack_is_stopped_and_started_anew() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    let orphan = folder.server();
    // The shells above the server, lest they stop it, and then the stack.
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
    eventually("the application answers again", || {
        let ready = running.http("GET", "/readyz", "");
        let new = folder.server();
        if new != first && ready.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("{new}: {ready}")) }
    });
    assert!(running.log().contains("starting it again"), "{}", running.log());
}

#[test]
fn a_second_stack_on_the_same_data_is_refused() {
    let folder = Folder::new();
    let _first = Running::start(&folder);
    assert_refused(&folder, &[], &["another stack", "fix: "]);
}

#[test]
fn a_port_in_use_is_named_with_the_mend() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = Folder::new();
    assert_refused(
        &folder,
        &["--listen", &address.to_string()],
        &[&format!("{address} is in use"), "fix: ", "LISTEN="],
    );
    assert_refused(
        &folder,
        &["--db-port", &address.port().to_string()],
        &[&format!("{address} is in use"), "fix: ", "DB_PORT="],
    );
    for (argument, variable) in [("--metrics-listen", "METRICS_LISTEN="), ("--otlp-listen", "OTLP_LISTEN=")] {
        let parts = [&format!("{address} is in use"), "fix: ", variable];
        assert_refused(&folder, &[argument, &address.to_string()], &parts);
    }
    assert_eq!(folder.processes(), Vec::<String>::new());
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let folder = Folder::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://postgres:s3cret@{closed}/itemsdb");
    let said = assert_refused(&folder, &["--database-url", &url], &["cannot reach", &closed.to_string(), "fix: "]);
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_database_that_wants_tls_is_refused_before_anything_is_served() {
    let folder = Folder::new();
    let url = "postgres://postgres:s3cret@127.0.0.1:1/itemsdb?sslmode=require";
    let said = assert_refused(&folder, &["--database-url", url], &["asks for TLS", "fix: "]);
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn data_of_a_version_that_is_not_installed_is_named() {
    let folder = Folder::new();
    Running::start(&folder).terminate();
    fs::write(folder.path().join("data/postgres/data/PG_VERSION"), "9.6\n").unwrap();
    assert_refused(&folder, &[], &["of PostgreSQL 9.6", "fix: "]);
}

#[test]
fn a_component_that_was_not_built_is_named_with_the_mend() {
    let folder = Folder::new();
    let manifest = folder.manifest(|text| text.replace("items.wasm", "missing.wasm"));
    assert_refused(&folder, &["--from", &manifest], &["missing.wasm does not exist", "fix: `make build`"]);
    assert_eq!(folder.processes(), Vec::<String>::new());
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named_with_the_mend() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let data = file.join("data");
    assert_refused(&folder, &["--data", data.to_str().unwrap()], &["cannot make the folder", "fix: "]);
}

#[test]
fn given_a_database_url_the_stack_uses_that_server_and_leaves_it_running() {
    let (server, own) = (Folder::new(), Folder::new());
    let provider = Running::start(&server);
    let url = server.admin_url("shop");
    let running = Running::spawn(&own, &["--database-url", &url]);
    running.until_answering();
    assert!(running.http("POST", "/items", r#"{"name":"there"}"#).starts_with("HTTP/1.1 201"));
    assert!(!own.path().join("data/postgres").exists(), "no server of its own");
    assert!(!running.log().contains(&url), "the password is not shown: {}", running.log());
    assert_eq!(running.terminate(), Some(0));
    assert!(provider.http("GET", "/livez", "").starts_with("HTTP/1.1 200"), "the server's own stack goes on");
    assert_eq!(server.psql("shop", "SELECT name FROM items"), "there");
}

#[test]
fn files_with_passwords_are_for_their_owner_alone() {
    let folder = Folder::new();
    let running = Running::start(&folder);
    for file in ["data/passwords", "data/pgpass", "data/postgres/password", "data/postgres/log", ".env"] {
        let mode =
            fs::metadata(folder.path().join(file)).unwrap_or_else(|e| panic!("{file}: {e}")).permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}: {mode:o}");
    }
    let env = fs::read_to_string(folder.path().join(".env")).unwrap();
    for line in env.lines().filter(|line| line.contains("PASSWORD")) {
        let (name, password) = line.split_once('=').unwrap();
        assert!(password.len() >= 32, "{name}");
        assert!(!running.log().contains(password), "{name} is printed");
    }
}

/// Runs a stack that must end with exit code 1 and one line that holds all of `parts`; returns what it said.
fn assert_refused(folder: &Folder, arguments: &[&str], parts: &[&str]) -> String {
    let running = Running::spawn(folder, arguments);
    let (code, said) = running.until_ended();
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!((code, errors.len()), (Some(1), 1), "{said}");
    for part in parts {
        assert!(errors[0].contains(part), "{part:?} is not in: {}", errors[0]);
    }
    said
}
