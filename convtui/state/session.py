"""What the user is working on, as one immutable value.

Every key is a pure transition from one Session to the next, so undo is a list, saving is a dump, and a
change that PyTorch would refuse raises before anything is changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.convolution import Convolution, Step
from convtui.engine.kernels import LARGEST_SIDE, kernel, legal_sizes
from convtui.engine.spec import ConvSpec, Pair, SpecError, brief
from convtui.inputs.images import Picture, with_pixel
from convtui.state.history import Document

if TYPE_CHECKING:
    from convtui.engine.feature_maps import FeatureMaps
    from convtui.state.network import Stack

Array = NDArray[np.float64]

EDITABLE_PIXELS = 3 * 256 * 256
MOST_FILTERS = 4096


class Zoom(Enum):
    """How large a cell is drawn, largest first."""

    NUMBERS = "numbers"
    BLOCKS = "blocks"
    HALF_BLOCKS = "half-blocks"


@dataclass(frozen=True)
class View:
    """What is shown of a session, and how; nothing here changes a figure."""

    zoom: Zoom | None = None  # None: the largest that fits
    slice: int | None = None  # None: the first, or the picture in its own colours
    hints: bool = True
    by_entry: bool = False  # the matrix coloured by kernel entry, not by value
    with_padding: bool = False  # the matrix with the padding as columns
    transposed: bool = False
    letters: bool = False  # the matrix as equations in letters


@dataclass(frozen=True)
class KernelChoice:
    """Where the weights came from: a named kernel, a file, or the user's own edits."""

    name: str
    seed: int = 0
    filters: int | None = None  # None: as many as the kernel itself has
    named: bool = True  # False once edited or read from a file
    notice: str = field(default="", compare=False)  # what the user should know about how it was read

    @property
    def label(self) -> str:
        return self.name if self.named else f"{self.name} (custom)"


