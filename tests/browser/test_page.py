"""What a person can do on the page at /, in headless Chromium on the real stack."""

import pytest
from selenium.webdriver.common.keys import Keys

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "\"><svg onload=alert(1)>",
    "&lt;b&gt; &amp; {{7*7}} ${7*7}",
    "</textarea></template><h1>it's</h1>",
]


def test_a_person_creates_an_item_and_sees_it_listed(page, service):
    page.open()
    assert "Nothing here yet" in page.find("#foot").text
    page.create("Blue kettle", "1.7 litres\nstainless steel")
    [item] = page.wait(service.items, "the service has the item")
    page.status(f"Item {item['id']} created.")
    assert item["name"] == "Blue kettle"
    assert item["description"] == "1.7 litres\nstainless steel"
    row = page.row(item)
    assert "Blue kettle" in row.text
    assert "1.7 litres\nstainless steel" in row.text
    assert [time.get_attribute("datetime") for time in page.find_all("time", row)] == [item["created_at"], item["updated_at"]]
    assert page.find("#create [name=name]").get_attribute("value") == "", "the form is empty for the next item"
    page.open()
    assert page.names() == ["Blue kettle"], "it is still there after a reload"


def test_a_person_creates_an_item_with_the_keyboard_alone(page, service):
    page.open()
    page.find("body").send_keys(Keys.TAB * 3)
    name = page.browser.switch_to.active_element
    assert name.get_attribute("name") == "name"
    name.send_keys("Typed", Keys.ENTER)
    page.wait(lambda: page.names() == ["Typed"], "the item is listed")
    assert page.browser.switch_to.active_element == name, "the next item can be typed at once"


def test_a_person_edits_an_item_in_place(page, service):
    item = service.create("Kettle", "old")
    page.open()
    form = page.edit(item)
    page.fill(form, name="Red kettle", description="new")
    page.button("Save", form).click()
    page.status(f"Item {item['id']} saved.")
    assert page.names() == ["Red kettle"]
    [stored] = service.items()
    assert (stored["name"], stored["description"]) == ("Red kettle", "new")
    assert page.browser.switch_to.active_element.text == "Edit"


def test_escape_leaves_the_item_as_it_was(page, service):
    item = service.create("Kettle")
    page.open()
    form = page.edit(item)
    page.fill(form, name="Something else")
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.wait(lambda: page.names() == ["Kettle"] and not page.find_all("form", page.row(item)), "the form is closed")
    assert service.items() == [item]


def test_an_edit_shows_what_somebody_else_changed_since_the_list_was_loaded(page, service):
    item = service.create("Kettle")
    page.open()
    service.update(item, name="Their kettle")
    form = page.edit(item)
    assert page.find("[name=name]", form).get_attribute("value") == "Their kettle"


def test_a_stale_edit_shows_that_somebody_else_changed_the_item(page, service):
    item = service.create("Kettle")
    page.open()
    form = page.edit(item)
    service.update(item, name="Their kettle")
    page.fill(form, name="My kettle")
    page.button("Save", form).click()
    failure = page.failure(form)
    assert "Somebody else changed this item" in failure
    assert "“Their kettle”" in failure
    assert service.items()[0]["name"] == "Their kettle", "nothing is overwritten unseen"
    assert page.find("[name=name]", form).get_attribute("value") == "My kettle", "what was typed is kept"
    page.picture("stale-edit")
    page.button("Save", form).click()
    page.status(f"Item {item['id']} saved.")
    assert service.items()[0]["name"] == "My kettle"


def test_cancelling_a_stale_edit_keeps_what_somebody_else_wrote(page, service):
    item = service.create("Kettle")
    page.open()
    form = page.edit(item)
    service.update(item, name="Their kettle")
    page.fill(form, name="My kettle")
    page.button("Save", form).click()
    page.failure(form)
    page.button("Cancel", form).click()
    page.wait(lambda: page.names() == ["Their kettle"], "the list shows their text")
    assert service.items()[0]["name"] == "Their kettle"


def test_an_edit_of_an_item_that_was_deleted_meanwhile_takes_it_off_the_list(page, service):
    item = service.create("Kettle")
    page.open()
    form = page.edit(item)
    service.delete(item)
    page.button("Save", form).click()
    page.status(f"Item {item['id']} is no longer there.")
    assert page.names() == []


def test_a_person_deletes_an_item_after_a_second_thought(page, service):
    item, other = service.create("Kettle"), service.create("Cup")
    page.open()
    row = page.row(item)
    page.button("Delete", row).click()
    page.button("Keep", row).click()
    assert service.items() == [item, other]
    page.button("Delete", row).click()
    page.button("Yes, delete", row)
    page.picture("delete")
    page.button("Yes, delete", row).click()
    page.status(f"Item {item['id']} deleted.")
    assert page.names() == ["Cup"]
    assert service.items() == [other]


