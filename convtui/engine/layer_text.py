"""Stacks of layers as people write them: in one line, over several, or as TOML tables.

Both spell out the same constructors, so a parameter means here what it means in PyTorch.
"""

import re
import tomllib
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import Repr
from typing import Any

from convtui.engine.layer_names import KINDS, example, kind_of, parameters_of, why_not
from convtui.engine.layers import Layer, LayerError
from convtui.engine.readable import readable
from convtui.engine.spec import PADDING_MODES, SpecError
from convtui.engine.toml_text import require_bounded

LARGEST_FILE = 2**20
DEEPEST = 16

_IN_TURN = (
    "kernel_size",
    "output_size",
    "out_channels",
    "out_features",
    "num_groups",
    "scale_factor",
    "negative_slope",
    "alpha",
    "p",
)
_REAL = {"scale_factor", "negative_slope", "alpha", "p"}
_LETTERS = {"s": "stride", "p": "padding", "d": "dilation", "g": "groups", "op": "output_padding"}
_WORDS: dict[str, tuple[str, object]] = {
    "nobias": ("bias", False),
    "same": ("padding", "same"),
    "valid": ("padding", "valid"),
    "same-tf": ("padding", "same-tf"),
    "ceil": ("ceil_mode", True),
    "nopadcount": ("count_include_pad", False),
    "nearest": ("mode", "nearest"),
    "bilinear": ("mode", "bilinear"),
    "align_corners": ("align_corners", True),
    "tanh": ("approximate", "tanh"),
    **{mode: ("padding_mode", mode) for mode in PADDING_MODES},
}
_BRIEF = Repr()
_BRIEF.maxstring = 60
_SIZE = re.compile("([0-9]{1,18})(?:x([0-9]{1,18}))?")
_DIVISOR = re.compile("div(-?[0-9]{1,18})")
_NUMBER = "-?(?:[0-9]{1,18}[.]?[0-9]{0,30}|[.][0-9]{1,30})(?:e[-+]?[0-9]{1,3})?"
_NUMBERS = re.compile(f"({_NUMBER})(?:x({_NUMBER}))?")
_NAMED = {"true": True, "false": False}
_SIDES = re.compile("([0-9]{1,18}):([0-9]{1,18})x([0-9]{1,18}):([0-9]{1,18})")


# -- from layers to text


def format_layers(layers: Sequence[Layer]) -> str:
    """The layers as a line that parse_layers reads back."""
    return ", ".join(map(str, layers))


# -- from text to layers


def parse_layers(text: str) -> tuple[Layer, ...]:
    """The layers written as "conv 3x3 8 s2 p1, relu, maxpool 2, bn, flatten, linear 10".

    A comma or a new line ends a layer; # starts a comment. Sizes are 3 or 3x5 (rows x columns); s is stride,
    p padding (p1, p1x2, or p0:1x2:3 for top:bottom x left:right), d dilation, g groups, op output_padding,
    div divisor_override; nobias, same, valid, same-tf (TensorFlow's SAME), ceil (ceil_mode), nopadcount (no
    count_include_pad) and the padding modes are words. Any parameter can be named as in eps=0.001.
    residual(a, b | c) adds the ends of its paths, or of one path and its own input, multiply(a, b | c)
    multiplies them; concat(a | b) puts their channels one after another.
    Raises LayerError that names the layer, counted as in the table, what is wrong and what would be right.
    """
    layers = _Text(text, _Builder()).layers(0)
    if not layers:
        raise LayerError(1, "", f"no layers given; for example: {example('conv')}, relu")
    return layers


def parse_layers_toml(text: str) -> tuple[Layer, ...]:
    """The layers written as TOML tables, [[layer]] with type = "conv" and PyTorch's parameters as keys.

    The paths of a residual or concat layer are an array, each path a text as parse_layers reads it or an
    array of tables. Raises ValueError where it is no TOML, LayerError for what is no layer.
    """
    require_bounded(text)
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for a number too long
        raise ValueError(f"invalid TOML: {error}") from None
    unknown = [key for key in document if key != "layer"]
    if unknown:
        raise ValueError(f"{_BRIEF.repr(unknown[0])} is not a known key; each layer is a [[layer]] table")
    layers = _from_tables(document.get("layer", []), _Builder(), 0)
    if not layers:
        raise LayerError(1, "", 'no layers given; for example: [[layer]] with type = "relu"')
    return layers


