//! `stack`: what `make up` runs.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use stack::up::{self, Up};
use tokio::signal::unix::{Signal, SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs PostgreSQL, the schema and the application on this machine until Ctrl-C.
#[derive(Parser)]
#[command(name = "stack", version)]
struct Arguments {
    #[command(flatten)]
    up: Up,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { up } = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    match run(up).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Each message is whole: its causes are in it.
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(up: Up) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let (first, stop) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        signals.next().await;
        let _ = first.send(());
        // One Ctrl-C may come twice: from the terminal and from whoever started us (make, timeout).
        let echoes = async {
            loop {
                signals.next().await;
            }
        };
        let _: Result<(), _> = tokio::time::timeout(Duration::from_millis(500), echoes).await;
        signals.next().await;
        // The second one asks for an end at once; the server still stops in order, under its own shell.
        eprintln!("Aborted");
        std::process::exit(130);
    });
    up::run(up, async { drop(stop.await) }).await?;
    Ok(())
}

struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Ok(Self([signal(kinds[0])?, signal(kinds[1])?, signal(kinds[2])?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
