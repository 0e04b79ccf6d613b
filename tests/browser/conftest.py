import pytest

from gate import Gate
from page import Page, start_browser
from service import ROOT, Service


@pytest.fixture(scope="session")
def running():
    service = Service(ROOT / "target/browser")
    yield service
    service.stop()


@pytest.fixture
def service(running):
    """The service, with no items in it."""
    running.clear()
    return running


@pytest.fixture
def gate(service):
    gate = Gate(("127.0.0.1", service.port))
    yield gate
    gate.close()


@pytest.fixture
def page(gate, tmp_path):
    """The page in a browser of its own. Whatever a test does, the console must stay clean."""
    browser = start_browser(tmp_path / "profile")
    page = Page(browser, gate.address)
    yield page
    console = page.console()
    browser.quit()
    assert console == []
