//! Places for guests and the bounded queue in front of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub struct Admission {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    wait: Duration,
}

/// A guest's place, held until the guest has ended, its work after the response included.
pub type Place = OwnedSemaphorePermit;

impl Admission {
    pub fn new(places: usize, queue: usize, wait: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: AtomicUsize::new(0), queue, wait }
    }

    /// A place, if need be after waiting; `None` when the queue is full or the wait was too long.
    pub async fn enter(&self) -> Option<Place> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        let _waiter = Waiter::queue(&self.waiting, self.queue)?;
        tokio::time::timeout(self.wait, self.places.clone().acquire_owned()).await.ok()?.ok()
    }
}

/// A place in the queue; it is given up when the client gives up, too.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn queue(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let waiter = Self(waiting);
        if waiting.fetch_add(1, Relaxed) < most { Some(waiter) } else { None }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_waits_and_the_next_is_refused() {
        let admission = Arc::new(Admission::new(1, 1, Duration::from_secs(60)));
        let held = admission.enter().await.expect("the first place is free");
        let other = admission.clone();
        let waiting = tokio::spawn(async move { other.enter().await.is_some() });
        while admission.waiting.load(Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(admission.enter().await.is_none(), "the queue is full");
        drop(held);
        assert!(waiting.await.unwrap(), "the waiter gets the place");
    }

    #[tokio::test]
    async fn waiting_ends_after_its_limit() {
        let admission = Admission::new(1, 1, Duration::from_millis(10));
        let _held = admission.enter().await.expect("the first place is free");
        assert!(admission.enter().await.is_none());
        assert_eq!(admission.waiting.load(Relaxed), 0, "nobody waits any more");
    }
}
