"""`convtui notebook`: a session, or a lesson, as a notebook that runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import tell

if TYPE_CHECKING:
    from convtui.state.session import Session

ABOUT: Final = """\
Write what the other options open as a Jupyter notebook: what it is, its
PyTorch code, and the numbers of the output cell on show as convtui draws
them. The same command writes the same file. It replaces only a notebook that
it wrote and in which nobody has changed a cell.
"""
EXAMPLES: Final = """\
examples:
  convtui notebook conv.ipynb digit-8x8-3 --padding 1 --at 0,4,2
  convtui notebook pool.ipynb cat-32 --operation "maxpool 3 s2" --animate
  convtui notebook stride.ipynb --lesson stride
"""


def notebook(
    arguments: Sequence[str],
    add_options: Callable[[argparse.ArgumentParser], None],
    build: Callable[[argparse.Namespace], Session],
) -> int:
    """Run the command; the options are those of the others, and what they build. Raises ValueError."""
    options = parser(add_options).parsed(arguments)
    from convtui.export.notebook_file import require_writable, write_notebook

    out = Path(options.out)
    require_writable(out)
    if options.lesson is not None:
        return _write_lesson(options, out, vars(parser(add_options).parsed([options.out])))
    session = build(options)
    from convtui.export.session_notebook import session_cells

    animation = out.with_suffix(".gif").name if options.animate else ""
    write_notebook([*session_cells(session, animation)], out)
    if session.notice:
        tell(session.notice)
    return 0


def _write_lesson(options: argparse.Namespace, out: Path, default: dict[str, object]) -> int:
    from convtui.inputs.names import printable

    for name, value in vars(options).items():
        if name not in ("out", "lesson") and value != default[name]:
            raise ValueError(f"--lesson {printable(options.lesson)}: no other option can be used with it")
    from convtui.cli.lesson_notebook import lesson_cells
    from convtui.export.notebook_file import write_notebook
    from convtui.lessons.course import find_course

    write_notebook([*lesson_cells(find_course(options.lesson))], out)
    return 0


def parser(add_options: Callable[[argparse.ArgumentParser], None]) -> Parser:
    """The options of a session, and a lesson instead of one."""
    made = Parser(
        prog="convtui notebook",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui notebook OUT [IMAGE] [options]",
    )
    made.add_argument("out", metavar="OUT", help="the file to write: .ipynb")
    add_options(made)
    group = made.add_argument_group("notebook")
    group.add_argument(
        "--lesson", metavar="LESSON", help="write a lesson, by its file or name, or a folder of them"
    )
    group.add_argument(
        "--animate",
        action="store_true",
        help="end with a cell that draws the window sliding, beside the notebook as .gif",
    )
    return made
