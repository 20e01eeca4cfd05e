"""Turn a command line into a session, and the session into a screen, a file or a one-line error.

numpy, Pillow and the screen are imported only where they are needed: help should be instant, and the first
frame should not wait for anything that it does not show.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from convtui.cli.options import ASKED, Parser, add_axes, as_options, formatter
from convtui.cli.output import OutputError, open_stderr, printing, screen_apart, silence, tell
from convtui.cli.own_network import (
    INSTEAD,
    add_network_options,
    arguments_parted,
    is_saved,
    opening_of,
    refuse_network,
    to_train,
)
from convtui.cli.quick_start import collecting_no_garbage

if TYPE_CHECKING:
    from convtui.inputs.images import How
    from convtui.lessons.course import Course, Place
    from convtui.state.session import Session
    from convtui.tracing.open_model import Opening
    from convtui.training.recipe import Recipe

DEFAULT_KERNEL: Final = {"kernel": "top-edge"}
LESSON: Final = {**DEFAULT_KERNEL, "padding": "1"}
DEFAULT_SIZE: Final = 3

# What makes more room comes first, and what makes a kernel's filters before what changes them.
SETTINGS: Final = (
    "padding",
    "padding_mode",
    "stride",
    "kernel",
    "kernel_size",
    "dilation",
    "groups",
    "seed",
    "filters",
    "bias",
    "operation",
    "way",
    "layers",
)
# With another operation these are its own: what makes a kernel comes before it, the rest after.
OF_WEIGHTS: Final = ("kernel", "filters", "groups", "bias", "seed")
OF_OPERATION: Final = ("operation", "way", "padding", "stride", "dilation", "kernel_size")

FAILED: Final = 1
WRONG: Final = 2
SIGNALLED: Final = 128
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

ABOUT: Final = """\
Step through a convolution with the keyboard and see every number.

Without IMAGE, a handwritten 7 opens, with the top-edge kernel and
padding 1, at the first clear edge. With IMAGE, the defaults are those of
PyTorch: stride 1, padding 0, and the first output cell.
"""
USAGE: Final = """\
convtui [IMAGE] [options]
       convtui FILE.py:NAME IMAGE [options] [-- ARGUMENTS]
       convtui render OUT [IMAGE] [options]
       convtui animate OUT [IMAGE] [options]
       convtui code [IMAGE] [options]
       convtui notebook OUT [IMAGE] [options]
       convtui train [options]
       convtui measure RUN [options]
       convtui runs OUT [RUN ...] [options]
       convtui learn [LESSON] [options]
       convtui layers LAYERS [options]
       convtui trace MODEL [options]
       convtui serve [options]
       convtui samples [NAME]
       convtui completion SHELL"""
DATA: Final = "the data set of the Train page (5): a folder or an .npz (see convtui train --help)"
COMMANDS: Final = """\
commands:
  convtui render OUT.svg   draw a screen to a file (convtui render --help)
  convtui animate OUT      draw the window sliding (convtui animate --help)
  convtui code             print the PyTorch code of the output cell on show
  convtui notebook OUT     write a notebook that runs (convtui notebook --help)
  convtui train            train a small network (convtui train --help)
  convtui measure RUN      measure a saved run (convtui measure --help)
  convtui runs OUT         plot runs, write their figures (convtui runs --help)
  convtui learn            learn it all step by step (convtui learn --help)
  convtui layers           print the table of a network (convtui layers --help)
  convtui trace MODEL      trace your own PyTorch model (convtui trace --help)
  convtui serve            show the app in a browser (convtui serve --help)
  convtui samples          list the bundled samples, or print one as a text
  convtui completion bash  print a script for the tab key (or zsh, fish)
  To open a file called as one of them, write ./render.

arrays:
  An array (.npy) is [rows, columns] or [channels, rows, columns], but
  [rows, columns, channels] if its last axis is shorter than the first, and the
  first two are equal or the last is 1, 3 or 4; not if the last two are equal.
  Weights are [out, in, rows, columns], but Keras's [rows, columns, in, out] if
  the first two axes are equal and at most 15, and the last two are not. Where
  that is a guess, a line says how the array was read; --channels-first,
  --channels-last and --kernel-layout decide.

your own network:
  FILE.py:NAME or package.module:NAME before the image is a PyTorch network of
  yours: a class, a function that makes it, or the network itself. Naming it
  runs its code, in a process of its own, on the image; the Layers page (3)
  shows each of its operations, the Train page (5) trains it on --data.
  Arguments for NAME follow after --: 10 depth=18
  FILE.pt2, which torch.export.save wrote, needs none of its code and runs none.

