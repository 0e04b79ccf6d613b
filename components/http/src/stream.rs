//! Writing to a peer that may be slow or gone.

use spin_sdk::http::OutgoingBody;
use wasi::io::streams::OutputStream;

use crate::clock::Deadline;

/// Why bytes could not be written.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The peer closed its connection.
    #[error("the peer went away")]
    PeerGone,
    /// The peer stopped reading.
    #[error("the peer reads too slowly")]
    PeerSlow,
}

/// Passes all of `bytes` to the host. Waits for the peer to read what came before, until `deadline`.
///
/// # Errors
/// [`StreamError::PeerGone`], or [`StreamError::PeerSlow`] at the deadline.
pub fn write(stream: &OutputStream, mut bytes: &[u8], deadline: Deadline) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = stream.check_write().map_err(|_| StreamError::PeerGone)?;
        let length = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        if length == 0 {
            if !deadline.wait(&stream.subscribe()) {
                return Err(StreamError::PeerSlow);
            }
            continue;
        }
        let (now, later) = bytes.split_at(length);
        stream.write(now).map_err(|_| StreamError::PeerGone)?;
        bytes = later;
    }
    Ok(())
}

/// The body of a response whose head is sent. If it is dropped before [`Writer::finish`], the host cuts the connection,
/// so an incomplete body never looks complete.
pub(crate) struct Writer {
    // Declared first, so dropped first: a body must not be dropped before its stream.
    stream: OutputStream,
    body: OutgoingBody,
}

impl Writer {
    /// # Panics
    /// If the stream of `body` was taken before.
    pub(crate) fn new(body: OutgoingBody) -> Self {
        Self { stream: body.write().expect("the stream of a new body was not taken"), body }
    }

    /// See the function [`write()`].
    pub(crate) fn write(&self, bytes: &[u8], deadline: Deadline) -> Result<(), StreamError> {
        write(&self.stream, bytes, deadline)
    }

    /// Marks the body as complete.
    pub(crate) fn finish(self) {
        drop(self.stream);
        // An error means that the client has gone: there is nothing left to do for it.
        _ = OutgoingBody::finish(self.body, None);
    }
}
