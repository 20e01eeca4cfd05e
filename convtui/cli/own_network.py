"""The user's own network on the command line: `convtui net.py:Net photo.jpg -- 10 depth=18`, or net.pt2.

Only what is named here is ever run. Nothing of PyTorch or of the tracing is imported for it.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from convtui.tracing.open_model import Opening
    from convtui.training.own_network import OwnNetwork

SAVED: Final = (
    *(".pt2", ".pt", ".pth", ".ckpt", ".safetensors", ".torchscript"),
    *(".onnx", ".h5", ".keras", ".tflite"),
)

MOST_NAMED: Final = 3
INSTEAD: Final = {  # what does in the app, or elsewhere, what these commands do of an image
    "render": "there ctrl+f draws the screen; convtui trace prints its table",
    "animate": "there enter opens an operation on the Step page, and ctrl+g animates it",
    "code": "there Y copies the code of an operation",
    "notebook": "in a notebook, convtui.trace(model, input) shows it",
}

_NAME: Final = r"[^\W\d]\w*(\.[^\W\d]\w*)*"
_NETWORK: Final = re.compile(rf"(?P<where>.*\.py|{_NAME}):(?P<name>{_NAME})", re.DOTALL)
_FILE: Final = re.compile(r".*\.py(:[^:]*)?", re.DOTALL)


def is_network(text: str) -> bool:
    """Whether `FILE.py:NAME`, `package.module:NAME` or a saved network is meant, and no image."""
    return is_saved(text) or (bool(_NETWORK.fullmatch(text)) and not Path(text).exists())


def is_saved(text: str) -> bool:
    """Whether it is a file of a network, or of weights alone, which the tracing process says."""
    return Path(text).suffix.lower() in SAVED


def refuse_network(command: str, arguments: Sequence[str]) -> None:
    """Raise ValueError where a command that takes images alone is given a network; it says what does that."""
    befores = ("", *arguments)
    for before, each in zip(befores, arguments, strict=False):
        if not before.startswith("--") and is_network(each):
            from convtui.inputs.names import printable

            shown = printable(each)
            raise ValueError(
                f"{shown}: a network of yours opens in the app: convtui {shown} photo.jpg; {INSTEAD[command]}"
            )


def arguments_parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our arguments, and those for the user's network that follow after --, if one is named before."""
    ours = list(arguments)
    at = ours.index("--") if "--" in ours else len(ours)
    if any(is_network(each) for each in ours[:at]):
        return ours[:at], ours[at + 1 :]
    return ours, []


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """The image after the network, its weights and how the image is normalised."""
    parser.add_argument("photo", metavar="IMAGE", nargs="?", help=argparse.SUPPRESS)
    group = parser.add_argument_group("your own network")
    add_tracing_options(group)
    numbers = "one number, or one for each channel: 0.485,0.456,0.406"
    group.add_argument("--mean", metavar="M", help=f"subtracted from the image, {numbers} (default: 0)")
    group.add_argument("--std", metavar="S", help="what it is divided by after that (default: 1)")


def add_tracing_options(group: argparse._ActionsContainer) -> None:
    """What says how a network is run, and what of it is told: in the app as by `convtui trace`."""
    group.add_argument(
        "--inputs",
        metavar="FILE.py:NAME",
        help="a function of yours that gives a tensor, several, or a dict; it gets the image if it takes one",
    )
    group.add_argument(
        "--weights", metavar="FILE", help="its state dict: .safetensors, or what torch.save wrote"
    )
    group.add_argument("--train", action="store_true", help="run it in training mode (default: evaluation)")
    group.add_argument("--silence", metavar="NAME", action="append", default=[], help="leave out a check")
    group.add_argument("--limit", metavar="SECONDS", help="stop your code after so long (default 120)")


def limit_of(text: str | None) -> float:
    """The seconds after which their code is stopped. Raises ValueError for what is no number above 0."""
    from convtui.inputs.names import printable
    from convtui.tracing.client import LIMIT

    if text is None:
        return LIMIT
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise ValueError(f"--limit {printable(text)}: must be a number of seconds above 0")
    return seconds


def silenced_of(names: Sequence[str]) -> frozenset[str]:
    """The checks that are left out. Raises ValueError for a name that no check has."""
    from convtui.engine.graph.checks import CHECKS
    from convtui.inputs.names import did_you_mean, printable

    for name in names:
        if name not in CHECKS:
            close = did_you_mean(name, CHECKS) or f"; choose from {', '.join(CHECKS)}"
            raise ValueError(f"--silence {printable(name)}: no such check{close}")
    return frozenset(names)


