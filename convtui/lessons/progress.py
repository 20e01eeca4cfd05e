"""Where a user is in a course, and which questions they have answered: kept between starts.

It is also how the presenter's notes in a second terminal follow the app: they read the same file.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from convtui.inputs.atomic import read_regular, write_whole
from convtui.lessons.course import Course, Place, name_of

LARGEST_FILE: Final = 2**20  # bytes
MOST_COURSES: Final = 200


@dataclass(frozen=True)
class Progress:
    """The place in a course, and the steps whose question was answered right."""

    place: Place = field(default_factory=Place)
    answered: frozenset[Place] = field(default_factory=frozenset)

    def has_answered(self, place: Place) -> bool:
        return place in self.answered

    def with_answer(self, place: Place) -> Progress:
        return replace(self, answered=self.answered | {place})

    def at(self, place: Place) -> Progress:
        return replace(self, place=place)


def progress_of(course: Course) -> Progress:
    """Where the user was in that course; its beginning where nothing, or nothing legible, is kept."""
    kept = _kept().get(_name(course))
    try:
        assert isinstance(kept, dict)
        chapters = {name: number for number, name in enumerate(_chapters(course))}
        is_there = kept["chapter"] in chapters
        place = course.nearest(chapters[kept["chapter"]], int(kept["step"])) if is_there else Place()
        answered = (str(each).rpartition(".") for each in kept["answered"])
        found = (Place(chapters[name], int(step)) for name, _, step in answered if name in chapters)
        return Progress(place, frozenset(found))
    except (AssertionError, ArithmeticError, KeyError, TypeError, ValueError):
        return Progress()


def keep_progress(course: Course, progress: Progress) -> bool:
    """Write down where the user is; tells whether that could be done."""
    courses, chapters = _kept(), _chapters(course)
    courses.pop(_name(course), None)
    courses[_name(course)] = {
        "chapter": chapters[progress.place.chapter],
        "step": progress.place.step,
        "answered": sorted(f"{chapters[each.chapter]}.{each.step}" for each in progress.answered),
    }
    content = json.dumps(dict([*courses.items()][-MOST_COURSES:]), indent=1).encode()
    try:
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, content)
    except (OSError, RuntimeError):
        return False
    return True


def latest() -> str | None:
    """The course that was open last: its path, "" for the built-in one; None if there was none."""
    return next(reversed(_kept()), None)


def modified() -> int | None:
    """When progress was last kept, in nanoseconds; None if never."""
    with suppress(OSError, RuntimeError):
        return _file().stat().st_mtime_ns
    return None


def _kept() -> dict[str, object]:
    with suppress(OSError, ValueError, RuntimeError, RecursionError):
        content = read_regular(_file())
        kept = json.loads(content) if len(content) <= LARGEST_FILE else None
        if isinstance(kept, dict):
            return kept
    return {}


def _name(course: Course) -> str:
    return "" if course.is_built_in and course.path.is_dir() else str(course.path.absolute())


def _chapters(course: Course) -> list[str]:
    """The names by which chapters are kept: their numbers change where one is put before them."""
    names = [name_of(lesson.path) for lesson in course.lessons]
    return names if len({*names}) == len(names) else [lesson.path.stem for lesson in course.lessons]


def _file() -> Path:
    from platformdirs import user_state_path

    return user_state_path("convtui", appauthor=False) / "lessons.json"
