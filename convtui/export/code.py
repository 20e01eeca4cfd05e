"""The operation of a session as PyTorch code that runs by itself.

A small image is written out; a large one is read from its file, by lines that give exactly the same numbers:
whether they do is tried here, and where no few lines do, convtui's own reader stands in the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.snippet import (
    Call,
    call_of_convolution,
    call_of_pooling,
    call_of_transposed,
    number,
    quoted,
    snippet,
    tensor,
)
from convtui.engine.transposed_ways import Gathering
from convtui.inputs import samples
from convtui.inputs.axes import LAST
from convtui.inputs.images import Floats, InputError, Picture
from convtui.inputs.names import printable
from convtui.inputs.scaling import Longer
from convtui.state.session import Session
from convtui.store.pictures import is_sample, reopened

MOST_WRITTEN: Final = 400  # numbers of an image that has a file

_NUMPY: Final = "import numpy as np"
_LONGER: Final = ("from convtui.inputs.scaling import Longer",)
_PILLOW: Final = "from PIL import Image"
_WHITE: Final = re.compile(r"^\s*#\s*white\s*=\s*(\S+)\s*$", re.MULTILINE)


class ImageCode(NamedTuple):
    """The lines that make the image's tensor x, and the imports that they need."""

    lines: tuple[str, ...]
    imports: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Way:
    """One way to read a file: the code, and what it gives."""

    code: ImageCode
    read: Callable[[], Floats]


def session_code(session: Session, is_portable: bool = False) -> str:
    """The code of the session's operation, which asserts the output cell on show.

    is_portable: samples are read by their name, through convtui, and so on any machine that has it.
    Raises ValueError for numbers too many to be written out, and for a pooling that PyTorch has no call for.
    """
    call = call_of(session)
    code = image_code(session.picture, is_portable)
    return snippet(call, code.lines, code.imports)


def call_of(session: Session) -> Call:
    """The call of the operation; of a pixel that is scattered, at the first output cell on which it lands.

    Raises ValueError for a pooling that PyTorch has no call for.
    """
    operation, index = session.operation, session.index
    if isinstance(operation, Convolution):
        return call_of_convolution(operation, operation.step(index))
    if isinstance(operation, Pooling):
        return call_of_pooling(operation, operation.step(index))
    transposed = operation.transposed
    if isinstance(operation, Gathering):
        return call_of_transposed(transposed, transposed.step(index))
    scatter = transposed.scatter(index)
    landed = np.argwhere(~scatter.is_cut)
    if not len(landed):
        return call_of_transposed(transposed, transposed.step(0))
    i, j = landed[0].tolist()
    cell = scatter.channels[0], int(scatter.rows[i]), int(scatter.columns[j])
    return call_of_transposed(transposed, transposed.step(*cell))


def image_code(picture: Picture, is_portable: bool = False) -> ImageCode:
    """The code that makes the picture's tensor [C, H, W] in float64; is_portable as for session_code.

    Raises ValueError for more than 2**16 numbers that no file has.
    """
    title = f"# {printable(picture.name)}: {list(picture.pixels.shape)}"
    read = None if picture.pixels.size <= MOST_WRITTEN else _reading(picture.original or picture, is_portable)
    edits = [*_edits(picture)]
    if read is None or len(edits) > MOST_WRITTEN:
        return ImageCode((title, f"x = {tensor('the image', picture.pixels)}"))
    return ImageCode((title, *read.lines, *edits), read.imports)


def _edits(picture: Picture) -> Iterator[str]:
    """The pixels that were edited, as assignments."""
    if picture.original is None:
        return
    for place in np.argwhere(picture.pixels != picture.original.pixels).tolist():
        yield f"x[{', '.join(map(str, place))}] = {number(picture.pixels[tuple(place)])}"


def _reading(picture: Picture, is_portable: bool) -> ImageCode | None:
    """The code that reads the picture from its file to the same numbers; None if nothing does any more."""
    if not picture.source:
        return None
    for way in () if is_portable and _is_bundled(picture.source) else _ways(picture):
        with suppress(Exception):  # a reader of numpy or Pillow that does not take this file
            if np.array_equal(way.read(), picture.pixels):
                return way.code
    with suppress(InputError):
        if np.array_equal(reopened(picture).pixels, picture.pixels):
            return _by_convtui(picture)
    return None


