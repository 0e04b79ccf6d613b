use std::net::SocketAddr;

/// Why a sidecar does not start. No message contains a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is in use, or the process may not bind it.
    #[error("cannot listen on {address}")]
    Bind {
        /// As configured.
        address: SocketAddr,
        /// What the system reported.
        source: std::io::Error,
    },
    /// The URL of the database is not `postgres://USER@HOST[:PORT]/DATABASE[?sslmode=…]`.
    #[error("the URL of the database is not valid: {0}")]
    Database(String),
    /// The address to forward to is not a plain HTTP URL.
    #[error("cannot forward exports to {0}; fix: use http://HOST[:PORT][/PATH]")]
    Forward(String),
}
