//! How to start a host.

use crate::limits::Limits;
use crate::log::Log;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where `spin up` listens as well.
const DEFAULT_PORT: u16 = 3000;

#[derive(Clone, Debug)]
pub struct Config {
    /// A `spin.toml` or the folder that holds one.
    pub manifest: PathBuf,
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Values of application variables; they win over `SPIN_VARIABLE_*`, and those over defaults.
    pub variables: Vec<(String, String)>,
    pub limits: Limits,
    /// Where the lines of guests and of the host go.
    pub log: Log,
    /// Where spans go: the URL at which an OTLP/HTTP receiver takes them. [`receiver`](crate::receiver) finds it in the environment.
    pub spans: Option<String>,
}

impl Config {
    /// Spin's defaults for everything but the manifest.
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            variables: Vec::new(),
            limits: Limits::default(),
            log: Log::stdio(),
            spans: None,
        }
    }
}
