//! The clock of hosts and database is stepped, and stepped back.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use crate::system::System;

pub async fn step(system: &System, hours: i32, lasting: Duration) -> String {
    system.clock.step(hours);
    sleep(lasting).await;
    let query = "SELECT extract(epoch FROM clock_timestamp())::double precision";
    let theirs: Option<f64> = match system.postgres.connect("clock").await {
        Ok(mut connection) => sqlx::query_scalar(query).fetch_one(&mut connection).await.ok(),
        Err(_) => None,
    };
    let ours = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    system.clock.step(0);
    match theirs {
        Some(theirs) => format!("PostgreSQL's clock was {:+.0} s off", theirs - ours),
        None => "PostgreSQL did not return its time".into(),
    }
}
