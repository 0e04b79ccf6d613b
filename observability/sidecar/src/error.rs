use std::net::SocketAddr;

/// Why a sidecar does not start. None of these repeats a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken, or not ours to take.
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: std::io::Error },
    /// The address of the database is not `postgres://USER@HOST[:PORT]/DATABASE[?sslmode=…]`.
    #[error("the database's address is not understood: {0}")]
    Database(String),
    /// Exports are passed on over plain HTTP.
    #[error("exports cannot be forwarded to {0}: http://HOST[:PORT][/PATH] is what works")]
    Forward(String),
}
