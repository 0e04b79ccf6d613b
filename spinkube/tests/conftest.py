import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import build  # noqa: E402


@pytest.fixture(scope="session", params=build.VARIANTS)
def variant(request):
    """The name of each overlay and set of components in turn."""
    return request.param


@pytest.fixture(scope="session")
def rendered(variant):
    """What it builds to."""
    return build.variant(variant)
