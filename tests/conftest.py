"""Makes every test see the same world: an empty home, one terminal, no animation, repeatable examples."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

EXAMPLES = 50  # of a property that does not say how many: they are thousands in all
settings.register_profile("default", deadline=None, max_examples=EXAMPLES)
settings.register_profile("ci", deadline=None, max_examples=EXAMPLES, derandomize=True)
settings.load_profile("ci" if "CI" in os.environ else "default")


def pytest_xdist_auto_num_workers() -> int:
    """Two workers for each core: the tests of real processes wait for most of their time."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory of the test's own, so that no test reads or writes what is the user's."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
    return home


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a colour terminal whose size is given by nobody but the test."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    # The snapshot plugin has imported textual, and with it this constant, before any fixture runs.
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
