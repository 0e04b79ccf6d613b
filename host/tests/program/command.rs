//! The command `host`, used as people use `spin up`.

use crate::support::{Folder, PATIENCE, get, manifest, open};
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

fn host(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
    command
        .arg("--from")
        .arg(&folder.0)
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Reads the output of `host` up to the end of the list of routes; the address and the text.
async fn started(child: &mut Child) -> (SocketAddr, String) {
    let mut lines = BufReader::new(child.stdout.as_mut().expect("stdout is piped")).lines();
    let mut text = String::new();
    let reading = async {
        while let Some(line) = lines.next_line().await.expect("stdout must be readable") {
            text += &format!("{line}\n");
            if line.ends_with("(wildcard)") && !line.contains("/of/") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the host must start");
    let address = text.lines().find_map(|line| line.strip_prefix("Serving http://")).expect("an address is printed");
    (address.parse().expect("an address"), text)
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("the host must still run").to_string();
    assert!(Command::new("kill").args([name, &id]).status().await.expect("kill must run").success());
}

#[tokio::test]
async fn it_lists_the_routes_and_serves_until_sigterm() {
    let folder = Folder::new(&manifest(&[]));
    let mut child = host(&folder).args(["--variable", "word=given"]).env("SPIN_VARIABLE_WORD", "env").spawn().unwrap();
    let (address, text) = started(&mut child).await;
    assert!(
        text.contains(&format!("Available Routes:\n  probe: http://{address}/hello\n    does what requests say\n")),
        "{text}"
    );
    assert!(get(address, "/variable?name=word").await.body.contains("<given>"));
    signal(&child, "-TERM").await;
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("the host must end").unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn variables_come_from_the_environment_and_from_files() {
    let folder = Folder::new(&manifest(&[]));
    std::fs::write(folder.0.join("word"), "from a file").unwrap();
    std::fs::write(folder.0.join(".env"), "SPIN_VARIABLE_WORD='from .env'\n").unwrap();
    for (argument, environment, value) in
        [(None, Some("env"), "<env>"), (Some("word=@word"), Some("env"), "<from a file>"), (None, None, "<from .env>")]
    {
        let mut command = host(&folder);
        command.current_dir(&folder.0).env_remove("SPIN_VARIABLE_WORD");
        command.args(argument.iter().flat_map(|argument| ["--variable", argument]));
        command.envs(environment.map(|value| ("SPIN_VARIABLE_WORD", value)));
        let mut child = command.spawn().unwrap();
        let (address, _) = started(&mut child).await;
        assert!(get(address, "/variable?name=word").await.body.contains(value), "{value}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new(&manifest(&[]));
    let mut child = host(&folder).spawn().unwrap();
    let (address, _) = started(&mut child).await;
    // The response to the first request shows that the second one has arrived, too.
    let both = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hang HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut stream = open(address, both).await;
    stream.read_u8().await.unwrap();
    signal(&child, "-INT").await;
    signal(&child, "-TERM").await;
    tokio::time::timeout(PATIENCE, child.wait()).await.expect("the host must not wait for its grace time").unwrap();
}

#[tokio::test]
async fn it_raises_its_limit_of_open_files_to_the_most_that_is_permitted() {
    let folder = Folder::new(&manifest(&[]));
    let program = host(&folder);
    let mut limited = Command::new("prlimit");
    limited.arg("--nofile=256:").arg(program.as_std().get_program()).args(program.as_std().get_args());
    let mut child = limited.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    started(&mut child).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<&str> = line.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "the soft limit is the hard one: {line}");
}

#[tokio::test]
async fn a_failure_to_start_is_one_line_without_passwords() {
    let folder = Folder::new(&manifest(&[]));
    std::fs::write(folder.0.join(".env"), "SPIN_VARIABLE_WORD=hush hush\n").unwrap();
    for manifest in [manifest(&[]), String::new()] {
        std::fs::write(folder.0.join("spin.toml"), manifest).unwrap();
        let output = host(&folder).current_dir(&folder.0).output().await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.lines().count() == 1 && error.starts_with("Error: "), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}
