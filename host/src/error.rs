//! Why a host did not start: each message is one line and says how to fix it.

use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("{}: {source}; name a spin.toml or its folder with --from", file.display())]
    ReadManifest { file: PathBuf, source: std::io::Error },

    #[error("{}: {reason}", file.display())]
    Manifest { file: PathBuf, reason: String },

    #[error("missing variables: {}; give each with --variable NAME=VALUE or the environment variable SPIN_VARIABLE_NAME (upper case)", .0.join(", "))]
    MissingVariables(Vec<String>),

    #[error("{0}")]
    Variable(String),

    #[error("component {component}: {reason}")]
    Component { component: String, reason: String },

    #[error("component {component}: {} does not exist; build it with `{build}`", file.display())]
    MissingSource { component: String, file: PathBuf, build: String },

    #[error("component {component} imports {}, which this host does not offer", imports.join(", "))]
    UnknownImports { component: String, imports: Vec<String> },

    #[error("{0} is already in use; stop what listens there or choose another address with --listen")]
    AddressInUse(SocketAddr),

    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },

    #[error("cannot send spans: {0}")]
    Telemetry(String),

    #[error("cannot set up WebAssembly: {0}")]
    Engine(String),
}
