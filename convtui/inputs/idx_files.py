"""MNIST's IDX files by name and by their first bytes, so that none of them is taken for a damaged image.

Source: http://yann.lecun.com/exdb/mnist/, "the IDX file format": two zero bytes, the type (8: unsigned byte),
the number of dimensions, each dimension as four bytes, most significant first, then the values.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from convtui.engine.words import counted
from convtui.inputs.names import printable

UNSIGNED_BYTE: Final = 8
FOUR_FILES: Final = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"
)

_NAME: Final = re.compile(
    r"(?:(?P<set>.+)[-_.])?(?P<part>train|t10k|test)[-_.](?P<what>images|labels)"
    r"[-_.]idx[0-9][-_.]ubyte(?P<compressed>\.gz)?",
    re.IGNORECASE,
)
_TYPES: Final = (8, 9, 11, 12, 13, 14)  # unsigned and signed byte, short, int, float, double
_MOST_DIMENSIONS: Final = 4
_GZIP: Final = b"\x1f\x8b"


class IdxName(NamedTuple):
    """What the name of one of a data set's four files says.

    set: what stands before it, as "emnist-letters"; "" in MNIST's own. part: "train" or "test".
    what: "images" or "labels".
    """

    set: str
    part: str
    what: str
    is_compressed: bool

    @classmethod
    def of(cls, name: str) -> IdxName | None:
        """None for a name that is not such."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        part = "train" if match["part"].lower() == "train" else "test"
        return cls(match["set"] or "", part, match["what"].lower(), match["compressed"] is not None)


def idx_shape(file: Path) -> tuple[int, ...] | None:
    """The dimensions that an IDX file promises, plain or compressed by gzip; None if it is none.

    Raises OSError if it cannot be read.
    """
    most = 4 + 4 * _MOST_DIMENSIONS
    with file.open("rb") as stream:
        head = stream.read(most)
        if head[:2] == _GZIP:
            stream.seek(0)
            head = _unpacked(stream, most)
    if len(head) < 8 or head[:2] != bytes(2) or head[2] not in _TYPES:
        return None
    if not 1 <= head[3] <= _MOST_DIMENSIONS or len(head) < 4 + 4 * head[3]:
        return None
    return tuple(int.from_bytes(head[4 + 4 * at : 8 + 4 * at], "big") for at in range(head[3]))


def _unpacked(stream: BinaryIO, most: int) -> bytes:
    """The first bytes of what gzip has compressed; none if they are damaged."""
    import gzip  # only here: the first paint should not wait for it
    import zlib

    try:
        return gzip.GzipFile(fileobj=stream).read(most)
    except (OSError, EOFError, zlib.error):
        return b""


def idx_advice(file: Path) -> str:
    """What an IDX file is and how one of its images is opened; "" for any other file. Raises OSError."""
    shape = idx_shape(file)
    if shape is None:
        return ""
    if len(shape) == 1:
        what = f"an IDX file of {counted(shape[0], 'label')}, not of images"
    else:
        what = f"an IDX file of {counted(shape[0], 'image')} of {'x'.join(map(str, shape[1:]))}"
    name = IdxName.of(file.name)
    if name is None:
        return f"is {what}; name the four files of a data set {FOUR_FILES}, and open FOLDER:test:0"
    folder = file.parent.parent if IdxName.of(file.parent.name) else file.parent
    source = folder / name.set if name.set else folder
    return f"is {what}; open an image of the data set by {printable(str(source))}:{name.part}:0"
