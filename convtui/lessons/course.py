"""A course: the lessons in a folder, in the order of their names. The built-in one is no exception."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from convtui.inputs import samples
from convtui.inputs.names import did_you_mean, neighbours, printable
from convtui.lessons.lesson import Lesson, LessonStep
from convtui.lessons.lesson_file import LessonError, read_lesson
from convtui.lessons.setting_up import SetUp, SetUps

SUFFIX: Final = ".toml"


class Course:
    """Lessons, and what each of their steps begins with. `name` is its folder's or its file's."""

    def __init__(self, path: Path, lessons: tuple[Lesson, ...], is_built_in: bool = False) -> None:
        self.path, self.lessons, self.is_built_in = path, lessons, is_built_in
        self._set_ups = [SetUps(lesson) for lesson in lessons]

    def set_up(self, place: Place) -> SetUp:
        """What the step at that place begins with. Raises LessonError."""
        return self._set_ups[place.chapter].of(place.step)

    def lesson(self, place: Place) -> Lesson:
        return self.lessons[place.chapter]

    def step(self, place: Place) -> LessonStep:
        return self.lesson(place).steps[place.step]

    def after(self, place: Place) -> Place | None:
        """The next step; None after the last."""
        if place.step + 1 < len(self.lesson(place).steps):
            return replace(place, step=place.step + 1)
        return Place(place.chapter + 1) if place.chapter + 1 < len(self.lessons) else None

    def before(self, place: Place) -> Place | None:
        """The step before; None before the first."""
        if place.step:
            return replace(place, step=place.step - 1)
        if not place.chapter:
            return None
        return Place(place.chapter - 1, len(self.lessons[place.chapter - 1].steps) - 1)

    def nearest(self, chapter: int, step: int) -> Place:
        """That place, or where a course that has become shorter comes nearest to it."""
        chapter = min(max(chapter, 0), len(self.lessons) - 1)
        return Place(chapter, min(max(step, 0), len(self.lessons[chapter].steps) - 1))

    def places(self) -> Iterator[Place]:
        """All steps, in order."""
        for chapter, lesson in enumerate(self.lessons):
            for step in range(len(lesson.steps)):
                yield Place(chapter, step)

    @property
    def count(self) -> int:
        """How many steps there are in all."""
        return sum(len(lesson.steps) for lesson in self.lessons)


@dataclass(frozen=True)
class Place:
    """A step of a course; both count from 0."""

    chapter: int = 0
    step: int = 0


def find_course(text: str = "") -> Course:
    """The course in a folder, or of a single lesson by its file or name; "": the built-in one.

    Raises LessonError for what is none.
    """
    path = _found(text)
    is_built_in = samples.lesson_folder() in (path, path.parent)
    return Course(path, tuple(map(read_lesson, _in(path))), is_built_in)


def course_at(text: str = "") -> tuple[Course, Place | None]:
    """The course to open: for a chapter of the built-in one that course, and where the chapter begins.

    Raises LessonError for what is none.
    """
    course = find_course(text)
    if not course.is_built_in or course.path.is_dir():
        return course, None
    whole = find_course()
    paths = [lesson.path for lesson in whole.lessons]
    return whole, Place(paths.index(course.path))


def lesson_paths(text: str = "") -> tuple[Path, ...]:
    """The files of the lessons that the text stands for, as in `find_course`. Raises LessonError."""
    return _in(_found(text))


def _found(text: str) -> Path:
    """The file or folder, or the bundled lesson of that name. Raises LessonError."""
    own = samples.lesson_folder()
    path = expanded(Path(text)) if text else own
    if _exists(path):
        return path
    bundled = {name_of(each): each for each in lesson_files(own)}
    if text in bundled:
        return bundled[text]
    close = did_you_mean(path.name, [*bundled, *neighbours(path)])
    raise LessonError(f"{printable(text)}: no such lesson{close}")


def _in(path: Path) -> tuple[Path, ...]:
    """The lessons in a folder; a file is its own."""
    files = lesson_files(path) if path.is_dir() else (path,)
    if not files:
        raise LessonError(f"{printable(str(path))}: has no lessons (*{SUFFIX})")
    return files


@lru_cache(maxsize=1)
def built_in_course() -> Course | None:
    """The built-in course, read once; None if it cannot be read."""
    try:
        return find_course()
    except LessonError:
        return None


def ideas() -> dict[str, Place]:
    """What the steps of the built-in course are about, in a few words, and which step that is."""
    course = built_in_course()
    places = course.places() if course else iter(())
    return {idea: place for place in places for idea in (course.step(place).ideas if course else ())}


def lesson_files(folder: Path) -> tuple[Path, ...]:
    """The lessons in a folder, by name."""
    return tuple(sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith(".")))


def name_of(path: Path) -> str:
    """The name of a bundled lesson: stride for 05-stride.toml."""
    return re.sub("^[0-9]+[-_]", "", path.stem)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # such as a name that is too long for any file
        return False


def expanded(path: Path) -> Path:
    """The path with ~ as the home folder, where there is one."""
    try:
        return path.expanduser()
    except RuntimeError:  # no home
        return path
