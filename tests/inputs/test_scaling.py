"""Scaling and cropping against PyTorch's antialiased interpolation and torchvision's rules for sizes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.nn import functional as F

from convtui.inputs.images import InputError, read_picture
from convtui.inputs.scaling import LARGEST_SIDE, Longer, Resize, ScalingError, cropped, scaled_size
from tests.support.image_files import refusal, saved

SIZES: list[tuple[Resize, tuple[int, int]]] = [
    (24, (24, 33)),  # int(24 * 64 / 46)
    (100, (100, 139)),
    ((20, 90), (20, 90)),
    (Longer(24), (17, 24)),
]


def interpolated(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What torchvision's Resize does of a tensor."""
    image = torch.from_numpy(values)[None].float()
    scaled = F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)
    return scaled[0].double().numpy()


@pytest.mark.parametrize(("resize", "size"), SIZES)
def test_numbers_are_scaled_as_by_pytorch(tmp_path: Path, resize: Resize, size: tuple[int, int]) -> None:
    values = np.random.default_rng(0).normal(size=(2, 46, 64))
    read = read_picture(saved(tmp_path / "a.npy", values), resize=resize, axes="channels-first").pixels
    assert read.shape[1:] == size
    np.testing.assert_allclose(read, interpolated(values, size), atol=5e-5)


@pytest.mark.parametrize("resize", [24, 100, (20, 90)])
@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_photos_are_scaled_as_by_torchvision(tmp_path: Path, extension: str, resize: Resize) -> None:
    """To the bit as Pillow, which torchvision calls; as PyTorch but for Pillow's rounding to bytes.

    A JPEG is decoded whole: one that Pillow decodes at half its size has other pixels.
    """
    pixels = np.random.default_rng(1).integers(0, 256, (460, 640, 3), dtype=np.uint8)
    file = tmp_path / f"photo.{extension}"
    Image.fromarray(pixels).resize((64, 46), Image.Resampling.BICUBIC).resize((640, 460)).save(file)
    read = read_picture(file, resize=resize).pixels
    with Image.open(file) as image:
        rows, columns = scaled_size(460, 640, resize)
        same = np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR)).transpose(2, 0, 1) / 255
        before = np.asarray(image).transpose(2, 0, 1) / 255
    np.testing.assert_array_equal(read, same)
    np.testing.assert_allclose(read, interpolated(before, (rows, columns)), atol=1.5 / 255)


@given(rows=st.integers(1, 4096), columns=st.integers(1, 4096), side=st.integers(1, 4096))
def test_the_longer_side_is_that_of_torchvision(rows: int, columns: int, side: int) -> None:
    """As torchvision.transforms.functional._compute_resized_output_size, written out."""
    short, long = (columns, rows) if columns <= rows else (rows, columns)
    new_long = int(side * long / short)
    expected = (new_long, side) if columns <= rows else (side, new_long)
    if new_long > LARGEST_SIDE:
        with pytest.raises(ScalingError, match="a side has at most 4096"):
            scaled_size(rows, columns, side)
    else:
        assert scaled_size(rows, columns, side) == expected


def test_a_size_that_an_image_has_already_changes_nothing(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(3, 4)
    for resize in (3, (3, 4), Longer(4)):
        read = read_picture(saved(tmp_path / "a.npy", values), resize=resize)
        np.testing.assert_array_equal(read.pixels[0], values)


@pytest.mark.parametrize(("size", "crop"), [((9, 8), 4), ((9, 8), (3, 5)), ((7, 7), 7), ((8, 11), 1)])
def test_the_middle_is_kept_as_by_torchvision(
    tmp_path: Path, size: tuple[int, int], crop: int | tuple[int, int]
) -> None:
    """As torchvision.transforms.functional.center_crop, written out."""
    values = np.arange(size[0] * size[1], dtype=float).reshape(size)
    high, wide = crop if isinstance(crop, tuple) else (crop, crop)
    top, left = int(round((size[0] - high) / 2.0)), int(round((size[1] - wide) / 2.0))  # noqa: RUF046
    read = read_picture(saved(tmp_path / "a.npy", values), crop=crop)
    np.testing.assert_array_equal(read.pixels[0], values[top : top + high, left : left + wide])
    assert cropped(*size, crop) == (slice(top, top + high), slice(left, left + wide))


def test_scaled_first_and_cropped_then(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 80))
    read = read_picture(saved(tmp_path / "a.npy", values), resize=20, crop=(18, 20))
    scaled = interpolated(values[None], (20, 32))
    np.testing.assert_allclose(read.pixels, scaled[:, 1:19, 6:26], atol=5e-5)
    assert (read.resize, read.crop) == (20, (18, 20))


def test_what_cannot_be(tmp_path: Path) -> None:
    wide = saved(tmp_path / "wide.npy", np.zeros((2, 100)))
    assert "resize 224: makes 224x11200 pixels of 2x100; a side has at most 4096" in refusal(wide, 224)
    with pytest.raises(InputError, match="crop 3: the image has 2x100 pixels"):
        read_picture(wide, crop=3)
    with pytest.raises(InputError, match="crop 0x3: a side must be from 1 to 4096"):
        read_picture(wide, crop=(0, 3))