def _ways(picture: Picture) -> Iterator[_Way]:
    """What may read the file as convtui did, in few lines."""
    if picture.resize is not None or picture.crop is not None or picture.gray:
        return
    path = _path(picture.source)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        yield from _array_ways(path, picture)
    elif suffix in (".csv", ".tsv", ".txt"):
        yield from _table_ways(path, picture)
    else:
        yield from _pillow_ways(path)


def _path(source: str) -> Path:
    """The file, from wherever the code is run."""
    if _is_bundled(source):
        files = (samples.folder() / "images").glob(f"{samples.image_name(source)}.*")
        return next(files, Path(source)).resolve()
    return Path(source).expanduser().absolute()


def _array_ways(path: Path, picture: Picture) -> Iterator[_Way]:
    """An array [H, W], [C, H, W] or [H, W, C]."""
    level = picture.white or 1.0
    moved = ".transpose(2, 0, 1)" if picture.axes == LAST else ""
    shape = picture.pixels.shape
    scale = f" / {number(level)}" if level != 1 else ""
    code = ImageCode(
        (
            f"x = np.load({quoted(str(path))}).astype(np.float64)",
            f"x = torch.from_numpy(x{moved}.reshape{shape}{scale})",
        ),
        (_NUMPY,),
    )

    def read() -> Floats:
        values: Floats = np.load(path).astype(np.float64)
        ordered: Floats = values.transpose(2, 0, 1) if moved else values
        return ordered.reshape(shape) / level

    yield _Way(code, read)


def _table_ways(path: Path, picture: Picture) -> Iterator[_Way]:
    """A table of numbers, a blank line between its channels, of which numpy skips the blank lines."""
    text = path.read_text("utf-8-sig")
    named = _WHITE.findall(text)
    level = picture.white or (float(named[-1]) if named else 1.0)
    shape = picture.pixels.shape
    scale = f" / {number(level)}" if level != 1 else ""
    body = "".join(line.partition("#")[0] for line in text.splitlines())
    delimiter = next((each for each in ",;" if each in body), None)
    separated = f", delimiter={quoted(delimiter)}" if delimiter else ""
    code = ImageCode(
        (
            f'x = np.loadtxt({quoted(str(path))}{separated}, encoding="utf-8-sig").reshape{shape}',
            f"x = torch.from_numpy(x{scale})",
        ),
        (_NUMPY,),
    )

    def read() -> Floats:
        values: Floats = np.loadtxt(path, delimiter=delimiter, encoding="utf-8-sig")
        return values.reshape(shape) / level

    yield _Way(code, read)


def _pillow_ways(path: Path) -> Iterator[_Way]:
    """A picture of bytes, 255 of which are white."""
    for mode, rows in (("RGB", "x.transpose(2, 0, 1)"), ("L", "x[None]")):
        code = ImageCode(
            (
                f"x = np.asarray(Image.open({quoted(str(path))}).convert({quoted(mode)}), dtype=np.float64)",
                f"x = torch.from_numpy({rows} / 255)",
            ),
            (_NUMPY, _PILLOW),
        )

        def read(mode: str = mode) -> Floats:
            from PIL import Image

            with Image.open(path) as image:
                values = np.asarray(image.convert(mode), dtype=np.float64)
            return (values.transpose(2, 0, 1) if mode == "RGB" else values[None]) / 255

        yield _Way(code, read)


def _by_convtui(picture: Picture) -> ImageCode:
    """The same through convtui, which knows the data sets, scales, and lays transparent pixels on white."""
    how = {
        "resize": picture.resize,
        "crop": picture.crop,
        "gray": picture.gray or None,
        "axes": picture.axes or None,
        "white": picture.white,
    }
    given = "".join(f", {name}={_argument(value)}" for name, value in how.items() if value is not None)
    return ImageCode(
        (f"x = torch.from_numpy(open_any({quoted(_portable(picture.source))}{given}).pixels.copy())",),
        (*_LONGER[: isinstance(picture.resize, Longer)], "from convtui.store.pictures import open_any"),
    )


def _argument(value: object) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def _portable(source: str) -> str:
    """The name by which open_any finds the same image, from wherever the code is run."""
    return source if _is_bundled(source) else str(Path(source).expanduser().absolute())


def _is_bundled(source: str) -> bool:
    """Whether the image is a sample, by its name."""
    return is_sample(samples.image_name(source)) and not Path(source).is_file()
