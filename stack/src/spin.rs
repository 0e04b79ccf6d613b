use std::env;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use host::{Config, Line, Log, Source};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::Error;

/// Spin compiles the components if its cache does not have them.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Spin ends at once on SIGTERM.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// `spin up`, running. It ends with this value and with the thread that started it.
pub struct Spin {
    child: Child,
    address: SocketAddr,
    /// Spin's own temporary files.
    folder: PathBuf,
}

impl Spin {
    /// Starts the program `spin` on PATH and returns when it serves.
    pub(crate) async fn start(config: Config) -> Result<Self, Error> {
        let is_here = |folder: PathBuf| folder.join("spin").is_file();
        if !env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(is_here)) {
            let fix = "install Spin 3.6 (https://spinframework.dev/v3/install), or leave out HOST=spin";
            return Err(Error::Missing("spin", fix));
        }
        let folder = env::temp_dir().join(format!("items-spin-{}", uuid::Uuid::new_v4().simple()));
        let mut child = command(&config, &folder).spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::Missing("setpriv", "install util-linux"),
            _ => Error::Spin(error.to_string()),
        })?;
        let (address, mut found) = watch::channel(None);
        let address = Arc::new(address);
        for stream in [child.stdout.take().map(Stream::Out), child.stderr.take().map(Stream::Err)].into_iter().flatten()
        {
            tokio::spawn(forward(stream, config.log.clone(), address.clone()));
        }
        drop(address);
        let mut spin = Self { child, address: config.listen, folder };
        let serving = timeout(START_DEADLINE, found.wait_for(Option::is_some)).await;
        match serving.map(|found| found.ok().and_then(|found| *found)) {
            Ok(Some(address)) => {
                spin.address = address;
                Ok(spin)
            }
            Ok(None) => Err(Error::Spin("it ended; its own lines say why".into())),
            Err(_) => Err(Error::Spin(format!("it does not serve after {START_DEADLINE:?}"))),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn stop(mut self) {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        // `spin up` passes it on to the process that serves.
        let _ = id.map(|id| kill_process(id, Signal::TERM));
        if timeout(STOP_DEADLINE, self.child.wait()).await.is_err() {
            let _ = id.map(|id| kill_process_group(id, Signal::KILL));
            let _ = self.child.wait().await;
        }
    }
}

impl Drop for Spin {
    fn drop(&mut self) {
        if let Some(id) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process_group(id, Signal::KILL);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Variables go through the environment: everybody can read a command line.
fn command(config: &Config, folder: &PathBuf) -> Command {
    let mut command = Command::new("setpriv");
    // A killed stack leaves no process behind.
    command.args(["--pdeathsig", "TERM", "spin", "up", "--from"]).arg(&config.manifest).arg("--temp").arg(folder);
    // Options of its trigger, which come last.
    command.args(["--listen", &config.listen.to_string(), "--state-dir=", "--log-dir="]);
    command.args(["--max-instance-memory", &config.limits.memory.to_string()]);
    command
        .envs(config.variables.iter().map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value)));
    match &config.spans {
        Some(receiver) => command.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", receiver),
        None => command.env("OTEL_SDK_DISABLED", "true"),
    };
    // Out of reach of the terminal's signals, as all parts of the stack.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

enum Stream {
    Out(tokio::process::ChildStdout),
    Err(tokio::process::ChildStderr),
}

/// Passes lines on to the log, and the address when it is printed. Spin prints what components write, to either of
/// their outputs, to its stderr, among lines of its own: those that are JSON are a component's.
async fn forward(stream: Stream, log: Log, address: Arc<watch::Sender<Option<SocketAddr>>>) {
    let reader: Box<dyn AsyncRead + Unpin + Send> = match stream {
        Stream::Out(out) => Box::new(out),
        Stream::Err(err) => Box::new(err),
    };
    let mut lines = BufReader::new(reader).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let text = String::from_utf8_lossy(&line).into_owned();
        if let Some(found) = text.split("Serving http://").nth(1).and_then(|found| found.trim().parse().ok()) {
            address.send_replace(Some(found));
        }
        let component = serde_json::from_str::<serde_json::Value>(&text).ok();
        let component = component.as_ref().and_then(|line| line["component"].as_str());
        let source = if component.is_some() { Source::Stdout } else { Source::Host };
        log.pass(Line { component: component.unwrap_or("spin").into(), source, text });
    }
}
