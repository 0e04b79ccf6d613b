//! What keeps a stack from starting is reported in one line, with its fix.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;

use crate::NONE;
use crate::folder::Folder;
use crate::running::Running;

/// Runs a stack that must end with exit code 1 and one line of error that contains all of `parts` and a fix.
fn assert_refused(folder: &Folder, arguments: &[&str], parts: &[&str]) {
    let (code, output) = Running::spawn(folder, arguments).until_ended();
    let errors: Vec<&str> = output.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!((code, errors.len()), (Some(1), 1), "{output}");
    for part in parts.iter().chain(&["; fix: "]) {
        assert!(errors[0].contains(part), "{part:?} is not in: {}", errors[0]);
    }
    assert!(!output.contains("s3cret"), "the password is printed: {output}");
}

#[test]
fn a_second_stack_on_the_same_data_is_refused() {
    let folder = Folder::new();
    let _first = Running::start(&folder);
    assert_refused(&folder, &[], &["another stack"]);
}

#[test]
fn a_port_in_use_is_refused_with_the_variable_that_chooses_another() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = Folder::new();
    for (argument, variable) in
        [("--listen", "LISTEN="), ("--metrics-listen", "METRICS_LISTEN="), ("--otlp-listen", "OTLP_LISTEN=")]
    {
        assert_refused(&folder, &[argument, &address.to_string()], &[&format!("{address} is in use"), variable]);
    }
    let port = address.port().to_string();
    assert_refused(&folder, &["--db-port", &port], &[&format!("{address} is in use"), "DB_PORT="]);
    assert_eq!(folder.processes(), NONE);
}

#[test]
fn a_database_that_does_not_answer_or_wants_tls_is_refused() {
    let folder = Folder::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://postgres:s3cret@{closed}/itemsdb");
    assert_refused(&folder, &["--database-url", &url], &["cannot reach", &closed.to_string()]);
    assert_refused(&folder, &["--database-url", &format!("{url}?sslmode=require")], &["asks for TLS"]);
}

#[test]
fn data_of_another_version_or_without_its_password_is_refused() {
    let folder = Folder::new();
    Running::start(&folder).end_with(Signal::TERM);
    let postgres = folder.path().join("data/postgres").canonicalize().unwrap();
    fs::rename(postgres.join("password"), postgres.join("elsewhere")).unwrap();
    assert_refused(&folder, &[], &["password does not exist", "`make restore`"]);
    fs::write(postgres.join("data/PG_VERSION"), "9.6\n").unwrap();
    assert_refused(&folder, &[], &["of PostgreSQL 9.6", "install postgresql-9.6", "`make restore`"]);
}

#[test]
fn a_component_that_was_not_built_is_refused() {
    let folder = Folder::new();
    let manifest = folder.manifest_without_items();
    assert_refused(&folder, &["--from", &manifest], &["missing.wasm does not exist", "`make build`"]);
    assert_eq!(folder.processes(), NONE);
}

#[test]
fn a_data_folder_that_cannot_be_created_is_refused() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_refused(&folder, &["--data", file.join("data").to_str().unwrap()], &["cannot create the folder"]);
}
