//! An instance's stdout and stderr, as lines of the log.

use crate::log::{Log, Source};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A line is cut after this many bytes.
const LONGEST_LINE: usize = 64 << 10;
const CUT_MARK: &str = " … [line cut]";

/// An instance's stdout or stderr: complete lines go to the log, and so does the rest when the instance ends.
pub struct Output(Arc<Mutex<Buffer>>);

struct Buffer {
    log: Log,
    component: Arc<str>,
    source: Source,
    line: Vec<u8>,
    cut: bool,
}

impl Output {
    /// An output of `component` that is logged as `source`.
    pub fn new(log: Log, component: Arc<str>, source: Source) -> Self {
        Self(Arc::new(Mutex::new(Buffer { log, component, source, line: Vec::new(), cut: false })))
    }
}

impl Buffer {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            let room = LONGEST_LINE - self.line.len();
            self.cut |= text.len() > room;
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if text.len() < part.len() {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let mut text = String::from_utf8_lossy(&self.line).into_owned();
        if std::mem::take(&mut self.cut) {
            text.push_str(CUT_MARK);
        }
        self.line.clear();
        self.log.write(&self.component, self.source, text);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 components would use this; they are refused at start.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Self(self.0.clone()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[&[u8]]) -> Vec<String> {
        let (log, lines) = Log::collect();
        let mut output = Output::new(log, "component".into(), Source::Stdout);
        for part in parts {
            output.write(Bytes::copy_from_slice(part)).unwrap();
        }
        drop(output);
        lines.all().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_line_written_in_parts_is_logged_as_one() {
        assert_eq!(written(&[b"a", b"b\nc", b"\n\n", b"d"]), ["ab", "c", "", "d"]);
    }

    #[test]
    fn a_very_long_line_is_cut_and_the_next_one_is_not() {
        let lines = written(&[&[b'x'; LONGEST_LINE], b"tail\nnext\n"]);
        assert_eq!(lines[0].len(), LONGEST_LINE + CUT_MARK.len());
        assert_eq!(lines[1], "next");
    }

    #[test]
    fn a_line_that_is_not_utf8_stays_readable() {
        assert_eq!(written(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }
}
