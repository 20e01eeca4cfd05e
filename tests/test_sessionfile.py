"""A session comes back from its file exactly as it was, and the file survives whatever goes wrong."""

import os
import shutil
import tomllib
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given

from convtui import samples, sessionfile
from convtui.images import InputError, read_picture
from convtui.session import KernelChoice, Session
from convtui.sessionfile import SessionFileError, dumps, is_session_file, load, loads, save
from convtui.stack import Stack
from tests.sessions import embedded, figures, sessions, top_edge


@given(sessions())
def test_text_brings_back_every_figure(session: Session) -> None:
    text = dumps(session)
    again = loads(text, "lesson.toml")
    assert figures(again) == figures(session)
    assert dumps(again) == text


@given(sessions(), sessions())
def test_a_file_written_over_another_holds_the_new_session(old: Session, new: Session) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "lesson.toml")
        save(old, file)
        save(new, file)
        assert figures(load(file)) == figures(new)


@pytest.mark.parametrize("file", samples.session_files(), ids=lambda file: file.stem)
def test_samples_load_and_teach(file: Path) -> None:
    session = load(file)
    assert session.picture.source in samples.image_names()
    assert "#" in file.read_text(encoding="utf-8").splitlines()[0]
    assert figures(loads(dumps(session), "again.toml")) == figures(session)


def test_samples_show_what_they_say() -> None:
    lessons = {file.stem: load(file) for file in samples.session_files()}
    assert lessons["why-13x13"].convolution.output_shape == (1, 13, 13)
    assert [axis.unused for axis in lessons["why-13x13"].convolution.axes] == [(27,), (27,)]
    assert lessons["same-even-kernel"].spec.pads == ((1, 2), (1, 2))
    assert lessons["same-even-kernel"].convolution.output_shape == (1, 8, 8)
    assert lessons["colour-groups"].convolution.output_shape[0] == 3
    assert list(lessons["colour-groups"].step.channels) == [1]
    assert lessons["dilation"].convolution.output_shape == lessons["dilation"].convolution.image_shape
    assert [axis.span for axis in lessons["dilation"].convolution.axes] == [5, 5]
    top_edge = lessons["top-edge"].step
    assert top_edge.value == top_edge.products.sum() > 2


def test_values_are_written_as_briefly_as_they_can_be() -> None:
    session = top_edge().with_spec(padding=((1, 1), (2, 2)), dilation=(2, 1))
    data = tomllib.loads(dumps(session))
    assert data["convolution"]["stride"] == 1
    assert data["convolution"]["padding"] == [1, 2]
    assert data["convolution"]["dilation"] == [2, 1]
    assert tomllib.loads(dumps(session.with_spec(padding=((1, 1), (0, 1)))))["convolution"]["padding"] == [
        [1, 1],
        [0, 1],
    ]
    assert data["kernel"] == {"name": "top-edge", "size": 3}
    assert data["image"] == {"sample": "mnist-7"}


def test_layers_are_written_as_far_as_they_are_not_the_default() -> None:
    session = top_edge()
    stack = session.stack
    assert "[layers]" not in dumps(session)
    assert "[layers]" not in dumps(session.with_stack(stack))
    layers = tomllib.loads(dumps(session.with_stack(stack.moved(1))))["layers"]
    assert layers == {"layer": 3, "activation": [0, 3, 4]}
    named = Stack.chosen("resnet-18", stack.input_shape, seed=2)
    assert tomllib.loads(dumps(session.with_stack(named)))["layers"] == {"text": "resnet-18", "seed": 2}
    own = session.with_stack(stack.changed(stride=1))
    assert tomllib.loads(dumps(own))["layers"]["text"].startswith("conv 3x3 4 s2 p1, relu, conv 3x3 8 p1,")


def test_layers_come_back_over_another_image() -> None:
    text = dumps(top_edge().with_stack(Stack.chosen("two-layers", (1, 28, 28))))
    again = loads(text.replace('"mnist-7"', '"cat-32"'), "other.toml")
    assert (again.stack.name, again.stack.input_shape) == ("two-layers", (3, 32, 32))


def test_only_the_last_edit_of_a_pixel_is_written_and_none_that_was_taken_back() -> None:
    session = top_edge().with_pixel_value(0, 1, 2, 0.5).with_pixel_value(0, 3, 4, 0.5)
    session = session.with_pixel_value(0, 1, 2, 0.25).with_pixel_value(0, 3, 4, 0.0)
    assert tomllib.loads(dumps(session))["image"]["edits"] == [[0, 1, 2, 0.25]]


