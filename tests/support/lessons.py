"""Lessons for tests, written as a user would write them."""

from pathlib import Path

import pytest

from convtui.lessons.figures import Seen
from convtui.lessons.lesson import Lesson, LessonStep, Question
from convtui.lessons.lesson_file import LessonError, parse_lesson
from convtui.lessons.setting_up import SetUp, SetUps

HEAD = 'lesson = 1\ntitle = "Tried"\n'
READ = 'words = "Read."\n'  # a step with the least that it needs


def text_of(*steps: str) -> str:
    """A lesson of these steps, the first on line 3; each begins with its header."""
    return HEAD + "".join(f"[[step]]\n{step.strip()}\n" for step in steps)


def written(path: Path, *steps: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(*steps), "utf-8")
    return path


def lesson_of(*steps: str, path: Path = Path("tried.toml")) -> Lesson:
    return parse_lesson(text_of(*steps), path)


def step_of(step: str) -> LessonStep:
    """The only step of a lesson; its words need not be given."""
    return lesson_of(step if "words" in step else READ + step).steps[0]


def question_of(step: str) -> Question:
    """That of a step; what it asks need not be given."""
    question = step_of('ask = "What?"\n' + step).question
    assert question is not None
    return question


def begun(*steps: str, path: Path = Path("tried.toml")) -> SetUp:
    """What the last of these steps begins with."""
    return SetUps(lesson_of(*steps, path=path)).of(len(steps) - 1)


def seen_of(*settings: str, image: str = "count-5x5") -> Seen:
    """What figures are computed from once an image is open and these settings are typed."""
    typed = ", ".join(f"'{each}'" for each in settings)
    return Seen(begun(f'{READ}image = "{image}"\nsettings = [{typed}]').session)


def refusal(text: str) -> str:
    """The one line about what is wrong with a lesson."""
    with pytest.raises(LessonError) as caught:
        parse_lesson(text, Path("course/tried.toml"))
    line = str(caught.value)
    assert line.isprintable()
    return line
