"""Fixtures: a test that takes `rendered` runs for every variant of the manifests."""

import build
import pytest


@pytest.fixture(scope="session", params=build.VARIANTS)
def variant(request):
    """The name of an overlay, or of a set of components."""
    return request.param


@pytest.fixture(scope="session")
def rendered(variant):
    """The resources of that variant."""
    return build.variant(variant)
