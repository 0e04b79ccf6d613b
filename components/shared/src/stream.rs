//! Writing to a peer that may be slow or gone.

use spin_sdk::http::OutgoingBody;
use wasi::io::streams::OutputStream;

use crate::Error;
use crate::clock::Deadline;

/// Hands all of `bytes` to the host, waiting no longer than `deadline` for the peer to take what came before.
///
/// # Errors
/// [`Error::PeerGone`] when the peer closed, [`Error::PeerSlow`] at the deadline.
pub fn write(stream: &OutputStream, mut bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
    while !bytes.is_empty() {
        let room = stream.check_write().map_err(|_| Error::PeerGone)?;
        let length = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        if length == 0 {
            if !deadline.wait(&stream.subscribe()) {
                return Err(Error::PeerSlow);
            }
            continue;
        }
        let (now, later) = bytes.split_at(length);
        stream.write(now).map_err(|_| Error::PeerGone)?;
        bytes = later;
    }
    Ok(())
}

/// The body of an answer whose head has left. Dropped unfinished, the host cuts the connection, so that half an answer
/// never looks like a whole one.
pub struct Writer {
    // Before `body`, which may not go while its stream is there.
    stream: OutputStream,
    body: OutgoingBody,
}

impl Writer {
    /// # Panics
    /// When the body or its stream was taken before.
    pub(crate) fn new(body: OutgoingBody) -> Self {
        Self { stream: body.write().expect("the stream of a new body was not taken"), body }
    }

    /// See [`write`].
    pub fn write(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        write(&self.stream, bytes, deadline)
    }

    /// Marks the body as whole.
    pub fn finish(self) {
        drop(self.stream);
        // An error means that the client has gone, which is nobody's concern any more.
        _ = OutgoingBody::finish(self.body, None);
    }
}
