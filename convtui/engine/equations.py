"""The neural network view of a convolution: one equation with letters for each output cell.

Only a small image has letters enough, and only there can the equations be read.
Source: Matt Kleinsmith, "CNNs from different viewpoints",
https://medium.com/impactai/cnns-from-different-viewpoints-fab7f52d159c
"""

from dataclasses import dataclass
from typing import NamedTuple

from convtui.engine.convolution import Convolution

GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
# Without I, which looks like 1. O is last, so never a pixel: there it would look like zero padding.
CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZO"
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Term(NamedTuple):
    """A weight times a pixel: their letters, their flat indices (of the pixel -1 in zero padding)."""

    weight: str
    pixel: str
    entry: int
    input: int


@dataclass(frozen=True)
class Equation:
    """How one output cell comes about: terms in the order they are added, the bias or "", its letter."""

    terms: tuple[Term, ...]
    bias: str
    output: str

    def __str__(self) -> str:
        addends = [term.weight + term.pixel for term in self.terms] + [self.bias] * bool(self.bias)
        return f"{' + '.join(addends)} = {self.output}"


@dataclass(frozen=True)
class Equations:
    """The letters of weight, image and output in flat order, and an equation for each output cell."""

    weights: str
    pixels: str
    outputs: str
    equations: tuple[Equation, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.equations))


def equations(convolution: Convolution) -> Equations:
    """The equations of a small convolution, such as αA + βB + γD + δE + b = P; zero padding is the pixel 0.

    Pixels are A, B, C, ... and outputs P, Q, R, ..., or the letters after the pixels' where these run out.
    Raises ValueError for more than 24 kernel entries, or more than 25 pixels and output cells together.
    """
    entries, pixels, outputs = convolution.weight.size, convolution.image.size, convolution.size
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
    return Equations(*letters, tuple(_equation(convolution, i, *letters) for i in range(outputs)))


def _equation(convolution: Convolution, index: int, weights: str, pixels: str, outputs: str) -> Equation:
    step = convolution.step(index)
    o, *_ = step.position
    _, height, width = convolution.image_shape
    terms = []
    for entry, (s, i, j, *_) in enumerate(step.multiply_adds, o * step.weights.size):
        row, column = int(step.source_rows[i]), int(step.source_columns[j])
        at = -1 if step.is_padding[i, j] else (step.channels[s] * height + row) * width + column
        terms.append(Term(weights[entry], "0" if at < 0 else pixels[at], entry, at))
    number = str(o + 1).translate(SUBSCRIPTS) if len(convolution.weight) > 1 else ""
    return Equation(tuple(terms), "b" + number if step.has_bias else "", outputs[index])
