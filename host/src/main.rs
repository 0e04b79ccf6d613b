//! The command `host`: runs a `spin.toml` as `spin up` does, for development and tests.

use clap::Parser;
use host::{Config, Host};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long requests and the work after them may take after the first signal.
const GRACE: Duration = Duration::from_secs(30);

/// Run a Spin application on this machine, for development and tests.
#[derive(Parser)]
#[command(name = "host", version)]
struct Arguments {
    /// The application: a spin.toml or the folder that holds one.
    #[arg(short, long, default_value = "spin.toml")]
    from: PathBuf,

    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// An application variable as NAME=VALUE or NAME=@FILE; wins over SPIN_VARIABLE_NAME.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = host::variables::parse_argument)]
    variables: Vec<(String, String)>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut config = Config::new(arguments.from);
    config.listen = arguments.listen;
    config.variables = arguments.variables;
    config.spans = host::receiver(|name| std::env::var(name).ok())?;
    let host = Host::start(config).await?;
    println!("{host}");
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    println!("Shutting down; a second signal ends the host at once");
    tokio::select! {
        () = host.shutdown(GRACE) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
