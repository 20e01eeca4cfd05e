"""The tab key: what real shells are told, and that nothing of it is loaded otherwise."""

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convtui.cli import main as cli
from convtui.cli.completion import COMPLETERS, SHELLS
from tests.test_imports import loaded

IN_BASH = """
source <(convtui completion bash)
for line in "$@"; do
    COMP_LINE=$line COMP_POINT=${#line} COMP_TYPE=9 COMPREPLY=()
    _python_argcomplete convtui
    printf '%s\\n' "${COMPREPLY[@]}" ---
done
complete -p convtui
"""
PATIENCE = 60  # seconds for a shell and its convtui on a busy machine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with some files, and convtui on the path."""
    command = tmp_path / "bin" / "convtui"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m convtui "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    folder = tmp_path / "mine"
    (folder / "pictures").mkdir(parents=True)
    for name in ("my photo.jpg", "mine.toml", "mine.npy", "net.py"):
        (folder / name).touch()
    monkeypatch.chdir(folder)
    return folder


def told(*lines: str) -> list[list[str]]:
    """What bash is told to offer at the end of each line."""
    run = subprocess.run(["bash", "--norc", "-c", IN_BASH, "bash", *lines], capture_output=True, text=True)
    assert run.stderr == ""
    *offers, registered = run.stdout.split("---\n")
    assert registered.endswith("_python_argcomplete convtui\n")
    return [[word.removesuffix(" ") for word in offer.splitlines() if word] for offer in offers]


@pytest.mark.usefixtures("folder")
def test_bash_completes_commands_options_and_names(home: Path) -> None:
    (home / "scan.png").touch()
    asked = {
        "convtui --ker": ["--kernel", "--kernel-layout", "--kernel-size"],
        "convtui mnist-1": ["mnist-1", "mnist-12k:test:", "mnist-12k:train:"],
        "convtui re": ["render"],
        "convtui cat-32 re": [],
        "convtui render out.svg --stride 2 cat-3": ["cat-32"],
        "convtui render --theme ": ["dark", "light"],
        "convtui --padding=s": ["same", "same-tf"],
        "convtui --stride ": [],
        "convtui learn stri": ["stride"],
        "convtui my": [r"my\ photo.jpg"],
        "convtui ~/sc": ["~/scan.png"],
    }
    assert dict(zip(asked, told(*asked), strict=True)) == asked


@pytest.mark.usefixtures("folder")
def test_saved_runs_are_completed(home: Path) -> None:
    run = home / "data" / "convtui" / "runs" / "0007"
    run.mkdir(parents=True)
    (run / "recipe.json").write_text(
        '{"recipe": {}, "fingerprint": "", "began": "2025-01-01T00:00:00+00:00"}'
    )
    assert told("convtui measure 7", "convtui train --resume ")[0] == ["7"]


@pytest.mark.usefixtures("folder")
def test_every_command_is_completed() -> None:
    (offered,) = told("convtui ")
    commands = re.findall(r"^ +convtui ([a-z]+)", cli.USAGE, re.MULTILINE)
    assert len(commands) > 8
    assert offered[: len(commands)] == commands


@pytest.mark.parametrize(
    ("dest", "named"),
    [
        ("kernel", {"sobel-x", "lecture-edges", "mine.npy", "pictures/"}),
        ("layers", {"resnet-18", "inception", "mine.toml", "pictures/"}),
        ("image", {"mnist-7", "why-13x13", "digits-8x8:train:", "my photo.jpg"}),
        ("lesson", {"stride", "flat-minima", "mine.toml"}),
        ("data", {"mnist-12k", "digits-8x8", "pictures/"}),
        ("padding_mode", {"zeros", "reflect", "replicate", "circular"}),
        ("way", {"scatter", "gather"}),
        ("out", {"my photo.jpg"}),
        ("model", {"net.py", "pictures/"}),
        ("weights", {"mine.npy"}),
    ],
)
@pytest.mark.usefixtures("folder")
def test_names_and_files_are_offered(dest: str, named: set[str]) -> None:
    assert named <= COMPLETERS[dest]("").keys()


@pytest.mark.usefixtures("folder")
def test_only_files_that_hold_layers_are_offered_for_layers() -> None:
    assert "mine.npy" not in COMPLETERS["layers"]("")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_are_right(shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "convtui" in script
    assert "_ARGCOMPLETE" in script
    if found := shutil.which(shell):
        file = tmp_path / "script"
        file.write_text(script)
        check = subprocess.run([found, "-n", str(file)], capture_output=True, text=True)
        assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("fish"), reason="needs fish")
@pytest.mark.usefixtures("folder")
def test_fish_completes_with_a_sentence_on_each() -> None:
    ask = "convtui completion fish | source; complete -C 'convtui learn stri'"
    run = subprocess.run(["fish", "--no-config", "-c", ask], capture_output=True, text=True, check=True)
    name, sentence = run.stdout.strip().split("\t")
    assert name == "stride"
    assert sentence.startswith("Stride: ")


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
@pytest.mark.usefixtures("folder")
def test_zsh_completes_at_its_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "")  # from which zsh tells what its keys are
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as shell:
        try:
            os.write(ours, b'autoload -Uz compinit; compinit -u -D; eval "$(convtui completion zsh)"\n')
            os.write(ours, b"echo rea''dy\n")
            seen_until(ours, "ready\r\n")
            for typed, completed in (
                ("cat-3\t --kernel-s\t", "cat-32 --kernel-size "),
                ("learn stri\t", "learn stride "),
            ):
                os.write(ours, f"convtui {typed}\x01echo told \n".encode())
                seen_until(ours, f"\ntold convtui {completed.rstrip()}")
        finally:
            shell.kill()
            os.close(ours)
            os.close(theirs)


def seen_until(terminal: int, text: str) -> str:
    """What the shell draws until the text is among it."""
    seen, end = "", time.monotonic() + PATIENCE
    while text not in seen:
        assert select.select([terminal], [], [], max(0, end - time.monotonic()))[0], seen
        seen += os.read(terminal, 65536).decode(errors="replace")
    return seen


def test_an_unknown_shell_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "tcsh"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("convtui: argument SHELL: invalid choice: 'tcsh'")
    assert told.count("\n") == 1


def test_no_start_pays_for_it() -> None:
    modules = loaded("from convtui.cli.main import main; assert main(['--version']) == 0")
    assert not {"argcomplete", "convtui.cli.completion"} & modules


def test_options_are_told_without_what_is_slow() -> None:
    asking = "import os; os.environ.update(_ARGCOMPLETE='1', COMP_LINE='convtui --ker', COMP_POINT='13')"
    ending = "os._exit = print; os.dup2(os.open(os.devnull, os.O_WRONLY), 8)"
    modules = loaded(f"{asking}; {ending}; from convtui.cli.main import _answer_shell; _answer_shell()")
    assert "argcomplete" in modules
    assert not {"numpy", "textual", "torch"} & modules
