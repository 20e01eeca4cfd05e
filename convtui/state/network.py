"""The layers over an image and the one activation in them that is looked at, as an immutable value.

It is separate from the session so that the first screen does not wait for what only networks need.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from convtui.engine.branches import Branches
from convtui.engine.layer_text import format_layers, parse_layers
from convtui.engine.layers import Layer, LayerError, Shape
from convtui.engine.output_cells import Position
from convtui.engine.presets import NAMES, choose_layers, preset
from convtui.engine.receptive import AxisField
from convtui.engine.stack import Row, Summary, nodes, summarize
from convtui.engine.window_layers import Conv, ConvTranspose, Window
from convtui.inputs.confinement import require_ours
from convtui.inputs.scaling import LARGEST_SIDE, scaled_size
from convtui.state.learned_weights import LearnedWeights

MOST_TRIED = 2000  # layers that are laid over images of many sizes to find one that fits

_SEVERAL_CHANNELS = (
    "conv 3x3 8 p1, relu, maxpool 2, conv 3x3 16 p1, relu, maxpool 2, conv 3x3 32 p1, relu, "
    "gap, flatten, linear 10"
)


def require_ours_of_layers(choice: str) -> None:
    """Raises ConfinedError for what choose_layers would read from a file that is not for visitors."""
    if Path(choice).suffix in (".toml", ".txt"):
        require_ours(choice)


@dataclass(frozen=True)
class Stack:
    """Layers, the seed of their random weights, and the selected activation (channel, row, column) of one.

    Layers are numbered as in the summary's rows: 0 is the image. The features of a layer are channels of a
    single cell. The selection always exists in the summary, which is that of the layers over the image.
    Weights learned by a run replace the random ones; they always fit the layers.
    """

    layers: tuple[Layer, ...]
    summary: Summary = field(compare=False, repr=False)
    seed: int = 0
    layer: int = 0
    activation: Position = (0, 0, 0)
    name: str = ""  # the network's, or that of its file or run; "" once a layer was changed
    trained: LearnedWeights | None = None

    @classmethod
    def chosen(cls, choice: str, shape: Shape, seed: int = 0) -> Stack:
        """What a preset's name, a file's path or a text of layers stands for, over [channels, rows, columns].

        Raises ValueError for what is none of them.
        """
        require_ours_of_layers(choice)
        path = Path(choice)
        if choice.startswith("~"):
            with suppress(RuntimeError):  # no such home
                choice = str(path.expanduser())
        layers = choose_layers(choice, shape)
        with suppress(ValueError):
            return cls.laid(layers, shape, seed, preset(choice).name)
        return cls.laid(layers, shape, seed, path.name if path.suffix in (".toml", ".txt") else "")

    @classmethod
    def laid(cls, layers: Sequence[Layer], shape: Shape, seed: int = 0, name: str = "") -> Stack:
        """The layers over an image [channels, rows, columns], in the middle of the second convolution.

        The second is the first whose receptive field is more than its own window.
        """
        stack = cls(tuple(layers), summarize(layers, shape), seed, name=name)
        convs = [row.number for row in stack.summary.rows if isinstance(row.layer, Conv | ConvTranspose)]
        _, height, width = stack.maps(layer := (convs[:2] or [0])[-1])
        return replace(stack, layer=layer, activation=(0, height // 2, width // 2))

    # -- what is here

    @property
    def text(self) -> str:
        """What parse_layers reads back, or the preset's name."""
        return self.name if self.name in NAMES else format_layers(self.layers)

    @property
    def input_shape(self) -> Shape:
        return self.summary.rows[0].output_shape

    @property
    def row(self) -> Row:
        """The selected layer."""
        return self.summary.rows[self.layer]

    @property
    def window(self) -> Window:
        """The selected layer, if it is a convolution or a pool. Raises LayerError if it is not."""
        layer = self.row.layer
        if not isinstance(layer, Window):
            raise LayerError(
                self.layer, layer.title, "has no window of a set size; select a convolution or a pooling"
            )
        return layer

    def maps(self, layer: int | None = None) -> tuple[int, int, int]:
        """A layer's output as [channels, rows, columns], the selected layer's if none is named."""
        row = self.row if layer is None else self.summary.rows[layer]
        return row.output_maps

    @property
    def fitting_side(self) -> int | None:
        """The pixels that the image's shorter side needs for every layer to fit.

        That of the images that the network was made for, if it has a name. None if all layers fit already,
        or over no image of at most 4096 pixels.
        """
        return _fitting_side(self.layers, self.name, self.input_shape) if self.summary.error else None

    @property
    def notice(self) -> str:
        """What the user should know of layers that do not fit the image but would if it was scaled."""
        side, (_, height, width) = self.fitting_side, self.input_shape
        if side is None:
            return ""
        scale = f"--resize {side} (or R on the Layers page) scales the image so that they fit"
        return f"the layers of {self.name or 'this network'} do not fit {height}x{width} pixels; {scale}"

    # -- selecting

    def at(self, layer: int, activation: Position | None = None) -> Stack:
        """At another layer; without an activation, at the one that sees what the present one sees.

        Beyond an end, at that end.
        """
        layer = min(max(layer, 0), len(self.summary.rows) - 1)
        if activation is None:
            activation = self._above(layer)
        channel, row, column = (
            min(max(at, 0), size - 1) for at, size in zip(activation, self.maps(layer), strict=True)
        )
        return replace(self, layer=layer, activation=(channel, row, column))

    def moved_layers(self, layers: int) -> Stack:
        return self.at(self.layer + layers)

    def moved(self, activations: int) -> Stack:
        """Further in the order channel, row, column."""
        channels, height, width = self.maps()
        channel, row, column = self.activation
        at = (channel * height + row) * width + column + activations
        at = min(max(at, 0), channels * height * width - 1)
        return self.at(self.layer, (at // (height * width), at // width % height, at % width))

    def moved_rows(self, rows: int) -> Stack:
        """The same column, rows further; features, which are channels of one cell, are rows then."""
        channel, row, column = self.activation
        if len(self.row.output_shape) == 1:
            return self.moved(rows)
        return self.at(self.layer, (channel, row + rows, column))

    def moved_channels(self, channels: int) -> Stack:
        channel, row, column = self.activation
        return self.at(self.layer, (channel + channels, row, column))

    # -- what the field is

    def cell(self) -> tuple[int, int]:
        """The (row, column) among the receptive fields of the selected layer that the activation has."""
        channel, row, column = self.activation
        if len(self.row.output_shape) > 1:
            return row, column
        rows, columns = self.row.field.rows.count, self.row.field.columns.count
        return channel // columns % rows, channel % columns

    def _above(self, layer: int) -> Position:
        """The activation of another layer whose field's centre is nearest to that of the selected one."""
        row, column = self.cell()
        here, there = self.row.field, self.summary.rows[layer].field
        down, across = _beside(here.rows, row, there.rows), _beside(here.columns, column, there.columns)
        channel = min(self.activation[0], self.maps(layer)[0] - 1)
        if len(self.summary.rows[layer].output_shape) == 1:
            channel = (channel * there.rows.count + down) * there.columns.count + across
            return channel, 0, 0
        if len(self.row.output_shape) == 1:
            channel = self.activation[0] // prod((here.rows.count, here.columns.count))
        return channel, down, across

    # -- other layers

    def over(self, shape: Shape) -> Stack:
        """The same layers over another image; the selection and the learned weights stay where possible."""
        again = replace(self, summary=summarize(self.layers, shape))
        if again.trained and not again.trained.fits(again.summary):
            again = again.untrained()
        return again.at(self.layer, self.activation)

    def reseeded(self, seed: int) -> Stack:
        """The same layers with other random weights."""
        return replace(self.untrained(), seed=max(seed, 0))

    def with_trained(self, trained: LearnedWeights) -> Stack:
        """The same layers with the weights learned by a run. Raises ValueError if they do not fit."""
        if not trained.fits(self.summary):
            raise ValueError(f"{trained}: its weights are for other layers or other channels")
        return replace(self, trained=trained)

    def untrained(self) -> Stack:
        """The same layers without learned weights."""
        return replace(self, trained=None, name="") if self.trained else self

    def changed(self, **parameters: Any) -> Stack:
        """The selected layer with other parameters, as its constructor takes them.

        Raises SpecError for what no input makes legal, LayerError for a layer that has no such parameters.
        """
        layer = self.window
        known = layer.arguments
        for name in parameters:
            if name not in known:
                raise LayerError(self.layer, layer.title, f"has no {name}")
        new = layer.changed(**parameters)
        layers = _with_layer(self.layers, [self.layer], new)
        changed = replace(self, layers=layers, name="", trained=None)
        return changed.over(self.input_shape)


def _beside(here: AxisField, index: int, there: AxisField) -> int:
    """Which of the fields there is centred nearest to one of these; the same one where all see the same."""
    if here.count == there.count and not (here.jump and there.jump):
        return index
    return there.nearest(here.centre(index))


@lru_cache(maxsize=4)
def default_stack(shape: Shape) -> Stack:
    """The lecture's network on one channel, a small one with pooling on several; both fit any image."""
    if shape[0] > 1:
        stack = Stack.laid(parse_layers(_SEVERAL_CHANNELS), shape, name="small-cnn")
        if not stack.summary.error:
            return stack
    return Stack.chosen("simple-cnn", shape)


@lru_cache(maxsize=16)
def _fitting_side(layers: tuple[Layer, ...], name: str, shape: Shape) -> int | None:

    channels, height, width = shape

    def fits(side: int) -> bool:
        rows, columns = scaled_size(height, width, side)
        return summarize(layers, (channels, rows, columns)).error is None

    most = LARGEST_SIDE * min(height, width) // max(height, width)
    own = min(preset(name).input_shape[1:]) if name in NAMES else 0
    if min(height, width) < own <= most and fits(own):
        return own
    if len(nodes(layers)) > MOST_TRIED:
        return None
    too_small = enough = min(height, width)
    while not fits(enough):
        if enough >= most:
            return None
        too_small, enough = enough, min(2 * enough, most)
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        too_small, enough = (too_small, middle) if fits(middle) else (middle, enough)
    return enough


def _with_layer(layers: Sequence[Layer], left: list[int], new: Layer) -> tuple[Layer, ...]:
    """The layers with one replaced: the one whose number, counted as in a summary, is `left`."""
    replaced: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Branches):
            layer = type(layer)([_with_layer(path, left, new) for path in layer.paths])
        left[0] -= 1
        replaced.append(layer if left[0] else new)
    return tuple(replaced)
