//! Places for instances and the bounded queue in front of them.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits how many instances run at once and how many requests wait for one.
pub struct Admission {
    places: Arc<Semaphore>,
    queue: Semaphore,
    wait: Duration,
}

/// An instance's place, held until the instance has ended, its work after the response included.
pub type Place = OwnedSemaphorePermit;

impl Admission {
    /// `queue` requests may wait for one of `places`, each for `wait` at most.
    pub fn new(places: usize, queue: usize, wait: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), queue: Semaphore::new(queue), wait }
    }

    /// A place, after waiting if necessary; `None` when the queue is full or the wait was too long.
    pub async fn enter(&self) -> Option<Place> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        // A client that gives up leaves the queue as well: this future is dropped then.
        let _waiting = self.queue.try_acquire().ok()?;
        tokio::time::timeout(self.wait, self.places.clone().acquire_owned()).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_beyond_the_queue_is_refused() {
        let admission = Arc::new(Admission::new(1, 1, Duration::from_secs(60)));
        let held = admission.enter().await.expect("the first place is free");
        let other = admission.clone();
        let waiting = tokio::spawn(async move { other.enter().await.is_some() });
        while admission.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(admission.enter().await.is_none(), "the queue is full");
        drop(held);
        assert!(waiting.await.unwrap(), "the waiter gets the place");
    }
}
