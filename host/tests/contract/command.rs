//! The command `host`, used as people use `spin up`.

use crate::support::{Answer, Folder, PATIENCE, manifest};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
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

/// Reads what `host` prints until the list of routes is through; the address and the text.
async fn started(child: &mut Child) -> (String, String) {
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
    (address.to_owned(), text)
}

async fn get(address: &str, path: &str) -> Answer {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the host must accept");
    let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    Answer::parse(&bytes)
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("the host must still run").to_string();
    assert!(Command::new("kill").args([name, &id]).status().await.expect("kill must run").success());
}

#[tokio::test]
async fn it_lists_the_routes_serves_and_ends_on_sigterm() {
    let folder = Folder::new(&manifest(&[]));
    let mut child = host(&folder).args(["--variable", "word=given"]).env("SPIN_VARIABLE_WORD", "env").spawn().unwrap();
    let (address, text) = started(&mut child).await;
    assert!(
        text.contains(&format!("Available Routes:\n  probe: http://{address}/hello\n    does as it is told\n")),
        "{text}"
    );
    assert_eq!(get(&address, "/variable?name=word").await.body, "<given>");
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
        assert_eq!(get(&address, "/variable?name=word").await.body, value);
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new(&manifest(&[]));
    let mut child = host(&folder).spawn().unwrap();
    let (address, _) = started(&mut child).await;
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    // The answer to the first request shows that the second one has arrived, too.
    stream.write_all(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hang HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    stream.read_u8().await.unwrap();
    signal(&child, "-INT").await;
    signal(&child, "-TERM").await;
    tokio::time::timeout(PATIENCE, child.wait()).await.expect("the host must not wait for its grace time").unwrap();
}

#[tokio::test]
async fn it_opens_as_many_files_as_the_system_lets_it() {
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
async fn a_failure_to_start_is_one_line() {
    let folder = Folder::new("");
    let output = host(&folder).output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.lines().count() == 1 && error.starts_with("Error: "), "{error}");
}
