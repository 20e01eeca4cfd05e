"""The lesson that is written to begin with has no fault, whatever it is about."""

from pathlib import Path

import pytest

from convtui.cli.main import main
from convtui.inputs import samples
from convtui.lessons.checking import faults
from convtui.lessons.lesson_file import LessonError, read_lesson
from convtui.lessons.setting_up import SetUps, changed
from convtui.lessons.writing import write_new, write_new_from
from convtui.state.session import Session
from convtui.store.session_file import load, save
from tests.support import data_files
from tests.support.example_sessions import counting, lesson, own, session_on
from tests.support.sessions import image_file

SESSIONS = {
    "the lesson": lesson(),
    "same padding": session_on("cat-32", padding="same"),
    "an even kernel": own([[[[1, 2], [3, 4]]]], counting(), padding=1, stride=2),
    "edited": session_on("count-5x5", padding=1).with_pixel_value(0, 0, 0, 7.5),
    "one cell": session_on("count-3x3"),
    "reflected": own([[[[1.0, 2, 3]]]], counting(), padding=(0, 4), padding_mode="reflect"),
    "same and reflected": session_on("count-5x5", padding="same", padding_mode="reflect"),
    "dilated": session_on("mnist-7", dilation=(2, 3), stride=(3, 1), padding=((1, 2), (0, 1))),
    "filters": session_on("cat-32", "random", filters=6, groups=3),
    "pooled": changed(session_on("cat-32"), "operation maxpool 3 s2 p1 ceil", Path()),
    "pooled adaptively": changed(session_on("count-5x5", padding=1), "operation adaptiveavgpool 4", Path()),
    "scattered": changed(session_on("cat-32", filters=2), "operation convtranspose 4x4 2 s2 p1", Path()),
    "gathered": changed(
        changed(session_on("count-5x5"), "operation convtranspose 2x3 1 s2 op1", Path()), "way gather", Path()
    ),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_a_lesson_about_a_session(tmp_path: Path, name: str) -> None:
    save(SESSIONS[name], tmp_path / "session.toml")
    session = load(tmp_path / "session.toml")
    path = tmp_path / "lessons" / "mine.toml"
    path.parent.mkdir()
    write_new(path, str(tmp_path / "session.toml"), session)
    assert faults(path) == []
    assert 'image = "../session.toml"' in path.read_text("utf-8")
    opened = SetUps(read_lesson(path)).of(0).session
    assert opened.convolution.output_shape == session.convolution.output_shape
    assert (opened.convolution.weight == session.convolution.weight).all()
    assert (str(opened.layer), opened.way) == (str(session.layer), session.way)


@pytest.mark.parametrize("name", ["pooled", "pooled adaptively", "scattered", "gathered"])
def test_a_lesson_that_begins_with_the_operation_at_work(tmp_path: Path, name: str) -> None:
    session = SESSIONS[name].at(3)
    write_new_from(tmp_path / "mine.toml", session)
    assert faults(tmp_path / "mine.toml") == []
    opened = SetUps(read_lesson(tmp_path / "mine.toml")).of(0).session
    assert (str(opened.layer), opened.way, opened.index) == (str(session.layer), session.way, 3)
    assert opened.operation.output_shape == session.operation.output_shape


@pytest.mark.parametrize(
    "image", [None, "cat-32", "mnist-12k:test:3", "[[1, 2, 3], [4, 5, 6], [7, 8, 9.5]]", '"']
)
def test_a_lesson_about_an_image(
    tmp_path: Path, image: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    code = main(["learn", "--new", str(path), *([] if image is None else [image])])
    if image == '"':
        assert code == 2
        assert not path.exists()
        return
    assert (code, capsys.readouterr()) == (
        0,
        ("", f"written: {path}; convtui learn {path} opens it and follows it whenever you save\n"),
    )
    assert faults(path) == []


def test_files_are_named_as_the_lesson_sees_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    image_file(tmp_path / "mine.csv")
    data_files.npz(tmp_path / "set.npz")
    (tmp_path / "lessons").mkdir()
    for name, seen in (("mine.csv", "../mine.csv"), ("set.npz:test:0", "../set.npz:test:0")):
        path = Path("lessons") / f"{len(name)}.toml"
        assert main(["learn", "--new", str(path), name]) == 0
        assert read_lesson(path).steps[0].image == seen
        monkeypatch.chdir("/")
        assert faults(tmp_path / path) == []
        monkeypatch.chdir(tmp_path)


def test_every_bundled_session(tmp_path: Path) -> None:
    for file in samples.session_files():
        path = tmp_path / f"{file.stem}.toml"
        assert main(["learn", "--new", str(path), file.stem]) == 0
        assert faults(path) == []


def test_nothing_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    with pytest.raises(LessonError, match=r"mine\.toml: already exists; choose another file name"):
        write_new(path, None, lesson())
    assert path.read_text() == "mine"


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    session: Session = lesson()
    with pytest.raises(LessonError, match=r"mine\.toml: cannot be written \(No such file or directory\)"):
        write_new(tmp_path / "nowhere" / "mine.toml", None, session)
    assert not list(tmp_path.iterdir())
