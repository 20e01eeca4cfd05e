"""Whether an answer is right; and if it is not, the reason of that very error where the lesson knows it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from math import inf, isfinite
from typing import Final

from convtui.engine.words import counted
from convtui.inputs.names import printable
from convtui.lessons.expressions import ExpressionError, Value, evaluated
from convtui.lessons.figures import Seen, filled, shown
from convtui.lessons.lesson import Answer, Question


@dataclass(frozen=True)
class Verdict:
    """Whether it is right, and what is said about it: "" where nothing need be."""

    is_right: bool
    words: str = ""


_THOUSANDS: Final = re.compile(r"[-+]?[1-9][0-9]{0,2}([, ][0-9]{3})+(\.[0-9]*)?")


class UnreadableAnswer(ValueError):
    """What was typed is no answer of the kind that is asked for; it does not count as wrong."""


def judged(question: Question, text: str, seen: Seen) -> Verdict:
    """The verdict on an answer that was typed. Raises UnreadableAnswer for what is none of its kind."""
    assert question.answer is not None
    given = _read(question, text)
    if _equal(given, question.answer, question.tolerance):
        return Verdict(True)
    for wrong in question.wrong:
        with suppress(ExpressionError):
            if _equal(given, _known_wrong(question, wrong.when, seen), question.tolerance):
                return Verdict(False, filled(wrong.reason, seen))
    with suppress(ExpressionError):
        return Verdict(False, filled(question.hint, seen))
    return Verdict(False)


def noticed(question: Question, seen: Seen) -> Verdict | None:
    """The verdict on what the user has done; None while it is neither what is asked for nor a known error."""
    with suppress(ExpressionError):
        if evaluated(question.until, seen) is True:
            return Verdict(True)
    for wrong in question.wrong:
        with suppress(ExpressionError):
            if evaluated(wrong.when, seen) is True:
                return Verdict(False, filled(wrong.reason, seen))
    return None


def answer_text(question: Question) -> str:
    """The right answer in words; for what is to be done, the settings that do it."""
    if question.answer is None:
        return " · ".join(question.solution)
    if isinstance(question.answer, str):
        return f"{letter_of(question.choices.index(question.answer))} {question.answer}"
    return shown(question.answer)


def letter_of(choice: int) -> str:
    """The letter that stands for a choice: a for the first."""
    return "abcdefghijklmnopqrstuvwxyz"[choice]


def _known_wrong(question: Question, when: str, seen: Seen) -> Value:
    if question.choices:
        return when
    return evaluated(when, seen)


def _read(question: Question, text: str) -> Answer:
    text = text.strip()
    if question.choices:
        return _choice(question.choices, text)
    if isinstance(question.answer, tuple):
        return _shape(text, len(question.answer))
    return _number(text)


def _choice(choices: tuple[str, ...], text: str) -> str:
    """By its words, its letter, the beginning of its words, or its number, whichever fits first."""
    typed = text.lower()
    mark = typed.rstrip(").")
    letters = [letter_of(at) for at in range(len(choices))]
    by_words = {choice.lower(): choice for choice in choices}
    by_letter = dict(zip(letters, choices, strict=True))
    begun = [choice for choice in choices if typed and choice.lower().startswith(typed)]
    by_number = {str(number): choice for number, choice in enumerate(choices, start=1)}
    if typed in by_words:
        return by_words[typed]
    if mark in by_letter:
        return by_letter[mark]
    if len(begun) == 1:
        return begun[0]
    if not begun and mark in by_number:
        return by_number[mark]
    raise UnreadableAnswer(f"{printable(text)}: answer with {', '.join(letters)}")


def _shape(text: str, length: int) -> tuple[int, ...]:
    """The numbers of [1, 14, 14], 1x14x14 or 1 14 14."""
    numbers = re.split(r"\s*[,x×*]\s*|\s+", text.lower().strip("()[] "))
    if len(numbers) != length or not all(re.fullmatch("[0-9]{1,9}", number) for number in numbers):
        example = "x".join(["1", *["28"] * (length - 1)] if length > 2 else ["28"] * length)
        raise UnreadableAnswer(
            f"{printable(text)}: answer with {counted(length, 'number')}, such as {example}"
        )
    return tuple(map(int, numbers))


def _number(text: str) -> float:
    """A number, also as 1/9, 98%, −3, 1,437 or 0,5."""
    numerator, slash, denominator = text.removesuffix("%").partition("/")
    try:
        value = _decimal(numerator) / (_decimal(denominator) if slash else 1)
        number = float(value / 100 if text.endswith("%") else value)
    except (ArithmeticError, ValueError):
        number = inf
    if not isfinite(number):
        raise UnreadableAnswer(f"{printable(text)}: answer with a number, such as 14 or 0.5")
    return number


def _decimal(text: str) -> Decimal:
    """Commas and spaces set off thousands; any other comma is a decimal one. Raises ArithmeticError."""
    plain = text.strip().replace("−", "-")
    if _THOUSANDS.fullmatch(plain):
        return Decimal(re.sub("[, ]", "", plain))
    return Decimal(plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain)


def _equal(given: Answer, right: Value, tolerance: float) -> bool:
    if isinstance(given, int | float) and isinstance(right, int | float):
        return abs(given - right) <= max(tolerance, 1e-9)
    return given == right
