//! What one host, one guest and one connection may use.

use std::time::Duration;

#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Linear memory of one guest, in bytes; growing beyond it stops the guest.
    pub memory: usize,
    /// CPU time of one guest, its work after the response included. Waiting does not count.
    pub execution: Duration,
    /// Guests that run at once for requests from outside; as many again may run for chained calls.
    pub guests: usize,
    /// Requests that may wait for a guest; the next one is answered 503. Together with `guests` fewer than `connections`, each of which
    /// carries one request at a time: else this limit is never reached, and what is too much waits where nobody tells it so.
    pub queue: usize,
    /// How long a request waits for a guest before it is answered 503.
    pub queue_wait: Duration,
    /// Client connections open at once; further ones wait to be accepted.
    pub connections: usize,
    /// Size of a request's head, in bytes; a larger one is answered 431.
    pub header_bytes: usize,
    /// How long a client may take to send a request's head, idle time on a kept connection included.
    pub header_wait: Duration,
    /// How deep components may call each other.
    pub chain_depth: usize,
    /// What one database query may return, in bytes.
    pub query_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 128 << 20,
            execution: Duration::from_secs(30),
            guests: 256,
            queue: 512,
            queue_wait: Duration::from_secs(10),
            connections: 1024,
            header_bytes: 128 << 10,
            header_wait: Duration::from_secs(10),
            chain_depth: 8,
            query_bytes: 128 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_enough_to_fill_the_queue() {
        let Limits { guests, queue, connections, .. } = Limits::default();
        assert!(guests + queue < connections);
    }
}
