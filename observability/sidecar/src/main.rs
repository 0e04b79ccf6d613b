//! `sidecar`: see the library.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use sidecar::{Sidecar, cli};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// What requests under way, and exports to be passed on, get to end in.
const GRACE: Duration = Duration::from_secs(5);

/// Exposes the stack's metrics to Prometheus: spans received over OTLP, and totals read from the database.
#[derive(Parser)]
#[command(name = "sidecar", version)]
struct Cli {
    #[command(flatten)]
    arguments: cli::Arguments,

    /// Stop when standard input ends: so a parent takes the sidecar along, however it ends itself
    #[arg(long)]
    end_with_stdin: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    sidecar::log::install();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "not started");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("Failed to listen for signals")?;
    let parent = cli.end_with_stdin.then(end_of_stdin);
    let sidecar = Sidecar::start(cli.arguments.into()).await?;
    tracing::info!(
        metrics = %sidecar.metrics_address(),
        otlp = %sidecar.otlp_address(),
        "listening"
    );
    tokio::select! {
        () = signals.next() => {}
        () = gone(parent) => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = sidecar.shutdown(GRACE) => tracing::info!("stopped"),
        () = signals.next() => {
            tracing::warn!("aborted");
            std::process::exit(130);
        }
    }
    Ok(())
}

/// Fires when standard input ends. A thread of its own, because a read of it cannot be taken back.
fn end_of_stdin() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = sender.send(());
    });
    receiver
}

async fn gone(parent: Option<oneshot::Receiver<()>>) {
    match parent {
        Some(end) => drop(end.await),
        None => std::future::pending().await,
    }
}

struct Signals(Signal, Signal);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}
