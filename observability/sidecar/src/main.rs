//! The program `sidecar`: parses its arguments, starts the library and stops it on a signal.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use sidecar::Sidecar;
use sidecar::cli::Arguments;
use sidecar::stop::Stop;

/// For requests in progress, and for exports that wait to be passed on.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    sidecar::log::install();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "not started");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut stop = Stop::listen(arguments.end_with_stdin).context("Failed to listen for signals")?;
    let sidecar = Sidecar::start(arguments.into()).await?;
    tracing::info!(metrics = %sidecar.metrics_address(), otlp = %sidecar.otlp_address(), "listening");
    stop.next().await;
    tracing::info!("stopping");
    tokio::select! {
        () = sidecar.shutdown(GRACE) => tracing::info!("stopped"),
        () = stop.next() => {
            tracing::warn!("aborted");
            std::process::exit(130);
        }
    }
    Ok(())
}
