"""A data set as Python code that reads it again, to the same arrays.

An .npz is read by numpy if that gives the same arrays, which is tried here; whatever else there is has
convtui's own reader in the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.snippet import number, quoted
from convtui.engine.words import counted
from convtui.export.code import ImageCode
from convtui.inputs import samples
from convtui.inputs.confinement import confinement
from convtui.inputs.names import printable
from convtui.training.datasets.open_any import DEFAULT_SIZE, DataSet

NORMALISED: Final = "# mean 0 and standard deviation 1 over all training images"

_LAYOUTS: Final = {3: ("[:, None]",), 4: ("", ".transpose(0, 3, 1, 2)")}


def data_code(data: DataSet, parts: tuple[str, ...] = ("train", "test")) -> ImageCode:
    """The lines that make train_images [N, C, H, W] and train_labels [N], and the same of other parts."""
    title = f"# {printable(data.name)}: images {list(data.shape)} of {counted(len(data.classes), 'class')}"
    names = [f"{part}_{held}" for part in parts for held in ("images", "labels")]
    file = _npz(data)
    if file is not None:
        with suppress(OSError, ValueError, LookupError):
            read = [*_by_numpy(file, data, names)]
            opened = f"with np.load({quoted(str(file))}) as file:"
            return ImageCode((title, opened, *(f"    {line}" for line in read)), ("import numpy as np",))
    given = "" if data.image_size in (None, DEFAULT_SIZE) else f", image_size={data.image_size}"
    given += f", axes={quoted(data.axes)}" if data.axes else ""
    return ImageCode(
        (
            title + "; read by convtui, which knows folders, IDX files and how a set is split",
            f"data = load({quoted(data.source)}{given})",
            *(f"{name} = data.{name}" for name in names),
        ),
        ("import numpy as np", "from convtui.training.datasets.open_any import load"),
    )


def normalised(images: str, data: DataSet) -> str:
    """The expression of these images as a network is trained on them, in float32."""
    return f"({images}.astype(np.float32) - np.float32({number(data.mean)})) / np.float32({number(data.std)})"


def _npz(data: DataSet) -> Path | None:
    if confinement() is not None:  # the visitor has other files
        return None
    if data.source in samples.data_names():
        return (samples.folder() / "data" / f"{data.source}.npz").resolve()
    return Path(data.source) if data.source.lower().endswith(".npz") else None


def _by_numpy(file: Path, data: DataSet, names: list[str]) -> Iterator[str]:
    """A line for each array. Raises LookupError where none in the file is the same."""
    with np.load(file) as archive:
        held = {name: archive[name] for name in archive.files}
    for name in names:
        wanted: NDArray[Any] = getattr(data, name)
        is_image = wanted.ndim == 4
        found = next(
            (
                f'file["{key}"]{layout}'
                for key, array in held.items()
                for layout in (_LAYOUTS.get(array.ndim, ()) if is_image else _flat(array))
                if _is_same(_laid(array, layout), wanted)
            ),
            None,
        )
        if found is None:
            raise LookupError(name)
        yield f"{name} = {found}" + ("" if is_image else ".astype(np.int64)")


def _flat(array: NDArray[Any]) -> tuple[str, ...]:
    return {1: ("",), 2: (".reshape(-1)",)}.get(array.ndim, ())


def _laid(array: NDArray[Any], layout: str) -> NDArray[Any]:
    match layout:
        case "[:, None]":
            return array[:, None]
        case ".transpose(0, 3, 1, 2)":
            return array.transpose(0, 3, 1, 2)
        case ".reshape(-1)":
            return array.reshape(-1)
    return array


def _is_same(array: NDArray[Any], wanted: NDArray[Any]) -> bool:
    return array.shape == wanted.shape and np.array_equal(array.astype(wanted.dtype), wanted)
