//! Why a host did not start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a host did not start. Each message is one line and says how to fix the cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This manifest cannot be read.
    #[error("{file}: {1}; fix: name a spin.toml or its folder with --from", file = .0.display())]
    ReadManifest(PathBuf, #[source] std::io::Error),

    /// This manifest is broken, or uses what this host does not offer; the reason names the line where it is known.
    #[error("{file}: {1}", file = .0.display())]
    Manifest(PathBuf, String),

    /// These required variables have no value.
    #[error(
        "missing variables: {}; fix: set each with --variable NAME=VALUE or the environment variable \
         SPIN_VARIABLE_NAME (upper case)",
        .0.join(", ")
    )]
    MissingVariables(Vec<String>),

    /// A variable's name or its source is invalid.
    #[error("{0}")]
    Variable(String),

    /// The component with this id cannot be loaded, for this reason.
    #[error("component {0}: {1}")]
    Component(String, String),

    /// The component with this id has no file.
    #[error("component {component}: {} does not exist; fix: build it with `{build}`", file.display())]
    MissingSource {
        /// The component's id.
        component: String,
        /// Where the manifest expects the file.
        file: PathBuf,
        /// The command that builds it.
        build: String,
    },

    /// The component with this id imports these interfaces.
    #[error("component {0} imports {names}, which this host does not offer", names = .1.join(", "))]
    UnknownImports(String, Vec<String>),

    /// Another process listens on this address.
    #[error("{0} is already in use; fix: stop the program that listens there or choose another address with --listen")]
    AddressInUse(SocketAddr),

    /// This address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),

    /// The receiver of spans is not one that this host can use.
    #[error("cannot send spans: {0}")]
    Telemetry(String),

    /// The WebAssembly engine cannot be set up.
    #[error("cannot set up WebAssembly: {0}")]
    Engine(String),
}
