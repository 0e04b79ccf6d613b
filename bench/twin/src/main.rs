//! What the components are compared with: the same application as two native services, axum over tokio-postgres.
//!
//! It keeps the same promise, because it is the same except for what carries it. The schema's functions do the work;
//! the event is written by the statement that is answered; the relay sends events to audit in batches. Input,
//! statements, responses and the relay's logic are those of the components. Its own are HTTP, the pool of sessions with
//! prepared statements, and the log line. It answers what the benchmark measures: [`items`] lists its routes.

mod audit;
mod call;
mod database;
mod items;
mod relay;

use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt as _;
use clap::{Parser, Subcommand};
use database::Sessions;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Serve items or audit natively, for the benchmark.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
    /// The database, as the role of the service.
    #[arg(env, hide_env_values = true)]
    twin_database_url: String,
    #[command(subcommand)]
    service: Service,
}

#[derive(Subcommand)]
enum Service {
    /// The public API.
    Items {
        /// The URL of the other service.
        #[arg(long)]
        audit: String,
    },
    /// The service that stores events.
    Audit,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let sessions = Sessions::open(&arguments.twin_database_url)?;
    let routes: Router = match arguments.service {
        Service::Items { audit } => items::routes(sessions, audit),
        Service::Audit => audit::routes(sessions),
    };
    let listener = TcpListener::bind(arguments.listen).await?.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
