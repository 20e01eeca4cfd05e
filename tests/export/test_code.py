"""The code of a session reads its image to the same numbers, from whatever file that is."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convtui.engine.layer_text import parse_layers
from convtui.export.code import image_code, session_code
from convtui.inputs.images import Picture
from convtui.state.kernel_choice import KernelChoice
from convtui.state.session import Session
from convtui.store.pictures import open_any
from tests.engine.test_snippet import run

RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, (21, 30, 4), np.uint8)


def read_back(picture: Picture) -> str:
    """The code, once it has given the picture's own numbers."""
    code = image_code(picture)
    text = "\n".join([*code.imports, "import torch", *code.lines])
    np.testing.assert_array_equal(run(text)["x"].numpy(), picture.pixels)
    assert "float32" not in text
    return text


def test_up_to_400_numbers_are_written_out(tmp_path: Path) -> None:
    for size, is_written in (400, True), (401, False):
        np.save(tmp_path / "x.npy", RANDOM.standard_normal((1, 1, size)))
        assert ("np.load" not in read_back(open_any(str(tmp_path / "x.npy")))) == is_written


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_a_picture_of_bytes_is_read_by_pillow(tmp_path: Path, mode: str, channels: int, suffix: str) -> None:
    Image.fromarray(BYTES[..., :3]).convert(mode).save(tmp_path / f"x.{suffix}")
    text = read_back(picture := open_any(str(tmp_path / f"x.{suffix}")))
    assert len(picture.pixels) == channels
    assert "convtui" not in text.replace(str(tmp_path), "")


def test_transparent_wide_scaled_and_grey_pictures_are_read_as_convtui_reads_them(tmp_path: Path) -> None:
    Image.fromarray(BYTES).save(tmp_path / "alpha.png")
    Image.fromarray(BYTES[..., 0].astype(np.uint16) * 200).save(tmp_path / "wide.png")
    assert "open_any" in read_back(open_any(str(tmp_path / "alpha.png")))
    assert "white=60000.0" in read_back(open_any(str(tmp_path / "wide.png"), white=60000.0))
    assert "resize=25" in read_back(open_any(str(tmp_path / "alpha.png"), resize=25))
    assert "gray=True" in read_back(open_any(str(tmp_path / "alpha.png"), gray=True))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((21, 30), ""), ((3, 21, 30), ""), ((21, 30, 3), "channels-last"), ((1, 2, 21, 30), "")],
)
@pytest.mark.parametrize("white", [None, 7.0])
def test_an_array_is_read_by_numpy(
    tmp_path: Path, shape: tuple[int, ...], axes: str, white: float | None
) -> None:
    np.save(tmp_path / "x.npy", RANDOM.standard_normal(shape).astype(np.float32))
    text = read_back(open_any(str(tmp_path / "x.npy"), axes=axes, white=white))
    assert "np.load" in text
    assert "convtui" not in text.replace(str(tmp_path), "")


@pytest.mark.parametrize("delimiter", [",", ";", " "])
@pytest.mark.parametrize("head", ["", "# white = 255\n"])
def test_a_table_is_read_by_numpy(tmp_path: Path, delimiter: str, head: str) -> None:
    rows = [delimiter.join(map(repr, row)) for row in RANDOM.standard_normal((40, 13)).tolist()]
    channels = "\n".join(rows[:20]) + "  # the end\n\n" + "\n".join(rows[20:])
    (tmp_path / "x.csv").write_text(f"{head}# a comment; with, both\n{channels}\n")
    picture = open_any(str(tmp_path / "x.csv"))
    assert picture.pixels.shape == (2, 20, 13)
    assert "np.loadtxt" in read_back(picture)


@pytest.mark.parametrize("name", ["mnist-7", "cat-64", "mnist-12k:test:17", "mnist-12k:test:17:normalised"])
def test_samples_and_images_of_data_sets(name: str) -> None:
    read_back(open_any(name))


def test_edited_pixels_are_assigned() -> None:
    session = Session.start(open_any("cat-64"), KernelChoice("identity")).with_pixel_value(2, 3, 4, -0.1)
    assert "x[2, 3, 4] = -0.1" in read_back(session.picture)


def test_what_no_file_gives_any_more_is_written_out_if_it_is_small(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    np.save(file, RANDOM.standard_normal((1, 30, 30)))
    small = open_any(str(file))
    np.save(file, RANDOM.standard_normal((1, 300, 300)))
    large = open_any(str(file))
    file.unlink()
    assert "x.npy" not in read_back(small).replace("# x.npy", "")
    with pytest.raises(ValueError, match="the image has 90,000 numbers, too many to be written out"):
        image_code(large)


def test_a_name_with_quotes_is_read(tmp_path: Path) -> None:
    file = tmp_path / """it's "x".npy"""
    np.save(file, RANDOM.standard_normal((1, 30, 30)))
    read_back(open_any(str(file)))


@pytest.mark.parametrize(
    "operation",
    [
        "maxpool 2",
        "avgpool 3 p1",
        "adaptiveavgpool 4",
        "convtranspose 3x3 1 s2 p1",
        "convtranspose 3x3 1 s2 p1/gather",
    ],
)
def test_other_operations_of_a_session(operation: str) -> None:
    text, _, way = operation.partition("/")
    (layer,) = parse_layers(text)
    session = Session.start(open_any("digit-8x8-3"), KernelChoice("sobel-x")).with_operation(layer, way)
    for index in (0, 5, session.size - 1):
        run(session_code(session.at(index)))


def test_the_code_runs_in_a_fresh_interpreter_in_any_folder(tmp_path: Path) -> None:
    picture = open_any("cat-64")
    session = Session.start(picture, KernelChoice("edges"), bias=np.arange(4.0), stride=2, padding=1)
    small = Session.start(open_any("digit-8x8-3"), KernelChoice("sobel-x"), padding=((0, 1), (2, 1)))
    codes = [session_code(each.at(41, 5)) for each in (session, small)]
    script = "import warnings\nwarnings.simplefilter('error')\n" + "\n".join(codes)
    ran = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
