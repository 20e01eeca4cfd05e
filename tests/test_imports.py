"""Starting must stay quick: what is slow to import is absent from the process until it is used.

The contracts in pyproject.toml say who may import whom; these tables say what is in the process and when.
"""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import convtui.pages
from tests.benchmarks.terminal import running

SLOW = {"PIL", "asyncio", "filelock", "numpy", "platformdirs", "rich", "safetensors", "textual", "torch"}
FLOORS = {
    *("app", "cli", "engine", "export", "inputs", "pages", "paint", "state", "store", "tracing", "training"),
}
PAGES = {"batchnorm", "layers", "matrix", "step", "train"}
WATCHED = SLOW | {f"convtui.{floor}" for floor in FLOORS} | {f"convtui.pages.{page}" for page in PAGES}
PURE = {"figures", "labels", "layout", "plots", "sheets", "tables", "views"}  # of each page

LIST_MODULES_AT_SIGNAL = """
import pathlib, signal, sys
listing = pathlib.Path(sys.argv.pop())
signal.signal(signal.SIGUSR1, lambda *_: listing.write_text("\\n".join(sys.modules)))
from convtui.cli.main import main
sys.exit(main())
"""


def floors(names: str) -> set[str]:
    return {f"convtui.{name}" for name in names.split()}


STEP_PAGE = floors("app cli engine inputs pages pages.step paint state store") | {
    "asyncio",
    "numpy",
    "platformdirs",
    "rich",
    "textual",
}


def loaded(statement: str) -> set[str]:
    """The modules of a process that runs no more than this."""
    script = f"import sys; {statement}; sys.stderr.write(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import convtui", set()),
        ("from convtui import Convolution, kernel, receptive_field", floors("engine") | {"numpy"}),
        ("import convtui.engine.presets", floors("engine") | {"numpy"}),
        ("import convtui.cli.main", floors("cli")),
        ("import convtui.cli.train", floors("cli") | {"asyncio"}),
        ("import convtui.cli.trace", floors("cli") | {"asyncio"}),
        ("import convtui.tracing.client", floors("engine tracing") | {"asyncio", "numpy"}),
        ("import convtui.tracing.traced", floors("engine tracing") | {"numpy"}),
    ],
)
def test_what_an_import_loads(statement: str, expected: set[str]) -> None:
    assert WATCHED & loaded(statement) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("--help", floors("cli")),
        ("--version", floors("cli")),
        ("render --help", floors("cli")),
        ("animate --help", floors("cli export inputs")),
        ("train --help", floors("cli") | {"asyncio"}),
        ("trace --help", floors("cli") | {"asyncio"}),
        ("samples", floors("cli engine inputs") | {"numpy"}),
        (
            "train --list",
            floors("cli engine inputs training")
            | {"asyncio", "filelock", "numpy", "platformdirs", "safetensors"},
        ),
        ("code", floors("cli engine export inputs state store") | {"numpy"}),
        ("animate lesson.svg", floors("cli engine export inputs paint state store") | {"numpy", "rich"}),
        ("render lesson.svg", STEP_PAGE | floors("export")),
    ],
)
def test_what_a_command_loads(
    command: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    statement = f"from convtui.cli.main import main; assert main({command.split()}) == 0"
    assert WATCHED & loaded(statement) == expected


def test_the_pure_parts_of_the_pages_load_no_app() -> None:
    pages = Path(convtui.pages.__file__).parent
    files = [path for path in pages.glob("*/*.py") if path.stem in PURE]
    assert len(files) > len(PAGES)
    parts = [f"convtui.pages.{path.parent.name}.{path.stem}" for path in files]
    assert not loaded(f"import {', '.join(parts)}") & {"textual.app", "textual.screen"}


def first_frame(tmp_path: Path, *arguments: str) -> set[str]:
    """The modules of the app once it has drawn its first screen."""
    listing = tmp_path / "modules.txt"
    with running(
        [sys.executable, "-c", LIST_MODULES_AT_SIGNAL, *arguments, str(listing)], columns=120, rows=40
    ) as terminal:
        terminal.first_screen(cells=120 * 40)
        terminal.process.send_signal(signal.SIGUSR1)
        terminal.send(b"q")
        assert terminal.wait() == 0
    return set(listing.read_text().split())


def test_what_the_first_frame_loads(tmp_path: Path) -> None:
    modules = first_frame(tmp_path)
    assert WATCHED & modules == STEP_PAGE
    assert not {"gzip", "zipfile"} & modules  # for data sets alone


def test_a_lesson_that_shows_no_run_loads_none(tmp_path: Path) -> None:
    modules = first_frame(tmp_path, "learn", "kernel")
    assert WATCHED & modules == STEP_PAGE | floors("training pages.batchnorm")
    assert not {"convtui.training.runs", "convtui.training.protocol", "convtui.state.batchnorm"} & modules
