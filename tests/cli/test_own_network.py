"""The user's own network on the command line: what is taken for one, and what is refused before it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convtui.cli import main as cli
from convtui.cli.own_network import arguments_parted, is_network, opening_of
from convtui.store import session_file
from convtui.tracing.open_model import Opening
from tests.support.driving import opened

NET = "raise SystemExit('this must not run')\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET, "utf-8")
    (tmp_path / "net.safetensors").write_bytes(b"")
    (tmp_path / "broken.py").write_text("def f(:", "utf-8")
    (tmp_path / "two.py").write_text(
        f"{NET}class A(nn.Module): ...\nclass B(A): ...\nclass Other(Base): ...\n", "utf-8"
    )
    return tmp_path


def opening(*arguments: str) -> tuple[Opening | None, str | None]:
    """The network that a command line names, and its image."""
    ours, theirs = arguments_parted(arguments)
    options = cli._open_parser().parsed(ours)
    return opening_of(options, theirs), options.image


@pytest.mark.parametrize(
    "text",
    ["net.py:Net", "sub/net.py:make", "/x y/net.py:nets.small", "package.module:factory", "net:Net", "é:Å"],
)
def test_networks(text: str) -> None:
    assert is_network(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "photo.jpg",
            "mnist-12k:test:17",
            "set.npz:test:0",
            "[[1, 2], [3, 4]]",
            "net.py",
            "net.py:",
            ":Net",
        ),
        *("net.py:3", "https://x.org:Net", "mnist-12k:test", "C:/photo.png"),
    ],
)
def test_images(text: str) -> None:
    assert not is_network(text)


def test_a_file_of_that_name_is_an_image(folder: Path) -> None:
    (folder / "scan:left").touch()
    assert not is_network("scan:left")
    assert is_network("scan:right")


def test_everything_that_can_be_said_of_one() -> None:
    found, image = opening(
        *("net.py:Net", "cat-64", "--weights", "net.safetensors", "--mean", "0.5,0.25,1", "--std=2"),
        *("--train", "--silence", "bias", "--silence", "field", "--limit", "9.5"),
        *("--inputs", "net.py:make", "--resize", "32", "--", "10", "--depth", "name=x"),
    )
    assert image == "cat-64"
    assert found == Opening(
        *("net.py:Net", ("10", "--depth", "name=x"), "net.safetensors", (0.5, 0.25, 1.0), (2.0,)),
        training=True,
        silenced=frozenset(["bias", "field"]),
        limit=9.5,
        inputs="net.py:make",
    )
    found, image = opening("net.py:Net", "--inputs", "net.py:make")
    assert (found, image) == (Opening("net.py:Net", inputs="net.py:make"), None)


@pytest.mark.parametrize(
    ("resize", "size"),
    [([], 28), (["--resize", "64"], 64), (["--resize", "600"], 512), (["--resize", "auto"], 28)],
)
def test_pictures_are_trained_on_at_the_size_of_the_image(resize: list[str], size: int) -> None:
    for target, expected in (("net.py:Net", size), ("net.pt2", 28)):
        Path("net.pt2").touch()
        options = cli._open_parser().parsed([target, "cat-64", *resize, "--data", "digits-8x8"])
        recipe = cli._recipe_of(options, Opening(target))
        assert recipe
        assert recipe.image_size == expected
    options = cli._open_parser().parsed(["cat-64", *resize, "--data", "digits-8x8"])
    recipe = cli._recipe_of(options, None)
    assert recipe
    assert recipe.image_size == 28


def test_without_one_nothing_is_different() -> None:
    assert opening("cat-64", "--stride", "2") == (None, "cat-64")
    assert opening() == (None, None)
    assert opening("--", "cat-64") == (None, "cat-64")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["net.py:Net"], ["net.py:Net: name an image after it", "convtui net.py:Net cat-64"]),
        (["nett.py:Net", "cat-64"], ["nett.py:Net: there is no such file", "net.py"]),
        (["net.py", "cat-64"], ["net.py: name a class in it", "net.py:Net photo.jpg"]),
        (
            ["two.py", "cat-64"],
            [" and an image: two.py:A photo.jpg or two.py:B photo.jpg\n"],
        ),
        (["two.py:", "cat-64"], ["two.py: name a class in it, and an image: two.py:A photo.jpg or"]),
        (["broken.py", "cat-64"], ["broken.py: name a class in it, and an image: broken.py:Net photo.jpg"]),
        (["tow.py", "cat-64"], ["tow.py: there is no such file; did you mean two.py"]),
        (["net.py:Net", "cat-64", "--weights", "."], ["--weights .: is a folder; name a file in it"]),
        (["net.py:Net", "cat-64", "--mean", "x"], ["--mean x: must be one number", "0.485,0.456,0.406"]),
        (["net.py:Net", "cat-64", "--mean", "nan"], ["--mean nan: must be one number"]),
        (["net.py:Net", "cat-64", "--std", "1,0"], ["--std 1,0: must not be 0"]),
        (["net.py:Net", "cat-64", "--weights", "w.pt"], ["--weights w.pt: there is no such file"]),
        (
            ["cat-64", "--weights", "net.safetensors"],
            ["--weights net.safetensors: works only with a network"],
        ),
        (["cat-64", "--std", "2"], ["--std 2: works only with a network"]),
        (["cat-64", "--train"], ["--train: works only with a network"]),
        (["cat-64", "--silence", "bias"], ["--silence bias: works only with a network"]),
        (["net.py:Net", "cat-64", "--silence", "bia"], ["--silence bia: no such check", "bias"]),
        (["net.py:Net", "cat-64", "--limit", "0"], ["--limit 0: must be a number of seconds above 0"]),
        (["cat-64", "--inputs", "net.py:make"], ["--inputs net.py:make: works only with a network"]),
        (["code", "net.py:Net", "cat-32"], ["convtui net.py:Net photo.jpg; there Y copies the code"]),
        (["animate", "a.gif", "net.py:Net", "cat-32"], ["enter opens an operation", "ctrl+g animates it"]),
        (["notebook", "a.ipynb", "net.pt2"], ["net.pt2: a network of yours", "convtui.trace(model, input)"]),
        (["render", "a.svg", "net.py:Net", "cat-32"], ["ctrl+f draws the screen; convtui trace prints"]),
        (["net.py:Net", "cat-63"], ["cat-63: no such file or sample", "cat-64"]),
    ],
)
def test_what_is_refused(arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(word in error for word in words), error


async def test_nothing_but_the_command_line_runs_their_code(folder: Path) -> None:
    """`o` on a file of code, a session that names one, and what the tab key offers read it at most."""
    (folder / "net.py").write_text("open('ran', 'w')\nclass Net: pass\n", "utf-8")
    (folder / "named.toml").write_text('convtui = 1\n[image]\npath = "net.py"\n', "utf-8")
    (folder / "target.toml").write_text('convtui = 1\n[image]\npath = "net.py:Net"\n', "utf-8")
    async with opened() as driven:
        for name in ("net.py", "net.py:Net", "named.toml", "target.toml"):
            before = driven.session
            await driven.press("o")
            await driven.enter(name)
            assert driven.said, name
            assert driven.session is before
            await driven.press("escape")
        assert driven.app.model is None
    kept = folder / "kept.toml"
    kept.write_text((folder / "target.toml").read_text("utf-8"), "utf-8")
    for path in (kept, folder / "named.toml"):  # what a crash left is read as such a file is
        with pytest.raises(ValueError, match="net"):
            session_file.load(path)
    line = "convtui net.py:"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_STDOUT_FILENAME": str(folder / "offered"),
    }
    subprocess.run([sys.executable, "-m", "convtui"], env=environment, check=False, capture_output=True)
    assert not (folder / "ran").exists()
    assert "torch" not in (folder / "offered").read_text("utf-8")
