"""`convtui layers`: the table of a network's layers, for a reader, a spreadsheet or a paper."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import printing, tell

if TYPE_CHECKING:
    from convtui.engine.stack import Summary

ABOUT: Final = """\
Print the table of a network's layers: shapes, parameters, multiply-adds, the
memory that outputs take in float32, and receptive fields.

LAYERS is a network's name, a file of layers (.txt, .toml), or their text. A
text may also be what PyTorch prints of an nn.Sequential. If a layer does not
fit, those up to there are printed, and why: the shapes, the formula with its
numbers, and the nearest changes that fit.
"""
EXAMPLES: Final = """\
examples:
  convtui layers resnet-18
  convtui layers "conv 3x3 8 s2 p1, relu, maxpool 2" --input 1x28x28
  convtui layers mobilenet-v2 --input 3x160x160 --format csv > mobilenet.csv
  convtui layers mine.txt --input 3x64x64 --format latex
"""
_SHAPE: Final = re.compile("([0-9]{1,6})x([0-9]{1,6})x([0-9]{1,6})")


def print_layers(arguments: Sequence[str]) -> int:
    """Run the command. Raises ValueError for what is refused.

    Layers that do not fit are printed up to there, with why, before they are refused.
    """
    options = parser().parsed(arguments)
    from convtui.cli.layer_table import FORMATS, failure_lines

    if options.json and options.format not in (None, "json"):
        raise ValueError(f"--json, --format {options.format}: use one at a time")
    if options.list:
        if options.layers is not None:
            raise ValueError("--list: lists all networks; leave the layers out")
        return _list()
    summary, name = _summary(options)
    written = FORMATS["json" if options.json else options.format or "table"](summary, name)
    with printing():
        print(written)
    if summary.error is None:
        return 0
    if options.format in ("csv", "latex"):
        for line in failure_lines(summary):
            tell(line)
    raise summary.error


def _summary(options: argparse.Namespace) -> tuple[Summary, str]:
    """The layers over an image of that shape, and the network's name if it has one."""
    from convtui.state.network import Stack

    if options.layers is None:
        raise ValueError("name a network, a file or layers, such as resnet-18; --list lists the networks")
    stack = Stack.chosen(options.layers, _input_shape(options))
    return stack.summary, stack.name


def _input_shape(options: argparse.Namespace) -> tuple[int, int, int]:
    """The image's [channels, rows, columns]: that which is asked for, or which the network was made for."""
    from convtui.engine.presets import choose_layers, find_preset
    from convtui.inputs.names import printable

    if options.input is None:
        found = find_preset(options.layers)
        if found is None:
            choose_layers(options.layers)  # a name that is wrong is told first
            raise ValueError("--input: needed for your own layers, such as --input 3x224x224")
        return found.input_shape
    match = _SHAPE.fullmatch(options.input.lower().replace("×", "x"))
    if match is None or not all(map(int, match.groups())):
        given = printable(options.input)
        raise ValueError(f"--input {given}: must be channels x rows x columns, such as 3x224x224")
    channels, rows, columns = map(int, match.groups())
    return channels, rows, columns


def _list() -> int:
    """Print the networks that have a name."""
    from convtui.cli.samples import print_list
    from convtui.engine.presets import NAMES, preset

    with printing():
        print_list("Networks (convtui layers NAME):", {name: preset(name).sentence for name in NAMES})
    return 0


def parser() -> Parser:
    from convtui.engine.layer_names import KINDS, example

    kinds = "\n".join(["layers, each as an example:", *(f"  {example(kind)}" for kind in KINDS)])
    parser = Parser(
        prog="convtui layers",
        description=ABOUT,
        epilog=f"{kinds}\n\n{EXAMPLES}",
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui layers LAYERS [options]",
    )
    what = "a network's name, a file, or layers as text"
    parser.add_argument("layers", metavar="LAYERS", nargs="?", help=what)
    parser.add_argument(
        "--input",
        metavar="CxHxW",
        help="the image's channels, rows and columns (default: those the network was made for)",
    )
    parser.add_argument(
        "--format",
        choices=["table", "csv", "markdown", "latex", "json"],
        help="table, to be read (default); csv, markdown, latex or json",
    )
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--list", action="store_true", help="list the networks that have a name")
    return parser
