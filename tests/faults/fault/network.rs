//! The network between hosts and database misbehaves.

use std::time::Duration;

use tokio::time::sleep;

use crate::proxy::Weather;
use crate::world::World;

pub async fn change(world: &World, weather: Weather, lasting: Duration) -> String {
    world.proxy.set(weather);
    sleep(lasting).await;
    world.proxy.set(Weather::Fair);
    format!("the network was {weather:?}")
}
