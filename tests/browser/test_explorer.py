"""What a person can do with the explorer, the HTML at /, in headless Chromium on the real stack."""

import pytest
from selenium.webdriver.common.keys import Keys

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "\"><svg onload=alert(1)>",
    "&lt;b&gt; &amp; {{7*7}} ${7*7}",
    "</textarea></template><h1>it's</h1>",
]


def test_a_person_creates_an_item_and_sees_it_listed(explorer, service):
    explorer.open()
    assert "Nothing here yet" in explorer.find("#foot").text
    form = explorer.create("Blue kettle", "1.7 litres\nstainless steel")
    [item] = explorer.wait(service.items, "the service has the item")
    explorer.status(f"Item {item['id']} created.")
    assert (item["name"], item["description"]) == ("Blue kettle", "1.7 litres\nstainless steel")
    row = explorer.row(item)
    assert "Blue kettle" in row.text
    assert "1.7 litres\nstainless steel" in row.text
    times = [time.get_attribute("datetime") for time in explorer.find_all("time", row)]
    assert times == [item["created_at"], item["updated_at"]]
    assert explorer.find("[name=name]", form).get_attribute("value") == "", "the form is empty for the next item"
    explorer.open()
    assert explorer.names() == ["Blue kettle"], "it is listed after a reload"


def test_a_person_creates_an_item_with_the_keyboard_alone(explorer, service):
    explorer.open()
    explorer.find("body").send_keys(Keys.TAB * 3)
    name = explorer.focused()
    assert name.get_attribute("name") == "name"
    name.send_keys("Typed", Keys.ENTER)
    explorer.lists("Typed")
    assert explorer.focused() == name, "the next item can be typed at once"


def test_a_person_edits_an_item_in_place(explorer, service):
    item = service.create("Kettle", "old")
    explorer.open()
    explorer.save(explorer.edit(item, name="Red kettle", description="new"))
    explorer.status(f"Item {item['id']} saved.")
    assert explorer.names() == ["Red kettle"]
    [stored] = service.items()
    assert (stored["name"], stored["description"]) == ("Red kettle", "new")
    assert explorer.focused().text == "Edit"


def test_escape_leaves_the_item_as_it_was(explorer, service):
    item = service.create("Kettle")
    explorer.open()
    explorer.edit(item, name="Something else")
    explorer.focused().send_keys(Keys.ESCAPE)
    explorer.wait(lambda: not explorer.find_all("form", explorer.row(item)), "the form is closed")
    assert explorer.names() == ["Kettle"]
    assert service.items() == [item]


def test_an_edit_shows_what_somebody_else_changed_since_the_list_was_loaded(explorer, service):
    item = service.create("Kettle")
    explorer.open()
    service.update(item, name="Their kettle")
    form = explorer.edit(item)
    assert explorer.find("[name=name]", form).get_attribute("value") == "Their kettle"


def stale_edit(explorer, service):
    """An edit that is refused because somebody else changed the item meanwhile."""
    item = service.create("Kettle")
    explorer.open()
    form = explorer.edit(item)
    service.update(item, name="Their kettle")
    explorer.fill(form, name="My kettle")
    explorer.save(form)
    return item, form, explorer.failure(form)


def test_a_stale_edit_shows_that_somebody_else_changed_the_item(explorer, service):
    item, form, failure = stale_edit(explorer, service)
    assert "Somebody else changed this item" in failure
    assert "“Their kettle”" in failure
    assert service.items()[0]["name"] == "Their kettle", "nothing is overwritten unseen"
    assert explorer.find("[name=name]", form).get_attribute("value") == "My kettle", "what was typed is kept"
    explorer.picture("stale-edit")
    explorer.save(form)
    explorer.status(f"Item {item['id']} saved.")
    assert service.items()[0]["name"] == "My kettle"


def test_cancelling_a_stale_edit_keeps_what_somebody_else_wrote(explorer, service):
    _, form, _ = stale_edit(explorer, service)
    explorer.button("Cancel", form).click()
    explorer.lists("Their kettle")
    assert service.items()[0]["name"] == "Their kettle"


def test_an_edit_of_an_item_that_was_deleted_meanwhile_removes_it_from_the_list(explorer, service):
    item = service.create("Kettle")
    explorer.open()
    form = explorer.edit(item)
    service.delete(item)
    explorer.save(form)
    explorer.status(f"Item {item['id']} is no longer there.")
    assert explorer.names() == []


def test_a_person_deletes_an_item_after_a_second_thought(explorer, service):
    item, other = service.create("Kettle"), service.create("Cup")
    explorer.open()
    row = explorer.row(item)
    explorer.button("Delete", row).click()
    explorer.button("Keep", row).click()
    assert service.items() == [item, other]
    explorer.button("Delete", row).click()
    explorer.button("Yes, delete", row)
    explorer.picture("delete")
    explorer.button("Yes, delete", row).click()
    explorer.status(f"Item {item['id']} deleted.")
    assert explorer.names() == ["Cup"]
    assert service.items() == [other]


