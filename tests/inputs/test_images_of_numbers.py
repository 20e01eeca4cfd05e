"""Arrays and tables of numbers, whole and broken."""

import os
import struct
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from convtui.inputs import images
from convtui.inputs.images import read_picture
from tests.support.image_files import (
    assert_shows,
    channels_first,
    in_one_folder,
    refusal,
    saved,
    written,
)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_, np.float16, np.float32, ">f8"])
def test_arrays_keep_their_numbers(tmp_path: Path, dtype: str) -> None:
    array = np.array([[0, 1, 200], [3, 0, 5]]).astype(dtype)
    picture = read_picture(saved(tmp_path / "a.npy", array))
    assert_shows(picture, array[np.newaxis].astype(float))
    assert (picture.lowest, picture.highest) == (0, float(array.max()))


@pytest.mark.parametrize(
    ("shape", "channels"), [((6, 5), 1), ((2, 6, 5), 2), ((3, 6, 5), 3), ((1, 6, 6), 1), ((4, 3, 3), 4)]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_axes_are_channels_rows_cols(
    tmp_path: Path, shape: tuple[int, ...], channels: int, order: Literal["C", "F"]
) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).copy(order=order)
    picture = read_picture(saved(tmp_path / "a.npy", array))
    assert_shows(picture, array.reshape(channels, *shape[-2:]))
    assert picture.notice == ""


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_may_come_last_and_the_notice_says_so(tmp_path: Path, channels: int) -> None:
    array = np.arange(72 * channels).reshape(8, 9, channels)
    picture = read_picture(saved(tmp_path / "a.npy", array))
    assert_shows(picture, channels_first(array))
    read = f"a.npy: shape (8, 9, {channels}) read as [rows, columns, channels]"
    assert picture.notice == f"{read} (--channels-first reads the other order)"


@pytest.mark.parametrize("shape", [(64, 3, 3), (8, 4, 4), (16, 5, 5), (1, 16, 5, 5)])
def test_small_maps_are_channels_first(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).reshape(shape)
    picture = read_picture(saved(tmp_path / "maps.npy", array))
    assert_shows(picture, array.reshape(shape[-3:]))
    read = (
        f"maps.npy: shape {shape} read as [channels, rows, columns] (--channels-last reads the other order)"
    )
    assert picture.notice == (read if shape[-1] in (1, 3, 4) else "")


@pytest.mark.parametrize(("highest", "colour"), [(1.0, True), (1.5, False), (-0.5, False)])
def test_three_channels_within_0_to_1_are_colour(tmp_path: Path, highest: float, colour: bool) -> None:
    array = np.zeros((3, 2, 2))
    array[0, 0, 0] = highest
    assert read_picture(saved(tmp_path / "a.npy", array)).colour is colour


@pytest.mark.parametrize("value", [0.0, 7.0, -7.0, 1e30, -1e30])
def test_flat_arrays_still_have_a_scale(tmp_path: Path, value: float) -> None:
    picture = read_picture(saved(tmp_path / "a.npy", np.full((2, 2), value)))
    assert picture.lowest <= value <= picture.highest
    assert picture.lowest < picture.highest


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((2, 2), complex), "values of type complex128"),
        (np.array([["a", "b"]]), "values of type <U1"),
        (np.zeros((2, 2), "datetime64[s]"), "values of type datetime64[s]"),
        (np.zeros((2, 2), [("r", "u1")]), "values of type [('r', 'u1')]"),
        (np.float64(3), "has the shape ()"),
        (np.zeros(3), "has the shape (3,)"),
        (np.zeros((2, 1, 2, 2)), "has the shape (2, 1, 2, 2)"),
        (np.zeros((0, 3)), "has the shape (0, 3)"),
        (np.array([[1, 2], [np.nan, 3]]), "the value at [0, 1, 0] is nan"),
        (np.array([[1, 2], [3, -np.inf]]), "the value at [0, 1, 1] is -inf"),
        (np.array([[1, 1e300]]), "the value at [0, 0, 1] is 1e+300"),
        (np.full((1, 1), np.longdouble("1e4000")), "the value at [0, 0, 0] is inf"),
    ],
)
def test_arrays_that_are_no_image(tmp_path: Path, array: np.ndarray, reason: str) -> None:
    assert f"a.npy: {reason}" in refusal(saved(tmp_path / "a.npy", array)).replace("holds ", "")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "exploded",)

    with (tmp_path / "a.npy").open("wb") as stream:
        np.save(stream, np.array([[Bomb()]], dtype=object), allow_pickle=True)
    assert "a.npy: is not a complete .npy array of numbers" in refusal(tmp_path / "a.npy")
    assert not (tmp_path / "exploded").exists()


