"""A stack of layers as a PyTorch model that runs by itself, up to the activation on show.

Its weights are written out if they are few; else they are drawn as the stack draws them, or read from the
checkpoint of the run that learned them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Final

import numpy as np

from convtui.engine.branches import Branches
from convtui.engine.feature_maps import FeatureMaps
from convtui.engine.layers import Layer, Linear
from convtui.engine.module_text import module_text
from convtui.engine.snippet import assertion, cell_text, quoted, tensor
from convtui.engine.spec import Floats
from convtui.engine.stack import Row, nodes
from convtui.engine.window_layers import Conv, ConvTranspose
from convtui.export.code import image_code
from convtui.inputs.images import Picture
from convtui.state.learned_weights import LearnedWeights
from convtui.state.network import Stack
from convtui.training.runs.store import Run

MOST_WRITTEN: Final = 400  # weights
MOST_PARAMETERS: Final = 2**24  # of layers that are written although the activation does not need them
ROUNDING: Final = 100.0  # times that of a single sum: what deep networks add to it

_BLOCKS: Final = {
    "residual": ("Residual", "sum(path(x) for path in self)"),
    "multiply": ("Multiply", "math.prod(path(x) for path in self)"),
    "concat": ("Concat", "torch.cat([path(x) for path in self], dim=1)"),
}

Arrays = Mapping[int, Mapping[str, Floats]]


@dataclass
class Model:
    """Lines that make `model`, an nn.Sequential, and where in it the rows of a summary are.

    paths: where the module of each row is, as get_submodule takes it; weighted: where its weights are.
    top: which of the model's modules each row is, or is in. blocks: the kinds of branches that are in it.
    """

    lines: list[str] = field(default_factory=list)
    paths: dict[int, str] = field(default_factory=dict)
    weighted: dict[int, str] = field(default_factory=dict)
    top: dict[int, int] = field(default_factory=dict)
    blocks: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many modules the model has."""
        return 1 + max(self.top.values(), default=-1)


def model_of(layers: Sequence[Layer], rows: Sequence[Row]) -> Model:
    """The model of these layers, whose rows these are; row 0 is the image.

    Layers that do not fit the image have no rows, and are left out. Raises ValueError where PyTorch has no
    such module.
    """
    return _Writer(rows).written(layers)


