"""How an image is read can be typed, and a session reads its image again in the same way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convtui.engine.spec import SpecError
from convtui.inputs.images import InputError
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.state.settings import change, layer_transition, transition
from convtui.store import session_file
from convtui.store.pictures import open_any, reopened
from convtui.store.toml_document import SessionFileError
from tests.support import tiff_files as tag
from tests.support.data_files import arrays, npz
from tests.support.image_files import assert_shows, saved, written

ARRAY = np.arange(75).reshape(5, 5, 3)


def started(path: Path | str, **how: object) -> Session:
    return Session.start(open_any(str(path), **how), KernelChoice("identity"), size=1)  # type: ignore[arg-type]


@pytest.fixture
def array(tmp_path: Path) -> Path:
    return saved(tmp_path / "a.npy", ARRAY)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    values = np.array([[0, 1000], [2000, 4000]], dtype="<u2")
    return written(tmp_path / "scan.tif", tag.tiff(values, tag.BLACK_IS_ZERO))


@pytest.mark.parametrize("change_by", [transition, layer_transition])
def test_axes_and_white_are_typed(
    array: Path, scan: Path, change_by: Callable[..., Callable[[Session], Session]]
) -> None:
    session = started(array)
    first = change_by("axes channels-first", reopened)(session)
    assert_shows(first.picture, ARRAY)
    assert first.picture.notice == ""
    assert_shows(change_by("axes auto", reopened)(first).picture, np.moveaxis(ARRAY, -1, 0))
    session = started(scan)
    assert session.picture.pixels.max() == 1
    darker = change_by("white = 8000", reopened)(session)
    assert darker.picture.pixels.max() == 0.5
    assert change_by("white auto", reopened)(darker).picture.notice == session.picture.notice != ""
    smaller = change_by("resize 1", reopened)(darker)
    assert smaller.picture.pixels.shape == (1, 1, 1)
    assert smaller.picture.white == 8000
    assert change_by("resize auto", reopened)(smaller).picture.pixels.shape == (1, 2, 2)


def test_gray_is_typed() -> None:
    grey = transition("gray on", reopened)(started("cat-32"))
    assert grey.picture.pixels.shape == (1, 32, 32)
    assert transition("gray off", reopened)(grey).picture.pixels.shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("axes last", "axes='last': must be channels-first, channels-last or auto"),
        ("white 0", "white='0': must be a positive number"),
        ("white 1_0", "white='1_0': must be a number"),
        ("gray yes", "gray='yes': must be on or off"),
        ("resize 0", "resize='0': must be a whole number from 1 to 4096"),
    ],
)
def test_what_cannot_be_typed(text: str, words: str) -> None:
    with pytest.raises(SpecError) as refused:
        transition(text, reopened)(started("cat-32"))
    assert str(refused.value).startswith(words)


def test_without_a_file_nothing_is_read_again() -> None:
    session = started("[[1, 2], [3, 4]]")
    with pytest.raises(InputError, match="pasted: has no file that could be read again"):
        transition("white 4", reopened)(session)
    with pytest.raises(ValueError, match="white: can only be set when an image is opened"):
        change("white", "4")


# -- sessions


def test_a_session_reads_a_guess_again_in_the_same_way(array: Path, tmp_path: Path) -> None:
    """What was a guess is written down, so that another rule cannot change it."""
    for how in {}, {"axes": "channels-first"}, {"axes": "channels-last"}:
        session = started(array, **how)
        text = session_file.dumps(session, tmp_path)
        assert f'axes = "{session.picture.axes}"' in text
        again = session_file.loads(text, "a.toml", tmp_path)
        assert_shows(again.picture, session.picture.pixels)
        assert (again.picture.axes, again.picture.notice) == (session.picture.axes, "")
        assert session_file.dumps(again, tmp_path) == text


def test_a_session_keeps_its_white(scan: Path, tmp_path: Path) -> None:
    session = started(scan, white=4095)
    text = session_file.dumps(session, tmp_path)
    assert "white = 4095.0" in text
    again = session_file.loads(text, "a.toml", tmp_path)
    assert_shows(again.picture, session.picture.pixels)
    assert again.picture.white == 4095
    as_it_is = session_file.dumps(started(scan), tmp_path)
    assert "white" not in as_it_is
    assert "4000 is read as white" in session_file.loads(as_it_is, "a.toml", tmp_path).picture.notice


def test_a_session_of_an_image_of_a_data_set(tmp_path: Path) -> None:
    held = arrays(size=(5, 9, 3))
    path = npz(tmp_path / "a.npz", train_images=held["train_images"], test_images=held["test_images"])
    for how in {}, {"axes": "channels-first", "white": 300.0}:
        session = started(f"{path}:train:2", **how)
        again = session_file.loads(session_file.dumps(session, tmp_path), "a.toml", tmp_path)
        assert_shows(again.picture, session.picture.pixels)
        assert (again.picture.axes, again.picture.white) == (session.picture.axes, session.picture.white)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('axes = "last"', "image.axes = 'last': must be channels-first or channels-last"),
        ("axes = 1", "image.axes = 1: must be text in quotes"),
        ("white = 0", "image.white = 0: must be a positive number"),
        ('white = "4095"', "image.white = '4095': must be a finite number"),
        ("white = 1e31", "image.white = 1e+31: must be a positive number"),
    ],
)
def test_what_a_session_cannot_say(line: str, words: str) -> None:
    text = f'convtui = 1\n[image]\nsample = "cat-32"\n{line}\n[kernel]\nname = "identity"\n'
    with pytest.raises(SessionFileError) as refused:
        session_file.loads(text, "a.toml")
    assert str(refused.value) == f"a.toml, line 4: {words}"


def test_they_do_not_go_with_pixels() -> None:
    text = 'convtui = 1\n[image]\npixels = "1 2"\nwhite = 2.0\n[kernel]\nname = "identity"\nsize = 1\n'
    with pytest.raises(SessionFileError, match=r"image\.white cannot be combined with image\.pixels"):
        session_file.loads(text, "a.toml")
