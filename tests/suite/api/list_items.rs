//! `GET /items`: order, `after` and pages. How the full list is streamed: `full_list.rs`.

use support::{App, Item, StatusCode};

#[tokio::test(flavor = "multi_thread")]
async fn the_full_list_has_every_item_in_the_order_of_ids() {
    let app = App::start().await;
    assert_eq!(app.get("/items").await.items(), []);
    let mut items = Vec::new();
    for name in ["c", "a", "b"] {
        items.push(app.create(name).await);
    }
    let response = app.get("/items").await;
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(response.find("link"), None);
    assert_eq!(response.items(), items);
    assert_eq!(app.get("/items?after=9223372036854775807").await.items(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_link_to_the_next_one_and_together_are_the_full_list() {
    let app = App::start().await;
    app.database().insert_items(1_025, "'d'").await;
    app.database().run("DELETE FROM items WHERE id % 5 = 0").await;
    let all = app.get("/items").await.items();
    assert_eq!(all.len(), 820);
    for (first, skipped, pages) in [
        ("/items?limit=100", 0, 9),
        ("/items?limit=41", 0, 20),
        ("/items?limit=820", 0, 1),
        ("/items?limit=1000", 0, 1),
        ("/items?after=1013&limit=1", 811, 9),
    ] {
        let (mut listed, mut count, mut next) = (Vec::new(), 0, Some(first.to_owned()));
        while let Some(path) = next {
            let page = app.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            listed.extend(page.items());
            count += 1;
            next = page.next_page();
            assert!(count <= pages, "{first} has more than {pages} pages");
        }
        assert_eq!((listed.as_slice(), count), (&all[skipped..], pages), "{first}");
    }
    for after in [0, 1, 5, 512, 1_023, 1_024, 5_000] {
        let rest: Vec<Item> = all.iter().filter(|item| item.id > after).cloned().collect();
        assert_eq!(app.get(&format!("/items?after={after}")).await.items(), rest, "after {after}");
        let page = app.get(&format!("/items?after={after}&limit=7")).await.items();
        assert_eq!(page, rest[..rest.len().min(7)], "a page after {after}");
    }
}
