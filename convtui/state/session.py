"""What the user is working on, as one immutable value.

Every key is a pure transition from one Session to the next, so undo is a list, saving is a dump, and a
change that PyTorch would refuse raises before anything is changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from itertools import chain
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.convolution import Convolution, Step
from convtui.engine.kernels import (
    LARGEST_SIDE,
    RANDOM,
    filters_of,
    kernel,
    legal_sizes,
    other_filters,
    own_filters,
    random_weight,
)
from convtui.engine.pooling import Pooling
from convtui.engine.spec import Axis, ConvSpec, Pair, SpecError, brief
from convtui.engine.torch_text import pooling_call, torch_call, transposed_call
from convtui.engine.transposed import TransposedConvolution
from convtui.engine.transposed_ways import Gathering, Scattering, SpreadAxis
from convtui.inputs.images import Picture, with_pixel
from convtui.state.history import Document
from convtui.state.norm_choice import BATCH_NORM, NormChoice
from convtui.state.operation import (
    SCATTER,
    Operation,
    OtherOperation,
    fitted,
    in_way,
    kind_of,
    layer_of,
    over,
    require_parameter,
    transposed_weight,
    way_of,
)

if TYPE_CHECKING:
    from convtui.engine.feature_maps import FeatureMaps
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
class KernelChoice:
    """Where the weights came from: a named kernel, a file, or the user's own edits.

    The filters of a named kernel are its own, repeated in turn where more are asked for; or, where filters
    were added or removed one by one, `kernels` names the kernel of each.
    """

    name: str
    seed: int = 0
    filters: int | None = None  # None: as many as the kernel itself has, or as `kernels` has
    named: bool = True  # False once edited or read from a file
    kernels: tuple[str, ...] = ()  # (): the kernel's own filters
    notice: str = field(default="", compare=False)  # what the user should know about how it was read

    @property
    def label(self) -> str:
        """The kernel's name, and of which others there are filters: "edges + identity", "3 of edges"."""
        if not self.named:
            return f"{self.name} (custom)"
        own, each = own_filters(self.name), tuple(dict.fromkeys(self.kernels))
        if not each or each == own:
            return self.name
        if each == own[: len(each)]:
            return f"{len(each)} of {self.name}"
        first, others = self.name, each[len(own) :]
        if each[: len(own)] != own:
            first, others = each[0], each[1:]
        match others:
            case ():
                return first
            case (other,):
                return f"{first} + {other}"
        return f"{first} + {len(others)} others"

    @property
    def sizes(self) -> list[int]:
        """The sizes in which all filters of a named kernel come."""
        names = {self.name, *self.kernels}
        return sorted(set.intersection(*(set(legal_sizes(name)) for name in names)))


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
    def step(self) -> Step:
        """That of the convolution at an output cell. Raises TypeError while another operation is chosen."""
        step = self.operation.step(self.index)
        if not isinstance(step, Step):
            raise TypeError(f"a step of {self.kind} has no products")
        return step

    @property
    def window_start(self) -> tuple[int, int]:
        """Row and column of the image where the window begins, below 0 in the padding; or the input cell."""
        _, row, column = self.position
        operation = self.operation
        if isinstance(operation, Scattering):
            return row, column
        down, across = operation.axes
        return int(down.window(row)[0]), int(across.window(column)[0])

    @property
    def products(self) -> int:
        """Multiply-adds in the output cell; of a pooling, entries of its window."""
        return self.operation.entries(self.index)

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
        from convtui.engine.layer_names import KINDS as LAYERS
        from convtui.engine.pool_layers import AdaptivePool, Pool

        layer, spec = self.layer, self.spec
        if kind == "conv":
            return self.with_operation(None)
        if kind == "convtranspose":
            filters = self.convolution.weight_shape[0]
            given = {"stride": spec.stride, "padding": spec.pads, "dilation": spec.dilation}
            return self.with_operation(LAYERS[kind](filters, spec.kernel_size, groups=spec.groups, **given))
        if kind.startswith("adaptive"):
            return self.with_operation(
                LAYERS[kind](layer.output_size if isinstance(layer, AdaptivePool) else 4)
            )
        if not isinstance(layer, Pool):
            return self.with_operation(LAYERS[kind](2))
        windows = layer.spec
        padding, ceil_mode = windows.padding, windows.ceil_mode
        return self.with_operation(
            LAYERS[kind](windows.kernel_size, windows.stride, padding, ceil_mode=ceil_mode)
        )

    def with_way(self, way: str) -> Session:
        """A transposed convolution stepped through another way, at its first cell, or all of it if it was."""
        operation = self.operation
        if not isinstance(operation, Gathering | Scattering):
            reason = "only a transposed convolution has ways to step through it"
            raise SpecError("way", way, reason, "operation convtranspose s2")
        turned = replace(self, chosen_operation=in_way(operation.transposed, way), index=0, taps=None)
        return replace(turned, filled=turned.size if self.filled == self.size else 1)

    def _with_weights_of(self, layer: Conv | ConvTranspose) -> Session:
        """With the kernel size, the filters, the groups and the bias of a layer; one operation at a time."""
        spec, session = layer.spec, replace(self, chosen_operation=None, index=0, taps=None, filled=1)
        if spec.kernel_size != session.spec.kernel_size:
            session = session._with_room_for(spec.kernel_size).with_kernel_size(spec.kernel_size)
        if spec.groups != session.spec.groups:
            session = session.with_groups(spec.groups)
        if layer.out_channels != session.convolution.weight_shape[0]:
            session = session.with_filters(layer.out_channels)
        if session.convolution.bias is not None and not layer.bias:
            session = session.with_bias(None)
        return session

    def _with_room_for(self, kernel_size: Pair) -> Session:
        """With as much padding as makes a kernel fit; a transposed convolution takes any on any image."""
        spec, image = self.spec, self.convolution.image_shape[1:]
        spans = [d * (k - 1) + 1 for d, k in zip(spec.dilation, kernel_size, strict=True)]
        if all(span <= size + sum(side) for span, size, side in zip(spans, image, spec.pads, strict=True)):
            return self
        return self.with_spec(padding=(spans[0] - 1, spans[1] - 1), padding_mode="zeros")

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
            each = _each_filter(self.filter_names, groups, filters // groups, self.spec.kernel_size)
            choice = replace(choice, filters=None, kernels=each)
        if choice.named:
            slices = self.convolution.weight_shape[1]
            weight = _named_weight(choice, self.spec.kernel_size, slices, groups)
            return replace(self._rebuilt(self._with_weight(weight)), kernel=choice)
        return replace(self._rebuilt(self._with_own_filters(filters // groups)), kernel=choice)

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
        slices = _slices(len(picture.pixels), self.spec.groups)
        if self.kernel.named:
            weight = _named_weight(self.kernel, self.spec.kernel_size, slices, self.spec.groups)
        elif (weight == weight[:, :1]).all():
            weight = _tiled(weight, slices, len(weight))
        fresh = self.convolution.replaced(image=picture.pixels, weight=weight, bias=self._bias(len(weight)))
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

    def with_layer_opened(self, feature_maps: FeatureMaps) -> Session:
        """The operation of the stack's selected layer, with its real input, at the selected activation.

        Raises LayerError if that layer has no windows.
        """
        stack = chosen = self.stack
        opened = feature_maps.operation_of(stack.layer)
        picture = self.picture
        if stack.row.inputs != (0,):
            name = f"{picture.name} · layer {stack.layer} input"
            pixels = opened.image
            lowest, highest = min(0.0, float(pixels.min())), float(pixels.max())
            highest = highest if highest > lowest else lowest + 1
            picture = Picture(pixels, name, "", False, lowest, highest)
            chosen = stack.over(pixels.shape)
        view = replace(self.view, slice=None, zoom=None)
        if isinstance(opened, Pooling):
            session = replace(self._over(picture), view=view, chosen_stack=chosen, chosen_operation=opened)
            return session.at(opened.index(*stack.activation))
        run = f"{stack.trained.run_name} " if stack.trained else ""
        if isinstance(opened, TransposedConvolution):
            weight = transposed_weight(opened.weight, opened.spec.groups)
            spread = tuple(kernel - 1 for kernel in opened.spec.kernel_size)
            convolution = Convolution(
                opened.image, weight, opened.bias, padding=spread, groups=opened.spec.groups
            )
            operation: OtherOperation | None = Gathering(opened)
        else:
            assert isinstance(opened, Convolution)
            convolution, operation = opened, None
        choice = KernelChoice(f"{run}layer {stack.layer}", filters=convolution.weight_shape[0], named=False)
        session = Session(
            picture, convolution, choice, view=view, chosen_stack=chosen, chosen_operation=operation
        )
        return session.at(opened.index(*stack.activation))

    def _over(self, picture: Picture) -> Session:
        """The same kernel over another picture, or, where it does not fit, one that fits any."""
        if picture is self.picture:
            return self
        try:
            return replace(self, chosen_operation=None).with_picture(picture)
        except SpecError:
            return Session.start(picture, KernelChoice("identity"), size=1)

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

    def _with_weight(self, weight: Array, **spec: Any) -> Convolution:
        return self.convolution.replaced(weight=weight, bias=self._bias(len(weight)), **spec)

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
        index = after.index(min(c, channels - 1), rows, columns)
        is_finished = self.filled == self.size > 1
        filled = after.size if is_finished else index + 1
        changed = replace(
            self, convolution=convolution, chosen_operation=operation, index=index, taps=None, filled=filled
        )
        return replace(changed, went=_went(self, changed))


SESSION: Final = Document[Session]("session")


def _named_weight(choice: KernelChoice, size: int | Pair, slices: int, groups: Any) -> Array:
    """A named kernel with as many filters as were asked for, or as it has, rounded up to fill the groups."""
    asked = choice.filters or len(choice.kernels or own_filters(choice.name))
    filters = _filters_for(asked, groups)
    if not choice.kernels:
        return kernel(choice.name, size, in_channels=slices, filters=filters, seed=choice.seed)
    weight = filters_of(choice.kernels, size, in_channels=slices, seed=choice.seed)
    return weight[np.arange(filters) % len(weight)]


def _each_filter(names: tuple[str, ...], groups: int, count: int, size: Pair) -> tuple[str, ...]:
    """The kernel of each filter where every group has so many: the first of those it has, then others."""
    own = len(names) // groups
    chosen = (other_filters(names[first : first + own], count, size) for first in range(0, len(names), own))
    return tuple(chain.from_iterable(chosen))


def _near(before: Operation, old: WindowAxis, at: int, after: Operation, new: WindowAxis) -> int:
    """The row or column whose window is where that of another operation was, or near it."""
    if isinstance(before, Scattering) or isinstance(after, Scattering):
        is_alike = isinstance(before, Scattering) and isinstance(after, Scattering)
        return min(at if is_alike else 0, (new.size if isinstance(after, Scattering) else new.output) - 1)
    if isinstance(old, SpreadAxis) or isinstance(new, SpreadAxis):
        return min(at if isinstance(old, SpreadAxis) and isinstance(new, SpreadAxis) else 0, new.output - 1)
    start = int(old.window(at)[0])
    if isinstance(new, Axis):
        return min(max((start + new.before) // new.stride, 0), new.output - 1)
    return min(max(start, 0) * new.output // new.size, new.output - 1)


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
