//! A client that reads the beginning of a response, then nothing, then the rest or never.

use reqwest::{RequestBuilder, Response, StatusCode};

/// A response whose body is read as far as a test wants. Dropping it hangs up.
pub struct SlowReader {
    response: Response,
    body: Vec<u8>,
}

impl SlowReader {
    pub(crate) async fn begin(request: RequestBuilder) -> SlowReader {
        let mut response = request.send().await.expect("the head of a response");
        let mut body = Vec::new();
        // Enough for the first item.
        while body.len() < 64 {
            body.extend(response.chunk().await.expect("the next part").expect("a body that goes on"));
        }
        SlowReader { response, body }
    }

    /// The status in the head.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Reads to the end: the whole body, or, where the connection was cut before the end, what had come by then.
    pub async fn finish(mut self) -> Result<String, String> {
        loop {
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.body.extend(chunk),
                Ok(None) => return Ok(self.text()),
                Err(_) => return Err(self.text()),
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
