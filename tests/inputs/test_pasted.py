"""Pasted arrays as images: in a file, and as a text in place of a name."""

from pathlib import Path

import numpy as np
import pytest

from convtui.inputs.images import InputError, read_pasted, read_picture
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.store.pictures import open_any
from convtui.store.session_file import dumps, loads
from tests.support.image_files import assert_shows, refusal, written

ROWS = np.array([[[1.0, 2, 3], [4, 5, 6]]])


@pytest.mark.parametrize(
    "text",
    [
        "[[1, 2, 3], [4, 5, 6]]",
        "[[1 2 3]\n [4 5 6]]",
        "tensor([[1., 2., 3.], [4., 5., 6.]])",
        "[1 2 3; 4 5 6]",
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt"])
def test_in_a_file(tmp_path: Path, text: str, suffix: str) -> None:
    picture = read_picture(written(tmp_path / f"a.{suffix}", f"# pasted\n{text}\n"))
    assert_shows(picture, ROWS)
    assert (picture.lowest, picture.highest, picture.notice) == (0, 6, "")


def test_white_is_told_in_a_comment(tmp_path: Path) -> None:
    picture = read_picture(written(tmp_path / "a.txt", "# white = 10\n[[1, 2, 3], [4, 5, 6]]"))
    assert_shows(picture, ROWS / 10)
    assert picture.highest == 1
    assert_shows(read_picture(tmp_path / "a.txt", white=100), ROWS / 100)


def test_channels(tmp_path: Path) -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    assert_shows(read_picture(written(tmp_path / "a.txt", repr(array)), axes="channels-first"), array)
    assert_shows(read_pasted(str(array), axes="channels-last"), np.moveaxis(array, -1, 0))
    with pytest.raises(InputError, match=r"^pasted: has the shape \(2, 1, 1, 1\); expected"):
        read_pasted("[[[[1]]], [[[1]]]]")


def test_a_single_row() -> None:
    assert_shows(read_pasted("[1, 2, 3]"), np.array([[[1.0, 2, 3]]]))


@pytest.mark.parametrize(
    "text", ["[[1, 2, 3], [4, 5, 6]]", "1 2 3; 4 5 6", "array([[1, 2, 3],\n [4, 5, 6]])"]
)
def test_in_place_of_a_name(text: str) -> None:
    picture = open_any(text, white=10)
    assert_shows(picture, ROWS / 10)
    assert (picture.name, picture.source) == ("pasted", "")


def test_a_session_keeps_it() -> None:
    session = Session.start(open_any("[[1, 2, 3], [4, 5, 6], [7, 8, 9]]"), KernelChoice("top-edge"))
    again = loads(dumps(session), "a.toml")
    assert_shows(again.picture, session.picture.pixels)
    assert (again.picture.name, again.picture.highest) == ("pasted", 9)


def test_a_file_of_that_name_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "[1].csv", "7,8\n")
    assert_shows(open_any("[1].csv"), np.array([[[7.0, 8]]]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[1, 2], [3]]", "pasted: line 1: row of length 1, but the first has length 2"),
        ("[[1_0, 2]]", "pasted: line 1: '1_0' is not a number"),
        ("[2].png", "pasted: line 1: unexpected '.png' after the array"),
        ("[[" + "1, " * 5000, "pasted: line 1: a bracket is not closed"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        open_any(text)
    assert str(refused.value).startswith(words)


def test_an_underscore_is_no_part_of_a_number(tmp_path: Path) -> None:
    assert "line 2, column 1: '1_0' is not a number" in refusal(written(tmp_path / "a.csv", "1,2\n1_0,3\n"))
    assert "white = 1_0 must be a positive number" in refusal(
        written(tmp_path / "b.csv", "# white = 1_0\n1\n")
    )
    assert "a.txt: line 1: '1_0' is not" in refusal(written(tmp_path / "a.txt", "[[1_0]]"))
