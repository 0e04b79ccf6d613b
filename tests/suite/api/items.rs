//! Create, list, get, update, delete.

use http::StatusCode;
use serde_json::json;
use support::{App, Item};

#[tokio::test(flavor = "multi_thread")]
async fn creating_answers_201_with_the_item_its_address_and_its_version() {
    let app = App::start().await;
    let answer = app.post(json!({ "name": "bolt", "description": "M6" })).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let item = answer.item();
    assert_eq!((item.name.as_str(), item.description.as_str()), ("bolt", "M6"));
    assert_eq!(item.created_at, item.updated_at);
    assert_eq!(answer.header("location"), format!("/items/{}", item.id));
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.header("content-type"), "application/json");

    let got = app.get(answer.header("location")).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.item(), item);
    assert_eq!(got.header("etag"), "\"1\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_keeps_its_text_exactly_as_it_was_sent() {
    let app = App::start().await;
    for (name, description) in [
        ("  bolt \t", "\n\n"),
        ("", ""),
        ("Ünïcödé 🔩", "\u{1}\u{7f}\u{2028}\u{feff}"),
        ("'; DROP TABLE items; --", "\"\\/</script>"),
        (&"🔩".repeat(200), &"x".repeat(10_000)),
        (&"e\u{301}".repeat(100), &"é".repeat(10_000)),
    ] {
        let name = if name.is_empty() { "n" } else { name };
        let item = app.post(json!({ "name": name, "description": description })).await.item();
        assert_eq!((item.name.as_str(), item.description.as_str()), (name, description));
        assert_eq!(app.get(&format!("/items/{}", item.id)).await.item(), item);
    }
    assert_eq!(app.get("/items").await.items().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_holds_every_item_by_id() {
    let app = App::start().await;
    assert_eq!(app.get("/items").await.items(), []);
    let mut items = Vec::new();
    for name in ["c", "a", "b"] {
        items.push(app.create(name).await);
    }
    let answer = app.get("/items").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.find("link"), None);
    assert_eq!(answer.items(), items);
    assert_eq!(app.get(&format!("/items?after={}", items[0].id)).await.items(), items[1..]);
    assert_eq!(app.get("/items?after=0").await.items(), items);
    assert_eq!(app.get("/items?after=9223372036854775807").await.items(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_from_one_to_the_next_until_there_is_no_more() {
    let app = App::start().await;
    let mut items = Vec::new();
    for number in 0..7 {
        items.push(app.create(&format!("n{number}")).await);
    }
    for (limit, pages) in [(1, 7), (3, 3), (7, 1), (1000, 1)] {
        let (mut seen, mut count, mut next): (Vec<Item>, _, _) = (Vec::new(), 0, Some(format!("/items?limit={limit}")));
        while let Some(path) = next {
            let answer = app.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            seen.extend(answer.items());
            count += 1;
            next = answer.find("link").map(|link| {
                let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
                target.unwrap_or_else(|| panic!("Link: {link}")).to_owned()
            });
        }
        assert_eq!((seen.as_slice(), count), (items.as_slice(), pages), "limit={limit}");
    }
    let page = app.get(&format!("/items?after={}&limit=2", items[1].id)).await;
    assert_eq!(page.items(), items[2..4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn updating_replaces_the_item_and_counts_its_version() {
    let app = App::start().await;
    let first = app.post(json!({ "name": "bolt", "description": "M6" })).await.item();
    let path = format!("/items/{}", first.id);
    let answer = app.put(&path, json!({ "name": "nut" })).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("etag"), "\"2\"");
    let second = answer.item();
    assert_eq!((second.id, second.name.as_str(), second.description.as_str()), (first.id, "nut", ""));
    assert_eq!(second.created_at, first.created_at);
    assert!(second.updated_at > first.updated_at, "{second:?}");

    let got = app.get(&path).await;
    assert_eq!((got.item(), got.header("etag")), (second, "\"2\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_answers_204_and_the_id_is_not_used_again() {
    let app = App::start().await;
    let item = app.create("bolt").await;
    let path = format!("/items/{}", item.id);
    let answer = app.delete(&path).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.text, "");
    assert_eq!(app.delete(&path).await.status, StatusCode::NOT_FOUND);
    assert!(app.create("nut").await.id > item.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_not_there_answers_404() {
    let app = App::start().await;
    for path in ["/items/1", "/items/9223372036854775807"] {
        for answer in [app.get(path).await, app.put(path, json!({ "name": "n" })).await, app.delete(path).await] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            answer.problem();
            assert_eq!(answer.find("etag"), None);
        }
    }
}
