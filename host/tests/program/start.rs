//! Starting and stopping: what the host does not offer is refused in one line that names it.

use crate::support::{Folder, PATIENCE, manifest, probe, start};
use host::Host;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

async fn refusal(manifest: &str) -> String {
    let folder = Folder::new(manifest);
    let error = Host::start(folder.config()).await.err().expect("the application must be refused").to_string();
    assert!(!error.contains('\n'), "more than one line: {error}");
    error
}

#[tokio::test]
async fn a_mistake_in_the_manifest_is_named() {
    let probes = manifest(&[]);
    let required = "[variables]\none = { required = true }\ntwo = { required = true }\n";
    let built = format!("{probes}[component.inner.build]\ncommand = \"make inner\"\n");
    for (manifest, expected) in [
        (probes.replace("description =", "environment = {}\ndescription ="), "unknown field `environment`"),
        (probes.replace("/of/:owner_id/...", "/hello"), "route /hello of component probe"),
        (probes.replace("[variables]\n", required), "missing variables: one, two; fix: set each with --variable"),
        (built.replace("probe.wasm", "gone.wasm"), "gone.wasm does not exist; fix: build it with `make inner`"),
        (manifest(&["http://self"]), "http://self"),
        (manifest(&["http://10.0.0.0/8"]), "http://10.0.0.0/8"),
        (manifest(&["mysql://db"]), "mysql://db"),
    ] {
        let error = refusal(&manifest).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_this_host_cannot_run_is_named() {
    let folder = Folder::new("");
    let file = folder.0.join("odd.wasm");
    let manifest = manifest(&[]).replace(&probe().display().to_string(), &file.display().to_string());
    for (content, expected) in [
        (b"not wasm".to_vec(), "odd.wasm is not a component this host can run: "),
        (
            importing("fermyon:spin/key-value@2.0.0"),
            " imports fermyon:spin/key-value@2.0.0, which this host does not offer",
        ),
        (
            importing("wasi:http/types@0.2.0-rc-2023-11-10"),
            " imports wasi:http/types@0.2.0-rc-2023-11-10, which this host does not offer",
        ),
        (importing("wasi:io/odd@0.2.0"), " imports wasi:io/odd@0.2.0, which this host does not offer"),
        (PREAMBLE.to_vec(), " exports [], this host runs only wasi:http/incoming-handler@0.2"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = refusal(&manifest).await;
        assert!(error.starts_with("component inner") && error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let application = start(&[]).await;
    let folder = Folder::new(&manifest(&[]));
    let mut config = folder.config();
    config.listen = application.address();
    let error = Host::start(config).await.err().expect("the port is taken").to_string();
    assert!(error.starts_with(&format!("{} is already in use; fix: ", application.address())), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_is_closed_until_all_components_are_loaded() {
    let folder = Folder::new("");
    let pipe = folder.0.join("late.wasm");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo must run").success());
    let late = manifest(&[]).replacen(&probe().display().to_string(), &pipe.display().to_string(), 1);
    std::fs::write(folder.0.join("spin.toml"), late).unwrap();
    let mut config = folder.config();
    config.listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = config.listen;
    let starting = tokio::spawn(Host::start(config));
    // Opens when the host reads the other end.
    let mut component = tokio::task::spawn_blocking(|| File::options().write(true).open(pipe)).await.unwrap().unwrap();
    let early = TcpStream::connect(address);
    assert_eq!(early.err().map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
    tokio::task::spawn_blocking(move || component.write_all(&std::fs::read(probe()).unwrap())).await.unwrap().unwrap();
    let _host = starting.await.unwrap().expect("the host must start");
    TcpStream::connect(address).expect("the port must be open");
}

#[tokio::test]
async fn shutting_down_waits_for_requests_and_the_work_after_them() {
    let application = start(&[]).await;
    assert_eq!(application.get("/after-response?ms=500&say=last").await.status, 200);
    application.host.shutdown(PATIENCE).await;
    assert!(application.lines.all().iter().any(|line| line.text == "after last"));
}

#[tokio::test]
async fn shutting_down_stops_what_outlasts_the_grace_time() {
    let application = start(&[]).await;
    let _hanging =
        application.open("GET /say?out=begun HTTP/1.1\r\nHost: h\r\n\r\nGET /hang HTTP/1.1\r\nHost: h\r\n\r\n").await;
    application.line("begun").await;
    let begin = Instant::now();
    application.host.shutdown(Duration::from_millis(300)).await;
    assert!(begin.elapsed() < PATIENCE, "the hanging instance must be stopped");
}

/// A component, in binary form, that does nothing.
const PREAMBLE: &[u8] = b"\0asm\x0d\x00\x01\x00";

/// One that imports an instance with a function `f`.
fn importing(name: &str) -> Vec<u8> {
    let instance_type = [7, 14, 1, 0x42, 2, 1, 0x40, 0, 1, 0, 4, 0, 1, b'f', 1, 0];
    let length = u8::try_from(name.len()).expect("the name is short");
    let import = [&[1, 0, length], name.as_bytes(), &[5, 0]].concat();
    let section = [&[10, u8::try_from(import.len()).expect("the import is short")], import.as_slice()].concat();
    [PREAMBLE, &instance_type, &section].concat()
}
