"""What a pooling does to a window: take the greatest pixel, or divide the sum by how many entries count."""

from dataclasses import dataclass
from operator import index
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convtui.engine.adaptive import AdaptiveAxis
from convtui.engine.cross_correlation import running_sums
from convtui.engine.spec import LARGEST, Axis, Floats, Indices, Pair, SpecError

PoolAxis: TypeAlias = Axis | AdaptiveAxis
PoolAxes: TypeAlias = tuple[PoolAxis, PoolAxis]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Winner:
    """The greatest pixel of a window, at (row, column) of it: the first of several, row by row.

    at: None if no entry of the window is a pixel; the value is -inf then, as in PyTorch.
    gradient [kH, kW]: what reaches each entry of a gradient of 1 in the output cell: all of it the winner.
    """

    at: Pair | None
    value: float
    gradient: Floats


@dataclass(frozen=True, eq=False)
class Mean:
    """The sum of a window, divided by how many of its entries count or by divisor_override.

    running [kH*kW]: the sum after each entry, row by row. is_counted [kH, kW]: which entries count.
    divisor_formula: where the divisor comes from, as "2·3 = 6". reason: why it is not simply the window's
    size, or "".
    gradient [kH, kW]: what reaches each entry of a gradient of 1 in the output cell; 0 if it is no pixel.
    """

    running: Floats
    divisor: int
    is_counted: Mask
    divisor_formula: str
    reason: str
    gradient: Floats

    @property
    def total(self) -> float:
        """The sum of the window."""
        return float(self.running[-1])

    @property
    def value(self) -> float:
        """The output cell."""
        return self.total / self.divisor


@dataclass(frozen=True)
class Maximum:
    """The greatest pixel of each window; padding never is it."""

    filling: ClassVar[float] = -np.inf

    def of(self, window: Floats, is_padding: Mask, *_: object) -> Winner:
        """How the pixel is found that is the greatest of a window [kH, kW]."""
        gradient = np.zeros(window.shape)
        if is_padding.all():
            return Winner(None, -np.inf, gradient)
        row, column = divmod(int(np.where(is_padding, -np.inf, window).argmax()), window.shape[1])
        gradient[row, column] = 1.0
        return Winner((row, column), float(window[row, column]), gradient)

    def take(self, values: Floats, more: Floats) -> None:
        """Go on to the next entry of each window."""
        np.maximum(values, more, out=values)

    def whole(self, windows: Floats, in_order: bool) -> Floats:  # noqa: ARG002
        """[...] what comes of windows [..., rows, columns]."""
        greatest: Floats = windows.max(axis=(-2, -1))
        return greatest

    def finished(self, values: Floats, axes: PoolAxes, rows: Indices, columns: Indices) -> Floats:  # noqa: ARG002
        """[..., rows, columns] the output cells, once all entries are taken."""
        return values


@dataclass(frozen=True)
class Average:
    """The mean of each window, with the parameters of torch.nn.AvgPool2d.

    Entries that hang over the padded image, as they do with ceil_mode, never count.
    Raises SpecError for what PyTorch refuses.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
    """

    count_include_pad: bool = True
    divisor_override: int | None = None

    filling: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.count_include_pad, bool):
            raise SpecError("count_include_pad", self.count_include_pad, "must be true or false")
        if self.divisor_override is not None:
            object.__setattr__(self, "divisor_override", _divisor(self.divisor_override))

    def of(self, window: Floats, is_padding: Mask, axes: PoolAxes, at: Pair) -> Mean:
        """How the mean of a window [kH, kW] is worked out, that of the output at this (row, column)."""
        row_counts, column_counts = (
            self._is_counted(axis, output) for axis, output in zip(axes, at, strict=True)
        )
        is_counted = row_counts[:, None] & column_counts
        rows, columns = int(row_counts.sum()), int(column_counts.sum())
        divisor, formula = rows * columns, f"{rows}·{columns} = {rows * columns}"
        if self.divisor_override is not None:
            divisor, formula = self.divisor_override, f"divisor_override = {self.divisor_override}"
        return Mean(
            running=running_sums(window),
            divisor=divisor,
            is_counted=is_counted,
            divisor_formula=formula,
            reason=self._reason(is_padding, is_counted),
            gradient=np.where(is_padding, 0.0, 1 / divisor),
        )

    def take(self, values: Floats, more: Floats) -> None:
        """Go on to the next entry of each window."""
        values += more

    def whole(self, windows: Floats, in_order: bool) -> Floats:
        """[...] what comes of windows [..., rows, columns]."""
        sums: Floats = running_sums(windows)[..., -1] if in_order else windows.sum(axis=(-2, -1))
        return sums

    def finished(self, values: Floats, axes: PoolAxes, rows: Indices, columns: Indices) -> Floats:
        """[..., rows, columns] the output cells, once all entries are taken."""
        if self.divisor_override is not None:
            return values / self.divisor_override
        return values / self.divisors(axes, rows[:, None], columns)

    def divisors(self, axes: PoolAxes, rows: Indices, columns: Indices) -> Indices:
        """[...] what the sum of the window at these rows [...] and columns [...] is divided by."""
        if self.divisor_override is not None:
            return np.full(np.broadcast_shapes(rows.shape, columns.shape), self.divisor_override)
        divisors: Indices = self._counts(axes[0], rows) * self._counts(axes[1], columns)
        return divisors

    def different_divisors(self, axes: PoolAxes) -> Indices:
        """[n] the divisors that windows have, each once, ascending."""
        if self.divisor_override is not None:
            return np.array([self.divisor_override])
        rows, columns = (np.unique(self._counts(axis, np.arange(axis.output))) for axis in axes)
        return np.unique(np.multiply.outer(rows, columns))

    def _is_counted(self, axis: PoolAxis, output: int) -> Mask:
        """[kernel] which entries of a window along an axis count."""
        positions = axis.window(output)
        before, after = self._padding(axis)
        is_counted: Mask = (positions >= -before) & (positions < axis.size + after)
        return is_counted

    def _counts(self, axis: PoolAxis, outputs: Indices) -> Indices:
        """[...] how many entries count along an axis in the windows of outputs [...]."""
        before, after = self._padding(axis)
        starts, ends = axis.starts(outputs), axis.ends(outputs)
        counts: Indices = np.minimum(ends, axis.size + after) - np.maximum(starts, -before)
        return counts

    def _padding(self, axis: PoolAxis) -> Pair:
        """How much padding counts on each side of an axis."""
        return (axis.before, axis.after) if isinstance(axis, Axis) and self.count_include_pad else (0, 0)

    def _reason(self, is_padding: Mask, is_counted: Mask) -> str:
        if self.divisor_override is not None:
            return "divisor_override takes the place of the number of entries"
        if is_counted.all():
            return "the zeros of the padding count" if is_padding.any() else ""
        if not self.count_include_pad:
            return "without count_include_pad only pixels count"
        return "what hangs over the padded image does not count"


Reduction: TypeAlias = Maximum | Average


def _divisor(value: object) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise SpecError("divisor_override", value, "must be a whole number") from None
    if number == 0:
        raise SpecError("divisor_override", number, "must not be 0", "1")
    if abs(number) > LARGEST:
        raise SpecError("divisor_override", number, f"must be at most {LARGEST}", str(LARGEST))
    return number
