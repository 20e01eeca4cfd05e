"""Named kernels do what they say, and kernels written as text or files come back the same."""

from collections.abc import Callable
from io import BytesIO
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import ArrayLike

from convtui.engine.convolution import Convolution
from convtui.engine.kernels import (
    NAMED_EDGES,
    NAMES,
    describe,
    filters_of,
    format_kernel,
    kernel,
    legal_sizes,
    load_kernel,
    nearest_edge,
    other_filters,
    own_filters,
    parse_kernel,
)
from convtui.engine.spec import LARGEST_VALUE, Floats, SpecError

every_size = pytest.mark.parametrize(
    ("name", "size"), [(name, n) for name in NAMES for n in legal_sizes(name)]
)

weights = npst.arrays(
    np.float64,
    st.tuples(*[st.integers(1, 4)] * 4),
    elements=st.one_of(st.floats(-LARGEST_VALUE, LARGEST_VALUE), st.integers(-9, 9).map(float)),
)

TOO_LARGE = "kernel of 65 x 1; at most 64 rows and columns are allowed"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("top-edge", [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]),
        ("bottom-edge", [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]),
        ("left-edge", [[-1, 1, 0], [-1, 1, 0], [-1, 1, 0]]),
        ("right-edge", [[0, 1, -1], [0, 1, -1], [0, 1, -1]]),
        ("diag1-edge", [[0, -1, 1], [-1, 1, 0], [1, 0, 0]]),
        ("diag2-edge", [[1, -1, 0], [0, 1, -1], [0, 0, 1]]),
        ("identity", [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        ("box-blur", [[1 / 9] * 3] * 3),
        ("gaussian-blur", [[1 / 16, 1 / 8, 1 / 16], [1 / 8, 1 / 4, 1 / 8], [1 / 16, 1 / 8, 1 / 16]]),
        ("sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        ("laplacian", [[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        ("sobel-x", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        ("sobel-y", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
        ("emboss", [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
    ],
)
def test_three_by_three_is_the_usual_one(name: str, rows: list[list[float]]) -> None:
    assert kernel(name).tolist() == [[rows]]


def test_edges_are_stacked_as_in_the_lecture() -> None:
    names = ["left-edge", "top-edge", "diag1-edge", "diag2-edge"]
    np.testing.assert_array_equal(kernel("edges", 5), np.concatenate([kernel(name, 5) for name in names]))


@every_size
def test_shape_and_numbers(name: str, size: int) -> None:
    weight = kernel(name, size, in_channels=3)
    assert weight.shape == (4 if name == "edges" else 1, 3, size, size)
    assert weight.dtype == np.float64
    assert np.isfinite(weight).all()
    assert not np.signbit(weight[weight == 0]).any()
    assert weight.any()
    if name != "random":
        assert (weight == weight[:, :1]).all()


@every_size
def test_sum_keeps_or_removes_brightness(name: str, size: int) -> None:
    sums = {
        1: ("identity", "box-blur", "gaussian-blur", "sharpen", "emboss", "diag1-edge", "diag2-edge"),
        0: ("top-edge", "bottom-edge", "left-edge", "right-edge", "laplacian", "sobel-x", "sobel-y"),
    }
    for expected, names in sums.items():
        if name in names:
            assert kernel(name, size).sum() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("size", [*legal_sizes("identity"), (3, 8), (4, 1)])
def test_identity_leaves_the_picture(size: int | tuple[int, int]) -> None:
    image = np.arange(2.0, 14.0).reshape(1, 3, 4)
    np.testing.assert_array_equal(Convolution(image, kernel("identity", size), padding="same").output, image)


@pytest.mark.parametrize("size", legal_sizes("top-edge"))
@pytest.mark.parametrize("name", ["top-edge", "bottom-edge", "left-edge", "right-edge", "sobel-x", "sobel-y"])
def test_edges_answer_to_their_own_side_only(name: str, size: int) -> None:
    dark_above = np.repeat([0.0, 1.0], 12)[:, None] * np.ones(24)
    towards = {"top": 0, "sobel-y": 0, "left": 1, "sobel-x": 1, "bottom": 2, "right": 3}
    own = towards[name.removesuffix("-edge")]
    for turns, picture in enumerate([dark_above, dark_above.T, dark_above[::-1], dark_above.T[:, ::-1]]):
        output = Convolution(picture[None], kernel(name, size)).output
        assert (output.max() > 0) == (turns == own)
        assert (output.min() < 0) == (turns == (own + 2) % 4)


@pytest.mark.parametrize("size", legal_sizes("gaussian-blur"))
def test_gaussian_is_binomial(size: int) -> None:
    row = [comb(size - 1, i) / 2 ** (size - 1) for i in range(size)]
    np.testing.assert_array_equal(kernel("gaussian-blur", size)[0, 0], np.outer(row, row))


@pytest.mark.parametrize("size", legal_sizes("sobel-x"))
def test_sobel_measures_a_ramp(size: int) -> None:
    ramp = np.tile(np.arange(20.0), (20, 1))
    steepness = Convolution(ramp[None], kernel("sobel-x", size)).output
    assert steepness.min() == steepness.max() > 0
    assert not Convolution(ramp[None], kernel("sobel-y", size)).output.any()
    np.testing.assert_array_equal(kernel("sobel-y", size), kernel("sobel-x", size).swapaxes(2, 3))


def test_filters_repeat_in_turn() -> None:
    np.testing.assert_array_equal(kernel("edges", filters=6)[4:], kernel("edges", filters=2))
    assert kernel("identity", filters=3, in_channels=2).shape == (3, 2, 3, 3)


def test_random_depends_on_the_seed_only() -> None:
    weight = kernel("random", (2, 3), filters=3, in_channels=2, seed=7)
    assert weight.shape == (3, 2, 2, 3)
    assert abs(weight).max() <= 1
    assert len(np.unique(weight)) > 18
    np.testing.assert_array_equal(weight, kernel("random", (2, 3), filters=3, in_channels=2, seed=7))
    np.testing.assert_array_equal(weight[:1], kernel("random", (2, 3), in_channels=2, seed=7))
    assert (weight != kernel("random", (2, 3), filters=3, in_channels=2, seed=8)).any()


def test_rectangles() -> None:
    assert kernel("top-edge", (2, 3))[0, 0].tolist() == [[-1, -1, -1], [1, 1, 1]]
    assert kernel("left-edge", (2, 4))[0, 0].tolist() == [[-1, -1, 1, 1]] * 2
    assert kernel("sobel-x", (2, 3))[0, 0].tolist() == [[-1, 0, 1]] * 2


def test_descriptions_are_sentences() -> None:
    for name in NAMES:
        assert describe(name).endswith(".")
        assert "\n" not in describe(name)
    assert len({describe(name) for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("call", [kernel, describe, legal_sizes])
def test_unknown_names_suggest_known_ones(call: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match="unknown kernel 'sobelx'; choose from sobel-x, sobel-y"):
        call("sobelx")
    with pytest.raises(ValueError, match=f"unknown kernel '~'; choose from {', '.join(NAMES)}"):
        call("~")


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("sharpen", 4, "kernel_size=4: sharpen does not come in this size; nearest legal: 3 or 5"),
        ("sharpen", (3, 5), "kernel_size=(3, 5): sharpen must be square; nearest legal: 3 or 5"),
        ("box-blur", 12, "kernel_size=12: box-blur does not come in this size; nearest legal: 11"),
        ("top-edge", 1, "kernel_size=1: top-edge does not come in this size; nearest legal: 2"),
        ("identity", 0, "kernel_size=0: must be at least 1; nearest legal: 1"),
        ("identity", 2.5, "kernel_size=2.5: must be whole numbers"),
    ],
)
def test_illegal_sizes_name_the_nearest(name: str, size: int, message: str) -> None:
    with pytest.raises(SpecError) as refusal:
        kernel(name, size)
    assert str(refusal.value) == message


@pytest.mark.parametrize("number", [{"in_channels": 0}, {"filters": 0}, {"filters": -1}])
def test_no_channels_or_filters(number: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(number))}={next(iter(number.values()))}.* at least 1"):
        kernel("identity", **number)


@given(weights)
def test_text_comes_back_the_same(weight: Floats) -> None:
    text = format_kernel(weight)
    assert parse_kernel(text).tobytes() == weight.tobytes()
    assert parse_kernel(text).shape == weight.shape
    assert format_kernel(parse_kernel(text)) == text


def test_text_as_written() -> None:
    weight = np.array([[[[1, -0.5], [10, 0]], [[1, 2], [3, 4]]], [[[0, 0], [0, 0]], [[0, 0], [0, 1]]]])
    assert format_kernel(weight) == (
        "   1 -0.5\n  10    0\n\n   1    2\n   3    4\n---\n   0    0\n   0    0\n\n   0    0\n   0    1\n"
    )


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("1 2\n3 4", [[[[1, 2], [3, 4]]]]),
        ("1,2\n3 ,\t4\r\n", [[[[1, 2], [3, 4]]]]),
        ("\n# a comment\n1 2 # another\n# between rows\n3 4\n\n\n", [[[[1, 2], [3, 4]]]]),
        ("1/4 -1/2 1e3 −2", [[[[0.25, -0.5, 1000, -2]]]]),
        ("1\n\n# second slice\n\n2", [[[[1]], [[2]]]]),
        ("1\n\n2\n\n---\n\n3\n\n4\n", [[[[1]], [[2]]], [[[3]], [[4]]]]),
        ("1\n-----\n3", [[[[1]]], [[[3]]]]),
    ],
)
def test_ways_to_write_a_kernel(text: str, weight: list[object]) -> None:
    assert parse_kernel(text).tolist() == weight


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: this filter has no numbers"),
        ("\n# nothing\n", "line 2: this filter has no numbers"),
        ("---\n1", "line 1: this filter has no numbers"),
        ("1\n---\n---\n2", "line 3: this filter has no numbers"),
        ("1 2\n3 x", "line 2: 'x' is not a number"),
        ("1;2", "line 1: '1;2' is not a number"),
        ("1 1/0", "line 1: '1/0' is not a number"),
        ("1/2/3", "line 1: '1/2/3' is not a number"),
        ("1\nnan", "line 2: 'nan' is not finite"),
        ("1\n-1e999", "line 2: '-1e999' is not finite"),
        ("1,,2", "line 1: missing number next to a comma"),
        ("1,2,", "line 1: missing number next to a comma"),
        ("1 2\n\n3 4 5", "line 3: row of length 3, but the first has length 2"),
        ("1 2\n\n3 4\n5 6\n\n", "line 5: slice of height 2, but the first has height 1"),
        ("1\n2\n---\n1", "line 4: slice of height 1, but the first has height 2"),
        ("1\n\n2\n---\n3", "line 5: filter ends after slice 1, but the first ends after slice 2"),
    ],
)
def test_errors_name_the_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="line") as refusal:
        parse_kernel(text)
    assert str(refusal.value) == message