def load_layers(path: str | Path) -> tuple[Layer, ...]:
    """The layers in a file: .toml as parse_layers_toml, any other as parse_layers reads it.

    Raises ValueError, naming the file, for whatever is wrong with it.
    """
    path = Path(path)
    parse = parse_layers_toml if path.suffix.lower() == ".toml" else parse_layers
    with readable(path, LARGEST_FILE):
        return parse(path.read_text("utf-8-sig"))


class _Builder:
    """Makes layers from their names and parameters, and counts them as the table of a stack does."""

    def __init__(self) -> None:
        self.number = 1

    def error(self, reason: str, written: str = "") -> LayerError:
        """The error of the layer that is being read."""
        return LayerError(self.number, _BRIEF.repr(written)[1:-1], reason)

    def layer(self, name: str, parameters: Mapping[str, Any], written: str) -> Layer:
        """The layer of that name with PyTorch's parameters."""
        kind = self.kind(name, written)
        known = parameters_of(kind)
        for_example = f"; for example: {example(kind)}"
        for key in parameters:
            if key not in known:
                raise self.error(why_not(kind, key), written)
        for key, parameter in known.items():
            if key not in parameters and parameter.default is parameter.empty:
                raise self.error(f"{kind} needs {key}{for_example}", written)
        try:
            layer = KINDS[kind](**parameters)
        except SpecError as error:
            raise self.error(f"{error}{'' if error.legal else for_example}", written) from None
        self.number += 1
        return layer

    def kind(self, name: str, written: str) -> str:
        """The name as this module spells it."""
        try:
            return kind_of(name)
        except ValueError as error:
            raise self.error(str(error), written) from None


class _Text:
    """Reads layers from the tokens of a text."""

    def __init__(self, text: str, builder: _Builder) -> None:
        lines = (line.partition("#")[0].replace("×", "x") for line in text.splitlines())
        self.tokens = deque([*re.findall(r"[(),|]|[^\s(),|]+", " , ".join(lines)), ""])
        self.builder = builder

    def layers(self, depth: int) -> tuple[Layer, ...]:
        """All of the text's layers."""
        layers = self.path(depth)
        if self.tokens[0]:
            raise self.builder.error(
                f"unexpected {_BRIEF.repr(self.tokens[0])} outside residual( | ) or concat( | )"
            )
        return layers

    def path(self, depth: int) -> tuple[Layer, ...]:
        """The layers up to the end of a path."""
        layers: list[Layer] = []
        while self.tokens[0] not in ("|", ")", ""):
            if self.tokens[0] == ",":
                self.tokens.popleft()
            else:
                layers.append(self.layer(depth))
                if self.tokens[0] not in (",", "|", ")", ""):
                    raise self.builder.error(f"missing comma before {_BRIEF.repr(self.tokens[0])}")
        return tuple(layers)

    def layer(self, depth: int) -> Layer:
        """The next layer, with its brackets if it has them."""
        words = []
        while self.tokens[0] not in ("(", "|", ")", ",", ""):
            words.append(self.tokens.popleft())
        written = " ".join(words)
        if self.tokens[0] != "(":
            kind = self.builder.kind(words[0], written)
            return self.builder.layer(kind, self.parameters(kind, words[1:], written), written)
        if len(words) != 1:
            raise self.builder.error("only residual, multiply or concat may come before (", written)
        kind = self.builder.kind(written, written)
        if "paths" not in parameters_of(kind):
            raise self.builder.error(f"{kind} takes no brackets; for example: {example(kind)}", written)
        return self.builder.layer(kind, {"paths": self.paths(depth + 1, written)}, written)

    def paths(self, depth: int, written: str) -> list[tuple[Layer, ...]]:
        """The paths in the brackets that begin here."""
        if depth > DEEPEST:
            raise self.builder.error(f"nested more than {DEEPEST} levels deep", written)
        paths = []
        while self.tokens.popleft() in ("(", "|"):
            paths.append(self.path(depth))
            if not self.tokens[0]:
                raise self.builder.error("missing closing )", written)
        return paths

    def parameters(self, kind: str, words: Sequence[str], written: str) -> dict[str, Any]:
        """The parameters that a layer's words stand for."""
        parameters: dict[str, Any] = {}
        in_turn = [key for key in _IN_TURN if key in parameters_of(kind)]
        for word in words:
            key, value = _WORDS.get(word.lower()) or _named(kind, word) or _read(word.lower(), in_turn)
            if not key:
                raise self.builder.error(_no_parameter(kind, word), written)
            if key in parameters:
                raise self.builder.error(
                    f"{key} is given twice, the second time as {_BRIEF.repr(word)}", written
                )
            parameters[key] = value
        return parameters


