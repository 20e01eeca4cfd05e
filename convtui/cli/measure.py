"""`convtui measure`: how a kept run stands up to noise and how flat its loss is, without the app.

It drives the same process as the app does, and what it measures is kept with the run, for the app too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import printing, tell
from convtui.cli.train import network_of
from convtui.engine.words import counted

if TYPE_CHECKING:
    from convtui.training.measuring import Norms
    from convtui.training.own_network import OwnNetwork
    from convtui.training.runs.history import RunHistory
    from convtui.training.runs.measurements import Measurements
    from convtui.training.runs.store import Run

FAILED: Final = 1

ABOUT: Final = """\
Measure the network of a saved run: its loss with noise on the validation
images, its loss along random directions around the weights, the largest
eigenvalue of the Hessian of the training loss, and the norms of the weights.
The figures are kept with the run; Ctrl+C ends it, and the next time it
measures what is missing. A run of your own network needs its code, which
--network names; figures that are kept need none.
"""
EXAMPLES: Final = """\
examples:
  convtui measure 7
  convtui measure 7 --json
  convtui measure 8 --network net.py:Net -- 10

exit codes: 0 measured, 1 failed or killed, 2 refused, 130 after Ctrl+C
"""


def measure(arguments: Sequence[str]) -> int:
    """Do what `convtui measure` is asked and return its exit code. Raises ValueError for what is refused."""
    from convtui.training.runs.history import RunHistory
    from convtui.training.runs.measurements import measurements_of
    from convtui.training.runs.store import find_run

    at = [*arguments].index("--") if "--" in arguments else len(arguments)
    options = parser().parsed(arguments[:at])
    network = network_of(options.network, arguments[at + 1 :], None)
    run = find_run(options.run)
    known = measurements_of(run)
    if known is None or not known.is_complete:
        known, trouble = asyncio.run(_measured(RunHistory(run.recipe, str(run.path)), network))
        if known is None:
            raise ValueError(trouble)
        if trouble:
            named = f" {run.recipe.network.as_option()}" if run.recipe.network else ""
            tell(f"convtui: {trouble}; what is measured is kept: convtui measure {run.number}{named} goes on")
            return FAILED
    with printing():
        print(_as_json(run, known) if options.json else "\n".join(_lines(run, known)))
    return 0


async def _measured(history: RunHistory, network: OwnNetwork | None) -> tuple[Measurements | None, str]:
    """What is measured, None if it has not begun, and why that did not end; "" if it did."""
    from convtui.training.campaign import Measurement
    from convtui.training.measuring import Measure, Measuring
    from convtui.training.process.client import WorkerProcess

    measurement = Measurement(history)
    worker = await WorkerProcess.start(network)
    try:
        worker.send(Measure(history.run))
        async for event in worker.events():
            measurement.take(event)
            if isinstance(event, Measuring) and event.notice:
                tell(f"convtui: {event.notice}")
            if not measurement.is_active:
                break
        else:
            measurement.fail(f"the training process {worker.cause}")
    finally:
        await worker.end()
    return measurement.known, measurement.reason


def _as_json(run: Run, known: Measurements) -> str:
    figures = {"run": str(run.path), **asdict(known)}
    return json.dumps(_finite(figures | {"noise_slope": known.noise_slope, "sharpness": known.sharpness}))


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinities: they are null."""
    match value:
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case float() if not isfinite(value):
            return None
    return value


def _lines(run: Run, known: Measurements) -> list[str]:
    """The figures with what they are."""
    from convtui.inputs.names import printable
    from convtui.training.measuring import SHARP_AT

    images = f"{known.noise_images:,} validation images and {known.landscape_images:,} training images"
    lines = [f"run {run.number} after step {known.step}, measured on {images}", ""]
    lines += ["noise    loss  accuracy"]
    lines += [f"{each.noise:5.2f}  {each.loss:6.4f}  {each.accuracy:8.2%}" for each in known.noise]
    lines += ["", f"noise slope  {_told(known.noise_slope)}  (loss at noise 0.5 - loss at 0) / 0.5"]
    rise = f"mean of (L(a) + L(-a)) / 2 - L(0) at a = {SHARP_AT:g} along random directions"
    lines += [f"sharpness    {_told(known.sharpness)}  {rise}"]
    if known.curvature:
        count = known.curvature.iterations
        how = f"largest eigenvalue of the Hessian, after {counted(count, 'iteration')}"
        how += "" if known.curvature.has_converged else "; it has not converged"
        how = f"PyTorch has no second derivative of it: {known.curvature.why}" if known.curvature.why else how
        lines += [f"curvature    {_told(known.curvature.eigenvalue)}  {how}"]
    if known.norms:
        lines += [f"norm         {_told(known.norms.total)}  {_layers(known.norms)}"]
        lines += [
            f"             {norm:8.4f}  {printable(name)}"
            for name, norm in zip(known.norms.names, known.norms.layers, strict=False)
        ]
    if known.is_diverged:
        lines += ["", "the run has diverged: its loss is not finite"]
    return lines


def _layers(norms: Norms) -> str:
    """The norms of a few layers; those of a network of the user's have names, and lines of their own."""
    if norms.names:
        return "of all weights that are trained; of each:"
    return f"of all weights; of each layer {', '.join(f'{each:.2f}' for each in norms.layers)}"


def _told(figure: float | None) -> str:
    return f"{'none':>8}" if figure is None else f"{figure:8.4f}"


def parser() -> Parser:
    """The run, and how its figures are printed."""
    parser = Parser(
        prog="convtui measure",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui measure RUN [--json] [--network FILE:NAME [-- ARGUMENTS]]",
    )
    parser.add_argument("run", metavar="RUN", help="a saved run: its number or its folder")
    parser.add_argument("--network", metavar="FILE:NAME", help="the code of a run of your own network")
    parser.add_argument("--json", action="store_true", help="print all figures as one line of JSON")
    return parser