@given(st.lists(st.sampled_from([*"0123-./,e# \n\t−nai_\x00é", "---\n"]), max_size=30).map("".join))
def test_any_text_is_a_kernel_or_an_error(text: str) -> None:
    try:
        weight = parse_kernel(text)
    except ValueError as refusal:
        message = str(refusal)
    else:
        assert weight.ndim == 4
        assert weight.size
        assert np.isfinite(weight).all()
        return
    assert message.startswith("line ")
    assert "\n" not in message


@pytest.mark.parametrize("shape", [(2, 3), (4, 2, 3), (5, 4, 2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.bool_, ">f8"])
def test_arrays_load_with_their_dimensions(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    array = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(dtype)
    np.save(tmp_path / "kernel.npy", array)
    weight = load_kernel(tmp_path / "kernel.npy")
    assert weight.shape == (1,) * (4 - len(shape)) + shape
    assert weight.dtype == np.float64
    np.testing.assert_array_equal(weight.reshape(shape), array)


@pytest.mark.parametrize("name", ["kernel.txt", "kernel.csv", "kernel"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_files_load(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_text("−1, 1/2\n3, 4\n", encoding)
    assert load_kernel(str(tmp_path / name)).tolist() == [[[[-1, 0.5], [3, 4]]]]


def saved(array: ArrayLike) -> bytes:
    file = BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("k.txt", b"", "line 1: this filter has no numbers"),
        ("k.txt", b"1 2\n3", "line 2: row of length 1, but the first has length 2"),
        ("k.txt", b"\xff\xfe\x00", "not a text file"),
        ("k.csv", b"1," * 64 + b"1", "kernel of 1 x 65; at most 64 rows and columns are allowed"),
        (
            "k.txt",
            b"1\n" * 65,
            TOO_LARGE,
        ),
        ("k.npy", b"", "not a readable .npy file"),
        ("k.npy", b"1 2\n3 4", "not a readable .npy file"),
        ("k.npy", saved(np.ones((3, 3)))[:-1], "not a readable .npy file"),
        ("k.npy", saved(np.array([[None]])), "not a readable .npy file"),
        ("k.npy", saved(np.ones(3)), "must hold real numbers in 2, 3 or 4 dimensions, got float64 [3]"),
        (
            "k.npy",
            saved(np.ones((2, 2)) * 1j),
            "must hold real numbers in 2, 3 or 4 dimensions, got complex128 [2, 2]",
        ),
        ("k.npy", saved(np.array([["a"]])), "must hold real numbers in 2, 3 or 4 dimensions, got <U1 [1, 1]"),
        (
            "k.npy",
            saved(np.ones((65, 1))),
            f"{TOO_LARGE} (shape (65, 1) read as [rows, columns])",
        ),
        (
            "k.npy",
            saved(np.array([[1, np.nan]])),
            "contains NaN, infinity or numbers larger than 1e+30 in magnitude",
        ),
    ],
)
def test_broken_files_are_named_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match="k") as refusal:
        load_kernel(path)
    assert str(refusal.value) == f"{path}: {message}"


def test_large_files_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "kernel.txt"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match=r"kernel\.txt: the file is larger than 4 MiB"):
        load_kernel(path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    for path in tmp_path, tmp_path / "none.txt", tmp_path / "none.npy":
        with pytest.raises(ValueError, match="no such file"):
            load_kernel(path)


def test_damaged_arrays_never_fail_otherwise(tmp_path: Path) -> None:
    whole = saved(np.ones((2, 2)))
    path = tmp_path / "kernel.npy"
    for position, byte in product(range(len(whole)), b"\x00(]'\xff9"):
        path.write_bytes(whole[:position] + bytes([byte]) + whole[position + 1 :])
        try:
            weight = load_kernel(path)
        except ValueError as refusal:
            message = str(refusal)
        else:
            message = f"{path}: fine"
            assert np.isfinite(weight).all()
        assert message.startswith(f"{path}: ")
        assert "\n" not in message


def test_a_filter_for_each_name() -> None:
    weight = filters_of(["sobel-x", "random", "identity", "random"], 5, in_channels=2, seed=3)
    drawn = kernel("random", 5, in_channels=2, filters=2, seed=3)
    expected = [kernel("sobel-x", 5, in_channels=2)[0], drawn[0], kernel("identity", 5, in_channels=2)[0]]
    np.testing.assert_array_equal(weight, [*expected, drawn[1]])


@every_size
def test_the_filters_of_a_kernel_are_kernels_themselves(name: str, size: int) -> None:
    np.testing.assert_array_equal(filters_of(own_filters(name), size), kernel(name, size))


@pytest.mark.parametrize(
    ("names", "size", "following"),
    [
        (["top-edge"], (3, 3), "bottom-edge"),
        (["left-edge", "top-edge", "diag1-edge", "diag2-edge"], (3, 3), "identity"),
        (["gaussian-blur"], (3, 3), "sharpen"),
        (["gaussian-blur"], (4, 4), "sobel-x"),
        (["gaussian-blur", "left-edge"], (2, 2), "right-edge"),
        (["gaussian-blur"], (2, 2), "sobel-x"),
        (["left-edge", "identity"], (2, 2), "box-blur"),
        (["right-edge"], (2, 3), "identity"),
        (["emboss"], (3, 3), "top-edge"),
        ([name for name in NAMES if name not in ("edges", "random")], (3, 3), "random"),
    ],
)
def test_the_next_filter_is_one_that_is_not_there(
    names: list[str], size: tuple[int, int], following: str
) -> None:
    assert other_filters(names, len(names) + 1, size) == (*names, following)
    assert other_filters(names, 1, size) == (names[0],)


@pytest.mark.parametrize("name", NAMED_EDGES)
@pytest.mark.parametrize("size", [2, 3, 5])
def test_an_edge_kernel_is_nearest_to_itself_at_any_scale(name: str, size: int) -> None:
    weight = 0.3 * kernel(name, size, in_channels=3)[0]
    nearest, likeness = nearest_edge(weight)
    assert likeness == pytest.approx(1)
    own = kernel(nearest, size)[0, 0]  # two names can stand for one kernel
    np.testing.assert_allclose(own / np.linalg.norm(own), weight[0] / np.linalg.norm(weight[0]))


def test_a_filter_without_direction_is_like_no_edge() -> None:
    assert nearest_edge(np.zeros((1, 3, 3)))[1] == 0
    assert nearest_edge(np.ones((1, 3, 3)))[1] == pytest.approx(1 / np.sqrt(9 * 5))
    with pytest.raises(ValueError, match="no edge kernel has this size"):
        nearest_edge(np.ones((1, 1, 1)))