def npy_that_claims(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(64)


@pytest.mark.parametrize(
    "contents",
    [
        npy_that_claims("{'descr': '<f8', 'fortran_order': False, 'shape': (4096, 4096), }\n"),
        npy_that_claims("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n"),
        npy_that_claims("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4), }\n"),
        npy_that_claims("{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }\n"),
        npy_that_claims("(" * 5000),
        npy_that_claims("__import__('os')"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        b"\x93NUMPY\x09\x00",
        b"\x93NUM",
        b"PK\x03\x04 an archive",
        b"hello",
    ],
)
def test_npy_files_that_lie(tmp_path: Path, contents: bytes) -> None:
    assert "a.npy: is not a complete .npy array of numbers (" in refusal(
        written(tmp_path / "a.npy", contents)
    )


@pytest.mark.parametrize("count", [4096 * 4096, 3 * 4096 * 4096])
def test_the_largest_arrays_pass_the_count(count: int) -> None:
    images._require_moderate_count(count)


def test_larger_arrays_are_refused_unread(tmp_path: Path) -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (8192, 8192), }\n"
    path = written(tmp_path / "a.npy", npy_that_claims(header))
    os.truncate(path, path.stat().st_size + 8192 * 8192)
    assert "a.npy: holds 67,108,864 values, more than the limit of 50,331,648" in refusal(path)


numbers = st.floats(-1e30, 1e30, allow_nan=False)


@given(
    table=arrays(np.float64, array_shapes(min_dims=3, max_dims=3, max_side=5), elements=numbers),
    separator=st.sampled_from([",", ";", " ", "\t", ", ", "   "]),
    newline=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    comment=st.sampled_from(["", "# a comment", "   # of 1,2,3 ; things"]),
)
@in_one_folder
def test_tables_come_back_the_same(
    tmp_path: Path, table: np.ndarray, separator: str, newline: str, bom: bool, comment: str
) -> None:
    rows = [[separator.join(map(repr, row)) + comment for row in channel.tolist()] for channel in table]
    lines = (newline * 2).join(newline.join(channel) for channel in rows)
    contents = ("\ufeff" if bom else "") + newline + f"#{comment}{newline}" + lines + newline * 3
    picture = read_picture(written(tmp_path / "a.csv", contents))
    np.testing.assert_array_equal(picture.pixels, table)
    assert picture.lowest < picture.highest


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.tsv", "A.CSV"])
def test_extensions_of_tables(tmp_path: Path, name: str) -> None:
    assert_shows(read_picture(written(tmp_path / name, "1 2\n3 4\n")), np.array([[[1.0, 2.0], [3.0, 4.0]]]))


def test_a_table_may_say_which_number_is_white(tmp_path: Path) -> None:
    picture = read_picture(written(tmp_path / "a.csv", "# white = 16\n0, 4\n16, 8\n"))
    assert_shows(picture, np.array([[[0, 0.25], [1, 0.5]]]))
    assert (picture.lowest, picture.highest) == (0.0, 1.0)


@pytest.mark.parametrize("white", ["0", "-1", "nan", "inf", "pale"])
def test_white_is_a_positive_number(tmp_path: Path, white: str) -> None:
    message = refusal(written(tmp_path / "a.csv", f"1, 2\n# white = {white}\n"))
    assert f"a.csv: line 2: white = {white} must be a positive number" in message


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ("1,2\n3\n", "line 2 has 1 number, but the first row has 2"),
        ("1,2\n\n1,2,3\n", "line 3 has 3 numbers, but the first row has 2"),
        ("1,2\n\n1,2\n1,2\n", "channel 2 has 2 rows, but channel 1 has 1"),
        ("1,2\n3,x\n", "line 2, column 2: 'x' is not a number"),
        ("red,green\n1,2\n", "line 1, column 1: 'red' is not a number"),
        ("1,,2\n", "line 1, column 2: missing number"),
        ("1,\x1b[31m\n", "line 1, column 2: '\\x1b[31m' is not a number"),
        ("1,nan\n", "line 1, column 2 is nan: values must be finite"),
        ("# c\n1,2\n-inf,1\n", "line 3, column 1 is -inf: values must be finite"),
        ("1,1e999\n", "line 1, column 2 is inf: values must be finite"),
        ("1,1e200\n", "line 1, column 2 is 1e+200: values must be finite"),
        ("0,5;1,5\n", "line 1 mixes , and ;"),
        ("\n  \n", "holds no numbers"),
        ("# only words\n", "holds no numbers"),
        ("\ufeff", "holds no numbers"),
        (b"1,2\n\xff\xfe", "is not UTF-8 text (byte 4)"),
        ("1,2".encode("utf-16"), "is not UTF-8 text (byte 0)"),
        (b"\x89PNG\r\n\x1a\n", "is not UTF-8 text (byte 0)"),
        ("x" * 10_000, "line 1, column 1: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is not a number"),
    ],
)
def test_tables_that_are_no_image(tmp_path: Path, contents: str | bytes, reason: str) -> None:
    assert f"a.csv: {reason}" in refusal(written(tmp_path / "a.csv", contents))


def test_tables_of_too_many_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "LARGEST_COUNT", 5)
    assert "a.csv: holds 6 values, more than the limit of 5" in refusal(
        written(tmp_path / "a.csv", "1,2,3\n4,5,6\n7,8,9\n")
    )
