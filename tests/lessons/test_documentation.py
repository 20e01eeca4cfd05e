"""The README names each key, figure, mask and function that there is; its lesson passes the check."""

import re
from pathlib import Path

from convtui.lessons.checking import LONGEST_QUESTION, LONGEST_WORDS, faults
from convtui.lessons.expressions import FUNCTIONS
from convtui.lessons.figures import FIGURES, INDEXED
from convtui.lessons.lesson import MASKS, PAGES
from convtui.lessons.lesson_file import MOST_CHOICES, STEP_KEYS, ZOOMS

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTION = README.partition("### Write a lesson\n")[2].partition("\n## ")[0]
KEYS, _, TABLE = SECTION.partition("| figures | of |")


def rows(table: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]


def code(text: str) -> list[str]:
    return re.findall("`([^`]+)`", text)


def said_of(key: str) -> str:
    (said,) = [row[1] for row in rows(KEYS) if f"`{key}`" in row[0]]
    return said


def test_every_figure_is_named() -> None:
    names = [name for row in rows(TABLE) for name in code(row[0])]
    assert sorted(names) == sorted([*FIGURES, *(example for _, example in INDEXED.values())])


def test_every_key_is_named() -> None:
    assert sorted(key for row in rows(KEYS) for key in code(row[0])) == sorted(STEP_KEYS)


def test_names_and_bounds() -> None:
    assert code(said_of("page")) == [*PAGES]
    assert code(said_of("masks")) == [*MASKS]
    assert [each for each in code(said_of("zoom")) if each in ZOOMS] == [*ZOOMS]
    assert f"at most {LONGEST_WORDS} characters" in said_of("words")
    assert f"at most {LONGEST_QUESTION} characters" in said_of("ask")
    assert (said_of("choices"), MOST_CHOICES) == ("two to nine answers to choose from", 9)
    sentence = SECTION.partition("An expression is made of")[2].partition(".")[0]
    assert {*code(sentence)} >= {*FUNCTIONS}


def test_the_example_has_no_fault(tmp_path: Path) -> None:
    (example,) = re.findall("```toml\n(.*?)```", SECTION, re.DOTALL)
    file = tmp_path / "example.toml"
    file.write_text(example, "utf-8")
    assert faults(file) == []
