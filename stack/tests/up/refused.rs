//! What keeps a stack from starting is reported in one line, with its fix.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Command;

use rustix::process::Signal;

use crate::NONE;
use crate::folder::{Folder, root};
use crate::running::Running;

/// Runs a stack that must end with exit code 1 and one line of error that contains all of `parts` and a fix.
pub fn assert_refused(folder: &Folder, arguments: &[&str], parts: &[&str]) {
    let (code, output) = Running::spawn(folder, arguments).until_ended();
    let errors: Vec<&str> = output.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!((code, errors.len()), (Some(1), 1), "{output}");
    for part in parts.iter().chain(&["; fix: "]) {
        assert!(errors[0].contains(part), "{part:?} is not in: {}", errors[0]);
    }
    for advice in ["clean-data", "delete", "remove"] {
        assert!(!errors[0].contains(advice), "{advice:?} is in: {}", errors[0]);
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
    assert_refused(&folder, &["--database-url", &format!("{url}?sslmode=require")], &["sslmode", "needs TLS"]);
    assert!(!folder.has_data());
}

#[test]
fn a_listener_that_cannot_be_one_is_refused_before_anything_is_created() {
    let folder = Folder::new();
    for (argument, variable) in
        [("--listen", "LISTEN"), ("--metrics-listen", "METRICS_LISTEN"), ("--otlp-listen", "OTLP_LISTEN")]
    {
        for value in ["localhost", "8080", ":", "127.0.0.1:70000", "192.0.2.1:8080"] {
            assert_refused(&folder, &[argument, value], &[&format!("{variable}={value} cannot be used")]);
        }
    }
    for value in ["port", "70000"] {
        assert_refused(&folder, &["--db-port", value], &[&format!("DB_PORT={value} cannot be used")]);
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (address, port) = (free.to_string(), free.port().to_string());
    assert_refused(&folder, &["--listen", &address, "--otlp-listen", &address], &["is in use", "OTLP_LISTEN="]);
    assert_refused(&folder, &["--listen", &address, "--db-port", &port], &["DB_PORT=", "the same port"]);
    assert!(!folder.has_data());
}

#[test]
fn data_of_another_account_is_refused_and_stays_as_it_is() {
    let folder = Folder::new();
    let (data, owner) = (folder.path().join("data"), 65534);
    fs::create_dir_all(data.join("postgres/data")).unwrap();
    let lock = data.join("postgres.lock");
    if !rustix::process::geteuid().is_root() {
        // Only root can give a folder away; this one is root's.
        return assert_refused(&folder, &["--data", "/usr"], &["/usr belongs to root"]);
    }
    for foreign in [data.clone(), data.join("postgres"), data.join("postgres/data")] {
        chown(&foreign, Some(owner), None).unwrap();
        assert_refused(&folder, &[], &[&format!("{} belongs to nobody", foreign.display())]);
        assert_eq!(fs::metadata(&foreign).unwrap().uid(), owner);
        assert!(!lock.exists() && !data.join("passwords").exists());
        chown(&foreign, Some(0), None).unwrap();
    }
}

#[test]
fn a_server_that_does_not_start_is_reported_with_the_end_of_its_log() {
    let folder = Folder::new();
    Running::start(&folder).end_with(Signal::TERM);
    let data = folder.path().join("data/postgres/data").canonicalize().unwrap();
    fs::write(data.join("postgresql.conf"), "nonsense = 1\n").unwrap();
    let log = data.with_file_name("log");
    assert_refused(&folder, &[], &["contains errors", &format!("its log {} ends with", log.display()), "nonsense"]);
}

#[test]
fn data_is_deleted_only_after_a_confirmation_that_names_it() {
    let folder = Folder::new();
    let kept = folder.path().join(".data/backups/one.dump");
    let gone = [".data/postgres/data/file", ".data/passwords", ".data/pgpass"].map(|file| folder.path().join(file));
    for file in gone.iter().chain([&kept]) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "content").unwrap();
    }
    let clean = |confirm: &str| {
        let makefile = root().join("Makefile");
        let mut make = Command::new("make");
        make.args(["clean-data", confirm, "-f"]).arg(makefile).current_dir(folder.path()).env_remove("CONFIRM");
        let output = make.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for confirm in ["CONFIRM=", "CONFIRM=no"] {
        let (done, text) = clean(confirm);
        assert!(!done && text.contains("fix: make clean-data CONFIRM=yes"), "{text}");
        assert!([".data/postgres", ".data/passwords", ".data/pgpass"].iter().all(|path| text.contains(path)), "{text}");
        assert!(gone.iter().all(|file| file.exists()));
    }
    let (done, text) = clean("CONFIRM=yes");
    assert!(done, "{text}");
    assert!(!gone.iter().any(|file| file.exists()) && kept.exists());
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
    // Spin names the file in a line of its own before.
    let named = match stack::Kind::chosen().unwrap() {
        stack::Kind::Spin => ["spin did not start", "its own lines"],
        stack::Kind::Embedded => ["missing.wasm does not exist", "`make build`"],
    };
    assert_refused(&folder, &["--from", &manifest], &named);
    assert_eq!(folder.processes(), NONE);
}

#[test]
fn a_data_folder_that_cannot_be_created_is_refused() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_refused(&folder, &["--data", file.join("data").to_str().unwrap()], &["cannot create the folder"]);
}
