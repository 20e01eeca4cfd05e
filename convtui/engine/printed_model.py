"""The layers of an nn.Sequential, from what PyTorch prints of it or from the call that makes it.

A print tells which modules there are, but how they are joined only where they follow one another, as in
nn.Sequential. A module whose work it does not tell is refused with its line. A few parameters PyTorch never
prints (the ceil_mode and the divisor of AvgPool2d, align_corners of Upsample): they are then the defaults.
Source: https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
"""

import ast
import re
from bisect import bisect
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

from convtui.engine.layer_names import KINDS, kind_of
from convtui.engine.layers import Layer, Shape
from convtui.engine.spec import PADDING_MODES, SpecError
from convtui.engine.stack import Summary

MOST_LAYERS: Final = 10_000
DEEPEST: Final = 50
_LONGEST: Final = 60  # characters of a line that are told

_CONV: Final = "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
_TRANSPOSED: Final = (
    "in_channels out_channels kernel_size stride padding output_padding groups bias dilation padding_mode"
)
_MAX_POOL: Final = "kernel_size stride padding dilation return_indices ceil_mode"
_AVG_POOL: Final = "kernel_size stride padding ceil_mode count_include_pad divisor_override"
_BATCH_NORM: Final = "num_features eps momentum affine track_running_stats bias"
# By PyTorch's names: what convtui calls a module, and its parameters in turn.
_MODULES: Final[Mapping[str, tuple[str, str]]] = {
    "Conv2d": ("conv", _CONV),
    "Conv1d": ("conv1d", _CONV),
    "ConvTranspose2d": ("convtranspose", _TRANSPOSED),
    "ConvTranspose1d": ("convtranspose1d", _TRANSPOSED),
    "MaxPool2d": ("maxpool", _MAX_POOL),
    "MaxPool1d": ("maxpool1d", _MAX_POOL),
    "AvgPool2d": ("avgpool", _AVG_POOL),
    "AvgPool1d": ("avgpool1d", _AVG_POOL),
    "AdaptiveAvgPool2d": ("adaptiveavgpool", "output_size"),
    "AdaptiveAvgPool1d": ("adaptiveavgpool1d", "output_size"),
    "AdaptiveMaxPool2d": ("adaptivemaxpool", "output_size return_indices"),
    "AdaptiveMaxPool1d": ("adaptivemaxpool1d", "output_size return_indices"),
    "ReLU": ("relu", "inplace"),
    "ReLU6": ("relu6", "inplace"),
    "LeakyReLU": ("leakyrelu", "negative_slope inplace"),
    "ELU": ("elu", "alpha inplace"),
    "GELU": ("gelu", "approximate"),
    "SiLU": ("silu", "inplace"),
    "Hardswish": ("hardswish", "inplace"),
    "Sigmoid": ("sigmoid", ""),
    "Tanh": ("tanh", ""),
    "Softmax": ("softmax", "dim"),
    "Softmax2d": ("softmax", ""),
    "BatchNorm2d": ("bn", _BATCH_NORM),
    "BatchNorm1d": ("bn", _BATCH_NORM),
    "GroupNorm": ("groupnorm", "num_groups num_channels eps affine bias"),
    "LayerNorm": ("layernorm", "normalized_shape eps elementwise_affine bias"),
    "InstanceNorm2d": ("instancenorm", _BATCH_NORM),
    "Dropout": ("dropout", "p inplace"),
    "Upsample": ("upsample", "size scale_factor mode align_corners recompute_scale_factor"),
    "Flatten": ("flatten", "start_dim end_dim"),
    "Linear": ("linear", "in_features out_features bias"),
}
_OF_THE_INPUT: Final = {"in_channels", "in_features", "num_features", "num_channels", "normalized_shape"}
_WITHOUT_EFFECT: Final = {"inplace", "momentum"}  # on what a layer computes in evaluation

# Which of them a layer of convtui always has.
_ALWAYS: Final[Mapping[tuple[str, str], object]] = {
    ("bn", "affine"): True,
    ("bn", "track_running_stats"): True,
    ("instancenorm", "track_running_stats"): False,
    ("convtranspose", "padding_mode"): "zeros",
    ("convtranspose1d", "padding_mode"): "zeros",
    ("maxpool", "return_indices"): False,
    ("maxpool1d", "return_indices"): False,
    ("adaptivemaxpool", "return_indices"): False,
    ("adaptivemaxpool1d", "return_indices"): False,
    ("upsample", "recompute_scale_factor"): False,
}
_AFFINE: Final = {"bn": True, "groupnorm": True, "instancenorm": False}  # by default
_WITH_PATHS: Final = {"residual", "multiply", "concat"}  # which convtui writes with brackets, too
_WORDS: Final = {"same", "valid", *PADDING_MODES}  # printed without quotes

