use std::time::{Duration, Instant};

/// The restarts of a process, of which at most [`Restarts::MOST`] are allowed within a minute.
#[derive(Default)]
pub(crate) struct Restarts(Vec<Instant>);

impl Restarts {
    pub(crate) const MOST: usize = 5;

    /// Whether the process may be started again; counts that start.
    pub(crate) fn allow(&mut self) -> bool {
        self.0.retain(|start| start.elapsed() < Duration::from_secs(60));
        self.0.push(Instant::now());
        self.0.len() <= Self::MOST
    }
}
