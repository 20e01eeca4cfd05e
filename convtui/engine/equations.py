"""The neural network view of an operation: one equation with letters for each output cell.

Only a small image has letters enough, and only there can the equations be read.
Source: Matt Kleinsmith, "CNNs from different viewpoints",
https://medium.com/impactai/cnns-from-different-viewpoints-fab7f52d159c
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from convtui.engine.convolution import Convolution
from convtui.engine.pooling import Pooling
from convtui.engine.reductions import Mean
from convtui.engine.transposed import TransposedConvolution

GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
# Without I, which looks like 1. O is last, so never a pixel: there it would look like zero padding.
CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZO"
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Term(NamedTuple):
    """A weight times a pixel: their letters, their flat indices (of the pixel -1 in zero padding).

    Of a pooling, whose pixels have no weights, the letter is "" and the index that of the window's entry.
    """

    weight: str
    pixel: str
    entry: int
    input: int


@dataclass(frozen=True)
class Equation:
    """How one output cell comes about: terms in the order in which they are read, the bias or "", its letter.

    What stands before, between and behind the terms: "(", "+" and ") / 4" of a mean.
    """

    terms: tuple[Term, ...]
    bias: str
    output: str
    before: str = ""
    between: str = "+"
    behind: str = ""

    def __str__(self) -> str:
        return "".join(text for text, _ in self.pieces())

    def pieces(self, is_spaced: bool = True) -> list[tuple[str, Term | None]]:
        """Its characters, each piece with its term if it is one; with spaces around the signs or without."""
        pieces: list[tuple[str, Term | None]] = [(self.before, None)]
        for number, term in enumerate(self.terms):
            pieces += [(f" {self.between} ".replace(" ,", ",") if number else "", None)]
            pieces += [(term.weight + term.pixel, term)]
        left = self.behind if self.terms or self.bias else self.behind or "0"
        plus = " + " if self.terms and self.bias else ""
        pieces += [(f"{left}{plus}{self.bias} = {self.output}", None)]
        return pieces if is_spaced else [(text.replace(" ", ""), term) for text, term in pieces]


@dataclass(frozen=True)
class Equations:
    """The letters of weight, image and output in flat order, and an equation for each output cell.

    Of a pooling there are no letters for weights.
    """

    weights: str
    pixels: str
    outputs: str
    equations: tuple[Equation, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.equations))


def equations(operation: Convolution | Pooling | TransposedConvolution) -> Equations:
    """The equations of a small operation, such as αA + βB + γD + δE + b = P; zero padding is the pixel 0.

    Those of poolings are (A + B + D + E) / 4 = P and max(A, B, D, E) = E = P, where E is the winner.
    Pixels are A, B, C, ... and outputs P, Q, R, ..., or the letters after the pixels' where these run out.
    Raises ValueError for more than 24 kernel entries, or more than 25 pixels and output cells together.
    """
    pixels, outputs = operation.image.size, operation.size
    entries = 0 if isinstance(operation, Pooling) else operation.weight.size
    if entries > len(GREEK):
        raise ValueError(f"{entries} kernel entries are too many for Greek letters; at most {len(GREEK)}")
    if pixels + outputs > len(CAPITALS):
        raise ValueError(
            f"{pixels} pixels and {outputs} output cells are too many for letters; "
            f"at most {len(CAPITALS)} in total"
        )
    first = CAPITALS.index("P")
    first = first if pixels <= first <= len(CAPITALS) - outputs else pixels
    letters = GREEK[:entries], CAPITALS[:pixels], CAPITALS[first : first + outputs]
    match operation:
        case Convolution():
            lines = [_convolved(operation, i, *letters) for i in range(outputs)]
        case TransposedConvolution():
            lines = [_gathered(operation, i, *letters) for i in range(outputs)]
        case Pooling():
            lines = [_pooled(operation, i, *letters[1:]) for i in range(outputs)]
    return Equations(*letters, tuple(lines))


def _convolved(convolution: Convolution, index: int, weights: str, pixels: str, outputs: str) -> Equation:
    step = convolution.step(index)
    o, *_ = step.position
    _, height, width = convolution.image_shape
    terms = []
    for entry, (s, i, j, *_) in enumerate(step.multiply_adds, o * step.weights.size):
        row, column = int(step.source_rows[i]), int(step.source_columns[j])
        at = -1 if step.is_padding[i, j] else (step.channels[s] * height + row) * width + column
        terms.append(Term(weights[entry], "0" if at < 0 else pixels[at], entry, at))
    return Equation(tuple(terms), _bias(o, convolution.output_shape[0], step.has_bias), outputs[index])


def _gathered(
    transposed: TransposedConvolution, index: int, weights: str, pixels: str, outputs: str
) -> Equation:
    """That of a transposed convolution: the pixels that land on the output cell, with their weights."""
    step, row = transposed.step(index), transposed.weight_matrix.row(index)
    terms = [
        Term(weights[entry], pixels[at], entry, at)
        for entry, at in zip(row.all_entries.tolist(), row.indices.tolist(), strict=True)
    ]
    bias = _bias(step.position[0], transposed.output_shape[0], step.has_bias)
    return Equation(tuple(terms), bias, outputs[index])


def _pooled(pooling: Pooling, index: int, pixels: str, outputs: str) -> Equation:
    """That of a pooling: the mean of its window, or the greatest and which that is; padding never wins."""
    step, output = pooling.step(index), outputs[index]
    _, height, width = pooling.image_shape
    is_read = step.done.is_counted if isinstance(step.done, Mean) else ~step.is_padding
    numbers = (step.position[0] * height + step.source_rows[:, None]) * width + step.source_columns
    numbers = np.where(step.is_padding, -1, numbers)
    terms = [
        Term("", (pixels + "0")[at], int(entry), at)
        for entry, at in zip(np.flatnonzero(is_read), numbers[is_read].tolist(), strict=True)
    ]
    if isinstance(step.done, Mean):
        before, after = ("(", ")") if len(terms) > 1 else ("", "")
        return Equation(tuple(terms), "", output, before, "+", f"{after} / {step.done.divisor}")
    if step.done.at is None:
        return Equation((), "", output, behind="-inf")
    winner = pixels[numbers[step.done.at]]
    return Equation(tuple(terms), "", output, "max(", ",", f") = {winner}")


def _bias(o: int, filters: int, has_bias: bool) -> str:
    """Its letter, with its number where there are several; "" for none."""
    number = str(o + 1).translate(SUBSCRIPTS) if filters > 1 else ""
    return "b" + number if has_bias else ""
