"""A course is a folder of lessons in the order of their names; names and misspellings are understood."""

from pathlib import Path

import pytest

from convtui.inputs import samples
from convtui.lessons.course import Place, find_course, lesson_files, lesson_paths, name_of
from convtui.lessons.lesson_file import LessonError
from tests.support.lessons import READ, written


def refusal(text: str) -> str:
    with pytest.raises(LessonError) as caught:
        find_course(text)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path / "10-last.toml", READ)
    written(tmp_path / "01-first.toml", READ, READ)
    written(tmp_path / "02-second.toml", READ, READ, READ)
    (tmp_path / ".03-hidden.toml").write_text("no lesson")
    (tmp_path / "notes.md").write_text("no lesson")
    return tmp_path


def test_a_folder(folder: Path) -> None:
    course = find_course(str(folder))
    assert [lesson.path.name for lesson in course.lessons] == [
        "01-first.toml",
        "02-second.toml",
        "10-last.toml",
    ]
    assert course.count == 6
    assert not course.is_built_in
    assert lesson_paths(str(folder)) == lesson_files(folder)


def test_the_way_through(folder: Path) -> None:
    course = find_course(str(folder))
    places = [Place()]
    while (after := course.after(places[-1])) is not None:
        places.append(after)
    assert places == [Place(0, 0), Place(0, 1), Place(1, 0), Place(1, 1), Place(1, 2), Place(2, 0)]
    back = [places[-1]]
    while (before := course.before(back[-1])) is not None:
        back.append(before)
    assert back == places[::-1]
    assert course.step(Place(1, 2)) is course.lesson(Place(1)).steps[2]
    assert course.set_up(Place(2)).session.picture.name == "mnist-7"
    assert [course.nearest(*at) for at in ((1, 9), (9, 9), (-1, -1))] == [
        Place(1, 2),
        Place(2, 0),
        Place(0, 0),
    ]


def test_the_built_in_course() -> None:
    course = find_course()
    assert course.is_built_in
    assert course.path == samples.lesson_folder()
    assert len(course.lessons) == len(lesson_files(samples.lesson_folder()))


def test_a_bundled_lesson_by_its_name() -> None:
    for file in lesson_files(samples.lesson_folder()):
        course = find_course(name_of(file))
        assert course.is_built_in
        assert course.path == file
        assert len(course.lessons) == 1


def test_a_file_of_ones_own_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "stride", READ)
    assert find_course("stride").path == Path("stride")
    assert not find_course("stride").is_built_in


def test_a_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert find_course("~").count == 6
    assert find_course("~/10-last.toml").count == 1


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("05-stride.toml", "stride"),
        ("stride.toml", "stride"),
        ("12.toml", "12"),
        ("3d.toml", "3d"),
        ("1_a.toml", "a"),
    ],
)
def test_names(file: str, name: str) -> None:
    assert name_of(Path(file)) == name


def test_misspellings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("strid") == "strid: no such lesson; did you mean stride or matrix?"
    assert "no such lesson; did you mean 01-first.toml" in refusal(str(folder / "01-frist.toml"))
    monkeypatch.chdir(folder)
    assert "no such lesson; did you mean 10-last.toml" in refusal("10-lst.toml")
    assert refusal("qqqqqqqq") == "qqqqqqqq: no such lesson"


def test_what_is_no_course(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)) == f"{tmp_path}: has no lessons (*.toml)"
    written(tmp_path / "good.toml", READ)
    (tmp_path / "zbad.toml").write_text("convtui = 1")
    assert refusal(str(tmp_path)) == (
        f"{tmp_path / 'zbad.toml'}, line 1: convtui: unknown name; choose from lesson, title, step"
    )
    for odd in ("a\0b", "x" * 5000, "a\nb", "/dev/null", "~nobody-of-that-name/x"):
        refusal(odd)
