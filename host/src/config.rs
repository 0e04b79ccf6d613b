//! How to start a host, and what it may use.

use crate::log::Log;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

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

/// What one host, one instance and one connection may use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Linear memory of one instance, in bytes; an instance that grows beyond it is stopped.
    pub memory: usize,
    /// CPU time of one instance, its work after the response included. Waiting does not count.
    pub execution: Duration,
    /// Instances that run at once for requests from clients; as many again may run for chained calls.
    pub instances: usize,
    /// Requests that may wait for an instance; the next one is answered 503. `instances + queue` must be below
    /// `connections`: otherwise excess requests wait unaccepted and never get a 503.
    pub queue: usize,
    /// How long a request waits for an instance before it is answered 503.
    pub queue_wait: Duration,
    /// Client connections open at once; further ones wait to be accepted.
    pub connections: usize,
    /// Size of a request's head, in bytes; a larger one is answered 431.
    pub header_bytes: usize,
    /// How long a client may take to send a request's head, idle time on a kept connection included.
    pub header_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 128 << 20,
            execution: Duration::from_secs(30),
            instances: 256,
            queue: 512,
            queue_wait: Duration::from_secs(10),
            connections: 1024,
            header_bytes: 128 << 10,
            header_wait: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_enough_to_fill_the_queue() {
        let Limits { instances, queue, connections, .. } = Limits::default();
        assert!(instances + queue < connections);
    }
}
