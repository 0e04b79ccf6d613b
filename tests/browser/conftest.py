"""What the tests get: the stack, a gate before it, and the explorer in a browser."""

import pytest

from explorer import Explorer, start_browser
from gate import Gate
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
def explorer(gate, tmp_path):
    """The explorer in a browser of its own. The test fails if the console is not empty at its end."""
    browser = start_browser(tmp_path / "profile")
    explorer = Explorer(browser, gate.address)
    yield explorer
    console = explorer.console()
    browser.quit()
    assert console == []
