"""`convtui learn`: the course, a lesson of one's own, its check, its beginning, and the presenter's notes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import printing, tell
from convtui.cli.quick_start import collecting_no_garbage
from convtui.inputs.names import printable

if TYPE_CHECKING:
    from convtui.lessons.course import Course, Place
    from convtui.state.session import Session

FAULTY: Final = 1
PAUSE: Final = 0.3  # seconds between two looks at where the presenter is

ABOUT: Final = """\
Learn what a CNN does, step by step: a few words, a question, and the app itself
to find the answer. Without LESSON, the built-in course opens where you left
it.
"""
EXAMPLES: Final = """\
A lesson is a text file that anybody can write; a folder of lessons is a course.

examples:
  convtui learn
  convtui learn stride
  convtui learn mine.toml              follows the file whenever you save it
  convtui learn --new mine.toml        a commented lesson to begin with
  convtui learn --check mine.toml      every fault with its line
  convtui learn --present              large cells, answers hidden until a key
  convtui learn --notes                presenter's notes, in a second terminal
"""

Open = Callable[["Course", "Place | None", argparse.Namespace], int]


def learn(arguments: Sequence[str], open_app: Open, build: Callable[[Sequence[str]], Session]) -> int:
    """Run the command. `open_app` opens a course at a place, `build` makes an image's session.

    Raises ValueError for what is refused.
    """
    options = parser().parsed(arguments)
    actions = [name for name in ("check", "new", "notes") if getattr(options, name)]
    if len(actions) > 1 or (actions and options.present):
        names = ", ".join(f"--{name}" for name in [*actions, *(["present"] if options.present else [])])
        raise ValueError(f"{names}: use one at a time")
    if options.image is not None and not options.new:
        raise ValueError(f"{printable(options.image)}: only --new takes an image or a session")
    if options.lesson is not None and options.notes:
        raise ValueError(f"{printable(options.lesson)}: --notes follows the lesson that is open in the app")
    if options.check:
        return _check(options.lesson)
    if options.new:
        if options.lesson is None:
            raise ValueError("--new: name the file to write, such as convtui learn --new mine.toml")
        return _write(options.lesson, options.image, build)
    if options.notes:
        return _follow()
    with collecting_no_garbage():
        from convtui.lessons.course import course_at

        return open_app(*course_at(options.lesson or ""), options)


def _check(name: str | None) -> int:
    """Print every fault; the exit code says whether there is one."""
    from convtui.engine.words import counted
    from convtui.lessons.checking import faults
    from convtui.lessons.course import find_course, lesson_paths

    files = lesson_paths(name or "")
    found = [fault for file in files for fault in faults(file)]
    with printing():
        for fault in found:
            print(fault)
        if not found:
            steps = find_course(name or "").count
            print(f"no fault in {counted(steps, 'step')}; every answer is what the engine computes")
    return FAULTY if found else 0


def _write(name: str, image: str | None, build: Callable[[Sequence[str]], Session]) -> int:
    from convtui.lessons.writing import new_lesson_path, write_new

    path = new_lesson_path(name)
    write_new(path, image, build([] if image is None else [image]))
    shown = printable(str(path))
    tell(f"written: {shown}; convtui learn {shown} opens it and follows it whenever you save")
    return 0


def _follow() -> int:
    """Print the notes of the step that the app is at, whenever that changes, until interrupted."""
    from convtui.lessons.progress import modified

    clear = "\x1b[2J\x1b[H" if sys.stdout.isatty() else ""
    seen: object = object()
    while True:
        if seen != (seen := modified()):
            with printing():
                print(f"{clear}{_notes()}", flush=True)
        time.sleep(PAUSE)


def _notes() -> str:
    from convtui.lessons.course import find_course
    from convtui.lessons.progress import latest, progress_of

    name = latest()
    if name is None:
        return "No lesson has been opened yet: open one in another terminal with convtui learn."
    try:
        course = find_course(name)
    except ValueError as error:  # as long as its file has a fault
        return str(error)
    place = progress_of(course).place
    step = course.step(place)
    heading = f"{course.lesson(place).title} · step {place.step + 1} of {len(course.lesson(place).steps)}"
    return "\n\n".join(filter(None, [heading, step.title, step.notes or "(no notes for this step)"]))


def parser() -> Parser:
    parser = Parser(
        prog="convtui learn",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui learn [LESSON] [options]",
    )
    parser.add_argument(
        "lesson",
        metavar="LESSON",
        nargs="?",
        help="a lesson's file or name, or a folder of lessons (default: the course)",
    )
    parser.add_argument(
        "image", metavar="IMAGE", nargs="?", help="with --new: the image or session to begin with"
    )
    parser.add_argument(
        "--check", action="store_true", help="report every fault with its line, and verify every answer"
    )
    parser.add_argument("--new", action="store_true", help="write a commented lesson to begin with")
    parser.add_argument(
        "--notes", action="store_true", help="show the presenter's notes of the step that the app is at"
    )
    parser.add_argument("--present", action="store_true", help="large cells, and answers hidden until a key")
    parser.add_argument("--theme", choices=["dark", "light"], default="dark", help="default: dark")
    return parser
