"""What a visitor's process may open, list, write and run: each way from a name to a path, and the fence."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from convtui.app.workspace import Workspace
from convtui.engine.kernels import parse_kernel
from convtui.export import files, notebook_file
from convtui.export.screen import write_screen
from convtui.inputs import confinement as confining
from convtui.inputs import samples
from convtui.inputs.atomic import read_regular, write_whole
from convtui.inputs.confinement import Confinement, confinement
from convtui.inputs.images import read_picture
from convtui.inputs.names import neighbours
from convtui.lessons.lesson_file import read_lesson
from convtui.pages.base.suggest import completed
from convtui.state.network import Stack
from convtui.state.settings import kernel_change, layers_change
from convtui.store import session_file
from convtui.store.pictures import open_any, open_path
from convtui.tracing.client import TracingProcess
from convtui.training.datasets.open_any import check, load
from convtui.training.recipe import Recipe
from convtui.training.runs.store import Run, find_run
from convtui.training.trainer import Trainer, TrainerError
from tests.support.example_sessions import lesson


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The visitor's folder; this process is confined to it."""
    folder = tmp_path / "visitor"
    folder.mkdir()
    for name, value in Confinement(str(folder)).environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    confinement.cache_clear()
    yield folder
    confinement.cache_clear()


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A file of the server's, which is there."""
    folder = tmp_path / "server"
    folder.mkdir()
    for name, text in {
        "photo.csv": "1 2\n3 4",
        "kernel.txt": "1 2\n3 4",
        "layers.txt": "conv 3x3 8",
        "layers.toml": "layers",
        "session.toml": "convtui = 1",
        "data.npz": "no data",
    }.items():
        (folder / name).write_text(text)
    return folder


OPENED: dict[str, Callable[[Path], object]] = {
    "an image": lambda folder: open_any(str(folder / "photo.csv")),
    "an image of a session": lambda folder: open_path(folder / "photo.csv"),
    "an image that is read": lambda folder: read_picture(folder / "photo.csv"),
    "an image of a data set": lambda folder: open_any(f"{folder}/data.npz:test:1"),
    "a kernel": lambda folder: kernel_change(str(folder / "kernel.txt")),
    "layers": lambda folder: layers_change(str(folder / "layers.txt")),
    "layers as TOML": lambda folder: layers_change(str(folder / "layers.toml")),
    "layers of a stack": lambda folder: Stack.chosen(str(folder / "layers.txt"), (1, 8, 8)),
    "a session": lambda folder: session_file.load(folder / "session.toml"),
    "a data set": lambda folder: load(str(folder / "data.npz")),
    "a data set that is named": lambda folder: check(str(folder / "data.npz")),
    "a run": lambda folder: Run(folder),
    "a run that is named": lambda folder: find_run(str(folder)),
    "a file": lambda folder: read_regular(folder / "photo.csv"),
    "a lesson": lambda folder: read_lesson(folder / "session.toml"),
    "a session that is written": lambda folder: session_file.save(lesson(), folder / "new.toml"),
    "a screen that is written": lambda folder: write_screen("", folder / "new.svg"),
    "a diagram that is written": lambda folder: files.require_writable(folder / "new.gif", files.ANIMATIONS),
    "a notebook that is written": lambda folder: notebook_file.require_writable(folder / "new.ipynb"),
    "a file that is written": lambda folder: write_whole(folder / "new.csv", b""),
}


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("opened", OPENED)
def test_no_file_of_the_server_is_opened_or_written(opened: str, theirs: Path) -> None:
    before = sorted(theirs.iterdir())
    with pytest.raises(ValueError, match="no such sample"):
        OPENED[opened](theirs)
    assert sorted(theirs.iterdir()) == before


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("opened", OPENED)
def test_a_file_that_is_there_is_refused_as_one_that_is_not(opened: str, theirs: Path) -> None:
    said = []
    for folder in (theirs, theirs.parent / "nobody"):
        with pytest.raises(ValueError) as refused:  # noqa: PT011
            OPENED[opened](folder)
        said.append(str(refused.value).replace(str(folder), "FOLDER"))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    "path", ["~/x", "~root", "../server/photo.csv", "/", "/etc/passwd", "x/../../y", "a\0b"]
)
def test_ways_out_of_the_folder(path: str) -> None:
    assert not Confinement("/home/visitor").has(path)


@pytest.mark.parametrize("path", ["x.toml", "data/convtui/runs/0001", "/home/visitor/x", "."])
def test_what_is_the_visitors_own(path: str) -> None:
    assert Confinement("/home/visitor").has(path)


def test_a_link_out_of_the_folder_is_refused_in_the_same_words(own: Path, theirs: Path) -> None:
    (own / "link.toml").symlink_to(theirs / "nothing.toml")
    with pytest.raises(ValueError, match=r"nothing\.toml: no such sample, and files cannot be opened"):
        session_file.save(lesson(), Path("link.toml"))


@pytest.mark.usefixtures("own")
def test_samples_open() -> None:
    assert open_any("cat-32").pixels.shape == (3, 32, 32)
    assert open_any("digits-8x8:test:3").pixels.shape == (1, 8, 8)
    assert open_any("[1 2; 3 4]").pixels.shape == (1, 2, 2)
    assert kernel_change(samples.kernel_files()[0].stem)(lesson()) != lesson()
    assert layers_change(samples.layer_files()[0].stem)(lesson()).chosen_stack is not None
    for path in samples.session_files():
        assert session_file.load(path)


