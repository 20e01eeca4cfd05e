"""A lesson as a TOML file, read with the line of whatever is wrong in it.

TOML, because sessions are TOML already, and a mistake in it has a line. A step is set up by the words that a
user types in the app, so that whoever can use the app can write a lesson. Nothing in a file is executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any, Final

from convtui.inputs.atomic import read_regular
from convtui.inputs.images import InputError
from convtui.inputs.names import did_you_mean, neighbours, printable
from convtui.lessons.lesson import MASKS, PAGES, Answer, Lesson, LessonStep, Question, WrongAnswer
from convtui.store.session_parser import VIEW_FLAGS
from convtui.store.toml_document import SessionFileError, TomlDocument, is_number, is_whole, statements

FORMAT: Final = 1
LARGEST_FILE: Final = 2**20  # bytes
MOST_STEPS: Final = 500
MOST_CHOICES: Final = 9
ZOOMS: Final = ("numbers", "blocks", "half-blocks")

_TOP: Final = ("lesson", "title", "step")
STEP_KEYS: Final = (
    *(
        "title",
        "page",
        "image",
        "operation",
        "way",
        "settings",
        "recipe",
        "batchnorm",
        "multiply_adds",
        "finished",
        "zoom",
    ),
    *("view", "slice", "model", "row"),
    *("highlight", "words", "ask", "answer", "figure", "tolerance", "choices", "until", "solution", "wrong"),
    *("hint", "after", "masks", "reveal", "notes", "ideas"),
)
_OF_A_QUESTION: Final = (
    *("answer", "figure", "tolerance", "choices", "until", "solution", "wrong", "hint", "masks"),
)
_DEFAULT_MASKS: Final = (  # by what a question's figure names
    ("output.m", ("output",)),  # output.min and output.max
    ("output[", ("output",)),
    ("output.", ("size",)),
    ("value", ("value",)),
    ("product", ("products",)),
    ("slice", ("products",)),
    ("winner", ("products", "output")),
    ("window.", ("products",)),
    ("gradient", ("products",)),
    ("divisor", ("products", "value")),
    ("unread", ("size",)),
    ("failed", ("postmortem",)),
    ("matrix.", ("matrix",)),
    ("layer.field", ("field",)),
    ("layer", ("layers",)),
    ("network.", ("layers",)),
    ("batchnorm.", ("batchnorm",)),
)


class LessonError(SessionFileError):
    """One line for the user: which lesson file, on which line, what is wrong there, what would be right."""


def read_lesson(path: Path) -> Lesson:
    """The lesson in a file. Raises LessonError for whatever is wrong with it, at its line."""
    name = str(path)
    try:
        content = read_regular(path.expanduser())
    except FileNotFoundError:
        close = did_you_mean(path.name, neighbours(path))
        raise LessonError(f"{printable(name)}: no such file{close}") from None
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise LessonError(f"{printable(name)}: cannot be read ({why})") from None
    if len(content) > LARGEST_FILE:
        raise LessonError(f"{printable(name)}: a lesson may have at most {LARGEST_FILE >> 20} MiB")
    try:
        return parse_lesson(content.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise LessonError.at(name, line, "not UTF-8 text; save it as UTF-8") from None


def parse_lesson(text: str, path: Path) -> Lesson:
    """The lesson in a text from the file of that name. Raises LessonError."""
    try:
        return _parsed(text, path)
    except LessonError:
        raise
    except InputError as error:
        raise LessonError(str(error)) from None


def _parsed(text: str, path: Path) -> Lesson:
    name = str(path)
    whole = TomlDocument.parse(text, name)
    for key in whole.data:
        if key not in _TOP:
            raise whole.error((key,), _unknown(key, _TOP))
    if not is_whole(whole.data.get("lesson")) or whole.data["lesson"] != FORMAT:
        what = "not a convtui lesson" if "lesson" not in whole.data else "a lesson of another format"
        raise whole.error(("lesson",), f"{what}; a lesson has the line lesson = {FORMAT}")
    title = whole.data.get("title")
    if not isinstance(title, str) or not title.strip():
        raise whole.error(("title",), 'title: must be text in quotes, such as title = "Stride"')
    written = whole.data.get("step")
    if not isinstance(written, list) or not 1 <= len(written) <= MOST_STEPS:
        raise whole.error(("step",), f"a lesson has 1 to {MOST_STEPS} steps, each under a line [[step]]")
    steps: list[LessonStep] = []
    bodies = list(_bodies(text, name))
    if len(bodies) != len(written):
        raise whole.error(("step",), "each step is under a line [[step]]")
    for (line, body), data in zip(bodies, written, strict=True):
        document = TomlDocument(name, body, data, first_line=line + 1)
        document.require_64_bits()
        steps.append(_step(line, document, steps[-1] if steps else None))
    return Lesson(printable(title.strip()), tuple(steps), path, _first_comment(text))


def _bodies(text: str, name: str) -> Iterator[tuple[int, str]]:
    """The line of each header [[step]], and the text of that step, which begins on the next line."""
    first, body = 0, ""
    for statement in statements(text):
        is_step = statement.is_header and re.fullmatch(r"\s*\[\[\s*step\s*\]\]\s*(#.*)?\s*", statement.text)
        if is_step:
            if first:
                yield first, body
            first, body = statement.line + statement.text.count("\n") - 1, ""
        elif statement.is_header:
            keys = statement.text.strip()
            raise LessonError.at(name, statement.line, f"{printable(keys)}: a lesson has only [[step]]")
        elif first:
            body += statement.text
    if first:
        yield first, body


def _first_comment(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((line.lstrip("# ") for line in lines if line.startswith("#")), "")


class _Keys:
    """The keys of a step, each checked for what it must be."""

    def __init__(self, document: TomlDocument) -> None:
        self.document, self.data = document, document.data

    def must_be(self, key: str, what: str) -> LessonError:
        return LessonError(
            str(self.document.error((key,), f"{key} = {short_repr(self.data[key])}: must be {what}"))
        )

    def wrong(self, key: str, why: str) -> LessonError:
        return LessonError(str(self.document.error((key,), f"{key}: {why}")))

    def text(self, key: str) -> str:
        value = self.data.get(key, "")
        if not isinstance(value, str):
            raise self.must_be(key, "text in quotes")
        return self.on_a_line(key, value)

    def notes(self) -> str:
        """Whose lines are kept, as a presenter reads them."""
        value = self.data.get("notes", "")
        if not isinstance(value, str):
            raise self.must_be("notes", "text in quotes")
        return "\n".join(self.on_a_line("notes", line) for line in value.strip().split("\n"))

    def on_a_line(self, key: str, text: str) -> str:
        line = " ".join(text.split())
        if not line.isprintable():
            odd = next(each for each in line if not each.isprintable())
            raise self.wrong(key, f"has the character {odd!r}, which cannot be shown")
        return line

    def one_of(self, key: str, names: tuple[str, ...], default: str) -> str:
        value = self.text(key) or default
        if value and value not in names:
            raise self.wrong(key, _unknown(value, names))
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.must_be(key, "a list of texts in quotes")
        return tuple(self.on_a_line(key, each) for each in value)

    def flag(self, key: str) -> bool:
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self.must_be(key, "true or false")
        return value

    def whole(self, key: str) -> int | None:
        value = self.data.get(key)
        if value is not None and not (is_whole(value) and value >= 0):
            raise self.must_be(key, "a whole number, 0 or more")
        return None if value is None else int(value)


def _step(line: int, document: TomlDocument, before: LessonStep | None) -> LessonStep:
    keys = _Keys(document)
    for key in document.data:
        if key not in STEP_KEYS:
            raise document.error((key,), _unknown(key, STEP_KEYS))
    if not keys.text("words"):
        raise LessonError.at(document.name, line, 'a step needs words = "…"')
    page = keys.one_of("page", PAGES, before.page if before else "step")
    if keys.text("model") and page != "layers":
        raise keys.wrong("model", 'is shown on another page: page = "layers"')
    if "row" in document.data and not keys.text("model"):
        raise keys.wrong("row", 'needs a model, such as model = "shape_bug:Net"')
    return LessonStep(
        words=keys.text("words"),
        title=keys.text("title"),
        page=page,
        image=keys.text("image"),
        operation=keys.text("operation"),
        way=keys.text("way"),
        settings=keys.texts("settings"),
        recipe=keys.texts("recipe") if "recipe" in document.data else None,
        batchnorm=keys.texts("batchnorm"),
        multiply_adds=keys.whole("multiply_adds"),
        finished=keys.flag("finished"),
        zoom=keys.one_of("zoom", ZOOMS, ""),
        view=_view(keys),
        slice=keys.whole("slice"),
        model=keys.text("model"),
        row=keys.whole("row"),
        highlight=keys.texts("highlight"),
        question=_question(keys),
        after=keys.text("after"),
        plays=keys.one_of("reveal", ("play",), "") == "play",
        notes=keys.notes(),
        ideas=keys.texts("ideas"),
        line=line,
        lines={key: document.line(key) for key in document.data},
    )


def _view(keys: _Keys) -> tuple[str, ...]:
    view = keys.texts("view")
    for flag in view:
        if flag not in VIEW_FLAGS:
            raise keys.wrong("view", _unknown(flag, VIEW_FLAGS))
    return view


def _question(keys: _Keys) -> Question | None:
    data = keys.data
    if "ask" not in data:
        for key in _OF_A_QUESTION:
            if key in data:
                raise keys.wrong(key, 'needs a question: ask = "…"')
        return None
    if not keys.text("ask"):
        raise keys.must_be("ask", "the text of a question")
    answer = _answer(keys)
    if (answer is None) == ("until" not in data):
        raise keys.wrong("ask", "needs an answer, or a condition (until), and not both")
    for key, needed in (
        ("figure", "answer"),
        ("choices", "answer"),
        ("solution", "until"),
        ("until", "solution"),
    ):
        if key in data and needed not in data:
            raise keys.wrong(key, f"needs {needed}")
    choices = keys.texts("choices")
    if "choices" in data and not 2 <= len({each.lower() for each in choices}) == len(choices) <= MOST_CHOICES:
        raise keys.must_be("choices", f"2 to {MOST_CHOICES} different texts")
    if isinstance(answer, str) and answer not in choices:
        raise keys.wrong("answer", f"must be one of the choices: {', '.join(choices) or 'choices = [...]'}")
    if choices and not isinstance(answer, str):
        raise keys.must_be("answer", "one of the choices")
    if answer is not None and not isinstance(answer, str) and "figure" not in data:
        raise keys.wrong("answer", 'needs figure = "…", the expression that the engine works out')
    tolerance = data.get("tolerance", _half_of_the_last_digit(answer))
    if not is_number(tolerance) or tolerance < 0:
        raise keys.must_be("tolerance", "a number, 0 or more")
    figure, until = keys.text("figure"), keys.text("until")
    masks = keys.texts("masks") if "masks" in data else _masks_for(figure)
    for mask in masks:
        if mask not in MASKS:
            raise keys.wrong("masks", _unknown(mask, MASKS))
    return Question(
        text=keys.text("ask"),
        answer=answer,
        figure=figure,
        tolerance=float(tolerance),
        choices=choices,
        until=until,
        solution=keys.texts("solution"),
        wrong=_wrong_answers(keys),
        hint=keys.text("hint"),
        masks=frozenset(masks),
    )


def _masks_for(figure: str) -> tuple[str, ...]:
    return next((masks for part, masks in _DEFAULT_MASKS if part in figure), ())


def _answer(keys: _Keys) -> Answer | None:
    answer: Any = keys.data.get("answer")
    if answer is None:
        return None
    if isinstance(answer, str):
        return keys.text("answer")
    if isinstance(answer, list) and answer and all(map(is_whole, answer)):
        return tuple(answer)
    if is_number(answer):
        return answer if is_whole(answer) else float(answer)
    raise keys.must_be("answer", "a number, a shape such as [1, 14, 14], or one of the choices")


def _half_of_the_last_digit(answer: Answer | None) -> float:
    """How far an answer may be off: 0.005 for 0.28; whole numbers are exact."""
    if not isinstance(answer, float) or answer.is_integer():
        return 0.0
    exponent = Decimal(repr(answer)).as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0**exponent


def _wrong_answers(keys: _Keys) -> tuple[WrongAnswer, ...]:
    pairs = keys.data.get("wrong", [])
    is_list = isinstance(pairs, list)
    if not is_list or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(each, str) for each in pair)
        for pair in pairs
    ):
        raise keys.must_be("wrong", 'a list of pairs: [["27", "the reason"], ...]')
    lines = [keys.document.element_line("wrong", element=at) for at in range(len(pairs))]
    return tuple(
        WrongAnswer(keys.on_a_line("wrong", when), keys.on_a_line("wrong", reason), line)
        for (when, reason), line in zip(pairs, lines, strict=True)
    )


def _unknown(key: str, known: tuple[str, ...]) -> str:
    close = did_you_mean(key, known) or f"; choose from {', '.join(known)}"
    return f"{printable(key)}: unknown name{close}"
