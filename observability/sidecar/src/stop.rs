//! What ends the program: SIGINT, SIGTERM, or the end of standard input.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Waits for the reasons to stop, from the moment it is made.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
    stdin: Option<oneshot::Receiver<()>>,
}

impl Stop {
    /// Signals no longer end the process by themselves after this. With `stdin`, the end of standard input counts as
    /// well.
    ///
    /// # Errors
    /// When the process cannot register for signals.
    pub fn listen(stdin: bool) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            stdin: stdin.then(end_of_stdin),
        })
    }

    /// Returns at the next signal. The first call also returns when standard input ends.
    pub async fn next(&mut self) {
        let stdin = self.stdin.take();
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            Some(_) = async { Some(stdin?.await) } => {}
        }
    }
}

/// Fires when standard input ends. It has a thread of its own, because a blocking read cannot be cancelled.
fn end_of_stdin() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = sender.send(());
    });
    receiver
}
