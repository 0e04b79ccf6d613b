//! What is wrong, gathered while a run goes on.

use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
pub struct Findings(Arc<Mutex<Vec<String>>>);

impl Findings {
    pub fn add(&self, finding: String) {
        self.0.lock().expect("the findings").push(finding);
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().expect("the findings").clone()
    }
}
