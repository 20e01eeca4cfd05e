"""Pictures as Pillow reads them: their channels, scale, way up, size and colour, and editing them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from convtui.inputs.images import InputError, read_picture, with_pixel
from convtui.inputs.scaling import Resize
from tests.support.image_files import assert_shows, channels_first, refusal, saved, written


@pytest.fixture
def grey() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "name", ["a.png", "a.bmp", "a.tif", "a.gif", "a.ppm", "A.PNG", "été 1.png", "no-extension"]
)
def test_grey_pictures_are_one_channel_in_0_to_1(tmp_path: Path, grey: np.ndarray, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(grey).save(path, format=None if path.suffix else "PNG")
    picture = read_picture(path)
    assert_shows(picture, grey[np.newaxis] / 255)
    assert (picture.name, picture.source, picture.colour, picture.notice) == (name, str(path), False, "")
    assert (picture.lowest, picture.highest) == (0.0, 1.0)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "a.webp"])
def test_colour_pictures_are_red_green_blue(tmp_path: Path, rgb: np.ndarray, name: str) -> None:
    Image.fromarray(rgb).save(tmp_path / name, lossless=True)
    picture = read_picture(tmp_path / name)
    assert_shows(picture, channels_first(rgb) / 255)
    assert picture.colour


def test_jpeg(tmp_path: Path) -> None:
    Image.new("RGB", (16, 8), (200, 100, 50)).save(tmp_path / "a.jpg", quality=95)
    expected = np.broadcast_to(np.array([200, 100, 50])[:, None, None] / 255, (3, 8, 16))
    assert_shows(read_picture(tmp_path / "a.jpg"), expected, tolerance=3 / 255)


def test_pixels_are_contiguous_read_only_float64(tmp_path: Path, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", saved(tmp_path / "a.npy", rgb), written(tmp_path / "a.csv", "1,2\n3,4")):
        pixels = read_picture(path).pixels
        assert pixels.dtype == np.float64
        assert pixels.flags.c_contiguous
        assert not pixels.flags.writeable


def test_one_bit(tmp_path: Path) -> None:
    bits = np.eye(4, dtype=bool)
    Image.fromarray(bits).save(tmp_path / "a.png")
    assert_shows(read_picture(tmp_path / "a.png"), bits[np.newaxis].astype(float))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_sixteen_bit_grey_keeps_its_precision(tmp_path: Path, name: str) -> None:
    values = np.array([[0, 1, 2], [1000, 65534, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / name)
    assert_shows(read_picture(tmp_path / name), values[np.newaxis] / 65535)


@pytest.mark.parametrize("number", [np.float32, np.int32])
def test_pictures_of_bare_numbers_keep_them(tmp_path: Path, number: type[np.float32 | np.int32]) -> None:
    values: NDArray[np.float32 | np.int32] = np.array([[-3, 0], [70000, 2]], dtype=number)
    Image.fromarray(values).save(tmp_path / "a.tif")
    picture = read_picture(tmp_path / "a.tif")
    assert_shows(picture, values[np.newaxis])
    assert (picture.lowest, picture.highest) == (-3, 70000)


def test_palette(tmp_path: Path, rgb: np.ndarray) -> None:
    paletted = Image.fromarray(rgb).quantize(8)
    paletted.save(tmp_path / "a.png")
    assert_shows(read_picture(tmp_path / "a.png"), channels_first(np.asarray(paletted.convert("RGB"))) / 255)


def test_a_grey_palette_is_one_channel(tmp_path: Path, grey: np.ndarray) -> None:
    paletted = Image.fromarray(np.stack([grey] * 3, axis=-1)).quantize(256)
    assert paletted.mode == "P"
    paletted.save(tmp_path / "a.png")
    assert_shows(read_picture(tmp_path / "a.png"), grey[np.newaxis] / 255)


def test_what_is_transparent_lies_on_white(tmp_path: Path, rgb: np.ndarray) -> None:
    alpha = np.linspace(0, 255, 35).round().reshape(5, 7, 1)
    Image.fromarray(np.concatenate([rgb, alpha.astype(np.uint8)], axis=-1)).save(tmp_path / "a.png")
    expected = (rgb * (alpha / 255) + 255 * (1 - alpha / 255)) / 255
    picture = read_picture(tmp_path / "a.png")
    assert_shows(picture, channels_first(expected))
    assert picture.colour


def test_white_stays_white_however_transparent(tmp_path: Path) -> None:
    white = np.full((16, 16, 4), 255, dtype=np.uint8)
    white[..., 3] = np.arange(256).reshape(16, 16)
    Image.fromarray(white).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, np.ones((3, 16, 16)))
    assert picture.colour


def test_transparent_grey_stays_grey(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[0, 255], [0, 0]]], dtype=np.uint8)).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert_shows(picture, np.array([[[0.0, 1.0]]]))
    assert picture.notice == "a.png: transparent pixels lie on white"


def test_a_white_drawing_on_nothing_is_told_to_be_white(tmp_path: Path) -> None:
    drawing = np.zeros((4, 4, 4), dtype=np.uint8)
    drawing[1:3, 1:3] = 255
    Image.fromarray(drawing).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert picture.pixels.min() == 1
    assert picture.notice == "a.png: transparent pixels lie on white"


@pytest.mark.parametrize(("mode", "transparent"), [("P", 0), ("L", 0), ("RGB", (0, 0, 0)), ("1", 0)])
def test_a_transparent_colour_lies_on_white(
    tmp_path: Path, mode: str, transparent: float | tuple[int, ...] | None
) -> None:
    image = Image.new("RGB", (2, 1), "white")
    image.putpixel((0, 0), (0, 0, 0))
    image.convert(mode).save(tmp_path / "opaque.png")
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    if mode == "P":
        transparent = image.getpixel((0, 0))
    image.save(tmp_path / "a.png", transparency=transparent)
    opaque, seen_through = read_picture(tmp_path / "opaque.png"), read_picture(tmp_path / "a.png")
    assert (opaque.pixels.min(), opaque.notice) == (0, "")
    assert (seen_through.pixels.min(), seen_through.notice) == (1, "a.png: transparent pixels lie on white")


def test_an_alpha_channel_without_a_transparent_pixel_is_no_news(tmp_path: Path, rgb: np.ndarray) -> None:
    opaque = np.full((*rgb.shape[:2], 1), 255, dtype=np.uint8)
    Image.fromarray(np.concatenate([rgb, opaque], axis=-1)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").notice == ""


def test_cmyk_becomes_red_green_blue(tmp_path: Path) -> None:
    Image.new("CMYK", (2, 2), (255, 0, 0, 0)).save(tmp_path / "a.tif")
    picture = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels[:, 0, 0], [0, 1, 1])
    assert picture.colour


def test_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("L", (3, 2), value) for value in (255, 0)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    picture = read_picture(tmp_path / "a.gif")
    assert picture.pixels.min() == 1
    assert picture.notice == "a.gif: the first of several frames"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_obeyed(tmp_path: Path, orientation: int) -> None:
    # https://exiftool.org/TagNames/EXIF.html: which way the stored rows and columns lie
    upright = np.zeros((16, 48), dtype=np.uint8)
    upright[:8, :8] = 255
    store: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: np.transpose,
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).T,
        8: lambda a: np.rot90(a, 3),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(store[orientation](upright)))
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert_shows(read_picture(tmp_path / "a.jpg"), upright[np.newaxis] / 255, tolerance=0.02)
    assert read_picture(tmp_path / "a.jpg", resize=8).pixels.shape == (1, 8, 24)


def test_damaged_exif_does_not_matter(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "text"
    exif[0x0112] = 6
    text_for_page_number = exif.tobytes().replace(b"\x01\x0f\0\2", b"\x01\x29\0\2")
    for damaged in (text_for_page_number, b"Exif\0\0no such thing"):
        Image.new("L", (4, 2)).save(tmp_path / "a.jpg", exif=damaged)
        assert sorted(read_picture(tmp_path / "a.jpg").pixels.shape) == [1, 2, 4]


@pytest.mark.parametrize("extension", ["jpg", "png"])
def test_large_pictures_are_scaled_with_a_notice(tmp_path: Path, extension: str) -> None:
    Image.new("RGB", (2000, 1000), (255, 0, 0)).save(tmp_path / f"wide.{extension}")
    picture = read_picture(tmp_path / f"wide.{extension}")
    assert picture.pixels.shape == (3, 256, 512)
    assert picture.notice == f"wide.{extension}: 2000x1000 pixels scaled to 512x256 (choose with --resize N)"
    assert picture.resize is None


def test_the_notice_tells_the_size_of_the_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (2000, 1000)).save(tmp_path / "tall.jpg", exif=exif)
    picture = read_picture(tmp_path / "tall.jpg")
    assert picture.pixels.shape == (1, 512, 256)
    assert "1000x2000 pixels scaled to 256x512" in picture.notice


def test_a_picture_of_512_is_left_alone(tmp_path: Path, rgb: np.ndarray) -> None:
    wide = np.tile(rgb, (1, 74, 1))[:, :512]
    Image.fromarray(wide).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert_shows(picture, channels_first(wide) / 255)
    assert picture.notice == ""


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        ((40, 30), 20, (20, 26)),
        ((30, 40), 20, (26, 20)),
        ((40, 30), (9, 20), (9, 20)),
        ((9, 3), 6, (6, 18)),
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_resize_sets_the_shorter_side_or_both(
    tmp_path: Path, size: tuple[int, int], resize: Resize, expected: tuple[int, int], name: str
) -> None:
    image = Image.new("L", size, 51)
    saved(tmp_path / name, image) if name == "a.npy" else image.save(tmp_path / name)
    picture = read_picture(tmp_path / name, resize=resize)
    value = 51 if name == "a.npy" else 0.2
    assert_shows(picture, np.full((1, *expected), value))
    assert (picture.resize, picture.notice) == (resize, "")


def test_resize_keeps_the_mean(tmp_path: Path) -> None:
    halves = np.repeat([[[0.0, 8.0]], [[-4.0, 4.0]]], 32, axis=-1).repeat(64, axis=1)
    small = read_picture(saved(tmp_path / "a.npy", halves), resize=4).pixels
    assert small.shape == (2, 4, 4)
    np.testing.assert_allclose(small.mean((1, 2)), halves.mean((1, 2)), atol=1e-5)


def test_an_explicit_resize_may_exceed_the_limit_for_unasked_ones(tmp_path: Path) -> None:
    Image.new("L", (700, 10)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png", resize=10).pixels.shape == (1, 10, 700)
    assert read_picture(tmp_path / "a.png", resize=58).pixels.shape == (1, 58, 4060)


@pytest.mark.parametrize("resize", [0, -1, 4097])
def test_resize_out_of_range(tmp_path: Path, resize: int) -> None:
    assert f"resize {resize}: a side must be from 1 to 4096" in refusal(tmp_path / "a.png", resize)


def test_gray_is_luma_in_floating_point(tmp_path: Path, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png", gray=True)
    assert_shows(picture, np.asarray(Image.fromarray(rgb).convert("L"))[np.newaxis] / 255, tolerance=1 / 255)
    assert_shows(picture, (rgb @ [0.299, 0.587, 0.114])[np.newaxis] / 255)
    assert picture.gray
    assert not picture.colour


def test_gray_leaves_one_channel_and_refuses_two(tmp_path: Path, grey: np.ndarray) -> None:
    assert_shows(read_picture(saved(tmp_path / "a.npy", grey), gray=True), grey[np.newaxis])
    message = refusal(saved(tmp_path / "b.npy", np.zeros((2, 5, 5))), gray=True)
    assert "b.npy: gray needs 1 channel, or 3" in message


def test_with_pixel_edits_a_copy(tmp_path: Path, rgb: np.ndarray) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    edited = with_pixel(picture, 1, 2, 3, -7.5)
    expected = channels_first(rgb) / 255
    assert_shows(picture, expected)
    expected[1, 2, 3] = -7.5
    assert_shows(edited, expected)
    assert not edited.pixels.flags.writeable
    assert (edited.name, edited.source, edited.lowest, edited.highest) == (
        picture.name,
        picture.source,
        picture.lowest,
        picture.highest,
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e31])
def test_with_pixel_refuses_what_a_file_may_not_hold(tmp_path: Path, value: float) -> None:
    picture = read_picture(written(tmp_path / "a.csv", "1,2\n"))
    with pytest.raises(InputError, match=r"^pixel value .*: values must be finite"):
        with_pixel(picture, 0, 0, 0, value)
