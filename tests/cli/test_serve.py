"""The options of `convtui serve`, and what is said before anything is served."""

import socket
import subprocess
import sys

import pytest

from convtui.cli.main import main


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--visitors", "0"], "--visitors 0: must be a whole number from 1 to 100"),
        (["--visitors", "many"], "--visitors many: must be a whole number"),
        (["--port", "99999"], "--port 99999: must be a whole number from 0 to 65535"),
        (["--idle", "-1"], "--idle"),
        (["--memory", "1"], "--memory 1: must be a whole number from 512"),
        (["--host", "203.0.113.7"], "--host 203.0.113.7: "),
        (["photo.jpg"], "unknown argument photo.jpg"),
    ],
)
def test_wrong_options(options: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *options]) == 2
    told = capsys.readouterr().err
    assert why in told
    assert told.count("\n") == 1


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert f"--port {port}: is in use; choose another" in capsys.readouterr().err


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("convtui.cli.serve.find_spec", lambda _: None)
    assert main(["serve"]) == 2
    assert "pip install 'convtui[serve]'" in capsys.readouterr().err


def test_a_host_that_others_reach_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(_server: object, listening: socket.socket, began: object) -> None:
        assert callable(began)
        began()
        listening.close()

    monkeypatch.setattr("convtui.serve.server.serve", run)
    assert main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 0
    told = capsys.readouterr()
    assert "warning: 0.0.0.0 can be reached from other machines" in told.err
    assert "http://127.0.0.1:" in told.out
    assert main(["serve", "--port", "0"]) == 0
    assert "warning" not in capsys.readouterr().err


def test_the_server_imports_neither_torch_nor_the_app() -> None:
    script = "import sys, convtui.serve.server; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert {"torch", "textual", "numpy", "convtui.app"}.isdisjoint(loaded)