def test_deleting_an_item_that_somebody_else_just_changed_asks_again(explorer, service):
    item = service.create("Kettle")
    explorer.open()
    row = explorer.row(item)
    explorer.button("Delete", row).click()
    explorer.button("Keep", row)
    service.update(item, name="Their kettle")
    explorer.button("Yes, delete", row).click()
    assert "Somebody else changed this item" in explorer.failure(row)
    assert explorer.names() == ["Their kettle"]
    assert len(service.items()) == 1
    explorer.button("Yes, delete", row).click()
    explorer.status(f"Item {item['id']} deleted.")
    assert service.items() == []


def test_an_empty_name_shows_the_message_of_the_field(explorer, service):
    explorer.open()
    form = explorer.create("")
    assert explorer.field_message(form, "name"), "the field has no message"
    assert "request id" in explorer.failure(form)
    assert explorer.focused().get_attribute("name") == "name"
    explorer.picture("empty-name")
    assert service.items() == []
    explorer.create("Better")
    explorer.lists("Better")
    assert not explorer.find_all(".failure")
    assert not explorer.find_all("[aria-invalid]")


@pytest.mark.parametrize("name, length, limit", [("name", 201, "200"), ("description", 10_001, "10000")])
def test_a_field_that_is_too_long_shows_its_own_message(explorer, service, name, length, limit):
    explorer.open()
    form = explorer.find("#create form")
    explorer.fill(form, name="Kettle")
    field = explorer.find(f"[name={name}]", form)
    explorer.browser.execute_script("arguments[0].value = 'x'.repeat(arguments[1])", field, length)
    explorer.button("Create", form).click()
    message = explorer.field_message(form, name)
    assert limit in message.replace(" ", "").replace(",", "")
    assert len(explorer.find_all("[aria-invalid]", form)) == 1
    assert service.items() == []


def test_an_edit_shows_the_message_of_the_field_too(explorer, service):
    item = service.create("Kettle")
    explorer.open()
    form = explorer.edit(item, name="")
    explorer.save(form)
    assert explorer.field_message(form, "name")
    assert service.items() == [item]


def test_html_in_an_item_is_shown_as_text(explorer, service):
    items = [service.create(text, text) for text in HOSTILE]
    explorer.open()
    assert explorer.names() == HOSTILE
    assert [explorer.find(".text", explorer.row(item)).text for item in items] == HOSTILE
    form = explorer.edit(items[0])
    assert explorer.find("[name=name]", form).get_attribute("value") == HOSTILE[0]
    explorer.create(HOSTILE[1], HOSTILE[4])
    explorer.wait(lambda: len(explorer.names()) == len(HOSTILE) + 1, "the new item is listed")
    assert explorer.names()[0] == HOSTILE[1]
    assert explorer.find_all("#items img, #items script, #items svg, #calls script, #items h1") == []


def test_a_curl_line_can_be_pasted_whatever_the_item_contains(explorer, service):
    explorer.open()
    explorer.create("it's $(id) `id` \\", "two\nlines")
    explorer.wait(explorer.names, "the item is listed")
    line = explorer.find("#calls pre").get_attribute("textContent")
    assert line.startswith(f"curl -i -X POST '{explorer.address}/items'")
    assert """-d '{"name":"it'\\''s $(id) `id` \\\\","description":"two\\nlines"}'""" in line


def test_every_request_shows_its_status_and_request_id(explorer, service):
    explorer.open()
    explorer.create("Kettle")
    explorer.wait(explorer.names, "the item is listed")
    create, listing = explorer.find_all("#calls > li")
    assert create.text.splitlines()[0].split() == ["create", "201"]
    assert listing.text.splitlines()[0].split() == ["list", "200"]
    assert all("request id " in call.text for call in (create, listing))


def test_the_explorer_sends_requests_to_its_own_service_only(explorer, service):
    explorer.open()
    explorer.create("Kettle")
    explorer.wait(explorer.names, "the item is listed")
    requests = explorer.requests()
    assert f"{explorer.address}/items" in requests
    assert [url for url in requests if not url.startswith(explorer.address + "/")] == []


def test_the_content_security_policy_allows_no_other_script_or_style(explorer, service):
    explorer.open()
    explorer.browser.execute_script("""
        const script = document.createElement('script');
        script.textContent = 'window.intruder = true';
        document.body.append(script);
        const style = document.createElement('style');
        style.textContent = 'h1 { color: rgb(1, 2, 3) }';
        document.body.append(style);
    """)
    assert explorer.browser.execute_script("return window.intruder") is None
    assert explorer.find("h1").value_of_css_property("color") != "rgba(1, 2, 3, 1)"
    violations = explorer.console()
    assert len(violations) == 2
    assert all("Content Security Policy" in violation for violation in violations)


