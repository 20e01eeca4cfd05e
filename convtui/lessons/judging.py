"""Whether an answer is right; and if it is not, the reason of that very error where the lesson knows it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from convtui.inputs.names import printable
from convtui.lessons.expressions import ExpressionError, evaluated
from convtui.lessons.figures import Seen, filled, shown
from convtui.lessons.lesson import Answer, Question


@dataclass(frozen=True)
class Verdict:
    """Whether it is right, and what is said about it: "" where nothing need be."""

    is_right: bool
    words: str = ""


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
    return Verdict(False, filled(question.hint, seen))


def noticed(question: Question, seen: Seen) -> Verdict | None:
    """The verdict on what the user has done; None while it is neither what is asked for nor a known error."""
    with suppress(ExpressionError):
        if evaluated(question.until, seen):
            return Verdict(True)
    for wrong in question.wrong:
        with suppress(ExpressionError):
            if evaluated(wrong.when, seen):
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


def _known_wrong(question: Question, when: str, seen: Seen) -> Answer:
    if question.choices:
        return when
    value = evaluated(when, seen)
    if isinstance(value, tuple):
        return tuple(int(each) for each in value)
    return value


def _read(question: Question, text: str) -> Answer:
    text = text.strip()
    if question.choices:
        return _choice(question.choices, text)
    if isinstance(question.answer, tuple):
        return _shape(text, len(question.answer))
    return _number(text)


def _choice(choices: tuple[str, ...], text: str) -> str:
    """By its letter, its number, or the beginning of its words."""
    for at, choice in enumerate(choices):
        if text.lower().rstrip(").") in (letter_of(at), str(at + 1)):
            return choice
    begun = [choice for choice in choices if text and choice.lower().startswith(text.lower())]
    if len(begun) == 1:
        return begun[0]
    letters = ", ".join(letter_of(at) for at in range(len(choices)))
    raise UnreadableAnswer(f"{printable(text)}: answer with {letters}")


def _shape(text: str, length: int) -> tuple[int, ...]:
    """The numbers of [1, 14, 14], 1x14x14 or 1 14 14."""
    numbers = re.findall(r"[0-9]+", text)
    if len(numbers) != length or re.search(r"[^\s0-9,x×*()\[\].]", text, re.IGNORECASE):
        raise UnreadableAnswer(f"{printable(text)}: a shape of {length} numbers, such as {_example(length)}")
    return tuple(int(number[:9]) for number in numbers)


def _example(length: int) -> str:
    return "x".join(["1", "28", "28", "3"][:length]) if length != 2 else "28x28"


def _number(text: str) -> float:
    """A number, also as 1/9, 98%, −3 or 1,437."""
    plain = text.replace("−", "-").replace(" ", "")
    plain = re.sub(r",(?=[0-9]{3}(?![0-9]))", "", plain)
    numerator, slash, denominator = plain.removesuffix("%").partition("/")
    try:
        value = Decimal(numerator) / (Decimal(denominator) if slash else 1)
        number = float(value / 100 if plain.endswith("%") else value)
    except (InvalidOperation, ZeroDivisionError, OverflowError):
        raise UnreadableAnswer(f"{printable(text)}: answer with a number, such as 14 or 0.5") from None
    if number != number or abs(number) == float("inf"):
        raise UnreadableAnswer(f"{printable(text)}: answer with a number, such as 14 or 0.5")
    return number


def _equal(given: Answer, right: Answer, tolerance: float) -> bool:
    if isinstance(given, int | float) and isinstance(right, int | float):
        return abs(given - right) <= max(tolerance, 1e-9)
    return given == right
