"""`convtui animate`, and the diagrams of `convtui render`: a convolution drawn directly, not as a screen."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import tell
from convtui.export import ALL_PANES, PANES
from convtui.inputs.names import did_you_mean, printable

if TYPE_CHECKING:
    from convtui.state.session import Session

ABOUT: Final = """\
Draw the window sliding over the image, the sum of each output cell and the
output filling up, as an animation for a slide or a page. The same command
draws the same file.
"""
EXAMPLES: Final = """\
examples:
  convtui animate conv.gif count-5x5 --padding 1
  convtui animate conv.svg mnist-7 --kernel sobel-x --theme light
  convtui animate edges.gif cat-32 --kernel edges --at 2,0,0 --stride 2 --fps 8
  convtui animate pool.svg digit-8x8-3 --operation "maxpool 2"
  convtui animate row.svg digit-8x8-3 --steps 0-6 --pane image,output
  convtui animate matrix.gif count-5x5 --pane image,output,matrix
  convtui animate up.gif count-5x5 --operation "convtranspose s2" --way scatter
"""
_SLOWEST: Final = 0.2
_FASTEST: Final = 25.0


def animate(
    arguments: Sequence[str],
    add_options: Callable[[argparse.ArgumentParser], None],
    build: Callable[[argparse.Namespace], Session],
) -> int:
    """Run the command; the options are those of the others, and what they build. Raises ValueError."""
    options = parser(add_options).parsed(arguments)
    out, panes, seconds = Path(options.out), parse_panes(options.pane), 1 / parse_fps(options.fps)
    from convtui.export.animation import steps_of, subject_of
    from convtui.export.files import ANIMATIONS, require_writable, write_animation
    from convtui.export.steps import steps_diagram

    require_writable(out, ANIMATIONS)
    session = build(options)
    _require_whole_sums(session)
    subject = subject_of(session)
    steps: Sequence[int]
    if options.steps is None:
        steps = steps_of(session)
    else:
        first, last = parse_steps(options.steps)
        steps = range(first, last + 1)
    diagram = steps_diagram(subject, steps, options.theme == "dark", panes, seconds)
    write_animation(diagram, out)
    if session.notice:
        tell(session.notice)
    return 0


def render_diagram(session: Session, out: Path, theme: str) -> None:
    """Write a still of the output cell on show, as .png or .svg. Raises ValueError."""
    from convtui.export.animation import picture

    _require_whole_sums(session)
    picture(session, out, theme == "dark")


def _require_whole_sums(session: Session) -> None:
    if session.taps is not None:
        told = f"--multiply-adds {session.taps}: a diagram shows whole sums"
        raise ValueError(f"{told}; convtui render OUT.svg draws a screen")


def parse_steps(text: str) -> tuple[int, int]:
    """The first and the last step, from "0-24" or "7". Raises ValueError."""
    match = re.fullmatch(r"\s*([0-9]{1,12})\s*(?:[-–]\s*([0-9]{1,12})\s*)?", text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if last < first:
        raise ValueError(f"--steps {printable(text)}: must be the first and the last step, such as 0-24")
    return first, last


def parse_fps(text: str) -> float:
    """Frames a second. Raises ValueError."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not _SLOWEST <= value <= _FASTEST:
        legal = f"from {_SLOWEST:g} to {_FASTEST:g} frames a second"
        raise ValueError(f"--fps {printable(text)}: must be a number {legal}")
    return value


def parse_panes(text: str) -> tuple[str, ...]:
    """The panes to be drawn, from "image,output". Raises ValueError."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in ALL_PANES:
            close = did_you_mean(name, ALL_PANES) or f"; they are {', '.join(ALL_PANES)}"
            raise ValueError(f"--pane {printable(text)}: there is no pane {printable(name)}{close}")
    return tuple(names)


def parser(add_options: Callable[[argparse.ArgumentParser], None]) -> Parser:
    made = Parser(
        prog="convtui animate",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui animate OUT [IMAGE] [options]",
    )
    made.add_argument("out", metavar="OUT", help="the file to write: .gif, or .svg, which stays sharp")
    add_options(made)
    group = made.add_argument_group("animation")
    group.add_argument(
        "--steps",
        metavar="FIRST-LAST",
        help="the steps to go through, counted from 1; at step 0 nothing is computed yet (default: all steps "
        "of the filter on show, or 64 of them)",
    )
    group.add_argument("--fps", metavar="N", default="4", help="frames a second, 0.2 to 25 (default: 4)")
    group.add_argument(
        "--pane",
        metavar="PANES",
        default=",".join(PANES),
        help="what to draw, with commas between: image, kernel, output, sum, and matrix, the row of the "
        "weight matrix that belongs to the output cell (default: image,kernel,output,sum)",
    )
    return made
