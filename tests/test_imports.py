"""Starting must stay quick: what is slow to import is absent from the process until it is used."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.terminal import running

LIST_MODULES_AT_SIGNAL = """
import pathlib, signal, sys
listing = pathlib.Path(sys.argv.pop())
signal.signal(signal.SIGUSR1, lambda *_: listing.write_text("\\n".join(sys.modules)))
from convtui.cli.main import main
sys.exit(main())
"""


def test_importing_the_package_imports_nothing_slow() -> None:
    slow = {"PIL", "numpy", "rich", "textual", "torch"}
    script = f"import sys, convtui; print({slow} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_training_without_the_app_loads_none_of_it() -> None:
    slow = {"PIL", "rich", "textual", "torch", "convtui.pages", "convtui.paint"}
    script = f"import sys, convtui.cli.train, convtui.cli.train_report; print({slow} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_first_screen_is_painted_without_torch_and_pillow(tmp_path: Path) -> None:
    listing = tmp_path / "modules.txt"
    with running(
        [sys.executable, "-c", LIST_MODULES_AT_SIGNAL, str(listing)], columns=120, rows=40
    ) as terminal:
        terminal.first_screen(cells=120 * 40)
        terminal.process.send_signal(signal.SIGUSR1)
        terminal.send(b"q")
        assert terminal.wait() == 0
    modules = set(listing.read_text().split())
    assert "convtui.app.app" in modules
    assert not modules & {"PIL", "torch"}
