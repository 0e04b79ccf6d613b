use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// The key that signs the trail cannot be used.
    #[error("cannot use the key of the trail in {0}: {1}")]
    AuditKey(PathBuf, String),
    /// A start without the last head would sign any tree, so it is refused.
    #[error(
        "cannot use the last head of the trail in {0}: {1}; fix: put back a copy; without the file, the trail is trusted as it is"
    )]
    AuditHead(PathBuf, String),
}