class _Writer:
    """Goes through layers as they are nested, and through their rows, which lie flat."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows, self._next = rows, 1
        self._model = Model()

    def written(self, layers: Sequence[Layer]) -> Model:
        for at, layer in enumerate(layers):
            first = self._next
            if first + len(nodes([layer])) > len(self._rows):
                break
            self._write(layer, str(at), 1)
            self._model.top.update(dict.fromkeys(range(first, self._next), at))
        return self._model

    def _write(self, layer: Layer, path: str, depth: int) -> None:
        indent = "    " * depth
        if isinstance(layer, Branches):
            self._write_block(layer, path, depth)
            return
        row = self._row()
        module = module_text(row.layer, row.input_shape)
        self._line(f"{indent}{module.call},", row)
        self._model.paths[row.number] = path
        self._model.weighted[row.number] = path if len(module.calls) == 1 else f"{path}.{module.weighted}"

    def _write_block(self, layer: Branches, path: str, depth: int) -> None:
        indent = "    " * depth
        self._model.blocks.add(layer.kind)
        self._model.lines.append(f"{indent}{_BLOCKS[layer.kind][0]}([")
        for at, inner in enumerate(layer.paths):
            if not inner:
                self._model.lines.append(f"{indent}    nn.Identity(),")
                continue
            self._model.lines.append(f"{indent}    nn.Sequential(")
            for place, each in enumerate(inner):
                self._write(each, f"{path}.{at}.{place}", depth + 2)
            self._model.lines.append(f"{indent}    ),")
        row = self._row()
        self._line(f"{indent}]),", row)
        self._model.paths[row.number] = path

    def _line(self, text: str, row: Row) -> None:
        self._model.lines.append(f"{text}  # {row.number}: {[*row.output_shape]}")

    def _row(self) -> Row:
        self._next += 1
        return self._rows[self._next - 1]


def stack_code(picture: Picture, stack: Stack, maps: FeatureMaps) -> str:
    """The code of the stack over the picture, which asserts the activation that is selected.

    maps: those of the stack over the picture. Raises ValueError for numbers too many to be written out, for a
    layer that PyTorch has no module for, and where the weights of the stack are no longer kept.
    """
    rows, selected = _needed(stack), stack.layer
    image = image_code(picture)
    values = maps.activations(selected)
    cell = stack.activation if values.ndim == 3 else stack.activation[:1]
    model = model_of(stack.layers, rows)
    if selected and selected not in model.paths:
        raise ValueError("no code can be written: this layer is in a block that does not fit the image")
    weights = _weights(stack, rows, maps, model.weighted)
    lines = [
        *imports(*image.imports, *weights.imports, *(["import math"] if "multiply" in model.blocks else [])),
        "",
        *block_lines(model.blocks),
        *image.lines,
        "",
        *_named(stack, len(model.top), weights.about),
        "model = nn.Sequential(",
        *model.lines,
        ").double().eval()",
        *weights.lines,
        "",
        *_outputs(model, selected),
        "",
        f"assert y.shape == {tuple(values.shape)}",
        assertion(cell_text("y", cell), float(values[cell]), ROUNDING * float(np.abs(values).max())),
    ]
    return "\n".join(lines) + "\n"


def imports(*lines: str) -> list[str]:
    """These and those of PyTorch, in the usual order, each once."""
    every = {*lines, "import torch", "from torch import nn"}
    return sorted(every, key=lambda line: (line.startswith("from"), line))


def block_lines(blocks: set[str]) -> Iterator[str]:
    """The modules of branches, each of which holds its paths."""
    for kind in (each for each in _BLOCKS if each in blocks):
        name, joined = _BLOCKS[kind]
        yield from (
            "",
            f"class {name}(nn.ModuleList):",
            "    def forward(self, x):",
            f"        return {joined}",
        )
    if blocks:
        yield from ("", "")


def _needed(stack: Stack) -> tuple[Row, ...]:
    """The rows that are written: all, but of a large network those up to the end of the selected block."""
    rows = stack.summary.rows
    if stack.summary.parameters <= MOST_PARAMETERS:
        return rows
    end = 1
    for layer in stack.layers:
        end += len(nodes([layer]))
        if end > stack.layer:
            break
    return rows[:end]


def _named(stack: Stack, written: int, about: str) -> Iterator[str]:
    """What the model is, and what is left out of it."""
    name = f"{stack.name}: " if stack.name else ""
    yield f"# {name}layers 1 to {written}, by their numbers on page 3, with their outputs' shapes{about}"
    left = len(nodes(stack.layers)) - written
    if stack.summary.error:
        yield f"# The {left} layers after them do not fit the image."
    elif left:
        yield f"# The {left} layers after them are left out: the activation below does not need them."


def _outputs(model: Model, selected: int) -> Iterator[str]:
    """The lines that compute y, the output of the selected layer."""
    if not selected:
        yield "y = x"
        return
    last = model.top[selected] + 1
    used = "model" if last == model.count else f"model[:{last}]"
    path = model.paths[selected]
    if "." in path:
        yield "seen = {}"
        yield f"inner = model.get_submodule({quoted(path)})  # layer {selected}"
        yield "inner.register_forward_hook(lambda module, inputs, output: seen.update(y=output[0]))"
    yield "with torch.no_grad():"
    yield f"    {used}(x[None])" if "." in path else f"    y = {used}(x[None])[0]"
    if "." in path:
        yield 'y = seen["y"]'


# -- weights


@dataclass(frozen=True)
class WeightCode:
    """Lines that give `model` its weights, the imports they need, and how they are told of in a comment."""

    lines: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    about: str = ""


def _weights(stack: Stack, rows: Sequence[Row], maps: FeatureMaps, paths: Mapping[int, str]) -> WeightCode:
    numbers = [row.number for row in rows if row.number in paths and row.weight_shapes]
    count = sum(sum(map(prod, rows[number].weight_shapes.values())) for number in numbers)
    if not numbers:
        return WeightCode()
    if stack.trained and count > MOST_WRITTEN:
        return read_weights(stack.trained)
    if count <= MOST_WRITTEN:
        return written_weights({number: maps.weights(number) for number in numbers}, paths)
    return drawn_weights(rows, stack.seed, paths)


def written_weights(arrays: Arrays, paths: Mapping[int, str]) -> WeightCode:
    """All weights as they are. Raises ValueError for too many."""
    lines = ["weights = {"]
    for number, named in arrays.items():
        for name, values in named.items():
            written = tensor(name, values).replace("\n", "\n    ")
            lines += f'    "{paths[number]}.{name}": {written},'.splitlines()
    return WeightCode((*lines, "}", "model.load_state_dict(weights, strict=False)"))


def read_weights(trained: LearnedWeights) -> WeightCode:
    """Those of a checkpoint. Raises ValueError if it is no longer kept."""
    file = Run(trained.run).checkpoint_file(trained.step, trained.digest or None)
    if file is None:
        raise ValueError(f"no code can be written: the weights of {trained} are no longer kept")
    return WeightCode(
        (
            f"kept = load_file({quoted(str(file))})",
            "model.load_state_dict({name: kept[name] for name in model.state_dict()})",
        ),
        ("from safetensors.torch import load_file",),
        f";\n# with the weights of {trained}",
    )


def drawn_weights(rows: Sequence[Row], seed: int, paths: Mapping[int, str]) -> WeightCode:
    """Those that FeatureMaps draws: by the layer's number and the seed, and the same with any order."""
    drawn = {
        number: paths[number]
        for number, row in enumerate(rows)
        if number in paths and isinstance(row.layer, Conv | ConvTranspose | Linear)
    }
    if not drawn:
        return WeightCode()
    if [*drawn.values()] == [str(number - 1) for number in drawn]:
        numbers = ", ".join(map(str, drawn)) + ("," if len(drawn) == 1 else "")
        loop, layer = f"    for number in ({numbers}):", "model[number - 1]"
    else:
        places = ", ".join(f"({number}, {quoted(path)})" for number, path in drawn.items())
        loop, layer = f"    for number, path in [{places}]:", "model.get_submodule(path)"
    return WeightCode(
        (
            "with torch.no_grad():",
            *_wrapped(loop),
            f"        layer = {layer}",
            "        bound = (6 / layer.weight[0].numel()) ** 0.5",
            f"        drawn = np.random.default_rng([{seed}, number]).random(layer.weight.shape)",
            "        layer.weight.copy_(torch.from_numpy(drawn * (2 * bound) - bound))",
            "        if layer.bias is not None:",
            "            layer.bias.zero_()",
        ),
        ("import numpy as np",),
        f";\n# with the random weights of seed {seed}",
    )


def _wrapped(line: str) -> list[str]:
    """A long line of a loop, in lines of which all but the first lie in its brackets."""
    import textwrap

    return textwrap.wrap(line, 100, subsequent_indent=" " * 8, break_long_words=False)
