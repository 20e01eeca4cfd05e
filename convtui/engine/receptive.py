"""Receptive fields by arithmetic: which stretch of the image an activation can see, however deep it lies.

Only window sizes, strides, dilations and paddings count, so fields of any size cost the same.
Source: Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks,
https://distill.pub/2019/computing-receptive-fields
"""

from collections.abc import Sequence
from dataclasses import dataclass

from convtui.engine.spec import ConvSpec, Pair


@dataclass(frozen=True)
class AxisField:
    """The receptive fields of a layer's activations along rows or columns, in pixels.

    size: how many pixels a field spans. jump: how far apart the fields of neighbouring activations are.
    first: where the field of the first activation begins (negative in the padding).
    count: the number of activations (1 if the image's size is not known).
    """

    size: int = 1
    jump: int = 1
    first: int = 0
    count: int = 1

    @property
    def start(self) -> float:
        """The centre of the first activation's field: 0 is the middle of pixel 0."""
        return self.first + (self.size - 1) / 2

    def centre(self, index: int) -> float:
        """The centre of an activation's field."""
        return self.start + index * self.jump

    def span(self, index: int) -> Pair:
        """The first and the last pixel of an activation's field; they may lie in the padding."""
        first = self.first + index * self.jump
        return first, first + self.size - 1

    def clipped(self, index: int, pixels: int) -> Pair:
        """The same for an image of so many pixels; the last lies before the first if only padding is seen."""
        first, last = self.span(index)
        return max(first, 0), min(last, pixels - 1)

    def through(self, kernel: int, stride: int, dilation: int, before: int, count: int) -> "AxisField":
        """The fields after a layer whose windows read these activations, with so much padding before."""
        return AxisField(
            size=self.size + (kernel - 1) * dilation * self.jump,
            jump=self.jump * stride,
            first=self.first - before * self.jump,
            count=count,
        )

    @property
    def whole(self) -> "AxisField":
        """The field of an activation that reads all of these."""
        return self.through(self.count, 1, 1, 0, 1)


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive fields of a layer's activations; `misaligned` says how branches differ, if they do."""

    rows: AxisField = AxisField()
    columns: AxisField = AxisField()
    misaligned: str = ""

    @property
    def size(self) -> Pair:
        """How many (rows, columns) of pixels an activation sees in a large enough image."""
        return self.rows.size, self.columns.size

    @property
    def jump(self) -> Pair:
        """How many (rows, columns) of pixels the fields of neighbouring activations are apart."""
        return self.rows.jump, self.columns.jump

    @property
    def start(self) -> tuple[float, float]:
        """The (row, column) at the centre of the first activation's field."""
        return self.rows.start, self.columns.start

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """The (row, column) at the centre of an activation's field."""
        return self.rows.centre(row), self.columns.centre(column)

    def through(self, spec: ConvSpec, counts: Pair) -> "ReceptiveField":
        """The fields after a layer with windows and so many (rows, columns) of outputs."""
        rows, columns = (
            axis.through(spec.kernel_size[i], spec.stride[i], spec.dilation[i], spec.pads[i][0], counts[i])
            for i, axis in enumerate((self.rows, self.columns))
        )
        return ReceptiveField(rows, columns)

    @property
    def whole(self) -> "ReceptiveField":
        """The field of an activation that reads all activations of this layer."""
        return ReceptiveField(self.rows.whole, self.columns.whole)


def joined(fields: Sequence[ReceptiveField]) -> ReceptiveField:
    """What is seen through any of several paths: the largest field, if they are aligned.

    Of misaligned paths it is the stretch from where the first begins to where the last ends.
    """
    rows, columns = [field.rows for field in fields], [field.columns for field in fields]
    reports = [report for report in (_misaligned("rows", rows), _misaligned("columns", columns)) if report]
    return ReceptiveField(_hull(rows), _hull(columns), "; ".join(reports))


def _hull(fields: Sequence[AxisField]) -> AxisField:
    largest = max(fields, key=lambda field: field.size)
    first = min(field.first for field in fields)
    last = max(field.first + field.size - 1 for field in fields)
    return AxisField(last - first + 1, largest.jump, first, largest.count)


def _misaligned(name: str, fields: Sequence[AxisField]) -> str:
    jumps, centres = ({getattr(field, key) for field in fields} for key in ("jump", "start"))
    if len(jumps) > 1:
        return f"the branches jump by {_all(jumps)} pixels along the {name}"
    if len(centres) > 1:
        return f"the branches' first fields are centred at {_all(centres)} along the {name}"
    return ""


def _all(numbers: set[float]) -> str:
    return " and ".join(f"{number:g}" for number in sorted(numbers))
