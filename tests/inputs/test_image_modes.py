"""Every mode that Pillow opens a file in, and the tags that change what its numbers mean: a table."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from struct import pack
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from convtui.inputs.decoding import decoded
from convtui.inputs.images import read_picture
from tests.support import tiff_files as tag
from tests.support.image_files import written
from tests.support.tiff_files import tiff

UPPER_8 = "16 bits a channel, of which the upper 8 are read"
ON_WHITE = "transparent pixels lie on white"


class Case(NamedTuple):
    """A file, the mode in which Pillow opens it, and what is read: pixels [channel][row][column], notice."""

    name: str
    content: bytes
    mode: str
    pixels: Any
    notice: str = ""
    tolerance: float = 0.0


def pillow(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def row(mode: str, *values: Any) -> Image.Image:
    """A picture of one row of these pixels."""
    image = Image.new(mode, (len(values), 1))
    for column, value in enumerate(values):
        image.putpixel((column, 0), value)
    return image


def png(bits: int, kind: int, *samples: int, transparent: tuple[int, ...] = ()) -> bytes:
    """A PNG of one row, written here: Pillow writes no 16-bit colours."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[kind]

    def chunk(name: bytes, body: bytes) -> bytes:
        return pack(">I", len(body)) + name + body + pack(">I", zlib.crc32(name + body))

    size = "H" if bits == 16 else "B"
    line = b"\0" + pack(f">{len(samples)}{size}", *samples)
    chunks = [
        chunk(b"IHDR", pack(">IIBBBBB", len(samples) // channels, 1, bits, kind, 0, 0, 0)),
        chunk(b"tRNS", pack(f">{len(transparent)}H", *transparent)) if transparent else b"",
        chunk(b"IDAT", zlib.compress(line)),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def numbers(dtype: str, *values: float) -> np.ndarray:
    return np.array([values], dtype=dtype)


def palette(mode: str) -> Image.Image:
    image = Image.new(mode, (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255], "RGB")
    image.putpixel((1, 0), 1)
    return image


HALF = 128 / 255

CASES = [
    Case("1.png", pillow(row("1", 0, 255)), "1", [[[0, 1]]]),
    Case("1-white-is-zero.tif", tiff(numbers("u1", 0b01000000), 0, bits=1), "1", [[[1]]]),
    Case("L.png", pillow(row("L", 0, 51, 255)), "L", [[[0, 0.2, 1]]]),
    Case("L-white-is-zero.tif", tiff(numbers("u1", 0, 51, 255), tag.WHITE_IS_ZERO), "L", [[[1, 0.8, 0]]]),
    Case("L-signed.tif", tiff(numbers("i1", -3, 0, 127), tag.BLACK_IS_ZERO), "L", [[[-3, 0, 127]]]),
    Case("L-transparent.png", pillow(row("L", 0, 51), transparency=0), "L", [[[1, 0.2]]], ON_WHITE),
    Case("LA.png", pillow(row("LA", (0, 255), (0, 128), (51, 0))), "LA", [[[0, 1 - HALF, 1]]], ON_WHITE),
    Case(
        "La.tif",
        tiff(numbers("u1", 0, 255, 64, 128).reshape(1, 2, 2), tag.BLACK_IS_ZERO, extra_samples=1),
        "La",
        [[[0, 1 - HALF + HALF * 127 / 255]]],
        ON_WHITE,
        0.01,
    ),
    Case("P.png", pillow(palette("P")), "P", [[[1, 0]], [[0, 0]], [[0, 1]]]),
    Case("P-grey.gif", pillow(row("L", 0, 51, 255).convert("P"), "GIF"), "P", [[[0, 0.2, 1]]]),
    Case(
        "P-transparent.png",
        pillow(palette("P"), transparency=1),
        "P",
        [[[1, 1]], [[0, 1]], [[0, 1]]],
        ON_WHITE,
    ),
    Case(
        "P-alphas.png",
        pillow(palette("P"), transparency=bytes((255, 128))),
        "P",
        [[[1, 1 - HALF]], [[0, 1 - HALF]], [[0, 1]]],
        ON_WHITE,
    ),
    Case(
        "PA.tif",
        tiff(
            numbers("u1", 0, 255, 1, 0).reshape(1, 2, 2),
            3,
            extra_samples=2,
            colour_map=(65535, 0, *[0] * 254, *[0] * 256, *[0] * 256),
        ),
        "PA",
        [[[1, 1]], [[0, 1]], [[0, 1]]],
        ON_WHITE,
    ),
    Case("RGB.png", pillow(row("RGB", (255, 0, 51))), "RGB", [[[1]], [[0]], [[0.2]]]),
    Case(
        "RGB-transparent.png",
        pillow(row("RGB", (255, 0, 51), (0, 0, 0)), transparency=(255, 0, 51)),
        "RGB",
        [[[1, 0]], [[1, 0]], [[1, 0]]],
        ON_WHITE,
    ),
    Case(
        "RGBA.png",
        pillow(row("RGBA", (255, 0, 0, 128))),
        "RGBA",
        [[[1]], [[1 - HALF]], [[1 - HALF]]],
        ON_WHITE,
    ),
    Case(
        "RGBA-premultiplied.tif",
        tiff(numbers("u1", 128, 0, 0, 128).reshape(1, 1, 4), tag.RGB, extra_samples=1),
        "RGBA",
        [[[1]], [[1 - HALF]], [[1 - HALF]]],
        ON_WHITE,
    ),
    Case(
        "RGB-and-a-fourth.tif",
        tiff(numbers("u1", 255, 0, 51, 7).reshape(1, 1, 4), tag.RGB, extra_samples=0),
        "RGB",
        [[[1]], [[0]], [[0.2]]],
    ),
    Case("CMYK.tif", pillow(row("CMYK", (255, 0, 0, 0)), "TIFF"), "CMYK", [[[0]], [[1]], [[1]]]),
    Case(
        "CMYK.jpg",
        pillow(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG", quality=95),
        "CMYK",
        np.broadcast_to(np.array([0, 1, 1])[:, None, None], (3, 8, 8)),
        tolerance=0.02,
    ),
    Case("YCbCr.tif", pillow(row("YCbCr", (76, 85, 255)), "TIFF"), "YCbCr", [[[1]], [[0]], [[0]]], "", 0.02),
    Case("LAB.tif", pillow(row("LAB", (255, 128, 128)), "TIFF"), "LAB", [[[1]], [[1]], [[1]]], "", 0.01),
    Case("LAB-red.tif", pillow(row("LAB", (139, 209, 198)), "TIFF"), "LAB", [[[1]], [[0]], [[0]]], "", 0.04),
    Case("I;16.png", png(16, 0, 0, 1, 65535), "I;16", [[[0, 1 / 65535, 1]]]),
    Case(
        "I;16-transparent.png",
        png(16, 0, 7, 20000, 20000, 60000, transparent=(7,)),
        "I;16",
        [[[1, 20000 / 65535, 20000 / 65535, 60000 / 65535]]],
        ON_WHITE,
    ),
    Case("I;16.tif", tiff(numbers("<u2", 0, 1, 65535), tag.BLACK_IS_ZERO), "I;16", [[[0, 1 / 65535, 1]]]),
    Case(
        "I;16B.tif", tiff(numbers(">u2", 0, 256, 65535), tag.BLACK_IS_ZERO), "I;16B", [[[0, 256 / 65535, 1]]]
    ),
    Case(
        "I;16-white-is-zero.tif",
        tiff(numbers("<u2", 0, 1, 65535), tag.WHITE_IS_ZERO),
        "I;16",
        [[[1, 65534 / 65535, 0]]],
    ),
    Case(
        "I;16-12-bits.tif",
        tiff(numbers("<u2", 0, 1000, 4000), tag.BLACK_IS_ZERO),
        "I;16",
        [[[0, 0.25, 1]]],
        "values reach 4000 of 65535; 4000 is read as white (--white LEVEL sets it)",
    ),
    Case(
        "I;16B-10-bits.tif",
        tiff(numbers(">u2", 0, 512, 1023), tag.BLACK_IS_ZERO),
        "I;16B",
        [[[0, 512 / 1023, 1]]],
        "values reach 1023 of 65535; 1023 is read as white (--white LEVEL sets it)",
    ),
    Case(
        "I;16-12-bits.png",
        png(16, 0, 0, 4095),
        "I;16",
        [[[0, 1]]],
        "values reach 4095 of 65535; 4095 is read as white (--white LEVEL sets it)",
    ),
    Case(
        "I;16-12-bits-white-is-zero.tif",
        tiff(numbers("<u2", 0, 1000, 4000), tag.WHITE_IS_ZERO),
        "I;16",
        [[[1, 0.75, 0]]],
        "values reach 4000 of 65535; 4000 is read as white (--white LEVEL sets it)",
    ),
    Case("I;16-black.png", png(16, 0, 0, 0), "I;16", [[[0, 0]]]),
    Case(
        "I;12.tif",
        tiff(np.array([[0x08, 0x00, 0x7F]], dtype="u1"), tag.BLACK_IS_ZERO, bits=12, columns=2),
        "I;16",
        [[[128 / 4095, 127 / 4095]]],
    ),
    Case("I-maxval-1023.pgm", b"P5 2 1 1023\n" + pack(">HH", 512, 1023), "I", [[[512 / 1023, 1]]], "", 1e-5),
    Case("I-dark.pgm", b"P5 2 1 1023\n" + pack(">HH", 0, 100), "I", [[[0, 100 / 1023]]], "", 1e-5),
    Case(
        "I-12-bits.pgm",
        b"P5 2 1 65535\n" + pack(">HH", 1000, 4000),
        "I",
        [[[0.25, 1]]],
        "values reach 4000 of 65535; 4000 is read as white (--white LEVEL sets it)",
    ),
    Case("I.tif", tiff(numbers("<i4", -3, 0, 70000), tag.BLACK_IS_ZERO), "I", [[[-3, 0, 70000]]]),
    Case("I-unsigned.tif", tiff(numbers("<u4", 0, 3_000_000_000), tag.BLACK_IS_ZERO), "I", [[[0, 3e9]]]),
    Case("I-signed-16.tif", tiff(numbers("<i2", -3, 300), tag.BLACK_IS_ZERO), "I", [[[-3, 300]]]),
    Case("F.tif", tiff(numbers("<f4", -0.5, 2.5), tag.BLACK_IS_ZERO), "F", [[[-0.5, 2.5]]]),
    Case("F.pfm", b"Pf\n2 1\n-1.0\n" + pack("<2f", -0.5, 2.5), "F", [[[-0.5, 2.5]]]),
    Case(
        "F-white-is-zero.tif",
        tiff(numbers("<f4", 0, 2.5), tag.WHITE_IS_ZERO),
        "F",
        [[[0, 2.5]]],
        "its tags call 0 white; the numbers are read as they are",
    ),
    Case("RGB-16.png", png(16, 2, 0xFFFF, 0x33FF, 0x0000), "RGB", [[[1]], [[0.2]], [[0]]], UPPER_8),
    Case(
        "RGBA-16.png",
        png(16, 6, 0xFFFF, 0, 0, 0x80FF),
        "RGBA",
        [[[1]], [[1 - HALF]], [[1 - HALF]]],
        f"{ON_WHITE}; {UPPER_8}",
    ),
    Case(
        "LA-16.png",
        png(16, 4, 0x33AA, 0xFFFF, 0, 0x80AA),
        "RGBA",
        [[[0.2, 1 - HALF]]],
        f"{ON_WHITE}; {UPPER_8}",
    ),
    Case(
        "RGB-16.tif",
        tiff(numbers("<u2", 0xFFFF, 0x33FF, 0).reshape(1, 1, 3), tag.RGB),
        "RGB",
        [[[1]], [[0.2]], [[0]]],
        UPPER_8,
    ),
    Case(
        "RGB-16B.tif",
        tiff(numbers(">u2", 0xFFFF, 0x33FF, 0).reshape(1, 1, 3), tag.RGB),
        "RGB",
        [[[1]], [[0.2]], [[0]]],
        UPPER_8,
    ),
    Case(
        "CMYK-16.tif",
        tiff(numbers("<u2", 0xFFFF, 0, 0, 0).reshape(1, 1, 4), tag.SEPARATED),
        "CMYK",
        [[[0]], [[1]], [[1]]],
        UPPER_8,
    ),
    Case(
        "RGB-16.ppm",
        b"P6 1 1 65535\n" + pack(">3H", 0xFFFF, 0x3333, 0),
        "RGB",
        [[[1]], [[0.2]], [[0]]],
        UPPER_8,
    ),
    Case("turned.tif", tiff(numbers("u1", 0, 255), tag.BLACK_IS_ZERO, orientation=6), "L", [[[0], [1]]]),
    Case(
        "turned-I;16.tif",
        tiff(numbers("<u2", 0, 65535), tag.BLACK_IS_ZERO, orientation=8),
        "I;16",
        [[[1], [0]]],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mode(tmp_path: Path, case: Case) -> None:
    path = written(tmp_path / case.name, case.content)
    with Image.open(path) as image:
        assert image.mode == case.mode
    picture = read_picture(path)
    expected = np.array(case.pixels, dtype=float)
    assert picture.pixels.shape == expected.shape
    np.testing.assert_allclose(picture.pixels, expected, rtol=0, atol=case.tolerance + 1e-9)
    assert picture.notice == (case.notice and f"{case.name}: {case.notice}")
    assert picture.colour == (len(expected) == 3)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mode_scaled(tmp_path: Path, case: Case) -> None:
    """A pixel of a flat picture keeps its value in every size; the square in the middle is read alike."""
    expected = np.array(case.pixels, dtype=float)
    picture = read_picture(written(tmp_path / case.name, case.content), resize=64)
    assert min(picture.pixels.shape[1:]) == 64
    for channel, scaled in zip(expected, picture.pixels, strict=True):
        tolerance = case.tolerance + max(0.01, 1e-6 * abs(channel).max())
        assert scaled.min() == pytest.approx(channel.min(), abs=tolerance)
        assert scaled.max() == pytest.approx(channel.max(), abs=tolerance)


def test_the_table_has_every_mode_of_files() -> None:
    named = {mode for mode, _ in TiffImagePlugin.OPEN_INFO.values()}
    assert named - {case.mode for case in CASES} == set()


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("HSV", (0, 255, 255), [1, 0, 0]),
        ("RGBX", (255, 0, 51, 7), [1, 0, 0.2]),
        ("RGBa", (128, 0, 0, 128), [1, 1 - HALF, 1 - HALF]),
        ("YCbCr", (255, 128, 128), [1, 1, 1]),
        ("PA", (0, 255), [0, 0, 0]),
    ],
)
def test_a_mode_that_no_file_opens_in(mode: str, pixel: tuple[int, ...], expected: list[float]) -> None:
    image = Image.new(mode, (1, 1), pixel)
    values = decoded(image, None, False).values[:, 0, 0]
    np.testing.assert_allclose(np.broadcast_to(values, 3), expected, atol=0.01)


# -- the level that is white


@pytest.mark.parametrize(
    ("content", "white", "expected"),
    [
        (tiff(numbers("<u2", 0, 1000, 4000), tag.BLACK_IS_ZERO), 4095, [0, 1000 / 4095, 4000 / 4095]),
        (tiff(numbers("<u2", 0, 1000, 4000), tag.BLACK_IS_ZERO), 65535, [0, 1000 / 65535, 4000 / 65535]),
        (tiff(numbers("<u2", 0, 4000), tag.WHITE_IS_ZERO), 8000, [1, 0.5]),
        (tiff(numbers("<i4", -10, 20), tag.BLACK_IS_ZERO), 20, [-0.5, 1]),
        (tiff(numbers("<f4", 0, 2.5), tag.BLACK_IS_ZERO), 2.5, [0, 1]),
        (tiff(numbers("<f4", 0, 2.5), tag.WHITE_IS_ZERO), 2.5, [1, 0]),
        (tiff(numbers("i1", -50, 100), tag.BLACK_IS_ZERO), 100, [-0.5, 1]),
        (pillow(row("L", 0, 50, 100)), 100, [0, 0.5, 1]),
        (pillow(row("LA", (0, 255), (50, 255), (100, 255))), 100, [0, 0.5, 1]),
    ],
)
def test_white_can_be_said(tmp_path: Path, content: bytes, white: float, expected: list[float]) -> None:
    picture = read_picture(written(tmp_path / "a.png", content), white=white)
    np.testing.assert_allclose(picture.pixels[0, 0], expected, atol=1e-6)
    assert (picture.lowest, picture.highest, picture.white, picture.notice) == (0, 1, white, "")


def test_what_is_transparent_is_white_at_any_level(tmp_path: Path) -> None:
    content = pillow(row("LA", (0, 255), (50, 255), (50, 0)))
    picture = read_picture(written(tmp_path / "a.png", content), white=100)
    np.testing.assert_allclose(picture.pixels[0, 0], [0, 0.5, 1])
    assert picture.notice == f"a.png: {ON_WHITE}"


def test_white_of_a_color_picture(tmp_path: Path) -> None:
    picture = read_picture(written(tmp_path / "a.png", pillow(row("RGB", (51, 102, 0)))), white=102)
    np.testing.assert_allclose(picture.pixels[:, 0, 0], [0.5, 1, 0])
    assert picture.colour


@pytest.mark.parametrize("name", ["a.npy", "a.csv"])
def test_white_of_numbers(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write: Callable[..., None] = np.save if name == "a.npy" else np.savetxt
    write(path, np.array([[0, 128, 255]]), **({} if name == "a.npy" else {"delimiter": ","}))
    picture = read_picture(path, white=255)
    np.testing.assert_allclose(picture.pixels, [[[0, 128 / 255, 1]]])
    assert (picture.lowest, picture.highest) == (0, 1)
