"""What the user is working on, as one immutable value.

Every key is a pure transition from one Session to the next, so undo is a list, saving is a dump, and a
change that PyTorch would refuse raises before anything is changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.convolution import Convolution
from convtui.engine.kernels import (
    RANDOM,
    own_filters,
    random_weight,
)
from convtui.engine.pooling import Pooling
from convtui.engine.spec import Axis, ConvSpec, Pair, SpecError, brief
from convtui.engine.torch_text import pooling_call, torch_call, transposed_call
from convtui.engine.transposed_ways import Gathering, Scattering, SpreadAxis
from convtui.inputs.images import Picture, with_pixel
from convtui.state.history import Document
from convtui.state.kernel_choice import (
    KernelChoice,
    each_filter,
    filters_for,
    named_weight,
    nearest_size,
    require_size,
    slices_of,
    tiled,
)
from convtui.state.norm_choice import BATCH_NORM, NormChoice
from convtui.state.operation import (
    SCATTER,
    Operation,
    OtherOperation,
    fitted,
    in_way,
    kind_of,
    layer_of,
    of_kind,
    over,
    require_parameter,
    room_for,
    way_of,
)

if TYPE_CHECKING:
    from convtui.engine.layers import Layer
    from convtui.engine.pool_layers import AdaptivePool, Pool
    from convtui.engine.window_layers import Conv, ConvTranspose
    from convtui.engine.window_operation import WindowAxis
    from convtui.state.network import Stack

Array = NDArray[np.float64]

EDITABLE_PIXELS = 3 * 256 * 256
MOST_FILTERS = 4096
MOST_SEARCHED = 2**24  # multiply-adds


class Zoom(Enum):
    """How large a cell is drawn, largest first."""

    NUMBERS = "numbers"
    BLOCKS = "blocks"
    HALF_BLOCKS = "half-blocks"


class Panel(Enum):
    """What is shown of a filter, beside all filters of its layer."""

    KERNEL = "kernel"
    PATCHES = "patches"
    ACCURACY = "accuracy"  # without a filter
    CLASS = "class"


class Overlay(Enum):
    """What lies over the image whose class is explained."""

    IMAGE = "image"  # nothing
    GRADIENT = "gradient"
    OCCLUSION = "occlusion"


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
    features: bool = False  # the filters of a layer, instead of the table of layers
    panel: Panel = Panel.KERNEL
    panel_alone: bool = False  # without the tiles of all filters
    overlay: Overlay = Overlay.IMAGE
    explained: int | None = None  # the class; None: the one that is predicted


@dataclass(frozen=True)
class Session:
    """An image, an operation over it, and the position in its output.

    `index` is the output cell in order filter, row, column; `taps` the multiply-adds done in that cell
    (None: all at once); `filled` how many output cells, from the first, have been computed so far. Of a
    transposed convolution that scatters, these are the input cells instead, in order channel, row, column.
    The convolution stays what it is while another operation is stepped through.
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
    norm: NormChoice = BATCH_NORM  # that the Norms page begins with
    chosen_operation: OtherOperation | None = None  # None: the convolution
    went: str = field(default="", compare=False)  # where the last change moved the output cell, if it had to

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
        slices = slices_of(len(picture.pixels), groups)
        if weight is None:
            weight = named_weight(choice, size, slices, groups)
        elif weight.shape[1] == 1:
            weight = tiled(weight, slices, len(weight))
        return cls(picture, Convolution(picture.pixels, weight, bias, **spec), choice)

    # -- what is here

    @property
    def spec(self) -> ConvSpec:
        return self.convolution.spec

    @property
    def operation(self) -> Operation:
        """What is stepped through."""
        return self.chosen_operation or self.convolution

    @property
    def kind(self) -> str:
        """The name of the operation's kind."""
        return kind_of(self.operation)

    @property
    def way(self) -> str:
        """How a transposed convolution is stepped through; "" for any other operation."""
        return way_of(self.operation)

    @property
    def layer(self) -> Pool | AdaptivePool | ConvTranspose | None:
        """The layer that computes the operation; None for the convolution."""
        return None if self.chosen_operation is None else layer_of(self.chosen_operation)

    @property
    def notice(self) -> str:
        """What the user should know about how the image and the kernel were read, and of chosen layers."""
        of_layers = self.chosen_stack.notice if self.chosen_stack else ""
        return "; ".join(filter(None, (self.picture.notice, self.kernel.notice, of_layers)))

    @property
    def size(self) -> int:
        """How many output cells there are, or input cells that scatter."""
        return self.operation.size

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the cells that are gone through: those of the output or the image."""
        operation = self.operation
        return operation.image_shape if isinstance(operation, Scattering) else operation.output_shape

    @property
    def filter_names(self) -> tuple[str, ...]:
        """The named kernel of each filter; () where the weights are the user's own."""
        if not self.kernel.named:
            return ()
        return tuple(map(self.filter_name, range(self.convolution.weight_shape[0])))

    def filter_name(self, o: int) -> str:
        """The named kernel that filter o is; "" where the weights are the user's own."""
        if not self.kernel.named:
            return ""
        names = self.kernel.kernels or own_filters(self.kernel.name)
        return names[o % len(names)]

    @property
    def torch_call(self) -> str:
        """The PyTorch call that computes the output from the image x, the weight w and the bias b."""
        operation = self.operation
        if isinstance(operation, Pooling):
            return pooling_call(operation)
        has_bias = self.convolution.bias is not None
        if isinstance(operation, Convolution):
            return torch_call(self.spec, has_bias)
        return transposed_call(operation.transposed.spec, has_bias)

    @property
    def position(self) -> tuple[int, int, int]:
        return self.operation.position(self.index)

    @property
    def window_start(self) -> tuple[int, int]:
        """Row and column of the pixel where the window begins, below 0 in the padding; or the input cell."""
        _, row, column = self.position
        operation = self.operation
        if isinstance(operation, Scattering):
            return row, column
        down, across = operation.axes
        if isinstance(down, SpreadAxis) and isinstance(across, SpreadAxis):
            return down.first_pixel(row), across.first_pixel(column)
        return int(down.window(row)[0]), int(across.window(column)[0])

    @property
    def products(self) -> int:
        """Multiply-adds in the output cell; of a pooling, entries of its window."""
        return self.operation.entries(self.index)

    @property
    def is_begun(self) -> bool:
        """Whether the cell, the last that was reached, is computed in part only."""
        return self.taps is not None and self.taps < self.products and self.filled == self.index + 1

    @property
    def is_all_landed(self) -> bool:
        """Whether, scattering, every input cell has landed, and none is on show while it does."""
        return self.filled == self.size and (self.index + 1 < self.size or self.taps is None)

    @property
    def slices(self) -> int:
        """How many kernel slices the output cell has; scattering, those with which an input cell lands."""
        operation = self.operation
        if isinstance(operation, Scattering):
            return len(operation.channels_written(self.position[0]))
        return len(operation.channels_read(self.position[0]))

    @property
    def slice(self) -> int:
        """The kernel slice on show: the one being computed, else the one chosen."""
        slices = self.slices
        if self.taps:
            return (self.taps - 1) // (self.products // slices)
        return min(self.view.slice or 0, slices - 1)

    @property
    def last_slice(self) -> int:
        """The highest slice that a view can ask for."""
        return max(len(self.picture.pixels), self.slices) - 1

    @property
    def channel(self) -> int:
        """The image channel that is read with that slice."""
        operation = self.operation
        if isinstance(operation, Scattering):
            return self.position[0]
        return operation.channels_read(self.position[0])[self.slice]

    @property
    def output_channel(self) -> int:
        """The output channel that is computed with that slice."""
        operation = self.operation
        if isinstance(operation, Scattering):
            return operation.channels_written(self.position[0])[self.slice]
        return self.position[0]

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
        row = min(max(r + rows, 0), self.shape[1] - 1)
        return self.at(self.operation.index(o, row, c))

    def moved_channels(self, channels: int) -> Session:
        o, r, c = self.position
        channel = min(max(o + channels, 0), self.shape[0] - 1)
        return self.at(self.operation.index(channel, r, c))

    def multiply_added(self, count: int = 1) -> Session:
        """`count` multiply-adds further (or back), across cells; a cell computed at once starts over."""
        index = self.index
        whole = self.products if count < 0 else 0
        done = (whole if self.taps is None else self.taps) + count
        while done > (entries := self.operation.entries(index)) and index + 1 < self.size:
            index, done = index + 1, done - entries
        while done <= 0 and index:
            index -= 1
            done += self.operation.entries(index)
        return self.at(index, min(max(done, 0), self.operation.entries(index)))

    def finished(self) -> Session:
        return replace(self, filled=self.size, taps=None)

    def at_something_to_see(self) -> Session:
        """At the first output cell whose magnitude is at least three quarters of its channel's largest.

        It is where stepping begins to show what the kernel finds; the first cell of a very large output.
        """
        if self.chosen_operation or self.size * self.products > MOST_SEARCHED:
            return self.at(0)
        magnitudes = np.abs(self.convolution.output[0]).ravel()
        return self.at(int(np.argmax(magnitudes >= magnitudes.max() * 0.75)))

    def restarted(self) -> Session:
        return replace(self, index=0, taps=None, filled=1)

    # -- changing the convolution

    def with_spec(self, **changes: Any) -> Session:
        """Stride, padding, dilation or padding mode changed; the window stays where it is on the image."""
        return self._rebuilt(self.convolution.replaced(**changes))

    def with_parameters(self, **changes: Any) -> Session:
        """Parameters of the operation changed, by PyTorch's names. Raises SpecError for one it has not."""
        for name, value in changes.items():
            require_parameter(self.kind, name, value)
        layer = self.layer
        return self.with_spec(**changes) if layer is None else self.with_operation(layer.changed(**changes))

    def with_operation(self, layer: Layer | None, way: str = "") -> Session:
        """What a layer computes, over the image and with the kernel that there are; None: the convolution.

        way: how a transposed convolution is stepped through; as before if it is "". A layer of other kernel
        size, filters or groups changes the kernel.
        """
        from convtui.engine.window_layers import Conv, ConvTranspose

        if layer is None:
            return self._rebuilt(self.convolution, None)
        session, convolution = self, self.convolution
        if isinstance(layer, Conv | ConvTranspose):
            weighted = self._with_weights_of(layer)
            session = replace(self, kernel=weighted.kernel)
            convolution = weighted.convolution
        if isinstance(layer, Conv):
            return session._rebuilt(_with_spec_of(convolution, layer), None)
        return session._rebuilt(convolution, over(layer, convolution, way or self.way or SCATTER))

    def with_kind(self, kind: str) -> Session:
        """An operation of another kind, with the parameters that both have, or those of the convolution."""
        return self.with_operation(of_kind(kind, self.layer, self.convolution))

    def with_way(self, way: str) -> Session:
        """A transposed convolution stepped through another way, at its first cell, or all of it if it was."""
        operation = self.operation
        if not isinstance(operation, Gathering | Scattering):
            reason = "only a transposed convolution has ways to step through it"
            raise SpecError("way", way, reason, "operation convtranspose s2")
        turned = self._rebuilt(self.convolution, in_way(operation.transposed, way))
        if way == self.way:
            return self
        if way == SCATTER:
            chosen = self.output_channel - operation.transposed.reading_channels(turned.position[0]).start
            return turned.with_view(slice=chosen)
        return turned.at(turned.operation.index(self.output_channel, *turned.position[1:])).with_view(
            slice=None
        )

    def _with_weights_of(self, layer: Conv | ConvTranspose) -> Session:
        """With the kernel size, the filters, the groups and the bias of a layer; one operation at a time."""
        spec, session = layer.spec, replace(self, chosen_operation=None, index=0, taps=None, filled=1)
        if spec.kernel_size != session.spec.kernel_size:
            session = session._with_room_for(spec.kernel_size)._with_any_kernel_of(spec.kernel_size)
        if spec.groups != session.spec.groups:
            session = session.with_groups(spec.groups)
        if layer.out_channels != session.convolution.weight_shape[0]:
            session = session.with_filters(layer.out_channels)
        if session.convolution.bias is not None and not layer.bias:
            session = session.with_bias(None)
        return session

    def _with_any_kernel_of(self, size: Pair) -> Session:
        """The kernel at another size, or a random one where the named kernel does not come in that."""
        try:
            return self.with_kernel_size(size)
        except SpecError:
            return self.with_kernel(KernelChoice(RANDOM), size)

    def _with_room_for(self, kernel_size: Pair) -> Session:
        """With the padding that a kernel needs, if it has less."""
        room = room_for(kernel_size, self.convolution.image_shape[1:], self.spec.dilation)
        if all(sum(pads) >= sum(needed) for pads, needed in zip(self.spec.pads, room, strict=True)):
            return self
        return self.with_spec(padding=room, padding_mode="zeros")

    def with_groups(self, groups: int) -> Session:
        """Other groups; the filters are made to fit: a slice for each channel of a group."""
        slices = slices_of(len(self.picture.pixels), groups)
        if self.kernel.named:
            weight = named_weight(self.kernel, self.spec.kernel_size, slices, groups)
        else:
            filters = self.kernel.filters or self.convolution.weight_shape[0]
            weight = tiled(self.convolution.weight, slices, filters_for(filters, groups), groups)
        return self._rebuilt(self._with_weight(weight, groups=groups))

    def with_filters(self, filters: int) -> Session:
        """So many filters; each that is added to a group is another one than those it has.

        Added to a named kernel are the named kernels that follow it, to own weights random ones.
        """
        groups = self.spec.groups
        if not 1 <= filters <= MOST_FILTERS or filters % groups:
            most = MOST_FILTERS // groups * groups
            nearest = min(max(groups, round(filters / groups) * groups), most)
            reason = f"must be a multiple of groups={groups}, up to {most}"
            raise SpecError("filters", filters, reason, str(nearest))
        choice = replace(self.kernel, filters=filters)
        if choice.named and (choice.kernels or choice.name != RANDOM):
            each = each_filter(self.filter_names, groups, filters // groups, self.spec.kernel_size)
            choice = replace(choice, filters=None, kernels=each)
        if choice.named:
            slices = self.convolution.weight_shape[1]
            weight = named_weight(choice, self.spec.kernel_size, slices, groups)
            return replace(self._rebuilt(self._with_weight(weight)), kernel=choice)
        return replace(self._rebuilt(self._with_own_filters(filters // groups)), kernel=choice)

    def with_kernel_size(self, size: int | Pair) -> Session:
        """A named kernel at another size; own weights are cut, or grow by zeros."""
        rows, columns = (size, size) if isinstance(size, int) else size
        filters, slices = self.convolution.weight_shape[:2]
        if self.kernel.named:
            weight = named_weight(self.kernel, (rows, columns), slices, self.spec.groups)
        else:
            require_size(rows, columns)
            weight = np.zeros((filters, slices, rows, columns))
            old = self.convolution.weight[:, :, :rows, :columns]
            weight[:, :, : old.shape[2], : old.shape[3]] = old
        return self._rebuilt(self._with_weight(weight))

    def with_kernel(self, choice: KernelChoice, size: int | Pair | None = None) -> Session:
        """A named kernel; at the present size, or the nearest to it that the kernel has."""
        slices, groups = self.convolution.weight_shape[1], self.spec.groups
        try:
            weight = named_weight(choice, self.spec.kernel_size if size is None else size, slices, groups)
        except SpecError:
            if size is not None:
                raise
            nearest = nearest_size(choice.name, self.spec.kernel_size[0])
            weight = named_weight(choice, nearest, slices, groups)
        return replace(self._rebuilt(self._with_weight(weight)), kernel=choice)

    def with_weight(self, weight: Array, name: str, notice: str = "") -> Session:
        """Weights [O, S, kH, kW] of the user's own; a single slice serves every channel."""
        if weight.shape[1] == 1:
            weight = tiled(weight, slices_of(len(self.picture.pixels), self.spec.groups), len(weight))
        changed = self._rebuilt(self._with_weight(weight))
        return replace(changed, kernel=KernelChoice(name, filters=len(weight), named=False, notice=notice))

    def with_weight_value(self, o: int, s: int, i: int, j: int, value: float) -> Session:
        weight = self.convolution.weight.copy()
        weight[o, s, i, j] = value
        changed = self._with(self.convolution.replaced(weight=weight))
        return replace(changed, kernel=replace(self.kernel, named=False, kernels=()))

    def with_bias(self, bias: Array | None) -> Session:
        """Biases [O], one for each output channel, or none."""
        return self._with(self.convolution.replaced(bias=bias))

    def with_bias_value(self, o: int, value: float) -> Session:
        filters = self.convolution.weight_shape[0]
        bias = np.zeros(filters) if self.convolution.bias is None else self.convolution.bias.copy()
        bias[o] = value
        return self.with_bias(bias)

    def with_pixel_value(self, c: int, r: int, q: int, value: float) -> Session:
        if self.picture.pixels.size > EDITABLE_PIXELS:
            raise ValueError(f"{self.picture.name} is too large to edit; open it with --resize 256")
        picture = with_pixel(self.picture, c, r, q, value)
        return replace(self._with(self.convolution.replaced(image=picture.pixels)), picture=picture)

    def with_picture(self, picture: Picture) -> Session:
        """Another image with the same kernel and spec, at its first output cell."""
        weight = self.convolution.weight
        slices = slices_of(len(picture.pixels), self.spec.groups)
        if self.kernel.named:
            weight = named_weight(self.kernel, self.spec.kernel_size, slices, self.spec.groups)
        elif (weight == weight[:, :1]).all():
            weight = tiled(weight, slices, len(weight))
        fresh = self._with_weight(weight, image=picture.pixels)
        stack = self.chosen_stack and self.chosen_stack.over(picture.pixels.shape)
        return Session(
            picture,
            fresh,
            self.kernel,
            view=replace(self.view, slice=None),
            chosen_stack=stack,
            norm=self.norm,
            chosen_operation=fitted(self.chosen_operation, fresh),
        )

    def with_stack(self, stack: Stack) -> Session:
        return replace(self, chosen_stack=stack)

    def with_view(self, **changes: Any) -> Session:
        return replace(self, view=replace(self.view, **changes))

    # -- how the pieces are kept fitting

    def _with_own_filters(self, count: int) -> Convolution:
        """Own weights with so many filters in each group; each stays in the group whose channels it reads."""
        old, bias, groups = self.convolution.weight, self.convolution.bias, self.spec.groups
        own, *shape = old.shape
        first, further = np.arange(groups)[:, None] * (own // groups), np.arange(count)
        picked = (first + further % (own // groups)).ravel()
        drawn = random_weight((groups, count, *shape), self.kernel.seed)
        kept = min(count, own // groups)
        drawn[:, :kept] = old.reshape(groups, own // groups, *shape)[:, :kept]
        weight = drawn.reshape(groups * count, *shape)
        return self.convolution.replaced(weight=weight, bias=None if bias is None else bias[picked])

    def _with_weight(self, weight: Array, **changes: Any) -> Convolution:
        """Other weights, image or groups; a convolution that is not on show gets the room that it needs."""
        changes = {"weight": weight, "bias": self._bias(len(weight)), **changes}
        try:
            return self.convolution.replaced(**changes)
        except SpecError:
            if self.chosen_operation is None:
                raise
            image: Array = changes.get("image", self.convolution.image)
            (_, height, width), (*_, rows, columns) = image.shape, weight.shape
            room = room_for((rows, columns), (height, width), self.spec.dilation)
            return self.convolution.replaced(**changes, padding=room, padding_mode="zeros")

    def _bias(self, filters: int) -> Array | None:
        bias = self.convolution.bias
        return None if bias is None else bias[np.arange(filters) % len(bias)]

    def _with(self, convolution: Convolution) -> Session:
        """With a convolution of the same sizes."""
        return replace(
            self, convolution=convolution, chosen_operation=fitted(self.chosen_operation, convolution)
        )

    def _rebuilt(
        self, convolution: Convolution, operation: OtherOperation | EllipsisType | None = ...
    ) -> Session:
        """The same window in another operation, else one near it; a finished output stays finished.

        operation: the one that is chosen, if that changes, too.
        """
        if operation is ...:
            operation = fitted(self.chosen_operation, convolution)
        stepped: Operation = operation or convolution
        before, after = self.operation, stepped
        c, *place = self.position
        rows, columns = (
            _near(before, old, at, after, new)
            for old, at, new in zip(before.axes, place, after.axes, strict=True)
        )
        channels = after.image_shape[0] if isinstance(after, Scattering) else after.output_shape[0]
        is_first = type(before) is not type(after) and self.index == 0
        index = 0 if is_first else after.index(min(c, channels - 1), rows, columns)
        is_finished = self.filled == self.size > 1
        filled = after.size if is_finished else index + 1
        changed = replace(
            self, convolution=convolution, chosen_operation=operation, index=index, taps=None, filled=filled
        )
        return replace(changed, went=_went(self, changed))


SESSION: Final = Document[Session]("session")


def _near(before: Operation, old: WindowAxis, at: int, after: Operation, new: WindowAxis) -> int:
    """The row or column whose window is where that of another operation was, or near it."""
    if type(before) is type(after) and isinstance(old, Axis) and isinstance(new, Axis):
        start = int(old.window(at)[0])
        return min(max((start + new.before) // new.stride, 0), new.output - 1)
    pixel = at if isinstance(before, Scattering) else _looked_at(old, at)
    if isinstance(after, Scattering):
        return min(pixel, new.size - 1)
    reading = new.outputs_reading(min(pixel, new.size - 1))
    if reading.size:
        return int(reading[reading.size // 2])
    return min(pixel * new.output // new.size, new.output - 1)


def _looked_at(axis: WindowAxis, at: int) -> int:
    """The row or column of the image in the middle of a window, or the nearest that there is."""
    if isinstance(axis, SpreadAxis):
        landing = axis.transposed.window(at)
        middle = landing[landing.size // 2] if landing.size else at // axis.transposed.stride
    else:
        window = axis.window(at)
        middle = window[window.size // 2]
    return min(max(int(middle), 0), axis.size - 1)


def _went(before: Session, after: Session) -> str:
    """Why the output cell is another one than before, and which; "" if its window is still there."""
    old, new = before.position, after.position
    if before.chosen_operation or after.chosen_operation or before.index == after.index == 0:
        return ""  # the first cell is the first cell
    if new[0] < old[0]:
        return f"filter {old[0]} does not exist any more; now at {list(new)}"
    if before.window_start == after.window_start:
        return ""
    changed = [
        f"{name.replace('_', ' ')} {brief(now)}"
        for name in ("stride", "padding", "dilation", "kernel_size")
        if (now := getattr(after.spec, name)) != getattr(before.spec, name)
    ]
    there = f"no window lies where that of {list(old)} was, at {' and '.join(changed)}"
    return f"{there}; now at {list(new)}"


def _with_spec_of(convolution: Convolution, layer: Conv) -> Convolution:
    spec = layer.spec
    return convolution.replaced(
        stride=spec.stride, padding=spec.padding, dilation=spec.dilation, padding_mode=spec.padding_mode
    )
