//! This host finishes what is under way when it stops; Spin ends at once.

use support::App;

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_the_work_after_the_response() {
    let mut app = App::start().await;
    // Only the instance that responded relays this event, and it had no time for that yet.
    app.create("bolt").await;
    app.stop_host().await;
    assert_eq!(app.database().stored_and_waiting().await, (1, 0));
    assert_eq!(app.database().lease().await.holder, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_a_response_under_way_come_to_its_end() {
    let mut app = App::start().await;
    app.database().insert_items(1_500, "repeat('x', 10000)").await;
    let reader = app.read_slowly("/items").await;
    let (list, ()) = futures::join!(reader.finish(), app.stop_host());
    assert!(list.is_ok(), "the list is cut off");
    assert!(tokio::net::TcpStream::connect(app.address()).await.is_err(), "the host still listens");
}
