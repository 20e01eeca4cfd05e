"""`convtui learn`: the course, a lesson of one's own, its check, its beginning, and the presenter's notes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import printing, tell

if TYPE_CHECKING:
    from convtui.lessons.course import Course
    from convtui.state.session import Session

FAULTY: Final = 1
PAUSE: Final = 0.3  # seconds between two looks at where the presenter is

ABOUT: Final = """\
Learn what a CNN does, step by step: a few words, a question, and the app itself
to find the answer. Without LESSON, the built-in course opens where you left it.
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
  convtui learn --notes                the presenter's notes, in a second terminal
"""

Open = Callable[["Course", argparse.Namespace], int]


def learn(arguments: Sequence[str], open_app: Open, build: Callable[[Sequence[str]], Session]) -> int:
    """Run the command. `open_app` opens the course in the app, `build` makes the session of an image's name.

    Raises ValueError for what is refused.
    """
    options = _parser().parsed(arguments)
    actions = [name for name in ("check", "new", "notes") if getattr(options, name)]
    if len(actions) > 1 or (actions and options.present):
        names = ", ".join(f"--{name}" for name in [*actions, *(["present"] if options.present else [])])
        raise ValueError(f"{names}: use one at a time")
    if options.check:
        return _check(options.lesson)
    if options.new:
        if options.lesson is None:
            raise ValueError("--new: name the file to write, such as convtui learn --new mine.toml")
        return _write(options.lesson, build([] if options.image is None else [options.image]))
    if options.image is not None:
        raise ValueError(f"{options.image}: only --new takes an image or a session")
    from convtui.lessons.course import find_course

    if options.notes:
        return _follow()
    return open_app(find_course(options.lesson or ""), options)


def _check(name: str | None) -> int:
    """Print every fault; the exit code says whether there is one."""
    from convtui.inputs import samples
    from convtui.lessons.checking import faults
    from convtui.lessons.course import find_course, lesson_files

    path = Path(name) if name is not None else samples.lesson_folder()
    files = lesson_files(path) if path.is_dir() else [path if path.exists() else find_course(str(name)).path]
    found = [fault for file in files for fault in faults(file)]
    with printing():
        for fault in found:
            print(fault)
        if not found:
            from convtui.lessons.lesson_file import read_lesson

            steps = sum(len(read_lesson(file).steps) for file in files)
            print(f"{path}: no fault in {steps} steps; every answer is what the engine computes")
    return FAULTY if found else 0


def _write(name: str, session: Session) -> int:
    from convtui.lessons.writing import write_new

    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    write_new(path, session)
    tell(f"written: {path}; convtui learn {path} opens it and follows it whenever you save")
    return 0


def _follow() -> int:
    """Print the notes of the step that the app is at, whenever that changes, until interrupted."""
    from convtui.lessons.progress import modified

    seen: object = object()
    while True:
        if seen != (seen := modified()):
            text = _notes()
            with printing():
                print(f"\x1b[2J\x1b[H{text}", flush=True)
        time.sleep(PAUSE)


def _notes() -> str:
    from convtui.lessons.course import find_course
    from convtui.lessons.progress import latest, progress_of

    name = latest()
    if name is None:
        return "No lesson has been opened yet: open one in another terminal with convtui learn."
    course = find_course(name)
    place = progress_of(course).place
    step = course.step(place)
    heading = f"{course.lesson(place).title} · step {place.step + 1} of {len(course.lesson(place).steps)}"
    return "\n\n".join(filter(None, [heading, step.title, step.notes or "(no notes for this step)"]))


def _parser() -> Parser:
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
