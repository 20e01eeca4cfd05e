"""Lessons for tests, and the app at one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from convtui.lessons.course import Course, find_course
from tests.support.driving import Driven, opened

BEGINNING = 'lesson = 1\ntitle = "Try"\n'

ASKING = (
    BEGINNING
    + """
[[step]]
title = "Read this"
image = "mnist-7"
settings = ["padding 1", "at 0,7,6"]
highlight = ["output", "stride"]
words = "The output has {output.rows} rows."
notes = "Let them guess."

[[step]]
title = "How many?"
settings = ["stride 2"]
words = "The window moves by two pixels."
ask = "How many rows does the output have?"
answer = 14
figure = "output.rows"
wrong = [["27", "That is before dividing by the stride."], ["28", "28 is at stride 1."]]
hint = "Count them."
after = "The output is {output.shape}."

[[step]]
title = "Go there"
words = "Rows come first."
ask = "Go to the output cell [0, 3, 2]."
until = "at == (0, 3, 2)"
solution = ["at 0,3,2"]
wrong = [["at == (0, 2, 3)", "Rows come first."]]
masks = []

[[step]]
title = "Choose"
words = "Which is it?"
ask = "What halves?"
choices = ["the image", "the output"]
answer = "the output"
reveal = "play"
"""
)


def written(folder: Path, text: str = ASKING, name: str = "mine.toml") -> Path:
    """A lesson file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def course(folder: Path, text: str = ASKING) -> Course:
    return find_course(str(written(folder, text)))


@asynccontextmanager
async def learning(folder: Path, text: str = ASKING, **how: Any) -> AsyncIterator[Driven]:
    """The app at the beginning of a lesson."""
    async with opened(**how) as driven:
        driven.app.lessons.begin(course(folder, text))
        await driven.pilot.pause()
        yield driven
