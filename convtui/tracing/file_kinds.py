"""What a file is, from its first bytes, for those who named the wrong one. Nothing of it is opened or run."""

from __future__ import annotations

import zipfile
from codecs import getincrementaldecoder
from contextlib import suppress
from pathlib import Path
from typing import Final

SAFETENSORS: Final = "a safetensors file"
ARCHIVE: Final = "a file that torch.save wrote"
OLD_ARCHIVE: Final = "a file that torch.save wrote before PyTorch 1.6"
TORCHSCRIPT: Final = "a TorchScript file"
EXPORTED_NETWORK: Final = "an exported network"
CUT_OFF: Final = "a zip archive that is cut off or damaged, as after a download that did not end"
OTHER_ARCHIVE: Final = "a zip archive that torch.save did not write"
PICKLE: Final = "a Python pickle that torch.save did not write"

OLD_BEGINS: Final = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # of files of torch.save before 1.6
_BEGINNINGS: Final = (
    (OLD_BEGINS, OLD_ARCHIVE),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip file: unpack it first"),
    (b"BZh", "a bzip2 file: unpack it first"),
    (b"\xfd7zXZ", "an xz file: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x89HDF", "an HDF5 file, as Keras writes"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"GGUF", "a GGUF file"),
    (b"%PDF", "a PDF file"),
    (b"version https://git-lfs", "a pointer of Git LFS and not the file itself: git lfs pull fetches it"),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
)
_READ: Final = 512
_LONGEST_HEADER: Final = 10**8  # bytes, which safetensors allows


def kind_of(path: Path) -> str:
    """What the file is: "a PNG image", "a text file", "empty"; "" if nobody knows. Raises OSError."""
    with path.open("rb") as file:
        begin = file.read(_READ)
    if not begin:
        return "empty"
    for beginning, kind in _BEGINNINGS:
        if begin.startswith(beginning):
            return kind
    if begin.startswith(b"PK\x03\x04"):
        return _kind_of_archive(path)
    if begin[8:9] == b"{" and int.from_bytes(begin[:8], "little") <= _LONGEST_HEADER:
        return SAFETENSORS
    if begin.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page: the download did not give the file"
    if begin[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    if path.suffix.lower() == ".onnx":
        return "an ONNX file"
    with suppress(UnicodeDecodeError):
        text = getincrementaldecoder("utf-8")().decode(begin)  # its last character may be cut
        if all(character.isprintable() or character.isspace() for character in text):
            return "a text file"
    return ""


def has_advice(kind: str) -> bool:
    """Whether what was said of a file says also what to do, or why there is nothing in it."""
    return ":" in kind or kind in ("empty", CUT_OFF)


def names_in(path: Path) -> list[str]:
    """The names in a zip archive; none of another file."""
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return archive.namelist()
    return []


def _kind_of_archive(path: Path) -> str:
    names = names_in(path)
    if not names:
        return CUT_OFF
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
        return TORCHSCRIPT
    if any(name.endswith("models/model.json") for name in names):
        return EXPORTED_NETWORK
    if any(name.endswith("/data.pkl") for name in names):
        return ARCHIVE
    if all(name.endswith(".npy") for name in names):
        return "an archive of NumPy arrays"
    if "config.json" in names and any(name.endswith(".h5") for name in names):
        return "a file that Keras wrote"
    return OTHER_ARCHIVE
