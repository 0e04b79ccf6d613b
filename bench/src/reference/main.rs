//! What the components are compared with: the same API as two plain native services, axum over tokio-postgres. Every
//! operation is one statement and one call of the second service, which stores the event before the first one responds.

mod audit;
mod items;

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use deadpool_postgres::{Manager, Pool};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;

/// Sessions per service: as many as Spin keeps per address.
const SESSIONS: usize = 64;

/// Serve items or audit natively, for the benchmark.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
    /// The database, as a role that may write its tables.
    #[arg(env, hide_env_values = true)]
    reference_database_url: String,
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
    let manager = Manager::new(arguments.reference_database_url.parse()?, NoTls);
    let pool = Pool::builder(manager).max_size(SESSIONS).build()?;
    let routes = match arguments.service {
        Service::Items { audit } => items::routes(pool, audit),
        Service::Audit => audit::routes(pool),
    };
    let listener = TcpListener::bind(arguments.listen).await?;
    Ok(axum::serve(listener, routes).await?)
}

/// Any error, as a 503: the benchmark only counts it.
struct Failure;

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        eprintln!("{error}");
        Self
    }
}

impl axum::response::IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}
