"""Where a user is in a course is kept, and nothing that is wrong with the file is in the way."""

import json
from pathlib import Path

import pytest
from platformdirs import user_state_path

from convtui.lessons import progress
from convtui.lessons.course import Course, Place, find_course
from convtui.lessons.progress import Progress, keep_progress, latest, modified, progress_of
from tests.support.lessons import READ, written


def course(folder: Path, *chapters: int) -> Course:
    """Chapters of so many steps."""
    for number, steps in enumerate(chapters or (2, 3)):
        written(folder / f"{number}-chapter.toml", *[READ] * steps)
    return find_course(str(folder))


def kept_file() -> Path:
    return user_state_path("convtui", appauthor=False) / "lessons.json"


def test_nothing_is_kept_at_first(tmp_path: Path) -> None:
    assert progress_of(course(tmp_path)) == Progress(Place(0, 0), frozenset())
    assert latest() is None
    assert modified() is None


def test_it_is_kept(tmp_path: Path) -> None:
    opened = course(tmp_path)
    here = Progress().at(Place(1, 2)).with_answer(Place(0, 1)).with_answer(Place(1, 0))
    assert here.has_answered(Place(0, 1))
    assert not here.has_answered(Place(1, 1))
    assert keep_progress(opened, here)
    assert progress_of(find_course(str(tmp_path))) == here
    assert latest() == str(tmp_path)
    assert modified() is not None


def test_each_course_has_its_own(tmp_path: Path) -> None:
    one, other, built_in = course(tmp_path / "one"), course(tmp_path / "other"), find_course()
    for number, each in enumerate((one, other, built_in)):
        assert keep_progress(each, Progress(Place(0, 0), frozenset({Place(0, number)})))
    assert [[*progress_of(each).answered] for each in (one, other, built_in)] == [
        [Place(0, 0)],
        [Place(0, 1)],
        [Place(0, 2)],
    ]
    assert latest() == ""
    assert keep_progress(one, Progress())
    assert latest() == str(tmp_path / "one")


def test_a_lesson_by_itself_is_a_course(tmp_path: Path) -> None:
    course(tmp_path)
    alone = find_course(str(tmp_path / "1-chapter.toml"))
    assert keep_progress(alone, Progress(Place(0, 2)))
    assert progress_of(find_course(str(tmp_path))).place == Place()
    assert find_course(str(latest())).count == 3


def test_the_same_file_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert keep_progress(find_course("0-chapter.toml"), Progress(Place(0, 1)))
    monkeypatch.chdir("/")
    assert progress_of(find_course(str(tmp_path / "0-chapter.toml"))).place == Place(0, 1)


def test_a_course_that_has_become_shorter(tmp_path: Path) -> None:
    assert keep_progress(course(tmp_path, 2, 3), Progress(Place(1, 2)))
    assert progress_of(course(tmp_path, 2, 1)).place == Place(1, 0)
    (tmp_path / "1-chapter.toml").unlink()
    assert progress_of(find_course(str(tmp_path))).place == Place()


@pytest.mark.parametrize(
    "kept",
    [
        *("", "{", "[]", "3", '{"NAME": 3}', '{"NAME": []}', '{"NAME": {}}', "\0", "[" * 99999),
        '{"NAME": {"chapter": "x", "step": 0, "answered": []}}',
        '{"NAME": {"chapter": Infinity, "step": 0, "answered": []}}',
        '{"NAME": {"chapter": 0, "step": NaN, "answered": []}}',
        '{"NAME": {"chapter": 0, "step": null, "answered": []}}',
        '{"NAME": {"chapter": 0, "step": 0, "answered": 3}}',
        '{"NAME": {"chapter": 0, "step": 0}}',
    ],
)
def test_a_damaged_file_is_as_none(tmp_path: Path, kept: str) -> None:
    kept_file().parent.mkdir(parents=True)
    kept_file().write_text(kept.replace("NAME", str(tmp_path)))
    opened = course(tmp_path)
    assert progress_of(opened) == Progress()
    assert keep_progress(opened, Progress(Place(1, 1)))
    assert progress_of(opened).place == Place(1, 1)


def test_places_that_do_not_exist(tmp_path: Path) -> None:
    kept_file().parent.mkdir(parents=True)
    kept_file().write_text(
        json.dumps({str(tmp_path): {"chapter": "1-chapter", "step": 10**30, "answered": ["a.0"]}})
    )
    assert progress_of(course(tmp_path)) == Progress(Place(1, 2))


def test_a_chapter_put_before_others_moves_nothing(tmp_path: Path) -> None:
    for name in ("1-kernel", "2-stride"):
        written(tmp_path / f"{name}.toml", READ, READ)
    here = Progress(Place(1, 1), frozenset({Place(0, 1), Place(1, 0)}))
    assert keep_progress(find_course(str(tmp_path)), here)
    (tmp_path / "2-stride.toml").rename(tmp_path / "3-stride.toml")
    written(tmp_path / "2-padding.toml", READ)
    assert progress_of(find_course(str(tmp_path))) == Progress(
        Place(2, 1), frozenset({Place(0, 1), Place(2, 0)})
    )


def test_a_file_too_large_is_as_none(tmp_path: Path) -> None:
    kept_file().parent.mkdir(parents=True)
    kept_file().write_text(" " * (progress.LARGEST_FILE + 1))
    assert progress_of(course(tmp_path)) == Progress()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    opened = course(tmp_path)
    kept_file().parent.parent.mkdir(parents=True)
    kept_file().parent.write_text("a file where the folder would be")
    assert not keep_progress(opened, Progress(Place(1, 1)))
    assert progress_of(opened) == Progress()
    assert modified() is None


def test_the_oldest_courses_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MOST_COURSES", 2)
    courses = [course(tmp_path / name) for name in "abc"]
    for each in courses:
        assert keep_progress(each, Progress(Place(1, 1)))
    assert [progress_of(each).place.chapter for each in courses] == [0, 1, 1]
