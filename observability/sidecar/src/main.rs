//! `sidecar`: see the library.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use sidecar::{Sidecar, cli};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What requests under way, and exports to be passed on, get to end in.
const GRACE: Duration = Duration::from_secs(5);

/// Exposes the stack's metrics to Prometheus: spans received over OTLP, and totals read from the database.
#[derive(Parser)]
#[command(name = "sidecar", version)]
struct Cli {
    #[command(flatten)]
    arguments: cli::Arguments,
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
    let sidecar = Sidecar::start(cli.arguments.into()).await?;
    tracing::info!(
        metrics = %sidecar.metrics_address(),
        otlp = %sidecar.otlp_address(),
        "listening"
    );
    signals.next().await;
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
