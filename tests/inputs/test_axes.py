"""Where an array has its channels: by the rule, told where that is a guess, or by what options say."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtui.inputs.axes import AXES, FIRST, LAST, order_of, with_channels_first
from convtui.inputs.images import InputError, read_picture
from tests.support.image_files import assert_shows, saved


@pytest.mark.parametrize(
    ("shape", "axes", "is_guess"),
    [
        ((3, 224, 224), FIRST, False),
        ((1, 28, 28), FIRST, False),
        ((64, 7, 7), FIRST, False),
        ((3, 4, 4), FIRST, False),
        ((2, 6, 5), FIRST, False),
        ((10, 64, 12), FIRST, False),
        ((1, 1, 1), FIRST, False),
        ((5, 5, 3), LAST, True),
        ((224, 224, 3), LAST, True),
        ((28, 20, 3), LAST, True),
        ((7, 28, 3), LAST, True),
        ((28, 28, 1), LAST, True),
        ((3, 5, 1), LAST, True),
        ((4, 9, 3), LAST, True),
        ((64, 64, 12), LAST, True),
        ((2, 2, 1), LAST, True),
        ((64, 3, 3), FIRST, True),
        ((512, 1, 1), FIRST, True),
        ((3, 6, 3), FIRST, True),
        ((1, 6, 3), FIRST, True),
        ((2, 5, 4), FIRST, True),
        ((3, 3, 3), FIRST, True),
        ((28, 28, 28), FIRST, True),
        ((64, 60, 12), FIRST, True),
    ],
)
def test_the_rule(shape: tuple[int, int, int], axes: str, is_guess: bool) -> None:
    assert order_of(shape) == (axes, is_guess)


@given(st.tuples(*[st.integers(1, 300)] * 3), st.sampled_from([(), (7,)]))
def test_what_is_told_is_what_is_done(shape: tuple[int, int, int], batch: tuple[int, ...]) -> None:
    array = np.broadcast_to(np.zeros(1), (*batch, *shape))
    read, axes, notice = with_channels_first(array)
    rows, columns, channels = shape
    assert read.shape[-3:] == ((channels, rows, columns) if axes == LAST else shape)
    assert bool(axes) == bool(notice)
    for asked in AXES:
        again, kept, told = with_channels_first(array, asked)
        assert (kept, told) == (asked, "")
        assert again.shape[-3:] == ((channels, rows, columns) if asked == LAST else shape)
        assert (f"--{asked} reads the other order" in notice) == (axes not in ("", asked))


@pytest.mark.parametrize("suffix", [".npy", ".txt"])
def test_the_same_array_both_ways(tmp_path: Path, suffix: str) -> None:
    array = np.arange(75).reshape(5, 5, 3)
    path = tmp_path / f"a{suffix}"
    saved(path, array) if suffix == ".npy" else path.write_text(str(array))
    guessed = read_picture(path)
    assert_shows(guessed, np.moveaxis(array, -1, 0))
    told = "shape (5, 5, 3) read as [rows, columns, channels] (--channels-first reads the other order)"
    assert guessed.notice == f"a{suffix}: {told}"
    assert guessed.axes == LAST
    first = read_picture(path, axes=FIRST)
    assert_shows(first, array)
    assert (first.notice, first.axes) == ("", FIRST)
    assert_shows(read_picture(path, axes=LAST), np.moveaxis(array, -1, 0))


def test_gray_and_resize_come_after(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.ones((40, 4, 3)))
    assert read_picture(path, resize=20, gray=True, axes=LAST).pixels.shape == (1, 200, 20)
    with pytest.raises(InputError, match="this image has 40"):
        read_picture(path, gray=True, axes=FIRST)


def test_tables_and_matrices_have_one_order(tmp_path: Path) -> None:
    for path in saved(tmp_path / "a.npy", np.eye(3)), tmp_path / "a.csv":
        path.write_text("1,0\n\n0,1\n") if path.suffix == ".csv" else None
        for axes in ("", *AXES):
            picture = read_picture(path, axes=axes)
            assert (picture.axes, picture.notice) == ("", "")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"axes": "channels"}, "axes channels: must be channels-first or channels-last"),
        ({"white": 0.0}, "white 0: must be a positive number"),
        ({"white": -1.0}, "white -1: must be a positive number"),
        ({"white": float("nan")}, "white nan: must be a positive number"),
    ],
)
def test_what_cannot_be_asked_for(tmp_path: Path, how: dict[str, object], words: str) -> None:
    path = saved(tmp_path / "a.npy", np.eye(3))
    with pytest.raises(InputError, match=words):
        read_picture(path, **how)  # type: ignore[arg-type]