def test_deleting_an_item_that_somebody_else_just_changed_asks_again(page, service):
    item = service.create("Kettle")
    page.open()
    row = page.row(item)
    page.button("Delete", row).click()
    page.button("Keep", row)
    service.update(item, name="Their kettle")
    page.button("Yes, delete", row).click()
    assert "Somebody else changed this item" in page.failure(row)
    assert page.names() == ["Their kettle"]
    assert len(service.items()) == 1
    page.button("Yes, delete", row).click()
    page.status(f"Item {item['id']} deleted.")
    assert service.items() == []


def test_an_empty_name_shows_the_message_of_the_field(page, service):
    page.open()
    page.create("")
    form = page.find("#create form")
    message = page.field_message(form, "name")
    assert message, "the field says what is wrong"
    assert "request id" in page.failure(form)
    assert page.browser.switch_to.active_element.get_attribute("name") == "name"
    page.picture("empty-name")
    assert service.items() == []
    page.create("Better")
    page.wait(lambda: page.names() == ["Better"], "the mended item is listed")
    assert not page.find_all(".failure")
    assert not page.find_all("[aria-invalid]")


@pytest.mark.parametrize("name, length", [("name", 201), ("description", 10_001)])
def test_a_field_that_is_too_long_shows_its_own_message(page, service, name, length):
    page.open()
    form = page.find("#create form")
    page.fill(form, name="Kettle")
    page.browser.execute_script("arguments[0].value = 'x'.repeat(arguments[1])", page.find(f"[name={name}]", form), length)
    page.button("Create", form).click()
    message = page.field_message(form, name)
    assert "10000" in message.replace(" ", "").replace(",", "") if name == "description" else "200" in message
    assert len(page.find_all("[aria-invalid]", form)) == 1
    assert service.items() == []


def test_an_edit_shows_the_message_of_the_field_too(page, service):
    item = service.create("Kettle")
    page.open()
    form = page.edit(item)
    page.fill(form, name="")
    page.button("Save", form).click()
    assert page.field_message(form, "name")
    assert service.items() == [item]


def test_html_in_an_item_is_shown_as_text(page, service):
    items = [service.create(text, text) for text in HOSTILE]
    page.open()
    assert page.names() == HOSTILE
    assert [page.find(".text", page.row(item)).text for item in items] == HOSTILE
    form = page.edit(items[0])
    assert page.find("[name=name]", form).get_attribute("value") == HOSTILE[0]
    page.create(HOSTILE[1], HOSTILE[4])
    page.wait(lambda: len(page.names()) == len(HOSTILE) + 1, "the new item is listed")
    assert page.names()[0] == HOSTILE[1]
    assert page.find_all("#items img, #items script, #items svg, #calls script, #items h1") == []


def test_a_curl_line_can_be_pasted_whatever_the_item_says(page, service):
    page.open()
    page.create("it's $(id) `id` \\", "two\nlines")
    page.wait(lambda: page.names(), "the item is listed")
    line = page.find("#calls pre").get_attribute("textContent")
    assert line.startswith(f"curl -i -X POST '{page.address}/items'")
    assert """-d '{"name":"it'\\''s $(id) `id` \\\\","description":"two\\nlines"}'""" in line


def test_every_request_shows_its_status_and_request_id(page, service):
    page.open()
    page.create("Kettle")
    page.wait(lambda: page.names(), "the item is listed")
    create, listing = page.find_all("#calls > li")
    assert create.text.splitlines()[0].split() == ["create", "201"]
    assert listing.text.splitlines()[0].split() == ["list", "200"]
    assert all("request id " in call.text for call in (create, listing))


def test_the_page_talks_to_its_own_service_only(page, service):
    page.open()
    page.create("Kettle")
    page.wait(lambda: page.names(), "the item is listed")
    requests = page.requests()
    assert f"{page.address}/items" in requests
    assert [url for url in requests if not url.startswith(page.address + "/")] == []


def test_the_content_security_policy_lets_no_other_script_or_style_in(page, service):
    page.open()
    page.browser.execute_script("""
        const script = document.createElement('script');
        script.textContent = 'window.intruder = true';
        document.body.append(script);
        const style = document.createElement('style');
        style.textContent = 'h1 { color: rgb(1, 2, 3) }';
        document.body.append(style);
    """)
    assert page.browser.execute_script("return window.intruder") is None
    assert page.find("h1").value_of_css_property("color") != "rgba(1, 2, 3, 1)"
    violations = page.console()
    assert len(violations) == 2
    assert all("Content Security Policy" in violation for violation in violations)