@pytest.mark.usefixtures("own")
def test_nothing_is_completed_or_proposed(theirs: Path) -> None:
    assert completed(f"{theirs}/ph", ["cat-32"]) is None
    assert completed("ca", ["cat-32"]) == "cat-32"
    assert neighbours(theirs / "photo.csb") == []


def test_what_is_saved_is_handed_over(own: Path) -> None:
    handed: dict[str, str] = {}
    said: list[str] = []

    class Silent:
        def say(self, text: str, error: bool = False) -> None:  # noqa: ARG002
            said.append(text)

        def ask(self, *_: object, **__: object) -> None:
            raise AssertionError

        def prompt(self, _question: str, _value: str, done: Callable[[str], object]) -> None:
            done("../mine")

    workspace = Workspace(lesson(), Silent(), deliver=lambda name, text: handed.update({name: text}))
    workspace.save()
    workspace.save_as()
    assert workspace.write_lesson("my-lesson")
    assert workspace.write_code("../code", "x = 1")
    assert handed.pop("code.py") == "x = 1"
    assert said.pop() == "downloaded: code.py"
    assert sorted(handed) == ["mine.toml", "mnist-7.toml", "my-lesson.toml"]
    assert session_file.dumps(session_file.loads(handed["mine.toml"], "mine.toml")) == session_file.dumps(
        lesson()
    )
    assert list(own.iterdir()) == []
    assert said == ["downloaded: mnist-7.toml", "downloaded: mine.toml", "downloaded: my-lesson.toml"]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        (Recipe(epochs=6), "epochs 6: a run has at most 5"),
        (Recipe(threads=2), "threads 2: a run has one thread"),
        (Recipe(device="cuda"), "device cuda: a run is on the cpu"),
    ],
)
def test_training_is_bounded(recipe: Recipe, why: str) -> None:
    trainer = Trainer(start=None)
    for begin in (trainer.start, trainer.find, trainer.compare):
        with pytest.raises(TrainerError, match=why):
            begin(recipe)
    assert not trainer.is_busy


async def test_a_job_is_stopped_when_its_time_is_over(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = replace(Confinement(str(own)), most_seconds=0.01)
    monkeypatch.setattr("convtui.training.trainer.confinement", lambda: limits)
    trainer = Trainer(start=None)
    monkeypatch.setattr(trainer, "prewarm", lambda: None)
    trainer.start(Recipe())

    async with asyncio.timeout(10):
        while not trainer.trouble:
            await asyncio.sleep(0.005)
    assert trainer.trouble.startswith("stopped after")
    assert [message.kind for message in trainer._outbox][-1] == "stop"


@pytest.mark.usefixtures("own")
async def test_no_network_of_ones_own_is_run() -> None:
    with pytest.raises(OSError, match="not run for visitors"):
        await TracingProcess.start()


def test_free_processes_are_free() -> None:
    assert confinement() is None
    assert Confinement.read({}) is None
    assert parse_kernel("1 2\n3 4").shape == (1, 1, 2, 2)


# -- the second fence, in a process of its own: there is no way back

PROBE = """
import json, os, pathlib, shutil, socket, subprocess, sys, tempfile
from convtui.inputs.confinement import Confinement, fence_in
own, theirs = sys.argv[1:]
fence_in(Confinement(own))
tries = {
    "read": lambda: open(theirs + "/photo.csv").close(),
    "os.open": lambda: os.open(theirs + "/photo.csv", os.O_RDONLY),
    "write": lambda: open(theirs + "/new", "w").close(),
    "write into the package": lambda: open(os.path.dirname(json.__file__) + "/new.py", "w").close(),
    "list": lambda: os.listdir(theirs),
    "scan": lambda: list(os.scandir(theirs)),
    "remove": lambda: os.remove(theirs + "/photo.csv"),
    "rename out": lambda: os.rename(own + "/mine", theirs + "/mine"),
    "link out": lambda: os.symlink(theirs, own + "/link"),
    "make a folder": lambda: os.mkdir(theirs + "/new"),
    "run": lambda: subprocess.run(["/bin/true"]),
    "shell": lambda: os.system("true"),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9)),
    "passwords": lambda: open("/etc/passwd").close(),
}
told = {}
for name, attempt in tries.items():
    try:
        attempt()
        told[name] = "done"
    except PermissionError:
        told[name] = "refused"
open(own + "/mine", "w").close()
pathlib.Path(tempfile.mkdtemp()).rmdir()
subprocess.run([sys.executable, "-c", "pass"], check=True)
import numpy, PIL.Image, textual.app, sqlite3
from convtui.inputs.samples import open_image
open_image("cat-32")
print(json.dumps(told))
"""


def test_the_fence_refuses_what_comes_past_the_names(tmp_path: Path, theirs: Path) -> None:
    own = tmp_path / "visitor"
    own.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(own), str(theirs)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=own,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name for name, what in told.items() if what != "refused"} == set()
    assert len(told) == 14
    assert confining.VARIABLE == "CONVTUI_CONFINED"
