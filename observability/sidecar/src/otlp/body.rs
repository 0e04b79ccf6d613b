//! Bodies of exports, whose memory is bounded each and together.

use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::{PROTOBUF, Refusal};

/// Of one body, as sent and as inflated. Spin's largest export has 512 spans, some hundred KiB.
pub const LIMIT: usize = 8 << 20;
/// Of all bodies at one time.
const TOGETHER: usize = 16 << 20;
/// For a whole body.
const DEADLINE: Duration = Duration::from_secs(10);

/// What bodies may hold together. They take from it as their bytes arrive, so that who sends slowly keeps nobody else out.
#[derive(Clone)]
pub struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TOGETHER)))
    }
}

/// A body that is there, and what it takes of the budget until it is dropped.
#[derive(Debug)]
pub struct Received {
    bytes: Bytes,
    gzip: bool,
    _share: OwnedSemaphorePermit,
}

pub async fn read(headers: &HeaderMap, mut body: Body, budget: &Budget) -> Result<Received, Refusal> {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = header(CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(PROTOBUF)) {
        return Err(Refusal::Type);
    }
    let gzip = match header(CONTENT_ENCODING) {
        None => false,
        Some(encoding) if encoding.eq_ignore_ascii_case("identity") => false,
        Some(encoding) if encoding.eq_ignore_ascii_case("gzip") => true,
        Some(_) => return Err(Refusal::Encoding),
    };
    let length = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > LIMIT as u64) {
        return Err(Refusal::TooLarge);
    }
    let deadline = Instant::now() + DEADLINE;
    let mut bytes = BytesMut::new();
    let mut share = take(budget, 0)?;
    while let Some(frame) = timeout_at(deadline, body.frame()).await.map_err(|_| Refusal::Slow)? {
        let Ok(chunk) = frame.map_err(|_| Refusal::Broken)?.into_data() else {
            continue;
        };
        if bytes.len() + chunk.len() > LIMIT {
            return Err(Refusal::TooLarge);
        }
        share.merge(take(budget, chunk.len())?);
        bytes.extend_from_slice(&chunk);
    }
    Ok(Received { bytes: bytes.freeze(), gzip, _share: share })
}

fn take(Budget(budget): &Budget, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
    let bytes = u32::try_from(bytes).map_err(|_| Refusal::TooLarge)?;
    budget.clone().try_acquire_many_owned(bytes).map_err(|_| Refusal::Busy)
}

impl Received {
    /// As it was sent.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The message, at most [`LIMIT`] bytes.
    pub fn inflate(&self) -> Result<Cow<'_, [u8]>, Refusal> {
        if !self.gzip {
            return Ok(Cow::Borrowed(&self.bytes));
        }
        let mut inflated = Vec::new();
        let mut decoder = MultiGzDecoder::new(&self.bytes[..]).take(LIMIT as u64 + 1);
        decoder.read_to_end(&mut inflated).map_err(|_: io::Error| Refusal::Broken)?;
        if inflated.len() > LIMIT {
            return Err(Refusal::TooLarge);
        }
        Ok(Cow::Owned(inflated))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http::HeaderValue;
    use http_body_util::Full;
    use hyper::body::Frame;

    use super::*;

    /// Sends what it has, then nothing any more, and does not end.
    struct Stalled(Option<Bytes>);

    impl hyper::body::Body for Stalled {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
            match self.0.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => Poll::Pending,
            }
        }
    }

    fn headers() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF))])
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_in_time_is_given_up_and_its_share_given_back() {
        let budget = Budget::default();
        let body = Body::new(Stalled(Some(vec![0; 1000].into())));
        let begin = Instant::now();
        assert_eq!(read(&headers(), body, &budget).await.err(), Some(Refusal::Slow));
        assert!(begin.elapsed() >= DEADLINE);
        assert_eq!(budget.0.available_permits(), TOGETHER);
    }

    #[tokio::test]
    async fn bodies_together_take_no_more_than_the_budget() {
        let budget = Budget::default();
        let send = |size: usize| Body::new(Full::new(Bytes::from(vec![0; size])));
        let mut held = Vec::new();
        for _ in 0..TOGETHER / LIMIT {
            held.push(read(&headers(), send(LIMIT), &budget).await.expect("within the budget"));
        }
        assert_eq!(read(&headers(), send(1), &budget).await.err(), Some(Refusal::Busy));
        held.pop();
        assert!(read(&headers(), send(1), &budget).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_also_when_its_length_was_not_told() {
        let body = Body::new(Full::new(Bytes::from(vec![0; LIMIT + 1])));
        assert_eq!(read(&headers(), body, &Budget::default()).await.err(), Some(Refusal::TooLarge));
    }
}
