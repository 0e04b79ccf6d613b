//! A connection that moves when somebody waits for its answers. The usual way, a task for each connection, would cost
//! two switches between tasks for each statement.

use futures::task::AtomicWaker;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Connection, Socket};

/// One connection; its client is elsewhere.
pub struct Wire {
    /// `None` once it has ended.
    connection: Option<Connection<Socket, NoTlsStream>>,
    signal: Arc<Signal>,
    waker: Waker,
}

impl Wire {
    /// Over a connection that is established.
    pub fn new(connection: Connection<Socket, NoTlsStream>) -> Self {
        let signal = Arc::<Signal>::default();
        Self { connection: Some(connection), waker: signal.clone().into(), signal }
    }

    /// Runs `work`, which uses this connection's client and waits for nothing else.
    pub async fn run<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| self.poll(work.as_mut(), context)).await
    }

    fn poll<T>(&mut self, mut work: Pin<&mut impl Future<Output = T>>, context: &Context<'_>) -> Poll<T> {
        loop {
            if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(&self.waker)) {
                return Poll::Ready(result);
            }
            // What `work` has sent is on its way after this; what has arrived for it is a signal.
            self.signal.given.store(false, SeqCst);
            self.advance();
            if self.signal.given.load(SeqCst) {
                continue;
            }
            self.signal.task.register(context.waker());
            if !self.signal.given.load(SeqCst) {
                return Poll::Pending;
            }
            self.signal.task.take();
        }
    }

    /// Sends what waits to be sent, and reads what has arrived.
    pub fn advance(&mut self) {
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(&mut Context::from_waker(&self.waker)).is_ready()
        {
            // Its client learns of that from the next statement.
            self.connection = None;
        }
    }
}

/// Wakes the task that waits for the connection, and no task that waited for it earlier.
#[derive(Default)]
struct Signal {
    given: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.given.store(true, SeqCst);
        self.task.wake();
    }
}
