//! Where the lines of components and of the host itself go.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Who wrote a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// A component, to its stdout.
    Stdout,
    /// A component, to its stderr.
    Stderr,
    /// The host, about a component.
    Host,
}

/// One complete line.
#[derive(Clone, Debug)]
pub struct Line {
    /// The component that wrote the line or that the line is about.
    pub component: Arc<str>,
    /// Who wrote it.
    pub source: Source,
    /// The line, without its line break.
    pub text: String,
}

/// A destination for lines; cheap to clone.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(Line) + Send + Sync>);

impl Log {
    /// A log that passes each line to `sink`.
    pub fn new(sink: impl Fn(Line) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Components' stdout goes to the process's stdout; their stderr and the host's own lines go to its stderr.
    pub fn stdio() -> Self {
        // A closed pipe is no reason to stop serving, so write errors are ignored.
        Self::new(|line| match line.source {
            Source::Stdout => drop(std::io::stdout().lock().write_all((line.text + "\n").as_bytes())),
            Source::Stderr => drop(std::io::stderr().lock().write_all((line.text + "\n").as_bytes())),
            Source::Host => drop(writeln!(std::io::stderr().lock(), "host: {}: {}", line.component, line.text)),
        })
    }

    /// A log that keeps its lines, for tests.
    pub fn collect() -> (Self, Lines) {
        let lines = Lines::default();
        let sink = lines.clone();
        (Self::new(move |line| sink.0.send_modify(|lines| lines.push(line))), lines)
    }

    /// Logs a line.
    pub fn pass(&self, line: Line) {
        (self.0)(line);
    }

    /// Logs a line that `component` wrote.
    pub(crate) fn write(&self, component: &Arc<str>, source: Source, text: String) {
        self.pass(Line { component: component.clone(), source, text });
    }

    /// Logs a message of the host about `component`.
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
pub struct Lines(watch::Sender<Vec<Line>>);

impl Lines {
    /// All lines so far, in the order of their arrival.
    pub fn all(&self) -> Vec<Line> {
        self.0.borrow().clone()
    }

    /// Waits for a line that contains `text`; `None` when none arrived within `limit`.
    pub async fn wait_for(&self, text: &str, limit: Duration) -> Option<Line> {
        let find = |lines: &Vec<Line>| lines.iter().find(|line| line.text.contains(text)).cloned();
        let mut lines = self.0.subscribe();
        let lines = tokio::time::timeout(limit, lines.wait_for(|lines| find(lines).is_some())).await.ok()?.ok()?;
        find(&lines)
    }
}
