//! Where the lines of guests and of the host itself go.

use bytes::Bytes;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A guest's line is cut behind this many bytes.
const LONGEST_LINE: usize = 64 << 10;
const CUT_MARK: &str = " … [line cut]";

/// Who wrote a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    GuestStdout,
    GuestStderr,
    /// The host, about a guest.
    Host,
}

/// One whole line, without its line break.
#[derive(Clone, Debug)]
pub struct Line {
    pub component: Arc<str>,
    pub source: Source,
    pub text: String,
}

/// A destination for lines; cheap to clone.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(Line) + Send + Sync>);

impl Log {
    pub fn new(sink: impl Fn(Line) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Guests' stdout goes to the process's stdout; their stderr and the host's own lines go to its stderr.
    pub fn stdio() -> Self {
        // A closed pipe is no reason to stop serving, so write errors are ignored.
        Self::new(|line| match line.source {
            Source::GuestStdout => drop(std::io::stdout().lock().write_all((line.text + "\n").as_bytes())),
            Source::GuestStderr => drop(std::io::stderr().lock().write_all((line.text + "\n").as_bytes())),
            Source::Host => drop(writeln!(std::io::stderr().lock(), "host: {}: {}", line.component, line.text)),
        })
    }

    /// A log that keeps its lines, for tests.
    pub fn collect() -> (Self, Lines) {
        let lines = Lines::default();
        let sink = lines.clone();
        (Self::new(move |line| sink.push(line)), lines)
    }

    pub(crate) fn write(&self, component: &Arc<str>, source: Source, text: String) {
        (self.0)(Line { component: component.clone(), source, text });
    }

    /// A message of the host about `component`.
    pub(crate) fn host(&self, component: &Arc<str>, text: String) {
        self.write(component, Source::Host, text);
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}

/// The lines a collecting [`Log`] has received so far.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<(Mutex<Vec<Line>>, Notify)>);

impl Lines {
    pub fn all(&self) -> Vec<Line> {
        lock(&self.0.0).clone()
    }

    /// Waits for a line that contains `text`; `None` when none came in time.
    pub async fn wait_for(&self, text: &str, limit: Duration) -> Option<Line> {
        let found = async {
            loop {
                let changed = self.0.1.notified();
                let mut changed = std::pin::pin!(changed);
                changed.as_mut().enable();
                if let Some(line) = lock(&self.0.0).iter().find(|line| line.text.contains(text)) {
                    return line.clone();
                }
                changed.await;
            }
        };
        tokio::time::timeout(limit, found).await.ok()
    }

    fn push(&self, line: Line) {
        lock(&self.0.0).push(line);
        self.0.1.notify_waiters();
    }
}

/// A guest's stdout or stderr: whole lines go to the log, what is left when the guest ends as well.
pub(crate) struct GuestOutput(Arc<Mutex<Buffer>>);

struct Buffer {
    log: Log,
    component: Arc<str>,
    source: Source,
    line: Vec<u8>,
    cut: bool,
}

impl GuestOutput {
    pub(crate) fn new(log: Log, component: Arc<str>, source: Source) -> Self {
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

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 guests would ask for this; they are refused at start.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Self(self.0.clone()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        lock(&self.0).write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[&[u8]]) -> Vec<String> {
        let (log, lines) = Log::collect();
        let mut output = GuestOutput::new(log, "guest".into(), Source::GuestStdout);
        for part in parts {
            output.write(Bytes::copy_from_slice(part)).unwrap();
        }
        drop(output);
        lines.all().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_line_written_in_parts_arrives_whole() {
        assert_eq!(written(&[b"a", b"b\nc", b"\n\n", b"d"]), ["ab", "c", "", "d"]);
    }

    #[test]
    fn a_very_long_line_is_cut_and_the_next_one_is_not() {
        let lines = written(&[&[b'x'; LONGEST_LINE], b"tail\nnext\n"]);
        assert_eq!(lines[0].len(), LONGEST_LINE + CUT_MARK.len());
        assert_eq!(lines[1], "next");
    }

    #[test]
    fn a_line_that_is_not_utf8_is_kept_readable() {
        assert_eq!(written(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }
}
