"""Diagrams are written as a whole, over none but diagrams."""

import os
from pathlib import Path

import pytest

from convtui.export.files import is_drawn, write_animation, write_still
from convtui.inputs import atomic
from tests.export.subjects import swept

DIAGRAM = swept("count-3x3")


@pytest.mark.parametrize("suffix", [".gif", ".svg", ".png"])
def test_what_is_written_is_known_again_and_replaced(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    write = write_still if suffix == ".png" else write_animation
    write(DIAGRAM, out)
    first = out.read_bytes()
    assert is_drawn(out)
    write(DIAGRAM, out)
    assert out.read_bytes() == first
    assert [*tmp_path.iterdir()] == [out]


def test_a_file_of_someone_else_stays(tmp_path: Path) -> None:
    for content in (b"GIF89a of a cat", b"<svg xmlns='http://www.w3.org/2000/svg'/>"):
        out = tmp_path / "cat.svg"
        out.write_bytes(content)
        with pytest.raises(ValueError, match="not drawn by convtui, so not replaced"):
            write_animation(DIAGRAM, out)
        assert out.read_bytes() == content


def test_an_empty_file_has_nothing_to_lose(tmp_path: Path) -> None:
    (tmp_path / "out.gif").touch()
    write_animation(DIAGRAM, tmp_path / "out.gif")
    assert (tmp_path / "out.gif").stat().st_size > 0


def test_a_folder_or_a_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.gif").mkdir()
    os.mkfifo(tmp_path / "pipe.gif")
    for name in ("folder.gif", "pipe.gif"):
        with pytest.raises(ValueError, match="not drawn by convtui"):
            write_animation(DIAGRAM, tmp_path / name)


def test_other_names_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x\.mp4: the name must end in \.gif or \.svg"):
        write_animation(DIAGRAM, tmp_path / "x.mp4")
    with pytest.raises(ValueError, match=r"x\.gif: the name must end in \.png or \.svg"):
        write_still(DIAGRAM, tmp_path / "x.gif")
    with pytest.raises(ValueError, match=r"the folder .*no does not exist"):
        write_animation(DIAGRAM, tmp_path / "no" / "x.gif")


def test_a_link_keeps_pointing(tmp_path: Path) -> None:
    (tmp_path / "link.svg").symlink_to(tmp_path / "real.svg")
    write_animation(DIAGRAM, tmp_path / "link.svg")
    assert (tmp_path / "link.svg").is_symlink()
    assert is_drawn(tmp_path / "real.svg")


def test_a_full_disk_is_one_line_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.svg"
    write_animation(DIAGRAM, out)
    before = out.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write_whole", full)
    with pytest.raises(ValueError, match=r"out\.svg: cannot be written \(No space left on device\)"):
        write_animation(DIAGRAM, out)
    assert out.read_bytes() == before
