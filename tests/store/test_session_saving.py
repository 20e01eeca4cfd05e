"""A session's file survives whatever goes wrong, keeps what people wrote in it, and is told of in a line."""

import os
from pathlib import Path

import numpy as np
import pytest

from convtui.inputs.images import InputError, read_picture
from convtui.store import session_file
from convtui.store.session_file import SessionFileError, dumps, is_session_file, load, save
from tests.support.sessions import embedded, figures, image_file, top_edge


def test_names_of_session_files() -> None:
    assert is_session_file("a/lesson.toml")
    assert is_session_file(Path("LESSON.TOML"))
    assert not is_session_file("toml")
    assert not is_session_file("lesson.toml.png")


LESSON = """\
# What an edge is.
convtui = 1

[kernel]   # what to look for
weight = '''
# first
1/2 1
0   0.25
'''
name = "mine"  # drawn by hand

[image]
sample = "mnist-7"

# Where to look.
[position]
output = [0, 3, 3]  # the corner
"""


def test_saving_keeps_the_comments_that_people_wrote(tmp_path: Path) -> None:
    file = tmp_path / "lesson.toml"
    file.write_text(LESSON, encoding="utf-8")
    session = load(file).moved(1).with_spec(stride=2)
    save(session, file)
    text = file.read_text(encoding="utf-8")
    assert figures(load(file)) == figures(session)
    assert text.startswith(LESSON.partition("[image]")[0].rstrip())
    assert '[image]\nsample = "mnist-7"\n' in text
    assert f"# Where to look.\n[position]\noutput = {list(session.position)}  # the corner\nfilled" in text
    save(session, file)
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "text",
    [
        LESSON.replace("\n", "\r\n"),
        LESSON.rstrip(),
        'convtui = 1\nimage = {sample = "mnist-7"}\nkernel = {name = "top-edge"}\n',
        'convtui = 1\nimage.sample = "mnist-7"\nkernel.name = "top-edge"\n',
        'convtui=1\nimage."sample" = "mnist-7"\n[kernel]\n"name" = \'top-edge\'\n[position]\n[view]\n',
    ],
)
def test_saving_over_any_layout_saves_the_session(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lesson.toml"
    file.write_bytes(text.encode())
    session = load(file).with_pixel_value(0, 0, 0, 1.0).with_weight_value(0, 0, 0, 0, 2.0)
    save(session, file)
    assert figures(load(file)) == figures(session)


@pytest.mark.parametrize(
    "content",
    [
        b'[project]\nname = "mine"\n',
        b"convtui = 1\n[image\n",
        b"convtui = 2\n",
        b"convtui = 1\n[ours]\n",
        b"\xff",
    ],
)
def test_what_is_no_session_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file.toml"
    file.write_bytes(content)
    with pytest.raises(SessionFileError, match=r"^[^\n]*file\.toml, line \d[^\n]*$"):
        save(top_edge(), file)
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_only_toml_files_are_written(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match=r"photo\.png.*\.toml"):
        save(top_edge(), tmp_path / "photo.png")


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    file = tmp_path / "lesson.toml"
    file.touch()
    save(top_edge(), file)
    assert figures(load(file)) == figures(top_edge())


def _fail(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace", "shutil.copymode"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    file = tmp_path / "lesson.toml"
    save(top_edge(), file)
    before = file.read_bytes()
    monkeypatch.setattr(failing, _fail)
    with pytest.raises(
        SessionFileError, match=r"^[^\n]*lesson\.toml: cannot be written \(No space left[^\n]*$"
    ):
        save(top_edge().moved(5), file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_an_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(top_edge(), tmp_path / "lesson.toml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o664])
def test_permissions_stay(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "lesson.toml"
    save(top_edge(), file)
    file.chmod(mode)
    save(top_edge().moved(1), file)
    assert file.stat().st_mode & 0o777 == mode


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (other := tmp_path / "other").touch()
    save(top_edge(), tmp_path / "lesson.toml")
    assert (tmp_path / "lesson.toml").stat().st_mode == other.stat().st_mode


def test_a_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "lesson.toml"
    save(top_edge(), file)
    before = file.read_bytes()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write to any file
    with pytest.raises(SessionFileError, match="write-protected"):
        save(top_edge().moved(1), file)
    assert file.read_bytes() == before


def test_a_link_stays_one_and_its_image_is_found(tmp_path: Path) -> None:
    session = top_edge(read_picture(image_file(tmp_path / "real" / "image.csv")))
    link = tmp_path / "lesson.toml"
    link.symlink_to(tmp_path / "real" / "lesson.toml")
    save(session, link)
    assert link.is_symlink()
    assert 'path = "image.csv"' in (tmp_path / "real" / "lesson.toml").read_text(encoding="utf-8")
    assert figures(load(link)) == figures(session)


@pytest.mark.parametrize(
    "path", ["missing/lesson.toml", "lesson\0.toml", "folder.toml", "~nobody-here/lesson.toml"]
)
def test_where_nothing_can_be_written_is_said_in_one_line(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder.toml").mkdir()
    target = Path(path) if path.startswith("~") else tmp_path / path
    with pytest.raises(SessionFileError, match=r"^[^\n\0]*\.toml[^\n\0]*$"):
        save(top_edge(), target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.toml"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("lesson.toml", "no such file; did you mean lesson-1.toml"),
        ("folder.toml", "is a folder"),
        ("pipe.toml", "is a device, a pipe or a socket"),
        ("lesson\0.toml", "not a valid path"),
        ("huge.toml", "17 MiB is too large; a session file may have at most 16 MiB"),
        ("lesson-1.toml/x.toml", "cannot be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, path: str, why: str) -> None:
    (tmp_path / "lesson-1.toml").touch()
    (tmp_path / "folder.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    with (tmp_path / "huge.toml").open("wb") as stream:
        stream.truncate(session_file.LARGEST_FILE + 1)
    with pytest.raises(SessionFileError, match=rf"^[^\n\0]*\.toml[^\n\0]*: {why}[^\n\0]*$"):
        load(tmp_path / path)


def test_a_session_too_large_to_be_read_again_is_not_written(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(1, 1000, 1000))
    with pytest.raises(SessionFileError, match=r"lesson\.toml: \d+ MiB is too large; .* at most 16 MiB"):
        save(top_edge(embedded(pixels)), tmp_path / "lesson.toml")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_not_unicode_is_refused() -> None:
    session = top_edge().with_weight(np.ones((1, 1, 2, 2)), name="caf\udce9")
    with pytest.raises(SessionFileError, match="rename"):
        dumps(session)


@pytest.mark.parametrize(
    ("content", "line", "byte"), [(b"\xff", 1, "ff"), (b"convtui = 1\n[image]\n# caf\xe9\n", 3, "e9")]
)
def test_what_is_not_utf8_is_refused_at_its_line(
    tmp_path: Path, content: bytes, line: int, byte: str
) -> None:
    file = tmp_path / "lesson.toml"
    file.write_bytes(content)
    with pytest.raises(
        SessionFileError, match=rf"lesson\.toml, line {line}: not UTF-8 text \(byte 0x{byte}\)"
    ):
        load(file)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "lesson.toml").write_text(dumps(top_edge()), encoding="utf-8-sig")
    assert figures(load(tmp_path / "lesson.toml")) == figures(top_edge())


def test_errors_are_input_errors() -> None:
    assert issubclass(SessionFileError, InputError)