def test_a_service_that_cannot_be_reached_shows_a_readable_error_and_a_retry_works_with_the_same_key(page, service, gate):
    page.open()
    gate.refuse()
    page.create("Kettle")
    form = page.find("#create form")
    failure = page.failure(form)
    assert "cannot be reached" in failure
    assert "created once only" in failure
    page.picture("unreachable")
    sent = len(gate.keys)
    gate.open()
    page.button("Try again", form).click()
    page.wait(lambda: page.names() == ["Kettle"], "the item is listed")
    assert len(service.items()) == 1
    assert len(gate.keys) > sent
    assert len(set(gate.keys)) == 1
    page.create("Kettle")
    page.wait(lambda: page.names() == ["Kettle", "Kettle"], "a second item of the same name is another submission")
    assert len(set(gate.keys)) == 2


def test_a_database_that_is_away_shows_a_readable_error_and_a_retry_works_with_the_same_key(page, service, gate):
    page.open()
    service.lock_out()
    try:
        page.create("Kettle")
        form = page.find("#create form")
        failure = page.failure(form)
        page.picture("unavailable")
    finally:
        service.let_in()
    assert "Service Unavailable" in failure
    assert "created once only" in failure
    assert "request id" in failure
    page.button("Try again", form).click()
    page.wait(lambda: page.names() == ["Kettle"], "the item is listed")
    assert len(service.items()) == 1
    assert len(gate.keys) == 2
    assert len(set(gate.keys)) == 1


def test_an_item_whose_answer_got_lost_is_not_created_twice_by_the_retry(page, service, gate):
    page.open()
    gate.lose_answers()
    page.create("Kettle")
    form = page.find("#create form")
    page.failure(form)
    page.wait(service.items, "the service has the item")
    gate.open()
    page.button("Try again", form).click()
    page.wait(lambda: page.names() == ["Kettle"], "the item is listed")
    assert len(service.items()) == 1
    assert len(set(gate.keys)) == 1


def test_an_edit_whose_answer_got_lost_is_recognised_as_done_by_the_retry(page, service, gate):
    item = service.create("Kettle")
    page.open()
    form = page.edit(item)
    page.fill(form, name="Red kettle")
    gate.lose_answers()
    page.button("Save", form).click()
    page.failure(form)
    page.wait(lambda: service.items()[0]["name"] == "Red kettle", "the service has the change")
    gate.open()
    page.button("Try again", form).click()
    page.status(f"Item {item['id']} saved.")
    assert page.names() == ["Red kettle"]


def test_a_list_that_cannot_be_loaded_can_be_asked_for_again(page, service, gate):
    for number in range(21):
        service.create(f"Item number {number}")
    page.open()
    gate.refuse()
    page.button("Show more").click()
    assert "cannot be reached" in page.failure(page.find("#foot"))
    gate.open()
    page.button("Try again").click()
    page.wait(lambda: len(page.names()) == 21, "the second page is listed")


def test_more_than_20_items_come_in_pages(page, service):
    names = [f"Item number {number}" for number in range(45)]
    for name in names:
        service.create(name)
    page.open()
    assert page.names() == names[:20]
    assert "20 shown" in page.find("small").text
    page.create("Brand new")
    page.wait(lambda: page.names() == ["Brand new", *names[:20]], "a new item is seen at once")
    page.picture("created")
    page.button("Show more").click()
    page.wait(lambda: page.names() == ["Brand new", *names[:40]], "the second page is listed")
    page.button("Show more").click()
    page.wait(lambda: page.names() == ["Brand new", *names], "the last page is listed, the new item once only")
    assert "46 shown" in page.find("small").text
    assert not page.find("#more").is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_layout_needs_no_horizontal_scroll(page, service, width, scheme):
    service.create("Enamel mug", "White with a blue rim, 350 ml.\nDishwasher safe.")
    service.create("x" * 200, "y" * 400)
    service.create("Field notebook", "A5, dotted, 120 pages of a paper that takes ink well and lies flat when it is open.")
    edited = service.create("Walnut tray")
    service.create("حقيبة سفر", "Right to left, beside left to right.")
    last = service.create("Carbon pencil 2B")
    page.look(width, scheme)
    page.open()
    page.create("")
    page.failure(page.find("#create form"))
    form = page.edit(edited)
    page.button("Delete", page.row(last)).click()
    page.button("Keep")
    page.picture(f"page-{width}-{scheme}")
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= width
    outside = page.browser.execute_script("""
        return [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > innerWidth)
            .map((element) => element.outerHTML.slice(0, 80))""")
    assert outside == []
    assert form.is_displayed()


def test_the_page_links_to_the_contract_and_to_readiness(page, service):
    page.open()
    links = [link.get_attribute("href") for link in page.find_all("nav a")]
    assert links == [f"{page.address}/openapi.json", f"{page.address}/readyz"]
    assert service.call("GET", "/openapi.json")["openapi"].startswith("3.1")
