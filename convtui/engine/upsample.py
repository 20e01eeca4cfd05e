"""Upsampling: each output cell is the nearest input cell, or lies on straight lines between the nearest two.

Source: https://pytorch.org/docs/stable/generated/torch.nn.Upsample.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from convtui.engine.adaptive import MOST_OUTPUTS
from convtui.engine.layers import Layer, Shape, flag, maps_of, number_text, short
from convtui.engine.spec import Floats, Indices, Pair, SpecError, real_number, whole_number

Mode: TypeAlias = Literal["nearest", "bilinear"]
Scale: TypeAlias = tuple[float, float]

MOST_SCALED: Final = 2**14  # rows or columns, of a layer that takes any input
_ROUNDING: Final = 1e-11  # what lies so close to a cell lies on it


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Along one axis, the two inputs that each output lies between, and the share of the second in it."""

    first: Indices
    second: Indices
    share: Floats

    def windows(self) -> tuple[range, ...]:
        """What each output reads: one input where the second has no share, else both."""
        lasts = np.where(self.share > 0, self.second, self.first).tolist()
        return tuple(range(first, last + 1) for first, last in zip(self.first.tolist(), lasts, strict=True))


@dataclass(frozen=True, init=False)
class Upsample(Layer):
    """torch.nn.Upsample: to so many rows and columns, or by a factor; nearest or bilinear.

    align_corners is only for bilinear: the corner cells of input and output are then the same.
    Raises SpecError where PyTorch refuses the parameters, and for its other modes.
    """

    kind = "upsample"
    size: Pair | None
    scale_factor: Scale | None
    mode: Mode
    align_corners: bool

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        if mode not in ("nearest", "bilinear"):
            raise SpecError("mode", mode, "unknown mode", "'nearest' or 'bilinear'")
        if (size is None) == (scale_factor is None):
            raise SpecError("size", size, "needs either size or scale_factor, one of them", "scale_factor 2")
        if align_corners is not None and mode == "nearest":
            raise SpecError("align_corners", align_corners, "is only for mode bilinear", "bilinear")
        self._set(
            size=None if size is None else _sizes(size),
            scale_factor=None if scale_factor is None else _factors(scale_factor),
            mode=mode,
            align_corners=align_corners is not None and flag("align_corners", align_corners),
        )

    def output_shape(self, *shapes: Shape) -> Shape:
        """[channels, rows, columns]. Raises SpecError for features, and for no or too many outputs."""
        channels, *sizes = maps_of(self, shapes[0])
        if self.size:
            return channels, *self.size
        assert self.scale_factor
        rows, columns = (int(n * factor) for n, factor in zip(sizes, self.scale_factor, strict=True))
        for count, name in (rows, "rows"), (columns, "columns"):
            if not 1 <= count <= MOST_SCALED:
                raise SpecError(
                    "scale_factor", self.scale_factor, f"makes {count} {name}, not 1 to {MOST_SCALED}"
                )
        return channels, rows, columns

    def neighbours(self, shape: Shape) -> tuple[Neighbours, Neighbours]:
        """What the rows and the columns of the output lie between, for an input of this shape."""
        _, height, width = shape
        _, rows, columns = self.output_shape(shape)
        down, across = self.scale_factor or (0.0, 0.0)
        return self._between(height, rows, down), self._between(width, columns, across)

    def windows(self, shape: Shape) -> tuple[tuple[range, ...], tuple[range, ...]]:
        """The rows and the columns of an input of this shape that each row and column of the output reads."""
        down, across = self.neighbours(shape)
        return down.windows(), across.windows()

    def _between(self, inputs: int, outputs: int, factor: float) -> Neighbours:
        index, last = np.arange(outputs), inputs - 1
        step = 1 / factor if factor else inputs / outputs
        if inputs == outputs:
            return Neighbours(index, index, np.zeros(outputs))
        if self.mode == "nearest":
            # As in PyTorch: twice as many are two of each, whatever the factor; float32 decides at borders.
            step = 0.5 if outputs == 2 * inputs else step
            first = np.minimum(np.float32(step) * index.astype(np.float32), last).astype(np.intp)
            return Neighbours(first, first, np.zeros(outputs))
        if self.align_corners:
            place = index * (last / (outputs - 1) if outputs > 1 else 0.0)
        else:
            place = np.maximum((index + 0.5) * step - 0.5, 0.0)
        whole = np.round(place)
        place = np.where(np.abs(place - whole) < _ROUNDING, whole, place)
        first = np.minimum(place.astype(np.intp), last)
        second = np.minimum(first + 1, last)
        return Neighbours(first, second, np.where(second > first, place - first, 0.0))

    def of(self, x: Floats) -> Floats:
        """The output for a mini-batch [N, channels, rows, columns]."""
        down, across = self.neighbours(x.shape[1:])
        rows = x[:, :, down.first]
        if down.share.any():
            rows = rows + (x[:, :, down.second] - rows) * down.share[:, None]
        cells: Floats = rows[..., across.first]
        if across.share.any():
            cells = cells + (rows[..., across.second] - cells) * across.share
        return cells

    def __str__(self) -> str:
        factors = _written_factors(self.scale_factor) if self.scale_factor else ""
        words = [self.kind, factors or f"size={short(self.size or (1, 1))}"]
        words += [] if self.mode == "nearest" else [self.mode]
        return " ".join(words + (["align_corners"] if self.align_corners else []))


def _sizes(size: int | Sequence[int]) -> Pair:
    sides = size if isinstance(size, list | tuple) else (size, size)
    if len(sides) != 2:
        raise SpecError("size", size, "must be one number or a pair (rows, columns)")
    rows, columns = (whole_number("size", side, MOST_OUTPUTS) for side in sides)
    return rows, columns


def _factors(scale_factor: float | Sequence[float]) -> Scale:
    sides = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor, scale_factor)
    if len(sides) != 2:
        raise SpecError("scale_factor", scale_factor, "must be one number or a pair (rows, columns)")
    rows, columns = (real_number("scale_factor", side) for side in sides)
    if min(rows, columns) <= 0:
        raise SpecError("scale_factor", scale_factor, "must be greater than 0", "2")
    return rows, columns


def _written_factors(factors: Scale) -> str:
    rows, columns = map(number_text, factors)
    return rows if rows == columns else f"{rows}x{columns}"