_TOKEN: Final = re.compile(r"""[A-Za-z_][\w.]*|[-+]?[0-9.][\w.]*(?:[-+][0-9]+)?|'[^'\n]*'|"[^"\n]*"|[^\s]""")
_BEGINS: Final = re.compile(
    r"\s*(?:\w+\s*=\s*)?(?:\([\w-]+\)\s*:\s*)?(?P<name>(?:torch\.)?(?:nn\.)?[A-Z]\w*)\s*\("
)
_KEY: Final = re.compile(r"\(\s*([\w-]+)\s*\)\s*:")


@dataclass(frozen=True)
class Expected:
    """What a printed layer says of its input: its line, what stands there, its number, and the value."""

    line: int
    written: str
    number: int
    parameter: str
    value: int | tuple[int, ...]


@dataclass(frozen=True)
class PrintedModel:
    """Layers as they were printed, and what they say of their inputs."""

    layers: tuple[Layer, ...]
    expected: tuple[Expected, ...]

    def check(self, summary: Summary) -> None:
        """Raise ValueError, with the line, for the first layer whose input is not what its print says."""
        for each in self.expected:
            if each.number > len(summary.rows):
                return
            before = summary.rows[each.number - 1]
            found = _found(each, before.output_shape)
            if found not in (None, each.value):
                of = "the image" if before.number == 0 else f"the layer before it, {before.layer.title},"
                raise ValueError(
                    f"line {each.line}: {each.written}: {each.parameter} is {_shown(each.value)}, "
                    f"but {of} has {_shown(found)}"
                )


def is_printed(text: str) -> bool:
    """Whether a text is a module as PyTorch prints or makes it, and not layers as convtui writes them."""
    begins = _BEGINS.match(text)
    return begins is not None and begins["name"].lower() not in _WITH_PATHS


def read_printed(text: str) -> PrintedModel:
    """The layers of a printed nn.Sequential; nested ones follow one another.

    Raises ValueError, with the line and what it says, for whatever is not told or not known.
    """
    return _Reader(text).model()