examples:
  convtui
  convtui net.py:Net photo.jpg --resize 256 --crop 224 --weights w.safetensors
  convtui torchvision.models:resnet18 cat-64 --mean 0.45 --std 0.23
  convtui photo.jpg --kernel sobel-x --stride 2 --padding 1
  convtui digit-8x8-3 --kernel edges --padding same
  convtui cat-32 --kernel gaussian-blur --kernel-size 5 --groups 3
  convtui "[[1, 2, 3], [4, 5, 6]]" --kernel "[1 0; 0 -1]"
  convtui activations.npy --channels-last
  convtui set.npz:test:0 --kernel keras.npy --kernel-layout hwio
  convtui scan.tif --white 4095
  convtui numbers.csv --kernel mine.txt --padding 0,1,0,1 --bias=-0.5
  convtui lesson.toml --at 0,4,18
  convtui cat-64 --layers resnet-18
  convtui mnist-7 --operation "maxpool 3 s2 p1 ceil"
  convtui digit-8x8-3 --operation "convtranspose s2" --way gather
"""
RENDER_ABOUT: Final = """\
Draw a screen to a file, without a terminal. The same command draws the same
file on every machine, byte for byte.
"""
RENDER_EXAMPLES: Final = """\
examples:
  convtui render lesson.svg
  convtui render sum.svg cat-32 --kernel edges --at 2,4,18 --multiply-adds 5
  convtui render notes.txt lesson.toml --finished --size 80x24 --theme light
  convtui render net.svg --screen layers --layers resnet-50 --size 120x240
  convtui render step.png count-5x5 --padding 1 --at 1,2 --finished
  convtui render handout/ --lesson stride
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code: 2 with a one-line error if it is refused.

    The exit code is 1 if standard output cannot be written to, as on a full disk.
    """
    open_stderr()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what it cannot encode is no reason to say nothing
            stream.reconfigure(errors="replace")
    try:
        if ASKED in os.environ and "COMP_LINE" in os.environ:
            _answer_shell()
        code = 0
        with suppress(SystemExit):  # argparse's way to end after --help
            code = _run(sys.argv[1:] if argv is None else argv)
        with printing():
            print(end="", flush=True)  # stdout may be closed, and None
    except BrokenPipeError:
        silence(sys.stdout)
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError as error:
        return _complain(f"{str(error) or 'out of memory'}; try a smaller image (--resize 512)")
    except OutputError as error:
        return _complain(str(error), FAILED)
    except (ValueError, OSError) as error:
        return _complain(_told(error))
    return code


def _told(error: Exception) -> str:
    """What is said of a refusal, in the words of the command line."""
    spec = sys.modules.get("convtui.engine.spec")  # not imported for this: it needs numpy
    if spec is None or not isinstance(error, spec.SpecError):
        return str(error)
    parser = argparse.ArgumentParser(add_help=False)
    _add_options(parser)
    options = {each.dest: each.option_strings[0] for each in parser._actions if each.option_strings}
    return as_options(error, options)


def _complain(message: str, code: int = WRONG) -> int:
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
    tell(f"convtui: {line}")
    return code


def _run(arguments: Sequence[str]) -> int:
    # The arithmetic needs no threads, and starting them costs numpy a third of its import.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if arguments and arguments[0] in INSTEAD:
        refuse_network(arguments[0], arguments[1:])
    match arguments:
        case ["render", *rest]:
            return _render(rest)
        case ["animate", *rest]:
            from convtui.cli.animate import animate

            return animate(rest, _add_options, build)
        case ["code", *rest]:
            from convtui.cli.code import code

            return code(rest, _add_options, build)
        case ["notebook", *rest]:
            from convtui.cli.notebook import notebook

            return notebook(rest, _add_options, build)
        case ["samples", *rest]:
            from convtui.cli.samples import list_samples

            return list_samples(rest)
        case ["layers", *rest]:
            from convtui.cli.layers import print_layers

            return print_layers(rest)
        case ["train", *rest]:
            from convtui.cli.train import train

            return train(rest)
        case ["measure", *rest]:
            from convtui.cli.measure import measure

            return measure(rest)
        case ["runs", *rest]:
            from convtui.cli.runs import runs

            return runs(rest)
        case ["trace", *rest]:
            from convtui.cli.trace import trace

            return trace(rest)
        case ["learn", *rest]:
            from convtui.cli.learn import learn

            return learn(rest, _open_course, _session_of)
        case ["serve", *rest]:
            from convtui.cli.serve import serve

            return serve(rest, _session_of)
        case ["completion", *rest]:
            from convtui.cli.completion import completion

            return completion(rest)
    return _open(arguments)


def _open(arguments: Sequence[str]) -> int:
    ours, theirs = arguments_parted(arguments)
    options = _open_parser().parsed(ours)
    if options.version:
        with printing():
            print(_versions())
        return 0
    network = opening_of(options, theirs)
    with collecting_no_garbage():
        recipe = _recipe_of(options, network)
        session = build(options)
        return _run_app(session, notice=session.notice, theme=options.theme, recipe=recipe, network=network)


def _versions() -> str:
    """That of convtui and that of PyTorch, as they are installed."""
    from importlib.metadata import PackageNotFoundError, version

    torch = "not installed"
    with suppress(PackageNotFoundError):
        torch = version("torch")
    return f"convtui {version('convtui')} (torch {torch})"


def _session_of(arguments: Sequence[str]) -> Session:
    """The session that `convtui` opens with these arguments."""
    return build(_open_parser().parsed(arguments))


def _open_course(course: Course, place: Place | None, options: argparse.Namespace) -> int:
    """Open the app at a place in the course; None: where the user left it."""
    session = _session_of([])
    return _run_app(session, theme=options.theme, course=(course, place), presents=options.present)


def _recipe_of(options: argparse.Namespace, network: Opening | None) -> Recipe | None:
    """The recipe of the next run, if the options say something about it.

    The network that is opened is the one that is trained, if it has code; a saved one has none.
    """
    own = None
    if network and not is_saved(network.target):
        own = to_train(network.target, network.arguments, network.weights)
    if options.data is None and own is None:
        return None
    from convtui.training.datasets.open_any import LARGEST_SIZE, check
    from convtui.training.own_network import MAX_LR
    from convtui.training.recipe import Recipe

    data = Recipe.data if options.data is None else options.data
    check(data)
    rate = MAX_LR if own else Recipe.max_lr
    size = Recipe.image_size
    side = options.crop or options.resize or ""
    if own and side.isdecimal():  # pictures as large as that which it is opened on
        size = min(max(int(side), 1), LARGEST_SIZE)
    return Recipe(data=data, image_size=size, axes=options.axes or Recipe.axes, network=own, max_lr=rate)


def _run_app(session: Session, **how: Any) -> int:
    """Open the app, with the arguments of ConvtuiApp; its exit code."""
    if not _is_on_a_terminal():
        raise ValueError("this is not a terminal; convtui render OUT.svg draws a screen without one")
    # Textual reads it when imported; at its own 60 a key waits up to 17 ms for the next frame.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from convtui.app.app import ConvtuiApp
    from convtui.app.guardian import Guardian

    guardian = Guardian()
    app = ConvtuiApp(session, guardian=guardian, **how)
    try:
        with screen_apart():
            app.run()
    finally:
        guardian.dismiss()
    code = app.return_code or 0
    if code > SIGNALLED:
        # The terminal may be gone, and Python's own end would fail in writing to it what is left.
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)
    return code


def _is_on_a_terminal() -> bool:
    # Textual draws on stderr, so that one counts, too.
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _render(arguments: Sequence[str]) -> int:
    options = _render_parser().parsed(arguments)
    from convtui.cli.render import parse_size, render

    if options.lesson is not None:
        return _render_lesson(options)
    out, size = Path(options.out), parse_size(options.size)
    if options.diagram or out.suffix.lower() == ".png":
        return _render_diagram(options, out)
    session = build(options)
    if options.run is not None and options.screen not in ("batchnorm", "train"):
        raise ValueError(f"--run {options.run}: works only with --screen train or --screen batchnorm")
    render(session, out, options.screen, size, options.theme, options.run)
    if session.notice:
        tell(session.notice)
    return 0


def _render_diagram(options: argparse.Namespace, out: Path) -> int:
    """A still of the output cell on show, drawn directly."""
    from convtui.cli.animate import render_diagram

    if options.screen != "step" or options.run is not None:
        told = "--run" if options.run is not None else f"--screen {options.screen}"
        raise ValueError(f"{told}: a diagram is of the step screen; the others are drawn as .svg or .txt")
    session = build(options)
    render_diagram(session, out, options.theme)
    if session.notice:
        tell(session.notice)
    return 0


def _render_lesson(options: argparse.Namespace) -> int:
    """A still of each step of a lesson, and its handout."""
    from convtui.inputs.names import printable

    plain = {"out", "lesson", "size", "theme"}
    default = vars(_render_parser().parsed([options.out]))
    for name, value in vars(options).items():
        if name not in plain and value != default[name]:
            raise ValueError(
                f"--lesson {printable(options.lesson)}: only --size and --theme can be used with it"
            )
    from convtui.cli.handout import render_lessons
    from convtui.cli.render import parse_size
    from convtui.engine.words import counted
    from convtui.lessons.course import find_course

    course, size = find_course(options.lesson), parse_size(options.size)
    handout = render_lessons(course, Path(options.out), size, options.theme)
    tell(f"written: {printable(str(handout))}, with a picture of each of {counted(course.count, 'step')}")
    return 0


# -- from options to a session


def build(options: argparse.Namespace) -> Session:
    """The session that the options ask for. Raises ValueError with a one-line message."""
    from convtui.engine.kernels import NAMES

    given = {name: text for name in SETTINGS if (text := getattr(options, name)) is not None}
    for name, text in given.items():
        if not text.strip():
            raise ValueError(f"--{name.replace('_', '-')}: needs a value")
    if options.kernel_layout is not None and (options.kernel is None or options.kernel in NAMES):
        raise ValueError(f"--kernel-layout {options.kernel_layout}: works only with --kernel and an array")
    file = _session_file(options.image)
    if file is not None:
        session = _with_operation(_read_session(file, options), given, None, options.kernel_layout)
    else:
        defaults = LESSON if options.image is None else DEFAULT_KERNEL
        settings = {**defaults, **given}
        if options.operation is not None and "padding" not in given:
            settings.pop("padding", None)
        session = _started(options, settings)
        if options.image is None and options.at is None:
            session = session.at_something_to_see()
    return _placed(session, options)


def _started(options: argparse.Namespace, settings: Mapping[str, str]) -> Session:
    """The settings over the image; a kernel that nobody asked for and that does not fit is left out."""
    from convtui.engine.pooling import Pooling
    from convtui.engine.spec import SpecError

    blank, layout = _blank(options), options.kernel_layout
    try:
        session = _with_operation(blank, settings, DEFAULT_SIZE, layout)
    except SpecError:
        if options.kernel is not None or (options.operation is None and options.layers is None):
            raise
        others = {name: text for name, text in settings.items() if name != "kernel"}
        session = _with_operation(blank, others, DEFAULT_SIZE, layout)
    for name in OF_WEIGHTS:
        if isinstance(session.operation, Pooling) and getattr(options, name) is not None:
            raise ValueError(f"--{name} {getattr(options, name)}: a pooling has no weights; leave it out")
    return session.restarted()


def _session_file(name: str | None) -> Path | None:
    """The session file with this name, bundled ones included; None if the name is that of an image."""
    if name is None:
        return None
    from convtui.inputs import samples
    from convtui.store import session_file

    path = Path(name)
    if session_file.is_session_file(path):
        return path
    bundled = {file.stem: file for file in samples.session_files()}
    return None if name not in bundled or path.exists() else bundled[name]


def _read_session(file: Path, options: argparse.Namespace) -> Session:
    from convtui.store import session_file
    from convtui.store.pictures import reopened

    session = session_file.load(file)
    if str(file) == options.image:
        session = replace(session, path=file)  # saving a sample asks for a name instead
    how = _how(options)
    if not how:
        return session
    if not session.picture.source:
        names = ", ".join(f"--{name}" if name != "axes" else f"--{options.axes}" for name in how)
        raise ValueError(f"{file}: its image is stored in the session; {names} can only be used for a file")
    return replace(session.with_picture(reopened(session.picture, **how)), path=session.path)


def _blank(options: argparse.Namespace) -> Session:
    """The image under the one kernel that fits any image, for the settings to change."""
    from convtui.inputs import samples
    from convtui.state.kernel_choice import KernelChoice
    from convtui.state.session import Session
    from convtui.store.pictures import open_any

    if options.image is None:
        picture = samples.open_image(samples.DEFAULT_IMAGE, **_how(options))
    else:
        picture = open_any(options.image, **_how(options))
    return Session.start(picture, KernelChoice("identity"), size=1)


def _how(options: argparse.Namespace) -> How:
    """How the image is read, as far as options say."""
    from convtui.inputs.images import How
    from convtui.state.settings import parse_how

    gray = "on" if options.gray else None
    named = {"resize": options.resize, "crop": options.crop, "axes": options.axes, "white": options.white}
    asked = {**named, "gray": gray}
    how = How()
    for name, text in asked.items():
        if text is not None:
            how.update(parse_how(name, text))
    return how


def _with_operation(
    session: Session, settings: Mapping[str, str], kernel_size: int | None, layout: str | None
) -> Session:
    """Apply all settings; where an operation is named, its own after what makes the kernel."""
    if "operation" not in settings:
        return _changed(session, settings, kernel_size, layout)
    own = {name: text for name, text in settings.items() if name in OF_OPERATION}
    others = {name: text for name, text in settings.items() if name not in own}
    session = _changed(session, others, kernel_size, layout)
    session = _changed(session, {"operation": own.pop("operation")}, None)
    return _changed(session, own, None)


def _changed(
    session: Session, settings: Mapping[str, str], kernel_size: int | None, layout: str | None = None
) -> Session:
    """Apply all settings. One may be legal only after another, so refused ones are tried again."""
    from convtui.engine.spec import SpecError
    from convtui.state.settings import change, kernel_change, parse_pair

    changes = {name: change(name, settings[name]) for name in SETTINGS if name in settings}
    if "kernel" in settings:
        asked = settings.get("kernel_size")
        size = parse_pair("kernel_size", asked) if asked else kernel_size
        changes["kernel"] = kernel_change(settings["kernel"], size, layout or "")
    refused: list[SpecError] = []
    for _ in changes:
        refused = []
        for apply in changes.values():
            try:
                session = apply(session)
            except SpecError as error:
                refused.append(error)
        if not refused:
            break
    if refused:
        raise refused[0]
    return session


def _placed(session: Session, options: argparse.Namespace) -> Session:
    from convtui.state.settings import change, parse_at, parse_count

    if options.layer is not None:
        session = change("layer", options.layer)(session)
    if options.at is not None:
        session = session.at(parse_at(options.at, session))
    if options.finished:
        session = session.finished()
    if options.multiply_adds is not None:
        taps = parse_count("multiply_adds", options.multiply_adds, least=0, most=session.products)
        session = session.at(session.index, taps)
    return session


# -- the options


def _answer_shell() -> None:
    """Tell the shell what may come next on the command line, and end."""
    from convtui.cli import (
        animate,
        code,
        completion,
        layers,
        learn,
        measure,
        notebook,
        runs,
        samples,
        serve,
        trace,
        train,
    )

    commands: dict[str, Callable[[], Parser]] = {
        "render": _render_parser,
        "animate": lambda: animate.parser(_add_options),
        "code": lambda: code.parser(_add_options),
        "notebook": lambda: notebook.parser(_add_options),
        "train": train.parser,
        "measure": measure.parser,
        "runs": runs.parser,
        "learn": learn.parser,
        "layers": layers.parser,
        "trace": trace.parser,
        "serve": serve.parser,
        "samples": samples.parser,
        "completion": completion.parser,
    }
    completion.answer(commands, _open_parser)


def _open_parser() -> Parser:
    parser = Parser(
        prog="convtui",
        description=ABOUT,
        epilog=COMMANDS,
        formatter_class=formatter,
        allow_abbrev=False,
        usage=USAGE,
    )
    _add_options(parser)
    add_network_options(parser)
    parser.add_argument("--data", metavar="DATA", help=DATA)
    parser.add_argument("--version", action="store_true", help="print the versions of convtui and PyTorch")
    return parser


def _render_parser() -> Parser:
    parser = Parser(
        prog="convtui render",
        description=RENDER_ABOUT,
        epilog=RENDER_EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui render OUT [IMAGE] [options]",
    )
    parser.add_argument(
        "out",
        metavar="OUT",
        help="the file to write: .svg, .txt for text only, or .png for a diagram; with --lesson, a folder",
    )
    _add_options(parser)
    parser.add_argument(
        "--lesson",
        metavar="LESSON",
        help="write a picture of each step of a lesson, and a handout (handout.md), to the folder OUT",
    )
    group = parser.add_argument_group("screen")
    group.add_argument(
        "--screen",
        choices=["step", "matrix", "layers", "batchnorm", "train"],
        default="step",
        help="which screen (default: step)",
    )
    group.add_argument(
        "--run", metavar="RUN", help="the saved run to show, such as 12 (with --screen train or batchnorm)"
    )
    group.add_argument(
        "--diagram",
        action="store_true",
        help="draw image, kernel, output and sum directly, as .svg or .png, not as a screen",
    )
    group.add_argument(
        "--size",
        metavar="WxH",
        default="120x40",
        help="columns x rows of characters, 60x20 to 400x1000 (default: 120x40)",
    )
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "image",
        metavar="IMAGE",
        nargs="?",
        help="an image file (PNG, JPEG, ...), an array (.npy), a table of numbers (.csv, .txt), a sample's "
        "name, an image of a data set (mnist-12k:test:17), a saved session (.toml), whose settings the "
        'options override, or a pasted array ("[[1, 2], [3, 4]]" or "[1 2; 3 4]")',
    )
    group = parser.add_argument_group("image")
    group.add_argument(
        "--resize",
        metavar="N|RxC",
        help="scale the shorter side to N pixels, or to R rows and C columns, as torchvision's Resize does "
        "(bilinear, antialiased)",
    )
    group.add_argument(
        "--crop", metavar="N|RxC", help="keep the middle N x N pixels, as torchvision's CenterCrop does"
    )
    group.add_argument("--gray", action="store_true", help="convert the image to a single grey channel")
    add_axes(group)
    group.add_argument(
        "--white",
        metavar="LEVEL",
        help="the stored value that is white, such as 4095 for 12 bits (default: that of the file's format)",
    )

    group = parser.add_argument_group("kernel")
    group.add_argument(
        "--kernel",
        metavar="NAME|FILE",
        help='a named kernel, a kernel file, or a pasted array: "[[1, 0], [0, -1]]" (default: top-edge)',
    )
    group.add_argument(
        "--kernel-layout",
        choices=["oihw", "hwio"],
        help="axes of an array of weights: PyTorch's [out, in, rows, columns] or Keras's [rows, columns, "
        "in, out] (default: by its shape; a notice tells a guess)",
    )
    group.add_argument("--kernel-size", metavar="K", help="rows,columns, or one number for both (default: 3)")
    group.add_argument("--filters", metavar="N", help="number of filters (output channels)")
    group.add_argument("--seed", metavar="N", help="seed of the kernel called random (default: 0)")
    group.add_argument("--bias", metavar="B", help="the bias of every output channel (default: none)")

    group = parser.add_argument_group("another operation than the convolution")
    group.add_argument(
        "--operation",
        metavar="LAYER",
        help='"maxpool 3 s2", "avgpool 2", "adaptiveavgpool 4" or "convtranspose s2", as one of --layers; '
        "--stride, --padding, --dilation and --kernel-size are then its own",
    )
    group.add_argument(
        "--way",
        metavar="WAY",
        help="scatter the pixels of a transposed convolution, or gather its output cells (default: scatter)",
    )

    group = parser.add_argument_group("convolution, as in torch.nn.Conv2d")
    group.add_argument("--stride", metavar="S", help="rows,columns, or one number for both (default: 1)")
    group.add_argument(
        "--padding",
        metavar="P",
        help="one number; rows,columns; top,bottom,left,right; same, valid or same-tf (default: 0)",
    )
    group.add_argument("--dilation", metavar="D", help="rows,columns, or one number for both (default: 1)")
    group.add_argument(
        "--groups", metavar="G", help="number of groups; must divide both channel counts (default: 1)"
    )
    group.add_argument(
        "--padding-mode", metavar="M", help="zeros, reflect, replicate or circular (default: zeros)"
    )

    group = parser.add_argument_group("layers over the image, shown on the Layers page (3)")
    group.add_argument(
        "--layers",
        metavar="NAME|FILE|TEXT",
        help='a named network such as resnet-18, a file of layers, or "conv 3x3 8 s2 p1, relu, maxpool 2"',
    )
    group.add_argument(
        "--layer", metavar="N", help="the layer to look at, by its number in the table (0: the image)"
    )

    group = parser.add_argument_group("position and appearance")
    group.add_argument(
        "--at",
        metavar="CELL",
        help="the output cell: row,column or channel,row,column (from 0), or its step (from 1)",
    )
    group.add_argument("--multiply-adds", metavar="N", help="show the cell after N of its multiply-adds")
    group.add_argument("--finished", action="store_true", help="compute the whole output")
    group.add_argument("--theme", choices=["dark", "light"], default="dark", help="default: dark")
