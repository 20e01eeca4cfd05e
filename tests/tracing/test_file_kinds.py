"""What a file is, from its first bytes."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from convtui.tracing.file_kinds import ARCHIVE, OTHER_ARCHIVE, SAFETENSORS, has_advice, kind_of


@pytest.mark.parametrize(
    ("contents", "kind"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"\x1f\x8b\x08", "a gzip file: unpack it first"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS and not the file itself"),
        (b"\n<!DOCTYPE html>", "a web page: the download did not give the file"),
        (b"\x08\0\0\0\0\0\0\0{}", SAFETENSORS),
        (b"GGUF", "a GGUF file"),
        ("größe = 3\n".encode() * 99, "a text file"),
        (b"\0\1\2", ""),
        (b"\xff\xfe\xfd", ""),
    ],
)
def test_files(contents: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(contents)
    found = kind_of(path)
    assert found.startswith(kind) if kind else not found


def test_text_is_told_where_its_beginning_ends_in_a_character(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a" + "ö" * 400, "utf-8")  # 512 bytes are read
    assert kind_of(path) == "a text file"


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "file"
    np.savez(tmp_path / "file.npz", a=np.zeros(2))
    assert kind_of(tmp_path / "file.npz") == "an archive of NumPy arrays"
    for name, kind in (("w/data.pkl", ARCHIVE), ("weights.pth", OTHER_ARCHIVE)):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"")
        assert kind_of(path) == kind
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("weights.pth"), io.BytesIO())
    assert kind_of(path) == "a tar archive: unpack it first"
    assert has_advice(kind_of(path))
    assert not has_advice(OTHER_ARCHIVE)