def _found(each: Expected, shape: Shape) -> int | tuple[int, ...] | None:
    """What the input has of what is expected; None where the layer itself refuses such an input."""
    if each.parameter == "normalized_shape":
        return shape
    if each.parameter == "in_features":
        return shape[0] if len(shape) == 1 else None
    return shape[0]


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class _Reader:
    """Reads modules from the tokens of a text, and knows on which line of the print it is.

    A print pasted into a line of its own has lost its new lines: they are counted from what begins them.
    """

    def __init__(self, text: str) -> None:
        text = re.sub(r"^\s*\w+\s*=\s*(?=[A-Za-z_(])", "", text.strip())
        self._lines = text.splitlines()
        self._has_lines = len(self._lines) > 1
        if _KEY.match(text):  # what stands within an nn.Sequential
            text = f"Sequential({text})"
        ends = [match.start() for match in re.finditer("\n", text)]
        tokens = list(_TOKEN.finditer(text))
        self._text = text
        self._tokens = deque(token[0] for token in tokens)
        self._at = deque((token.start(), 1 + bisect(ends, token.start())) for token in tokens)
        self._place, self._line = 0, 1
        self._layers: list[Layer] = []
        self._expected: list[Expected] = []

    def model(self) -> PrintedModel:
        """All of the text's layers."""
        self._module(0)
        if self._tokens:
            self._fail(self._tokens[0], "nothing may follow the module")
        if not self._layers:
            self._fail("Sequential()", "it has no layers")
        return PrintedModel(tuple(self._layers), tuple(self._expected))

    # -- tokens

    def _next(self) -> str:
        if not self._tokens:
            self._fail(
                self._lines[-1].strip() if self._lines else "", "the text ends before its last bracket"
            )
        self._place, line = self._at.popleft()
        if self._has_lines:
            self._line = line
        return self._tokens.popleft()

    def _take(self, token: str) -> None:
        found = self._next()
        if found != token:
            self._fail(found, f"expected {token}")

    def _peek(self, at: int = 0) -> str:
        return self._tokens[at] if at < len(self._tokens) else ""

    def _is_key(self) -> bool:
        """Whether a printed name of a module comes next: (0): or (conv1): or (0-2):."""
        tokens = [self._peek(at) for at in range(6)]
        return tokens[0] == "(" and ":" in (tokens[3:4] if tokens[2] == ")" else [])

    def _fail(self, written: str, reason: str) -> NoReturn:
        line = self._lines[self._line - 1] if self._has_lines else written
        raise ValueError(f"line {self._line}: {_short(line)}: {reason}")

    # -- modules

    def _module(self, depth: int) -> None:
        """The next module, whose layers are added."""
        if depth > DEEPEST:
            self._fail(self._peek(), f"nested more than {DEEPEST} levels deep")
        times = 1
        if re.fullmatch("[0-9]{1,4}", self._peek()) and self._peek(1) == "x":
            times = int(self._next())
            self._next()
        full_name = self._next()
        name, begin = full_name.rpartition(".")[2], self._place
        self._take("(")
        if name == "Sequential":
            first, expected = len(self._layers), len(self._expected)
            self._children(depth)
            self._repeat(first, expected, times)
            return
        self._known(full_name, name)
        arguments = self._arguments(full_name)
        for _ in range(times):
            self._add(name, arguments, _short(self._text[begin : self._place + 1]))

    def _children(self, depth: int) -> None:
        """The modules of an nn.Sequential, up to its closing bracket."""
        has_keys = False
        while self._peek() != ")":
            if self._peek() == ",":
                self._next()
                continue
            if self._is_key():
                has_keys = True
                for _ in range(4):
                    self._next()
                self._line += 0 if self._has_lines else 1
            elif self._peek(1) != "(" and self._peek(1) != "x":
                self._fail(self._next(), "nn.Sequential is read from its modules, one after another")
            self._module(depth + 1)
        self._next()
        self._line += 1 if has_keys and not self._has_lines else 0

    def _repeat(self, first: int, expected: int, times: int) -> None:
        """The layers from `first` on once more, so that they are there so many times."""
        layers, found = self._layers[first:], self._expected[expected:]
        for again in range(1, times):
            self._require_few(len(layers))
            self._layers += layers
            shift = again * len(layers)
            self._expected += [
                Expected(each.line, each.written, each.number + shift, each.parameter, each.value)
                for each in found
            ]

    def _known(self, full_name: str, name: str) -> None:
        """Refuse a module of which it is not known what it computes."""
        if name in _MODULES or name == "Identity":
            return
        if name in ("ModuleList", "ModuleDict"):
            self._fail(f"{full_name}(", f"a {name} does not tell how its modules are joined")
        try:
            kind_of(name)
        except ValueError as error:
            if "two-dimensional" in str(error) or str(error).startswith("convtui has no layer"):
                self._fail(f"{full_name}(", str(error))
        self._fail(f"{full_name}(", "a class of its own, and its print does not tell how it joins its parts")

    def _arguments(self, name: str) -> dict[str, Any]:
        """What stands in a module's brackets, in turn or by name."""
        arguments: dict[str, Any] = {}
        in_turn = _MODULES.get(name.rpartition(".")[2], ("", ""))[1].split()
        while self._peek() != ")":
            if self._peek() == ",":
                self._next()
            elif self._peek(1) == "=":
                key = self._next()
                self._next()
                arguments[key] = self._value(name)
            else:
                at = len(arguments)
                value = self._value(name)
                if at >= len(in_turn):
                    self._fail(f"{name}(", f"unexpected {_shown(value)}")
                arguments[in_turn[at]] = value
        self._next()
        return arguments

    def _value(self, name: str) -> Any:
        """A number, a word in quotes, True, False, None, or several of them in brackets."""
        token = self._next()
        if token in ("(", "["):
            values = []
            while self._peek() not in (")", "]"):
                if self._peek() == ",":
                    self._next()
                else:
                    values.append(self._value(name))
            self._next()
            return tuple(values)
        if token in _WORDS:
            return token
        try:
            return ast.literal_eval(token)
        except (ValueError, SyntaxError):
            self._fail(f"{name}(", f"{token[:_LONGEST]!r} is not a number")

    def _add(self, name: str, arguments: Mapping[str, Any], written: str) -> None:
        """The layer of that module with these arguments."""
        self._require_few(1)
        if name == "Identity":
            return
        kind, known = _MODULES[name]
        parameters: dict[str, Any] = {}
        for key, value in arguments.items():
            if key not in known.split():
                self._fail(written, f"{name} has no {key[:_LONGEST]}")
            if key in _OF_THE_INPUT:
                self._expect(written, key, value)
            elif key == "bias" and kind in _AFFINE:
                if value is False and arguments.get("affine", _AFFINE[kind]):
                    self._fail(written, f"{kind} with a weight always has a bias in convtui")
            elif self._counts(kind, key, value, written):
                parameters[key] = value
        try:
            self._layers.append(KINDS[kind](**parameters))
        except SpecError as error:
            self._fail(written, str(error))
        except TypeError:
            self._fail(written, f"{name} has too few or other parameters")

    def _counts(self, kind: str, key: str, value: object, written: str) -> bool:
        """Whether a parameter goes to the layer: what changes nothing does not."""
        if value is None or key in _WITHOUT_EFFECT:
            return False
        if (kind, key) not in _ALWAYS:
            return True
        if value != _ALWAYS[kind, key]:
            self._fail(written, f"{kind} always has {key}={_ALWAYS[kind, key]} in convtui")
        return False

    def _expect(self, written: str, parameter: str, value: object) -> None:
        is_shape = parameter == "normalized_shape"
        size = (value,) if is_shape and not isinstance(value, tuple) else value
        sizes = size if isinstance(size, tuple) else (size,)
        if not sizes or not all(type(each) is int and each > 0 for each in sizes):
            self._fail(written, f"{parameter} must be whole numbers, at least 1")
        number = len(self._layers) + 1
        self._expected.append(Expected(self._line, written, number, parameter, cast("int", size)))

    def _require_few(self, more: int) -> None:
        if len(self._layers) + more > MOST_LAYERS:
            self._fail("Sequential", f"more than {MOST_LAYERS:,} layers")
