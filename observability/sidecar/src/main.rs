//! The program `sidecar`: parses its arguments, starts the library and stops it on a signal; or verifies a trail.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use sidecar::Sidecar;
use sidecar::cli::{Arguments, Command};
use sidecar::stop::Stop;
use sidecar::trail::verify;

/// For requests in progress, and for exports that wait to be passed on.
const GRACE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Verify { dbname, key, heads }) = arguments.command {
        return verified(&dbname, &key, &heads).await.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        });
    }
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

/// Success if nothing is wrong with the trail.
async fn verified(url: &str, key: &str, heads: &Path) -> anyhow::Result<ExitCode> {
    let (keys, heads) = (verify::keys(key)?, verify::checkpoints(heads)?);
    let report = verify::verify(url, &keys, &heads, |events| eprintln!("{events} events read …")).await?;
    println!("{report}");
    Ok(if report.wrong.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