def _no_parameter(kind: str, word: str) -> str:
    key, equals, _ = word.lower().partition("=")
    if equals and key not in parameters_of(kind):
        return why_not(kind, key)
    return f"{_BRIEF.repr(word)} is not a parameter of {kind}; for example: {example(kind)}"


def _named(kind: str, word: str) -> tuple[str, object] | None:
    """The parameter that a word names as in size=7x7, if the layer has it."""
    key, equals, text = word.partition("=")
    if not equals or key not in parameters_of(kind) or key == "paths":
        return None
    value = text.lower()
    if _SIZE.fullmatch(value):
        return key, _size(value)
    if numbers := _NUMBERS.fullmatch(value):
        return key, _reals(numbers)
    return key, _NAMED.get(value, value)


def _read(word: str, in_turn: list[str]) -> tuple[str, object]:
    """The parameter that a word with a number stands for, taken from those in turn; an empty name if none."""
    if _SIZE.fullmatch(word) and in_turn:
        return in_turn.pop(0), _size(word)
    if in_turn and in_turn[0] in _REAL and (numbers := _NUMBERS.fullmatch(word)):
        return in_turn.pop(0), _reals(numbers)
    if divisor := _DIVISOR.fullmatch(word):
        return "divisor_override", int(divisor[1])
    letters = "op" if word.startswith("op") else word[0]
    key, value = _LETTERS.get(letters, ""), word[len(letters) :]
    if key and _SIZE.fullmatch(value):
        return key, _size(value)
    if key == "padding" and (sides := _SIDES.fullmatch(value)):
        top, bottom, left, right = map(int, sides.groups())
        return key, ((top, bottom), (left, right))
    return "", None


def _reals(match: re.Match[str]) -> float | tuple[float, ...]:
    numbers = tuple(float(text) for text in match.groups() if text)
    return numbers if len(numbers) > 1 else numbers[0]


def _size(text: str) -> int | tuple[int, ...]:
    numbers = tuple(map(int, text.split("x")))
    return numbers if len(numbers) > 1 else numbers[0]


def _from_tables(tables: object, builder: _Builder, depth: int) -> tuple[Layer, ...]:
    if not isinstance(tables, list):
        raise builder.error("layers must be an array of tables, [[layer]]")
    return tuple(_from_table(table, builder, depth) for table in tables)


def _from_table(table: object, builder: _Builder, depth: int) -> Layer:
    if not isinstance(table, dict) or not isinstance(table.get("type"), str):
        raise builder.error('a layer must be a table with a type, such as type = "conv"')
    parameters = {key: value for key, value in table.items() if key != "type"}
    if "paths" in parameters:
        parameters["paths"] = _paths(parameters["paths"], builder, depth + 1)
    return builder.layer(table["type"], parameters, table["type"])


def _paths(paths: object, builder: _Builder, depth: int) -> list[tuple[Layer, ...]]:
    if not isinstance(paths, list):
        raise builder.error("paths must be an array, each path a text or an array of tables")
    if depth > DEEPEST:
        raise builder.error(f"nested more than {DEEPEST} levels deep")
    return [
        _Text(path, builder).layers(depth) if isinstance(path, str) else _from_tables(path, builder, depth)
        for path in paths
    ]