def opening_of(options: argparse.Namespace, theirs: Sequence[str]) -> Opening | None:
    """The network that the options name, of which options.image then is the image; None if they name none.

    Raises ValueError for options that only make sense with one, and for a file that there is not.
    """
    from convtui.inputs.names import printable

    target = options.image
    if target is None or not is_network(target):
        if target is not None and _FILE.fullmatch(target) and not (":" in target and Path(target).exists()):
            raise ValueError(_unnamed(target.partition(":")[0]))
        if options.photo is not None:
            wrong = f"{printable(options.photo)}: a second image; a network of yours comes before the image"
            raise ValueError(f"{wrong}: convtui net.py:Net {printable(options.photo)}")
        for name in ("inputs", "weights", "train", "silence", "limit", "mean", "std"):
            given = getattr(options, name)
            if given:
                text = "" if given is True else f" {printable(given if isinstance(given, str) else given[0])}"
                raise ValueError(f"--{name}{text}: works only with a network: convtui net.py:Net photo.jpg")
        return None
    where = None if is_saved(target) else _NETWORK.fullmatch(target)
    code = Path(where["where"] if where else target)
    from convtui.tracing.saved import no_such_file, refusal

    if code.suffix in (".py", *SAVED) and (why := no_such_file(code)):
        raise ValueError(f"{printable(target)}: {why}")
    if why := refusal(target):
        raise ValueError(why)
    if options.photo is None and options.inputs is None:  # which may need none
        raise ValueError(
            f"{printable(target)}: name an image after it: convtui {printable(target)} cat-64; "
            "convtui trace needs none"
        )
    if options.weights is not None and (why := no_such_file(Path(options.weights))):
        raise ValueError(f"--weights {printable(options.weights)}: {why}")
    options.image = options.photo
    from convtui.tracing.open_model import Opening

    mean, std = (_numbers(name, getattr(options, name)) for name in ("mean", "std"))
    if 0.0 in std:
        raise ValueError(f"--std {printable(options.std)}: must not be 0, as the image is divided by it")
    return Opening(
        target,
        tuple(theirs),
        options.weights or "",
        mean,
        std,
        training=options.train,
        silenced=silenced_of(options.silence),
        limit=limit_of(options.limit),
        inputs=options.inputs or "",
    )


def _unnamed(file: str) -> str:
    """What is said of a file of code without a name in it, with the classes that are there; none is run."""
    from convtui.inputs.names import printable
    from convtui.tracing.saved import no_such_file

    if why := no_such_file(Path(file)):
        return f"{printable(file)}: {why}"
    names = _modules_in(Path(file)) or ["Net"]
    examples = " or ".join(f"{printable(file)}:{name} photo.jpg" for name in names[:MOST_NAMED])
    return f"{printable(file)}: name a class in it, and an image: {examples}"


def _modules_in(file: Path) -> list[str]:
    """The classes in a file whose base is called Module, or is such a class of the file."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):  # which is told when it is run
        return []
    found: list[str] = []
    for each in tree.body:
        if isinstance(each, ast.ClassDef):
            bases = {ast.unparse(base) for base in each.bases}
            if bases & {"Module", "nn.Module", "torch.nn.Module", *found}:
                found.append(each.name)
    return found


def to_train(target: str, arguments: Sequence[str], weights: str | None) -> OwnNetwork:
    """The network that is to be trained, in a file that is found from anywhere.

    Raises ValueError for a file that there is not, and for what has no code to train.
    """
    from convtui.inputs.names import printable
    from convtui.tracing.saved import no_such_file
    from convtui.training.own_network import OwnNetwork

    shown = f"--network {printable(target)}"
    if is_saved(target.partition(":")[0]):
        raise ValueError(f"{shown}: a saved network cannot be trained; name its class: net.py:Net")
    named = _NETWORK.fullmatch(target)
    if not named:
        raise ValueError(f"{shown}: name a class or a function that makes the network: net.py:Net")
    where = named["where"]
    if where.endswith(".py"):
        code = Path(where)
        if why := no_such_file(code):
            raise ValueError(f"{shown}: {why}")
        where = str(code.resolve())
    if weights and (why := no_such_file(Path(weights))):
        raise ValueError(f"--weights {printable(weights)}: {why}")
    file = str(Path(weights).resolve()) if weights else ""
    return OwnNetwork(f"{where}:{named['name']}", tuple(arguments), file)


def _numbers(name: str, text: str | None) -> tuple[float, ...]:
    from math import isfinite

    from convtui.inputs.names import printable

    if text is None:
        return ()
    try:
        numbers = tuple(float(each) for each in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or not all(map(isfinite, numbers)):
        example = "0.485,0.456,0.406" if name == "mean" else "0.229,0.224,0.225"
        raise ValueError(
            f"--{name} {printable(text)}: must be one number, or one for each channel, as {example}"
        )
    return numbers
