"""The form of a graph: operations in the order they ran, each with what it reads and where that came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Final, TypeAlias

from convtui.engine.graph.reads import Reads

Shape: TypeAlias = tuple[int, ...]
Setting: TypeAlias = str | float | bool | tuple[int, ...] | None

INPUT: Final = "input"
SIZES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 8),
    **dict.fromkeys(("float32", "int32", "uint32"), 4),
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 2),
    "complex128": 16,
}  # bytes of a number; 1 for all others


def shape_text(shape: Shape) -> str:
    """As 1x64x56x56; "scalar" for no axes."""
    return "x".join(map(str, shape)) or "scalar"


@dataclass(frozen=True)
class Source:
    """A tensor that an operation reads: which output of which operation it is."""

    op: int
    output: int = 0


@dataclass(frozen=True)
class Tensor:
    """The shape and the type of a tensor, as torch spells it: float32."""

    shape: Shape
    dtype: str

    @property
    def memory(self) -> int:
        """Bytes of its numbers."""
        return prod(self.shape) * SIZES.get(self.dtype, 1)


@dataclass(frozen=True)
class Parameter:
    """A trainable parameter by its name in the module; shared ones have the name they have first."""

    name: str
    shape: Shape

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)


@dataclass(frozen=True)
class Cost:
    """Multiply-adds, and how they are counted: factors as 112*112*64*147; terms that are added up."""

    terms: tuple[tuple[int, ...], ...] = ()

    @property
    def multiply_adds(self) -> int:
        """How many there are."""
        return sum(map(prod, self.terms))

    @property
    def formula(self) -> str:
        """As 112*112*9,408 = 118,013,952; "0" for none."""
        if not self.terms:
            return "0"
        terms = "+".join("*".join(map(str, factors)) for factors in self.terms)
        return f"{terms} = {self.multiply_adds:,}"


@dataclass(frozen=True)
class DeadFilters:
    """The channels, of so many, that a ReLU after a convolution gave as 0 everywhere.

    largest: the largest number that each of these had before it.
    """

    channels: tuple[int, ...]
    of: int
    largest: tuple[float, ...] = ()


@dataclass(frozen=True)
class Op:
    """One operation. reads: for each output, for each input, for each axis of that input; then perhaps for
    axes of one cell that it has not, which say of which indices of the output it is read at all.

    kind: PyTorch's name of it. path, module: of the module that called it, "" where there is none. line: as
    net.py:23, of the file of whose it is; code: what stands there. call: which call of a module that is used
    several times, from 1. cost: None where it is not known. note: what cannot be told of it, in words.
    dead: None where it was not counted.
    """

    number: int
    kind: str
    outputs: tuple[Tensor, ...]
    inputs: tuple[Source, ...] = ()
    reads: tuple[tuple[Reads, ...], ...] = ()
    path: str = ""
    module: str = ""
    line: str = ""
    code: str = ""
    call: int = 1
    settings: Mapping[str, Setting] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    cost: Cost | None = field(default_factory=Cost)
    note: str = ""
    dead: DeadFilters | None = None

    @property
    def output(self) -> Tensor:
        """Its output; the first of several."""
        return self.outputs[0]

    @property
    def memory(self) -> int:
        """Bytes of its outputs; none where it writes into a tensor, or shows one in another shape."""
        return 0 if self.settings.get("shares_memory") else sum(each.memory for each in self.outputs)

    @property
    def parameter_count(self) -> int:
        """How many trainable parameters it uses."""
        return sum(each.count for each in self.parameters)

    @property
    def title(self) -> str:
        """What it is and the settings that tell it from others: `conv2d 3x3 s2 p1`."""
        words = (_word(name, self.settings.get(name)) for name in _WORDS)
        return " ".join([self.kind, *filter(None, words)])


@dataclass(frozen=True)
class Argument:
    """A tensor that went into the operation that failed: by which name, and where it came from.

    source: None of a parameter, a buffer or a constant, which `name` tells.
    """

    role: str
    tensor: Tensor
    source: Source | None = None
    name: str = ""


@dataclass(frozen=True)
class Failure:
    """Where a pass ended, and on what. kind is "" where no operation failed but code of theirs.

    frames: as `net.py:23 in forward: x = self.fc(x)`, theirs alone, the innermost last. legal: what a layer
    that knows its own limits says would fit, "" if nothing does; None of an operation, which knows none.
    """

    error: str
    kind: str = ""
    path: str = ""
    module: str = ""
    line: str = ""
    code: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    arguments: tuple[Argument, ...] = ()
    frames: tuple[str, ...] = ()
    legal: str | None = None

    def shape(self, role: str) -> Shape:
        """The shape of the argument of that role, () if there is none."""
        return next((each.tensor.shape for each in self.arguments if each.role == role), ())


@dataclass(frozen=True)
class Graph:
    """A pass through a network: operation 0 is its input. outputs: what the network returned.

    unused: trainable parameters that the pass did not use. input_name: what its input is, in words.
    returned: what kind of value is not a tensor that depends on the input, in words; "" if it is.
    is_cut: the pass did not end by itself, or has not ended yet. names: of the inputs, by the arguments of
    its forward, where there are several.
    """

    ops: tuple[Op, ...]
    name: str = ""
    outputs: tuple[Source, ...] = ()
    failure: Failure | None = None
    unused: tuple[Parameter, ...] = ()
    training: bool = False
    traits: tuple[str, ...] = ()  # what else is seen of the model, by name, as "CrossEntropyLoss"
    input_name: str = "this input"
    returned: str = ""
    is_cut: bool = False
    names: tuple[str, ...] = ()

    @property
    def image(self) -> Source | None:
        """The input that fields are of: the first that has rows, or a row, beside batch and channels."""
        return next(iter(self.images), None)

    @property
    def images(self) -> tuple[Source, ...]:
        """All inputs that have rows, or a row, beside batch and channels."""
        inputs = enumerate(self.ops[0].outputs)
        return tuple(Source(0, i) for i, each in inputs if len(each.shape) > 2)

    def input_text(self, number: int) -> str:
        """One of several inputs, from 0: `input 2 (mask)`."""
        name = f" ({self.names[number]})" if number < len(self.names) else ""
        return f"input {number + 1}{name}"

    @property
    def parameters(self) -> int:
        """Trainable parameters that the pass used; those that are shared count once."""
        return sum(each.count for each in {each for op in self.ops for each in op.parameters})

    @property
    def multiply_adds(self) -> int:
        """Of all operations of which they are known."""
        return sum(op.cost.multiply_adds for op in self.ops if op.cost)

    @property
    def uncounted(self) -> tuple[Op, ...]:
        """Operations of which the multiply-adds are not known."""
        return tuple(op for op in self.ops if op.cost is None)

    @property
    def memory(self) -> int:
        """Bytes of all outputs, without the input."""
        return sum(op.memory for op in self.ops[1:])

    def tensor(self, source: Source) -> Tensor:
        """The tensor that an operation reads."""
        return self.ops[source.op].outputs[source.output]


# How settings are written, in this order; what has PyTorch's default says nothing.
_WORDS: Final[Mapping[str, tuple[str, object]]] = {
    "kernel": ("", None),
    "in_channels": ("", None),
    "out_channels": ("→", None),
    "in_features": ("", None),
    "out_features": ("→", None),
    "output_size": ("to ", None),
    "stride": ("s", 1),
    "padding": ("p", 0),
    "dilation": ("d", 1),
    "groups": ("g", 1),
    "output_padding": ("op", 0),
    "dim": ("dim=", None),
    "num_groups": ("groups=", None),
    "mode": ("", None),
    "shape": ("to ", None),
}


def _word(name: str, value: Setting) -> str:
    before, default = _WORDS[name]
    if value is None or value == default:
        return ""
    if isinstance(value, tuple):
        if not value or set(value) == {default}:
            return ""
        is_square = len(set(value)) == 1 and name in ("stride", "padding", "dilation", "output_padding")
        return before + ("x".join(map(str, value[:1] if is_square else value)))
    return f"{before}{value}"
