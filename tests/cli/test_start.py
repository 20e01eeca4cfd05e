"""The command line starts the app on a terminal, and ends as a script expects."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from convtui.app.guardian import Guardian
from convtui.cli import main as cli
from convtui.state.session import Session
from tests.cli.test_main import refusal, run


def test_without_a_terminal_render_is_named() -> None:
    for arguments in ([], ["cat-32"]):
        result = run(
            *arguments,
            script="from convtui.cli.main import main; raise SystemExit(main())",
            stdin=subprocess.DEVNULL,
        )
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr == (
            "convtui: this is not a terminal; convtui render OUT.svg draws a screen without one\n"
        )


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """The apps that were run, by a stand-in that returns 3."""
    apps: list[SimpleNamespace] = []

    def app(session: Session, **options: Any) -> SimpleNamespace:
        apps.append(SimpleNamespace(session=session, run=lambda: None, return_code=3, options=options))
        return apps[-1]

    module = ModuleType("convtui.app.app")
    module.ConvtuiApp = app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "convtui.app.app", module)
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda: True, raising=False)
    monkeypatch.delenv("TEXTUAL_FPS", raising=False)
    return apps


def test_the_app_gets_session_notice_and_theme(started: list[SimpleNamespace], tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    Image.new("L", (600, 30)).save(file)
    assert cli.main([str(file), "--theme", "light"]) == 3
    assert started[0].session.convolution.image_shape[2] == 512
    assert "512" in started[0].options.pop("notice")
    assert isinstance(started[0].options.pop("guardian"), Guardian)
    assert started[0].options == {"theme": "light", "recipe": None, "network": None}
    assert os.environ["TEXTUAL_FPS"] == "120"


def test_a_frame_rate_of_ones_own_stays(
    started: list[SimpleNamespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_FPS", "30")
    assert cli.main([]) == 3
    assert len(started) == 1
    assert os.environ["TEXTUAL_FPS"] == "30"


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_each_stream_must_be_a_terminal(
    stream: str,
    started: list[SimpleNamespace],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: False, raising=False)
    assert "not a terminal" in refusal(capsys, [])
    assert not started


def test_ctrl_c_and_too_little_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def raising(error: BaseException) -> Any:
        def build(_: object) -> Session:
            raise error

        return build

    monkeypatch.setattr(cli, "build", raising(KeyboardInterrupt()))
    assert cli.main([]) == 130
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(cli, "build", raising(MemoryError()))
    assert "out of memory; try a smaller image (--resize 512)" in refusal(capsys, [])


@pytest.mark.parametrize("command", ["samples", "--help"])
def test_a_broken_pipe_is_silent(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}  # else argparse swallows the error itself
    result = subprocess.run(
        [sys.executable, "-m", "convtui", command], stdout=writing, stderr=subprocess.PIPE, env=buffered
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")
