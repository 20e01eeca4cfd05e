"""`convtui trace`: the table of somebody's own PyTorch model, and why its shapes fail, without the app."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import printing, tell
from convtui.cli.own_network import add_tracing_options, limit_of, silenced_of

if TYPE_CHECKING:
    from convtui.tracing.protocol import Job

FAILED: Final = 1
ITS_PROCESS: Final = "the process that runs your code"
NO_INPUT: Final = "name --input, such as 3x224x224, or --inputs, a function that makes the inputs"

ABOUT: Final = """\
Run a PyTorch model of yours once and print each of its operations: the
module, the line of your file, the shape of its output, parameters,
multiply-adds, the memory of the output, and its receptive field. If the pass
fails, the operations up to there, and why: the shapes and where each came
from, the formula with its numbers, and the nearest changes that fit.

MODEL is FILE.py:NAME or package.module:NAME, of a class, a function that makes
the model, or a model. Naming it runs its code, in a process of its own. What
it prints is printed on standard error. Arguments for it follow after --.
Or MODEL is a FILE.pt2 that torch.export.save wrote: none of its code is
needed, none is run, and its own inputs are taken where --input names none.
"""
EXAMPLES: Final = """\
checks, under the table (--silence NAME leaves one out):
  bias          a convolution's bias right before a batch norm
  unread        pixels of the input that no window reads
  field         a receptive field smaller than the image at the last convolution
  dead          filters that are 0 everywhere after a ReLU, on this input
  checkerboard  a transposed convolution whose stride does not divide its kernel
  training      a batch norm in training mode
  softmax       a softmax before a cross entropy, which has its own
  output        a network that gives None, no tensor, or its input as it is

examples:
  convtui trace net.py:Net --input 3x224x224
  convtui trace net.py:Net --input 1x28x28 --weights net.safetensors --sizes
  convtui trace net.py:make_net --inputs net.py:make_inputs -- 10 depth=18
  convtui trace net.py:Net --inputs net.py:of_image --input 3x224x224
  convtui trace net.pt2
  convtui trace torchvision.models:resnet50 --input 3x224x224 --format csv

exit codes: 0 traced, 1 the pass failed, 2 it did not begin (options, files, or
code that cannot be run or made), 130 after Ctrl+C
"""
MOST_AXES: Final = 4
LARGEST_AXIS: Final = 10**7
_SHAPE: Final = re.compile(f"[0-9]{{1,30}}(x[0-9]{{1,30}}){{0,{MOST_AXES - 1}}}")


def trace(arguments: Sequence[str]) -> int:
    """Do what `convtui trace` is asked and return its exit code. Raises ValueError for what is refused."""
    ours, theirs = list(arguments), []
    if "--" in ours:
        at = ours.index("--")
        ours, theirs = ours[:at], ours[at + 1 :]
    options = parser().parsed(ours)
    job = _job(options, theirs)
    silenced = silenced_of(options.silence)
    from convtui.inputs.names import printable
    from convtui.tracing import client
    from convtui.tracing.traced import FORMATS, Trace

    outcome = asyncio.run(client.trace(job, limit_of(options.limit), prints=tell))
    for notice in outcome.notices:
        tell(notice)
    if outcome.refused:
        for line in outcome.refused.details:
            tell(f"  {line}")
        raise ValueError(outcome.refused.reason)
    if outcome.graph is None:
        ended = outcome.trouble or "ended without a word"
        raise ValueError(f"{printable(job.target)}: before the pass began, {ITS_PROCESS} {ended}")
    traced = Trace(outcome.graph, outcome.sizes, silenced)
    with printing():
        print(FORMATS[options.format](traced))
    if options.format == "csv":
        for line in traced.failure_lines():
            tell(line)
    if outcome.trouble:
        last = outcome.graph.ops[-1]
        line = f" ({last.line})" if last.line else ""
        after = f"after operation {last.number}, {last.kind}{line}" if last.number else "before any operation"
        tell(f"convtui: {after}, {ITS_PROCESS} {outcome.trouble}")
    return FAILED if outcome.trouble or outcome.graph.failure else 0


def _job(options: argparse.Namespace, theirs: Sequence[str]) -> Job:
    from convtui.tracing.protocol import Job
    from convtui.tracing.saved import refusal

    if why := refusal(options.model):
        raise ValueError(why)
    is_exported = options.model.endswith(".pt2")  # which knows its inputs
    if options.input is None and options.inputs is None and not is_exported:
        raise ValueError(NO_INPUT)
    if options.input is None and options.batch is not None:
        decides = "the file" if options.inputs is None else "the function of --inputs"
        raise ValueError(f"--batch: works only with --input; {decides} decides itself")
    shape = () if options.input is None else _shape(options.input)
    return Job(
        target=options.model,
        arguments=tuple(theirs),
        shape=shape,
        batch=_batch(options.batch),
        inputs=options.inputs or "",
        weights=options.weights or "",
        training=options.train,
        sizes=options.sizes,
    )


def _shape(text: str) -> tuple[int, ...]:
    """Raises ValueError for what is no shape of one input."""
    from convtui.inputs.names import printable

    wrong = f"--input {printable(text)}: must be channels x rows x columns, such as 3x224x224"
    plain = text.lower().replace("×", "x")
    if not _SHAPE.fullmatch(plain):
        if len(numbers := plain.split("x")) > MOST_AXES and all(each.isdecimal() for each in numbers):
            wrong += f"; at most {MOST_AXES} numbers, without the batch (--batch)"
        raise ValueError(wrong)
    shape = tuple(map(int, plain.split("x")))
    if 0 in shape:
        raise ValueError(f"{wrong}; none of them 0")
    if max(shape) > LARGEST_AXIS:
        raise ValueError(f"--input {printable(text)}: each number must be at most {LARGEST_AXIS:,}")
    return shape


def _batch(text: str | None) -> int:
    from convtui.inputs.names import printable

    if text is None:
        return 1
    if not text.isdecimal() or not 1 <= int(text) <= 2**16:
        raise ValueError(f"--batch {printable(text)}: must be a whole number from 1 to {2**16:,}")
    return int(text)


def parser() -> Parser:
    """The model, its input, and how the table is printed."""
    parser = Parser(
        prog="convtui trace",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui trace MODEL (--input CxHxW | --inputs FILE.py:NAME) [options] [-- ARGUMENTS]",
    )
    parser.add_argument("model", metavar="MODEL", help="FILE.py:NAME, package.module:NAME or FILE.pt2")
    parser.add_argument(
        "--input", metavar="CxHxW", help="the input's shape without the batch: random numbers"
    )
    parser.add_argument("--batch", metavar="N", help="how many of them at once (default 1)")
    add_tracing_options(parser)
    parser.add_argument("--sizes", action="store_true", help="also search which image sizes go through")
    parser.add_argument(
        "--format", choices=["table", "json", "csv", "markdown"], default="table", help="(default: table)"
    )
    return parser