def _image(path: Path, values: object = ((0, 0.5, 1), (0.25, 0.5, 0.75), (1, 0, 1))) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.array(values))
    return path


@pytest.mark.parametrize(
    "name", ["image.csv", 'a "quoted" \\ name.csv', "new\nline\t\x1b[31m\x7f.csv", "é🐈.csv"]
)
def test_an_image_file_is_named_relative_to_the_session(tmp_path: Path, name: str) -> None:
    session = top_edge(read_picture(_image(tmp_path / "images" / name)))
    (tmp_path / "lessons").mkdir()
    save(session, tmp_path / "lessons" / "lesson.toml")
    shutil.copytree(tmp_path, moved := tmp_path.with_name(f"{tmp_path.name}-moved"))
    again = load(moved / "lessons" / "lesson.toml")
    assert figures(again) == figures(session)
    assert Path(again.picture.source).samefile(moved / "images" / name)
    assert again.picture.notice == ""


def test_a_relative_source_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _image(Path("image.csv"))
    text = dumps(top_edge(read_picture("image.csv")))
    monkeypatch.chdir("/")
    assert loads(text, "lesson.toml").picture.source == str(tmp_path / "image.csv")


def test_a_file_named_like_a_sample_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(samples.folder() / "images" / "cat-32.png", "mnist-7")
    session = top_edge(samples.open_any("mnist-7"))
    save(session, Path("lesson.toml"))
    assert figures(load(Path("lesson.toml"))) == figures(session)


def test_an_image_that_has_changed_since_is_noticed(tmp_path: Path) -> None:
    image = _image(tmp_path / "image.csv")
    save(top_edge(read_picture(image)), tmp_path / "lesson.toml")
    _image(image, np.ones((3, 3)))
    assert "image.csv" in (notice := load(tmp_path / "lesson.toml").picture.notice)
    assert "changed" in notice


def test_the_pixels_of_a_file_are_digested_once_however_often_they_are_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested: list[bytes] = []

    def counted(start: bytes) -> object:
        digested.append(start)
        return sha256(start)

    monkeypatch.setattr("convtui.sessionreader.sha256", counted)
    session = top_edge(read_picture(_image(tmp_path / "image.csv")))
    for value in 0.1, 0.2, 0.3:
        session = session.with_pixel_value(0, 0, 0, value)
        dumps(session)
    assert len(digested) == 1


def test_a_place_that_is_gone_with_the_changed_image_is_explained(tmp_path: Path) -> None:
    image = _image(tmp_path / "image.csv", np.eye(9))
    save(top_edge(read_picture(image)).finished().at(40), tmp_path / "lesson.toml")
    _image(image, np.eye(5))
    with pytest.raises(SessionFileError, match=r"^[^\n]*lesson\.toml, line \d+: [^\n]*changed[^\n]*$"):
        load(tmp_path / "lesson.toml")


def test_resize_and_gray_are_done_again(tmp_path: Path) -> None:
    shutil.copy(samples.folder() / "images" / "cat-64.png", tmp_path)
    session = top_edge(read_picture(tmp_path / "cat-64.png", resize=20, gray=True))
    save(session, tmp_path / "lesson.toml")
    assert figures(load(tmp_path / "lesson.toml")) == figures(session)


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
    session = top_edge(read_picture(_image(tmp_path / "real" / "image.csv")))
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
        ("lesson\0.toml", "not a path"),
        ("huge.toml", "17 MiB are too many; a session file has at most 16 MiB"),
        ("lesson-1.toml/x.toml", "cannot be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, path: str, why: str) -> None:
    (tmp_path / "lesson-1.toml").touch()
    (tmp_path / "folder.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    with (tmp_path / "huge.toml").open("wb") as stream:
        stream.truncate(sessionfile.LARGEST_FILE + 1)
    with pytest.raises(SessionFileError, match=rf"^[^\n\0]*\.toml[^\n\0]*: {why}[^\n\0]*$"):
        load(tmp_path / path)


def test_a_session_too_large_to_be_read_again_is_not_written(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(1, 1000, 1000))
    with pytest.raises(SessionFileError, match=r"lesson\.toml: \d+ MiB are too many; .* at most 16 MiB"):
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


def test_kernel_choice_of_an_edited_set_comes_back() -> None:
    session = Session.start(top_edge().picture, KernelChoice("random", seed=7, filters=2))
    edited = session.with_weight_value(1, 0, 2, 2, -0.0)
    assert figures(loads(dumps(edited), "lesson.toml")) == figures(edited)
