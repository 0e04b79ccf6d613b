//! `GET /items`: pages. Order and chunks of the full list: `api/list_items.rs`, `api/full_list.rs`.

use support::{Service, StatusCode};

#[tokio::test(flavor = "multi_thread")]
async fn pages_link_to_the_next_one_and_have_every_item_once_in_the_order_of_ids() {
    let service = Service::start().await;
    let mut created = Vec::new();
    for _ in 0..7 {
        created.push(service.create().await);
    }
    let (mut listed, mut next) = (Vec::new(), Some(format!("/items?after={}&limit=3", created[0].id - 1)));
    while let Some(path) = next {
        let page = service.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let items = page.items();
        assert!(items.len() <= 3 && items.is_sorted_by_key(|item| item.id), "{items:?}");
        listed.extend(items);
        next = page.next_page().filter(|_| listed.len() < 100);
    }
    // Others may create items meanwhile.
    listed.retain(|item| item.name == service.mark());
    assert_eq!(listed, created);
    service.complete().await;
}
