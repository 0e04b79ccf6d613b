//! Simple responses.

use spin_sdk::http::{ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasi::io::streams::OutputStream;

/// Responds 200 with a text.
pub fn text(out: ResponseOutparam, text: &str) {
    let body = start(out, Fields::new());
    if body.write(text.as_bytes()) {
        body.finish().expect("a body without a length can be finished");
    }
}

/// Responds with a status and no body.
pub fn status(out: ResponseOutparam, code: u64) {
    let response = OutgoingResponse::new(Fields::new());
    let code = u16::try_from(code).unwrap_or(500);
    response.set_status_code(code).expect("the status must be valid");
    out.set(response);
}

/// Sets an error instead of a response.
pub fn error(out: ResponseOutparam) {
    let refused = Err(ErrorCode::InternalError(Some("the probe gives up".to_owned())));
    spin_sdk::wit::wasi::http0_2_0::types::ResponseOutparam::set(out.into_inner(), refused);
}

/// Sends the head and returns the body.
pub fn start(out: ResponseOutparam, headers: Fields) -> Body {
    let response = OutgoingResponse::new(headers);
    let body = response.body().expect("a new response has a body");
    out.set(response);
    let stream = body.write().expect("a new body has a stream");
    Body { stream, body }
}

/// A body that is being written. Dropping it leaves it unfinished.
pub struct Body {
    stream: OutputStream,
    body: OutgoingBody,
}

impl Body {
    /// Writes all bytes, waiting for a slow reader; false when the reader is gone.
    pub fn write(&self, bytes: &[u8]) -> bool {
        bytes.chunks(4096).all(|chunk| self.stream.blocking_write_and_flush(chunk).is_ok())
    }

    /// Ends the body.
    pub fn finish(self) -> Result<(), ErrorCode> {
        drop(self.stream);
        OutgoingBody::finish(self.body, None)
    }
}

/// What a component sees of a request, with a line per header.
pub fn describe(request: &IncomingRequest) -> String {
    let mut lines = vec![
        format!("method {:?}", request.method()),
        format!("path {}", request.path_with_query().unwrap_or_default()),
        format!("authority {}", request.authority().unwrap_or_default()),
    ];
    let header = |(name, value): (String, Vec<u8>)| format!("{name}: {}", String::from_utf8_lossy(&value));
    lines.extend(request.headers().entries().into_iter().map(header));
    lines.join("\n")
}
