"""The explorer as a person sees it: what it shows, and what can be typed and clicked."""

import base64
import json

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from service import ROOT

DEADLINE = 15  # seconds


def start_browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-dev-shm-usage",
                 "disable-background-networking", "disable-component-update", "disable-sync", "lang=en-GB",
                 "hide-scrollbars", "window-size=1280,900", f"user-data-dir={profile}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))


class Explorer:
    def __init__(self, browser, address):
        self.browser = browser
        self.address = address

    def open(self):
        self.browser.get(self.address)
        self.wait(lambda: not self.browser.execute_script("return document.querySelector('#foot button:disabled')"),
                  "the first page of items is loaded")

    def wait(self, condition, message):
        """Waits until the condition is true, and returns its value."""
        waiter = WebDriverWait(self.browser, DEADLINE, 0.05, [NoSuchElementException, StaleElementReferenceException])
        return waiter.until(lambda _: condition(), f"waited {DEADLINE} s until {message}")

    def find(self, selector, root=None):
        return (root or self.browser).find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector, root=None):
        return (root or self.browser).find_elements(By.CSS_SELECTOR, selector)

    def focused(self):
        """The element that has the keyboard."""
        return self.browser.switch_to.active_element

    def button(self, text, root=None):
        """The only button with this text, as soon as it can be clicked."""
        def found():
            buttons = [button for button in self.find_all("button", root)
                       if button.is_displayed() and button.is_enabled() and button.text == text]
            return buttons[0] if len(buttons) == 1 else None
        return self.wait(found, f"one button says {text!r}")

    def fill(self, form, **fields):
        for name, value in fields.items():
            field = form.find_element(By.NAME, name)
            field.clear()
            field.send_keys(value)

    def create(self, name, description=""):
        """Fills in and submits the form for a new item, and returns the form."""
        form = self.find("#create form")
        self.fill(form, name=name, description=description)
        self.button("Create", form).click()
        return form

    def names(self):
        return [heading.text for heading in self.find_all("#items h3")]

    def lists(self, *names):
        """Waits until these items are listed, and no other."""
        self.wait(lambda: self.names() == list(names), f"{names} are listed")

    def row(self, item):
        return self.wait(lambda: next((row for row in self.find_all("#items > li")
                                       if self.find(".meta b", row).get_attribute("textContent") == str(item["id"])),
                                      None), f"item {item['id']} is listed")

    def edit(self, item, **fields):
        """Opens the item's form, fills it in and returns it."""
        row = self.row(item)
        self.button("Edit", row).click()
        form = self.wait(lambda: self.find("form", row), "the form is there")
        self.fill(form, **fields)
        return form

    def save(self, form):
        self.button("Save", form).click()

    def status(self, text):
        self.wait(lambda: self.find("#status").text == text, f"the status says {text!r}")

    def failure(self, root=None):
        """The text of the failure that is shown."""
        return self.wait(lambda: self.find(".failure", root).text, "a failure is shown")

    def field_message(self, form, name):
        """The message at a field, which must be linked to it for screen readers."""
        field = form.find_element(By.NAME, name)
        self.wait(lambda: field.get_attribute("aria-invalid") == "true", f"{name} is marked as wrong")
        return self.find(f"#{field.get_attribute('aria-describedby')}").text

    def console(self):
        """The lines of the console, without the browser's own line for every response of 400 or more."""
        return [entry["message"] for entry in self.browser.get_log("browser")
                if "Failed to load resource" not in entry["message"]]

    def requests(self):
        """Every URL that the explorer requested."""
        messages = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
        requests = (message["params"] for message in messages if message["method"] == "Network.requestWillBeSent")
        return [request["request"]["url"] for request in requests if request["documentURL"].startswith(self.address)]

    def look(self, width, scheme="light"):
        """Shows the explorer at a width in CSS pixels, in the light or the dark scheme."""
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def picture(self, name):
        """Saves what it shows as target/browser/NAME.png."""
        data = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})["data"]
        (ROOT / "target/browser" / f"{name}.png").write_bytes(base64.b64decode(data))
