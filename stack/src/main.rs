//! `stack`: what `make up` runs.

mod signals;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use signals::Signals;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs PostgreSQL, the schema and the application on this machine until Ctrl-C
#[derive(Parser)]
#[command(name = "stack", version)]
struct Arguments {
    #[command(flatten)]
    config: stack::Config,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { config } = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `{error:#}`: each message already contains its causes.
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: stack::Config) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let (first, stop) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        signals.next().await;
        let _ = first.send(());
        // One Ctrl-C may arrive twice: from the terminal and from the program that started us (make, timeout).
        let echoes = async {
            loop {
                signals.next().await;
            }
        };
        let _: Result<(), _> = tokio::time::timeout(Duration::from_millis(500), echoes).await;
        signals.next().await;
        // A second Ctrl-C ends this process at once; its shell still stops the server in order.
        eprintln!("Aborted");
        std::process::exit(130);
    });
    Ok(stack::run(config, async { drop(stop.await) }).await?)
}
