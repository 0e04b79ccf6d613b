//! How to start a host.

use crate::limits::Limits;
use crate::log::Log;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// What a [`Host`](crate::Host) is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// A `spin.toml` or the folder that holds one.
    pub manifest: PathBuf,
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Values of application variables; they win over `SPIN_VARIABLE_*`, which win over defaults.
    pub variables: Vec<(String, String)>,
    /// What the host, an instance and a connection may use.
    pub limits: Limits,
    /// Where the lines of components and of the host go.
    pub log: Log,
    /// The URL of an OTLP/HTTP receiver for spans. [`receiver`](crate::receiver) reads it from the environment.
    pub spans: Option<String>,
}

impl Config {
    /// Spin's defaults for everything but the manifest.
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            variables: Vec::new(),
            limits: Limits::default(),
            log: Log::stdio(),
            spans: None,
        }
    }
}