@dataclass(frozen=True)
class Session:
    """An image, a convolution over it, and the position in its output.

    `index` is the output cell in order filter, row, column; `taps` the multiply-adds done in that cell
    (None: all at once); `filled` how many output cells, from the first, have been computed so far.
    """

    picture: Picture
    convolution: Convolution
    kernel: KernelChoice
    index: int = 0
    taps: int | None = None
    filled: int = 1
    view: View = field(default_factory=View)
    path: Path | None = None  # the session file it was read from or saved to
    chosen_stack: Stack | None = None  # None: the default for the picture

    @classmethod
    def start(
        cls,
        picture: Picture,
        choice: KernelChoice,
        weight: Array | None = None,
        bias: Array | None = None,
        size: int | Pair = 3,
        **spec: Any,
    ) -> Session:
        """A new session at its first output cell. Raises SpecError for what PyTorch refuses.

        A named kernel is made to fit the image's channels and the groups; `weight` is [O, S, kH, kW].
        """
        groups = spec.get("groups", 1)
        slices = _slices(len(picture.pixels), groups)
        if weight is None:
            weight = _named_weight(choice, size, slices, groups)
        elif weight.shape[1] == 1:
            weight = _tiled(weight, slices, len(weight))
        return cls(picture, Convolution(picture.pixels, weight, bias, **spec), choice)

    # -- what is here

    @property
    def spec(self) -> ConvSpec:
        return self.convolution.spec

    @property
    def notice(self) -> str:
        """What the user should know about how the image and the kernel were read, and of chosen layers."""
        of_layers = self.chosen_stack.notice if self.chosen_stack else ""
        return "; ".join(filter(None, (self.picture.notice, self.kernel.notice, of_layers)))

    @property
    def size(self) -> int:
        """How many output cells there are."""
        return self.convolution.size

    @property
    def position(self) -> tuple[int, int, int]:
        return self.convolution.position(self.index)

    @property
    def step(self) -> Step:
        return self.convolution.step(self.index)

    @property
    def products(self) -> int:
        """Multiply-adds in one output cell."""
        _, slices, rows, columns = self.convolution.weight_shape
        return slices * rows * columns

    @property
    def slice(self) -> int:
        """The kernel slice on show: the one being computed, else the one chosen."""
        _, slices, rows, columns = self.convolution.weight_shape
        if self.taps:
            return (self.taps - 1) // (rows * columns)
        return min(self.view.slice or 0, slices - 1)

    @property
    def channel(self) -> int:
        """The image channel which that slice reads."""
        return self.convolution.channels_read(self.position[0])[self.slice]

    @property
    def own_colours(self) -> bool:
        return self.picture.colour and self.view.slice is None and not self.taps

    @property
    def stack(self) -> Stack:
        """The layers over the picture."""
        from convtui.state.network import default_stack

        return self.chosen_stack or default_stack(self.picture.pixels.shape)

    # -- stepping

    def at(self, index: int, taps: int | None = None) -> Session:
        """At another output cell; beyond an end, at that end."""
        index = min(max(index, 0), self.size - 1)
        return replace(self, index=index, taps=taps, filled=max(self.filled, index + 1))

    def moved(self, cells: int) -> Session:
        return self.at(self.index + cells)

    def moved_rows(self, rows: int) -> Session:
        """The same column, rows further; stays within the channel."""
        o, r, c = self.position
        row = min(max(r + rows, 0), self.convolution.output_shape[1] - 1)
        return self.at(self.convolution.index(o, row, c))

    def moved_channels(self, channels: int) -> Session:
        o, r, c = self.position
        channel = min(max(o + channels, 0), self.convolution.output_shape[0] - 1)
        return self.at(self.convolution.index(channel, r, c))

    def multiply_added(self, count: int = 1) -> Session:
        """`count` multiply-adds further (or back), across cells; a cell computed at once starts over."""
        whole = self.products if count < 0 else 0
        done = self.index * self.products + (whole if self.taps is None else self.taps) + count
        if done <= 0:
            return self.at(0, 0)
        index = min((done - 1) // self.products, self.size - 1)
        return self.at(index, min(done - index * self.products, self.products))

    def finished(self) -> Session:
        return replace(self, filled=self.size, taps=None)

    def restarted(self) -> Session:
        return replace(self, index=0, taps=None, filled=1)

    # -- changing the convolution

    def with_spec(self, **changes: Any) -> Session:
        """Stride, padding, dilation or padding mode changed; the window stays where it is on the image."""
        return self._rebuilt(self.convolution.replaced(**changes))

    def with_groups(self, groups: int) -> Session:
        """Other groups; the filters are made to fit: a slice for each channel of a group."""
        slices = _slices(len(self.picture.pixels), groups)
        if self.kernel.named:
            weight = _named_weight(self.kernel, self.spec.kernel_size, slices, groups)
        else:
            filters = self.kernel.filters or self.convolution.weight_shape[0]
            weight = _tiled(self.convolution.weight, slices, _filters_for(filters, groups), groups)
        return self._rebuilt(self._with_weight(weight, groups=groups))

    def with_filters(self, filters: int) -> Session:
        groups = self.spec.groups
        if not 1 <= filters <= MOST_FILTERS or filters % groups:
            most = MOST_FILTERS // groups * groups
            nearest = min(max(groups, round(filters / groups) * groups), most)
            reason = f"must be a multiple of groups={groups}, up to {most}"
            raise SpecError("filters", filters, reason, str(nearest))
        choice = replace(self.kernel, filters=filters)
        own, slices, *_ = self.convolution.weight_shape
        if choice.named:
            changed = self._with_weight(_named_weight(choice, self.spec.kernel_size, slices, groups))
        else:
            # A filter stays in its group: it is made for those channels.
            first, further = np.arange(groups)[:, None] * (own // groups), np.arange(filters // groups)
            picked = (first + further % (own // groups)).ravel()
            bias = self.convolution.bias
            bias = None if bias is None else bias[picked]
            changed = self.convolution.replaced(weight=self.convolution.weight[picked], bias=bias)
        return replace(self._rebuilt(changed), kernel=choice)

    def with_kernel_size(self, size: int | Pair) -> Session:
        """A named kernel at another size; own weights are cut, or grow by zeros."""
        rows, columns = (size, size) if isinstance(size, int) else size
        filters, slices = self.convolution.weight_shape[:2]
        if self.kernel.named:
            weight = _named_weight(self.kernel, (rows, columns), slices, self.spec.groups)
        else:
            _require_size(rows, columns)
            weight = np.zeros((filters, slices, rows, columns))
            old = self.convolution.weight[:, :, :rows, :columns]
            weight[:, :, : old.shape[2], : old.shape[3]] = old
        return self._rebuilt(self.convolution.replaced(weight=weight))

    def with_kernel(self, choice: KernelChoice, size: int | Pair | None = None) -> Session:
        """A named kernel; at the present size, or the nearest to it that the kernel has."""
        slices, groups = self.convolution.weight_shape[1], self.spec.groups
        try:
            weight = _named_weight(choice, size or self.spec.kernel_size, slices, groups)
        except SpecError:
            if size is not None:
                raise
            nearest = partial(_distance, self.spec.kernel_size[0])
            weight = _named_weight(choice, min(legal_sizes(choice.name), key=nearest), slices, groups)
        return replace(self._rebuilt(self._with_weight(weight)), kernel=choice)

    def with_weight(self, weight: Array, name: str, notice: str = "") -> Session:
        """Weights [O, S, kH, kW] of the user's own; a single slice serves every channel."""
        if weight.shape[1] == 1:
            weight = _tiled(weight, _slices(len(self.picture.pixels), self.spec.groups), len(weight))
        changed = self._rebuilt(self._with_weight(weight))
        return replace(changed, kernel=KernelChoice(name, filters=len(weight), named=False, notice=notice))

    def with_weight_value(self, o: int, s: int, i: int, j: int, value: float) -> Session:
        weight = self.convolution.weight.copy()
        weight[o, s, i, j] = value
        changed = replace(self, convolution=self.convolution.replaced(weight=weight))
        return replace(changed, kernel=replace(self.kernel, named=False))

    def with_bias(self, bias: Array | None) -> Session:
        """Biases [O], one for each output channel, or none."""
        return replace(self, convolution=self.convolution.replaced(bias=bias))

    def with_bias_value(self, o: int, value: float) -> Session:
        filters = self.convolution.weight_shape[0]
        bias = np.zeros(filters) if self.convolution.bias is None else self.convolution.bias.copy()
        bias[o] = value
        return self.with_bias(bias)

    def with_pixel_value(self, c: int, r: int, q: int, value: float) -> Session:
        if self.picture.pixels.size > EDITABLE_PIXELS:
            raise ValueError(f"{self.picture.name} is too large to edit; open it with --resize 256")
        picture = with_pixel(self.picture, c, r, q, value)
        return replace(self, picture=picture, convolution=self.convolution.replaced(image=picture.pixels))

    def with_picture(self, picture: Picture) -> Session:
        """Another image with the same kernel and spec, at its first output cell."""
        weight = self.convolution.weight
        slices = _slices(len(picture.pixels), self.spec.groups)
        if self.kernel.named:
            weight = _named_weight(self.kernel, self.spec.kernel_size, slices, self.spec.groups)
        elif (weight == weight[:, :1]).all():
            weight = _tiled(weight, slices, len(weight))
        fresh = self.convolution.replaced(image=picture.pixels, weight=weight, bias=self._bias(len(weight)))
        stack = self.chosen_stack and self.chosen_stack.over(picture.pixels.shape)
        return Session(picture, fresh, self.kernel, view=replace(self.view, slice=None), chosen_stack=stack)

    def with_stack(self, stack: Stack) -> Session:
        return replace(self, chosen_stack=stack)

    def with_layer_opened(self, feature_maps: FeatureMaps) -> Session:
        """The convolution of the stack's selected layer, with its real input, at the selected activation.

        Raises LayerError if that layer is not a convolution.
        """
        stack = chosen = self.stack
        convolution = feature_maps.convolution_of(stack.layer)
        picture = self.picture
        if stack.row.inputs != (0,):
            name = f"{picture.name} · layer {stack.layer} input"
            pixels = convolution.image
            lowest, highest = min(0.0, float(pixels.min())), float(pixels.max())
            highest = highest if highest > lowest else lowest + 1
            picture = Picture(pixels, name, "", False, lowest, highest)
            chosen = stack.over(pixels.shape)
        filters = convolution.weight_shape[0]
        run = f"{stack.trained.run_name} " if stack.trained else ""
        choice = KernelChoice(f"{run}layer {stack.layer}", filters=filters, named=False)
        view = replace(self.view, slice=None, zoom=None)
        opened = Session(picture, convolution, choice, view=view, chosen_stack=chosen)
        return opened.at(convolution.index(*stack.activation))

    def with_view(self, **changes: Any) -> Session:
        return replace(self, view=replace(self.view, **changes))

    # -- how the pieces are kept fitting

    def _with_weight(self, weight: Array, **spec: Any) -> Convolution:
        return self.convolution.replaced(weight=weight, bias=self._bias(len(weight)), **spec)

    def _bias(self, filters: int) -> Array | None:
        bias = self.convolution.bias
        return None if bias is None else bias[np.arange(filters) % len(bias)]

    def _rebuilt(self, convolution: Convolution) -> Session:
        """The same place on the image in another convolution; a finished output stays finished."""
        o, *cell = self.position
        rows, columns = (
            min(max((at * old.stride - old.before + new.before) // new.stride, 0), new.output - 1)
            for at, old, new in zip(cell, self.convolution.axes, convolution.axes, strict=True)
        )
        index = convolution.index(min(o, convolution.output_shape[0] - 1), rows, columns)
        is_finished = self.filled == self.size > 1
        filled = convolution.size if is_finished else index + 1
        return replace(self, convolution=convolution, index=index, taps=None, filled=filled)


SESSION: Final = Document[Session]("session")


def _named_weight(choice: KernelChoice, size: int | Pair, slices: int, groups: Any) -> Array:
    """A named kernel with as many filters as were asked for, or as it has, rounded up to fill the groups."""
    asked = choice.filters or len(kernel(choice.name))
    filters = _filters_for(asked, groups)
    return kernel(choice.name, size, in_channels=slices, filters=filters, seed=choice.seed)


def _distance(size: int, other: int) -> tuple[int, int]:
    return abs(other - size), other


def _slices(channels: int, groups: Any) -> int:
    """Slices of one filter; where the groups do not divide, one, and the spec's own check says why."""
    if not isinstance(groups, int) or groups < 1 or channels % groups:
        return channels
    return channels // groups


def _filters_for(filters: int, groups: Any) -> int:
    """The fewest filters, at least as many as asked, that the groups divide."""
    if not isinstance(groups, int) or groups < 1:
        return filters
    return -(-filters // groups) * groups


def _tiled(weight: Array, slices: int, filters: int, groups: int = 1) -> Array:
    """Weights repeated until they fill the shape; of those cut, each group keeps its own channels' slices."""
    group = np.arange(filters) * groups // filters
    picked = (group[:, None] * slices + np.arange(slices)) % weight.shape[1]
    tiled: Array = weight[np.arange(filters)[:, None] % len(weight), picked]
    return tiled


def _require_size(rows: int, columns: int) -> None:
    for side in (rows, columns):
        if not 1 <= side <= LARGEST_SIDE:
            nearest = str(min(max(side, 1), LARGEST_SIDE))
            raise SpecError(
                "kernel_size", brief((rows, columns)), f"must be from 1 to {LARGEST_SIDE}", nearest
            )
