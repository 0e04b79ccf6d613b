//! The service in operation: what it reports, what it costs, and what happens when it is overloaded or stopped.

mod host_calls;
mod logs;
mod settings;
mod shutdown;
mod spans;

use support::{App, Receiver};

/// An application that sends its spans to a receiver.
async fn with_receiver() -> (App, Receiver) {
    let receiver = Receiver::start().await;
    (App::builder().spans(&receiver.url()).start().await, receiver)
}
