"""Image files to read, whole and broken, and what is said of them in every test."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from convtui.inputs.images import InputError, Picture, read_picture
from convtui.inputs.scaling import Resize

in_one_folder = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def refusal(path: Path | str, resize: Resize | None = None, gray: bool = False) -> str:
    """The one line that says why the path is refused."""
    with pytest.raises(InputError) as caught:
        read_picture(path, resize, gray)
    message = str(caught.value)
    assert message.isprintable()
    assert "\n" not in message
    return message


def written(path: Path, contents: str | bytes) -> Path:
    path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
    return path


def saved(path: Path, array: object) -> Path:
    with path.open("wb") as stream:
        np.save(stream, np.asarray(array))
    return path


def channels_first(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, -1, 0)


def assert_shows(picture: Picture, expected: np.ndarray, tolerance: float = 0.0) -> None:
    assert picture.pixels.shape == expected.shape
    np.testing.assert_allclose(picture.pixels, expected, rtol=0, atol=tolerance + 1e-12)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
