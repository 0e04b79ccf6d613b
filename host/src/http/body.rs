//! The body of a client's request. Where no component gets it, it is read and dropped: a connection that is closed while
//! its client still sends is reset, and the response is lost with it (RFC 9112, sections 9.3 and 9.6).

use bytes::Bytes;
use http::header::EXPECT;
use http::{Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// After a refusal, a body of at most this many bytes is read and its connection stays usable. If it is longer, or its
/// length is not known, the response says that the connection closes.
const SMALL: u64 = 1 << 20;
/// The most that is read of an unwanted body, in bytes, and the time for that. The same holds once more for what comes
/// after the host has closed its side of the connection.
const MOST_BYTES: u64 = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// The current request's body is not read to its end.
const LEFT: u64 = 1;
/// If that request is refused, its connection closes.
const CLOSES: u64 = 2;
/// One request more.
const REQUEST: u64 = 4;

/// What one connection still has to read of its current request. Counts requests, since the reader of a body may notice
/// its end only after the next request has begun.
pub struct Unread(AtomicU64, Handle);

impl Unread {
    /// For a new connection; bodies that nobody wants are read in tasks of `runtime`.
    pub fn new(runtime: Handle) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(0), runtime))
    }

    /// Begins the connection's next request.
    pub fn begin(self: &Arc<Self>, request: Request<Incoming>) -> Request<Received> {
        let (head, body) = request.into_parts();
        // Such a client may never send its body, so the connection cannot be used again (RFC 9110, section 10.1.1).
        let waits = head.headers.contains_key(EXPECT);
        let state = match body.size_hint().exact() {
            _ if body.is_end_stream() => 0,
            Some(length) if length <= SMALL && !waits => LEFT,
            _ => LEFT | CLOSES,
        };
        let state = (self.0.load(Relaxed) & !(REQUEST - 1)) + REQUEST + state;
        self.0.store(state, Relaxed);
        let open = (state & LEFT != 0).then(|| Open { body, unread: self.clone(), state, passed: false, waits });
        Request::from_parts(head, Received(open))
    }

    /// Whether a response with `status` has to say that the connection closes: a refusal that leaves a body behind.
    pub fn closes(&self, status: StatusCode) -> bool {
        let state = self.0.load(Relaxed);
        let slow = status == StatusCode::REQUEST_TIMEOUT && state & LEFT != 0;
        status.as_u16() >= 400 && (state & CLOSES != 0 || slow)
    }

    /// Whether the client may still be sending the body of the last request.
    pub fn is_left(&self) -> bool {
        self.0.load(Relaxed) & LEFT != 0
    }
}

/// The body of a request; `None` when it has none, or when it is read.
pub struct Received(Option<Open>);

impl Received {
    /// Passes it to a component, which has to read it to its end: otherwise the connection closes, as under Spin.
    pub fn pass(&mut self) {
        if let Some(open) = &mut self.0 {
            open.passed = true;
            open.unread.0.fetch_and(!(LEFT | CLOSES), Relaxed);
        }
    }
}

type FrameResult = Result<Frame<Bytes>, hyper::Error>;

struct Open {
    body: Incoming,
    unread: Arc<Unread>,
    /// The state of `unread` while this body is left.
    state: u64,
    /// A component has it.
    passed: bool,
    /// The client waits for `100 Continue`, which hyper sends when the body is first asked for.
    waits: bool,
}

impl Open {
    /// The next frame, and whether it is the last one.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<(Option<FrameResult>, bool)> {
        self.waits = false;
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let after = match &frame {
            Some(Ok(data)) if data.is_data() && !self.body.is_end_stream() => return Poll::Ready((frame, false)),
            // Nothing can be read after a broken chunk.
            Some(Err(_)) => self.state | CLOSES,
            _ => self.state & !(LEFT | CLOSES),
        };
        let _ = self.unread.0.compare_exchange(self.state, after, Relaxed, Relaxed);
        Poll::Ready((frame, true))
    }

    async fn drop_rest(mut self) {
        let reading = async {
            let mut read = 0;
            while read <= MOST_BYTES {
                let (frame, last) = poll_fn(|context| self.poll(context)).await;
                let Some(Ok(frame)) = frame else { return };
                read += frame.data_ref().map_or(0, |data| data.len() as u64);
                if last {
                    return;
                }
            }
        };
        let _ = timeout(PATIENCE, reading).await;
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<FrameResult>> {
        let Some(open) = &mut self.0 else { return Poll::Ready(None) };
        let (frame, last) = ready!(open.poll(context));
        if last {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |open| open.body.size_hint())
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // A client that waits for `100 Continue` gets its response instead, and is not asked for the body.
        if let Some(open) = self.0.take()
            && !open.passed
            && !open.waits
        {
            open.unread.1.clone().spawn(open.drop_rest());
        }
    }
}

/// Closes a connection in stages, as RFC 9112, section 9.6 describes: first the host's side; then what the client still
/// sends is read and dropped until the client has closed its own.
pub async fn linger(mut stream: TcpStream) {
    let reading = async {
        let mut buffer = vec![0; 64 << 10];
        let mut read = 0;
        let _ = stream.shutdown().await;
        while read <= MOST_BYTES {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => read += count as u64,
            }
        }
    };
    let _ = timeout(PATIENCE, reading).await;
}
