"""Small data sets on disk, in every form that is read."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convtui.inputs.images import Picture
from convtui.training.datasets import open_any as data

Array = NDArray[Any]

IDX = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def digit(index: int = 3, normalised: bool = True) -> Picture:
    """A test image of the smallest bundled data set."""
    return data.picture(data.load("digits-8x8"), "test", index, normalised)


def arrays(seed: int = 0, size: tuple[int, ...] = (5, 4)) -> dict[str, Array]:
    """Twelve images to train on and six to test on, of three classes, by the names of an archive."""
    random = np.random.default_rng(seed)
    return {
        "train_images": random.integers(0, 256, (12, *size), dtype=np.uint8),
        "train_labels": np.arange(12) % 3,
        "test_images": random.integers(0, 256, (6, *size), dtype=np.uint8),
        "test_labels": np.arange(6) % 3,
    }


def npz(path: Path, **changed: Any) -> Path:
    """An archive of the arrays; those changed to None are left out."""
    held = {**arrays(), **changed}
    np.savez(path, **{name: array for name, array in held.items() if array is not None})
    return path


def idx_bytes(array: Array) -> bytes:
    header = np.array([0x0800 + array.ndim, *array.shape], dtype=">u4")
    return header.tobytes() + array.astype(np.uint8).tobytes()


def idx(folder: Path, is_compressed: bool = False) -> Path:
    """The four files of the arrays."""
    folder.mkdir()
    for name, array in arrays().items():
        content = idx_bytes(array)
        if is_compressed:
            (folder / f"{IDX[name]}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / IDX[name]).write_bytes(content)
    return folder


def picture(path: Path, value: Any, size: tuple[int, int] = (8, 8)) -> Path:
    """A picture file of one colour, a grey value or (red, green, blue); size is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(value, int) else "RGB", size, value).save(path)
    return path


def pictures(folder: Path, count: int = 5, **values: Any) -> Path:
    """A sub-folder of that many pictures for each class, each a little darker than the one before."""
    for name, value in values.items():
        for number in range(count):
            picture(folder / name / f"{number}.png", value - number if isinstance(value, int) else value)
    return folder
