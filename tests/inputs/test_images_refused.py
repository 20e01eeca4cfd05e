"""Broken, hostile and huge files: one line each, and never a wait."""

import os
import socket
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from convtui.inputs import images
from convtui.inputs.images import InputError, read_picture
from tests.support.image_files import (
    in_one_folder,
    png_that_claims,
    refusal,
    written,
)


@pytest.fixture
def grey() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_missing_file_suggests_a_close_one(tmp_path: Path) -> None:
    written(tmp_path / "photo.jpg", "x")
    assert "phote.jpg: no such file; did you mean photo.jpg?" in refusal(tmp_path / "phote.jpg")
    assert refusal(tmp_path / "zzz").endswith("zzz: no such file")
    assert refusal(tmp_path / "no-folder" / "a.png").endswith("a.png: no such file")


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: is a folder; name a file in it"


@pytest.mark.parametrize("name", ["empty.png", "empty.npy", "empty.csv"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    assert refusal(written(tmp_path / name, "")).endswith(f"{name}: the file is empty")


def test_devices_and_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        for path in ("/dev/zero", "/dev/null", tmp_path / "pipe.png", tmp_path / "s"):
            assert f"{path}: is a device, a pipe or a socket" in refusal(path)


def test_an_unreadable_file(tmp_path: Path, grey: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(grey).save(tmp_path / "a.png")

    def denied(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)
    assert refusal(tmp_path / "a.png").endswith("a.png: cannot be read (Permission denied)")


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert "loop.png: cannot be read (" in refusal(tmp_path / "loop.png")


def test_text_named_png(tmp_path: Path) -> None:
    assert "a.png: not an image that Pillow can read" in refusal(written(tmp_path / "a.png", "hello\n"))


@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "webp", "tif", "bmp"])
def test_a_truncated_picture(tmp_path: Path, extension: str) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"a.{extension}"
    Image.fromarray(noise).save(path)
    message = refusal(written(path, path.read_bytes()[: path.stat().st_size // 2]))
    assert f"a.{extension}: " in message
    assert "damaged" in message or "not a picture" in message


def test_warnings_are_not_heard(tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", png_that_claims(9_500, 10_000))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.warns(Image.DecompressionBombWarning):
            Image.open(path).close()
        refusal(path)
    assert heard == []


def test_pillow_writes_nothing_beside_the_error(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.new("RGB", (2, 2)).save(path)
    samples_per_pixel = struct.pack("<HHIH", 277, 3, 1, 3)
    assert samples_per_pixel in path.read_bytes()
    too_many = struct.pack("<HHIH", 277, 3, 1, 255)
    written(path, path.read_bytes().replace(samples_per_pixel, too_many))
    script = (
        "import sys\nfrom convtui.inputs.images import *\n"
        "try: read_picture(sys.argv[1])\nexcept InputError: pass"
    )
    result = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=True)
    assert (result.stdout, result.stderr) == (b"", b"")


@given(st.data())
@in_one_folder
def test_damaged_bytes_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    extension = data.draw(st.sampled_from(["png", "jpg", "gif", "tif", "bmp", "webp"]))
    path = tmp_path / f"a.{extension}"
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(path)
    contents = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(contents) - 1), min_size=1, max_size=8)):
        contents[place] = data.draw(st.integers(0, 255))
    written(path, bytes(contents))
    try:
        assert np.isfinite(read_picture(path).pixels).all()
    except InputError:
        assert f"a.{extension}: " in refusal(path)


@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_decompression_bombs_are_refused_from_their_header(tmp_path: Path, width: int, height: int) -> None:
    message = refusal(written(tmp_path / "bomb.png", png_that_claims(width, height)))
    assert "bomb.png: " in message
    assert "more than the limit of 100 megapixels" in message


@pytest.mark.parametrize(("name", "limit"), [("a.png", "LARGEST_FILE"), ("a.csv", "LARGEST_TABLE")])
def test_files_of_too_many_bytes(
    tmp_path: Path, name: str, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, limit, 2 * 2**20)
    path = written(tmp_path / name, "1\n")
    os.truncate(path, 3 * 2**20)
    assert f"{name}: the file has 3 MiB, more than the limit of 2 MiB;" in refusal(path)


def test_postscript_is_not_run(tmp_path: Path, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.eps")
    assert "a.eps: EPS is not supported" in refusal(tmp_path / "a.eps")


@pytest.mark.parametrize("name", ["\x1b[31mred.png", "two\nlines.png", "bidi\u202e.png", "a\0b.png"])
def test_names_cannot_steer_the_terminal(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ascii(name)[1:-1] in refusal(name)


def test_nobodys_home() -> None:
    assert "~nobody-here/a.png: not a valid path" in refusal("~nobody-here/a.png")


def test_names_in_titles_cannot_either(tmp_path: Path, grey: np.ndarray) -> None:
    path = tmp_path / "\x1b[31mred.png"
    Image.fromarray(grey).save(path)
    assert read_picture(path).name.isprintable()
    assert read_picture(path).source == str(path)


def test_very_long_names_are_shortened() -> None:
    assert len(refusal("x" * 100_000)) < 600