def test_a_create_that_cannot_reach_the_service_can_be_retried_with_the_same_key(explorer, service, gate):
    explorer.open()
    gate.refuse()
    form = explorer.create("Kettle")
    failure = explorer.failure(form)
    assert "cannot be reached" in failure
    assert "created once only" in failure
    explorer.picture("unreachable")
    sent = len(gate.keys)
    gate.open()
    explorer.button("Try again", form).click()
    explorer.lists("Kettle")
    assert len(service.items()) == 1
    assert len(gate.keys) > sent
    assert len(set(gate.keys)) == 1
    explorer.create("Kettle")
    explorer.lists("Kettle", "Kettle")
    assert len(set(gate.keys)) == 2, "a second item of the same name is another submission"


def test_a_create_that_finds_no_database_can_be_retried_with_the_same_key(explorer, service, gate):
    explorer.open()
    service.lock_out()
    try:
        form = explorer.create("Kettle")
        failure = explorer.failure(form)
        explorer.picture("unavailable")
    finally:
        service.let_in()
    for text in ("Service Unavailable", "created once only", "request id"):
        assert text in failure
    explorer.button("Try again", form).click()
    explorer.lists("Kettle")
    assert len(service.items()) == 1
    assert len(gate.keys) == 2
    assert len(set(gate.keys)) == 1


def test_an_item_whose_response_was_lost_is_not_created_twice_by_the_retry(explorer, service, gate):
    explorer.open()
    gate.lose_responses()
    form = explorer.create("Kettle")
    explorer.failure(form)
    explorer.wait(service.items, "the service has the item")
    gate.open()
    explorer.button("Try again", form).click()
    explorer.lists("Kettle")
    assert len(service.items()) == 1
    assert len(set(gate.keys)) == 1


def test_an_edit_whose_response_was_lost_is_recognised_as_done_by_the_retry(explorer, service, gate):
    item = service.create("Kettle")
    explorer.open()
    form = explorer.edit(item, name="Red kettle")
    gate.lose_responses()
    explorer.save(form)
    explorer.failure(form)
    explorer.wait(lambda: service.items()[0]["name"] == "Red kettle", "the service has the change")
    gate.open()
    explorer.button("Try again", form).click()
    explorer.status(f"Item {item['id']} saved.")
    assert explorer.names() == ["Red kettle"]


def test_a_page_of_items_that_cannot_be_loaded_can_be_retried(explorer, service, gate):
    for number in range(21):
        service.create(f"Item number {number}")
    explorer.open()
    gate.refuse()
    explorer.button("Show more").click()
    assert "cannot be reached" in explorer.failure(explorer.find("#foot"))
    gate.open()
    explorer.button("Try again").click()
    explorer.wait(lambda: len(explorer.names()) == 21, "the second page is listed")


def test_more_than_20_items_come_in_pages(explorer, service):
    names = [f"Item number {number}" for number in range(45)]
    for name in names:
        service.create(name)
    explorer.open()
    assert explorer.names() == names[:20]
    assert "20 shown" in explorer.find("small").text
    explorer.create("Brand new")
    explorer.lists("Brand new", *names[:20])
    explorer.picture("created")
    explorer.button("Show more").click()
    explorer.lists("Brand new", *names[:40])
    explorer.button("Show more").click()
    explorer.lists("Brand new", *names)
    assert "46 shown" in explorer.find("small").text
    assert not explorer.find("#more").is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_layout_needs_no_horizontal_scroll(explorer, service, width, scheme):
    service.create("Enamel mug", "White with a blue rim, 350 ml.\nDishwasher safe.")
    service.create("x" * 200, "y" * 400)
    service.create("Field notebook", "A5, dotted, 120 pages of a paper that takes ink well and lies flat when open.")
    edited = service.create("Walnut tray")
    service.create("حقيبة سفر", "Right to left, beside left to right.")
    last = service.create("Carbon pencil 2B")
    explorer.look(width, scheme)
    explorer.open()
    explorer.failure(explorer.create(""))
    form = explorer.edit(edited)
    explorer.button("Delete", explorer.row(last)).click()
    explorer.button("Keep")
    explorer.picture(f"explorer-{width}-{scheme}")
    assert explorer.browser.execute_script("return document.documentElement.scrollWidth") <= width
    outside = explorer.browser.execute_script("""
        return [...document.querySelectorAll('body *')]
            .filter((element) => element.getBoundingClientRect().right > innerWidth)
            .map((element) => element.outerHTML.slice(0, 80))""")
    assert outside == []
    assert form.is_displayed()


def test_the_explorer_links_to_the_contract_and_to_readiness(explorer, service):
    explorer.open()
    links = [link.get_attribute("href") for link in explorer.find_all("nav a")]
    assert links == [f"{explorer.address}/openapi.json", f"{explorer.address}/readyz"]
    assert service.call("GET", "/openapi.json")["openapi"].startswith("3.1")
