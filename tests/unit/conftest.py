import resource
from contextlib import contextmanager

import pytest
from hypothesis import settings

from ssc.classes import LandClass

# Shared cores make a deadline fail by chance, and a run must be repeatable.
settings.register_profile("ssc", deadline=None, derandomize=True)
settings.load_profile("ssc")


@pytest.fixture
def classes():
    """Three classes with a gap in their codes."""
    return [
        LandClass(1, "Water", "lightblue"),
        LandClass(2, "Sediment", "orange"),
        LandClass(4, "Road", "#ff0000"),
    ]


@pytest.fixture
def full_disk():
    """Let files grow to 4 kB only."""

    @contextmanager
    def limit():
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    return limit
