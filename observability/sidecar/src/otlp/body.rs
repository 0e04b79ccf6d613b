//! Request bodies. Their memory is bounded one by one and together.

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

use super::response::Rejection;
use super::wire::MEDIA_TYPE;

/// The largest body, as sent and as inflated, in bytes. Spin's largest export has 512 spans: a few hundred KiB.
const LIMIT: usize = 8 << 20;
/// The largest size of all bodies together, in bytes.
const TOGETHER: usize = 16 << 20;
/// For receiving a body.
const DEADLINE: Duration = Duration::from_secs(10);

/// The bytes that all bodies may use together. A body takes its share as its bytes arrive, so a slow sender blocks no
/// other.
#[derive(Clone)]
pub struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TOGETHER)))
    }
}

/// A complete body. It returns its share of the budget when it is dropped.
#[derive(Debug)]
pub struct Received {
    bytes: Bytes,
    gzip: bool,
    _share: OwnedSemaphorePermit,
}

/// Reads the body of a request with these headers.
///
/// # Errors
/// When the headers name another media type or encoding, or the body is too large, too slow, or one too many.
pub async fn read(headers: &HeaderMap, mut body: Body, budget: &Budget) -> Result<Received, Rejection> {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = header(CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(MEDIA_TYPE)) {
        return Err(Rejection::Type);
    }
    let gzip = match header(CONTENT_ENCODING) {
        None => false,
        Some(encoding) if encoding.eq_ignore_ascii_case("identity") => false,
        Some(encoding) if encoding.eq_ignore_ascii_case("gzip") => true,
        Some(_) => return Err(Rejection::Encoding),
    };
    let length = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > LIMIT as u64) {
        return Err(Rejection::TooLarge(LIMIT));
    }
    let deadline = Instant::now() + DEADLINE;
    let mut bytes = BytesMut::new();
    let mut share = take(budget, 0)?;
    while let Some(frame) = timeout_at(deadline, body.frame()).await.map_err(|_| Rejection::Slow)? {
        let Ok(chunk) = frame.map_err(|_| Rejection::Broken)?.into_data() else {
            continue;
        };
        if bytes.len() + chunk.len() > LIMIT {
            return Err(Rejection::TooLarge(LIMIT));
        }
        share.merge(take(budget, chunk.len())?);
        bytes.extend_from_slice(&chunk);
    }
    Ok(Received { bytes: bytes.freeze(), gzip, _share: share })
}

fn take(Budget(budget): &Budget, bytes: usize) -> Result<OwnedSemaphorePermit, Rejection> {
    let bytes = u32::try_from(bytes).map_err(|_| Rejection::TooLarge(LIMIT))?;
    budget.clone().try_acquire_many_owned(bytes).map_err(|_| Rejection::Busy)
}

impl Received {
    /// The body as it was sent.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The body without its compression.
    ///
    /// # Errors
    /// When it is not gzip, or larger than [`LIMIT`].
    pub fn inflate(&self) -> Result<Cow<'_, [u8]>, Rejection> {
        if !self.gzip {
            return Ok(Cow::Borrowed(&self.bytes));
        }
        let mut inflated = Vec::new();
        let mut decoder = MultiGzDecoder::new(&self.bytes[..]).take(LIMIT as u64 + 1);
        decoder.read_to_end(&mut inflated).map_err(|_: io::Error| Rejection::Broken)?;
        if inflated.len() > LIMIT {
            return Err(Rejection::TooLarge(LIMIT));
        }
        Ok(Cow::Owned(inflated))
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, StreamExt};
    use http::HeaderValue;

    use super::*;

    fn headers() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))])
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_in_time_is_rejected_and_returns_its_share() {
        let budget = Budget::default();
        let chunk = stream::iter([io::Result::Ok(vec![0; 1000])]);
        let body = Body::from_stream(chunk.chain(stream::pending()));
        let begin = Instant::now();
        assert_eq!(read(&headers(), body, &budget).await.err(), Some(Rejection::Slow));
        assert!(begin.elapsed() >= DEADLINE);
        assert_eq!(budget.0.available_permits(), TOGETHER);
    }

    #[tokio::test]
    async fn bodies_together_cannot_exceed_the_budget() {
        let budget = Budget::default();
        let send = |size: usize| Body::from(vec![0; size]);
        let mut held = Vec::new();
        for _ in 0..TOGETHER / LIMIT {
            held.push(read(&headers(), send(LIMIT), &budget).await.expect("within the budget"));
        }
        assert_eq!(read(&headers(), send(1), &budget).await.err(), Some(Rejection::Busy));
        held.pop();
        assert!(read(&headers(), send(1), &budget).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_rejected_even_without_a_content_length() {
        let chunks = stream::iter([LIMIT, 1]).map(|size| io::Result::Ok(vec![0; size]));
        let body = Body::from_stream(chunks);
        assert_eq!(read(&headers(), body, &Budget::default()).await.err(), Some(Rejection::TooLarge(LIMIT)));
    }
}
