"""Arrays that are pasted into the typed lines, and how an image is read, typed; both are told of guesses."""

from pathlib import Path

import numpy as np
import pytest
from textual import events
from textual.widgets import Input

from convtui.pages.base.typed_line import one_line
from tests.support.driving import Driven, opened
from tests.support.image_files import saved


async def typed(driven: Driven, text: str) -> None:
    await driven.press("colon")
    await driven.enter(text)


async def pasted(driven: Driven, text: str) -> None:
    """Paste behind what the open line holds, and press enter."""
    line = driven.app.focused
    assert isinstance(line, Input)
    line.post_message(events.Paste(text))
    await driven.pilot.pause()
    await driven.press("enter")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[1 2 3]\n [4 5 6]]", "[[1 2 3] [4 5 6]]"),
        ("[[1, 2, 3],\n [4, 5, 6]]", "[[1, 2, 3], [4, 5, 6]]"),
        ("[1 0 -1\n 2 0 -2]", "[1 0 -1; 2 0 -2]"),
        ("1 0 -1\n2 0 -2\n", "1 0 -1; 2 0 -2"),
        ("[1,\n 2]", "[1, 2]"),
        ("1.\n-2\n+3\n.5", "1.; -2; +3; .5"),
        ("photo.jpg\n", "photo.jpg"),
        ("", ""),
    ],
)
def test_several_lines_become_one(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    "text",
    ["[[1, 0], [0, -1]]", "[[1 0]\n [0 -1]]", "1 0\n0 -1", "tensor([[ 1.,  0.],\n        [ 0., -1.]])"],
)
async def test_a_kernel_is_pasted(text: str) -> None:
    async with opened() as driven:
        await driven.press("colon", *"kernel ")
        await pasted(driven, text)
        assert driven.session.convolution.weight.tolist() == [[[[1, 0], [0, -1]]]]
        assert driven.session.kernel.label == "pasted (custom)"
        await driven.press("u")
        assert driven.session.kernel.name == "top-edge"


@pytest.mark.parametrize("page", ["2", "3"])
async def test_an_image_is_pasted_on_any_page(page: str) -> None:
    async with opened() as driven:
        await driven.press(page, "o")
        await pasted(driven, "[[1 2 3]\n [4 5 6]\n [7 8 9]]")
        assert driven.session.convolution.image.tolist() == [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]
        assert driven.session.picture.name == "pasted"


async def test_what_is_no_array_is_refused_and_asked_for_again() -> None:
    async with opened() as driven:
        before = driven.session
        await typed(driven, "kernel [[1, 0], [0]]")
        assert driven.refused
        assert driven.said == "pasted kernel: line 1: row of length 1, but the first has length 2"
        assert driven.typing
        assert driven.session is before


async def test_the_axes_of_an_image_are_told_and_typed(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.arange(75).reshape(5, 5, 3))
    async with opened() as driven:
        await driven.press("o")
        await driven.enter(str(path))
        assert driven.said.startswith("a.npy: shape (5, 5, 3) read as [rows, columns, channels]")
        assert driven.session.convolution.image_shape == (3, 5, 5)
        await typed(driven, "axes channels-first")
        assert driven.said == ""
        assert driven.session.convolution.image_shape == (5, 5, 3)
        await driven.press("3")
        await typed(driven, "axes auto")
        assert driven.said.startswith("a.npy: shape (5, 5, 3) read as [rows, columns, channels]")
        assert driven.session.convolution.image_shape == (3, 5, 5)
        await driven.press("u")
        assert driven.session.convolution.image_shape == (5, 5, 3)


async def test_the_layout_of_a_kernel_is_told_and_typed(tmp_path: Path) -> None:
    path = saved(tmp_path / "keras.npy", np.ones((3, 3, 1, 8)))
    async with opened() as driven:
        await typed(driven, f"kernel {path}")
        assert driven.said.startswith("keras.npy: shape (3, 3, 1, 8) read as [rows, columns, in, out]")
        assert driven.session.convolution.weight_shape == (8, 1, 3, 3)
        await typed(driven, f"kernel {path} hwio")
        assert driven.said == ""
        await typed(driven, f"kernel {path} oihw")
        assert driven.refused
        assert "keras.npy: shape (3, 3, 1, 8) read as [out, in, rows, columns]" in driven.said


async def test_white_is_typed() -> None:
    async with opened() as driven:
        await typed(driven, "white 510")
        assert driven.session.picture.pixels.max() == pytest.approx(0.5)
        await typed(driven, "white zero")
        assert driven.refused
