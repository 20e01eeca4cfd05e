"""`convtui completion`: the tab key completes commands, options, files, samples, lessons and runs.

The shell asks convtui itself, so that what is offered is always that of the installed version and of the
folder one is in; argcomplete reads it from the parsers. Nothing of it is loaded unless a shell asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from convtui.cli.options import ASKED, Parser, formatter
from convtui.cli.output import printing

SHELLS: Final = ("bash", "zsh", "fish")
ABOUT: Final = """\
Print a script with which the tab key completes commands, options, files and
the names of samples, kernels, networks, lessons and saved runs.
"""
EXAMPLES: Final = """\
examples:
  convtui completion bash >> ~/.bashrc
  convtui completion zsh >> ~/.zshrc
  convtui completion fish > ~/.config/fish/completions/convtui.fish

For zsh, compinit has to be called before it.
"""

Parsers = Mapping[str, Callable[[], Parser]]
Names = dict[str, str]  # each with a sentence on it, or ""


def completion(arguments: Sequence[str]) -> int:
    """Print the script for a shell. Raises ValueError for a shell that is not known."""
    shell = parser().parsed(arguments).shell
    from argcomplete.shell_integration import shellcode

    with printing():
        print(shellcode(["convtui"], use_defaults=False, shell=shell).strip())
    return 0


def parser() -> Parser:
    """The shell."""
    made = Parser(
        prog="convtui completion",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=formatter,
        allow_abbrev=False,
        usage="convtui completion bash|zsh|fish",
    )
    made.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    return made


def answer(commands: Parsers, opening: Callable[[], Parser]) -> None:
    """Tell the shell what may come next, and end. `opening` has the options of a command without a name."""
    from argcomplete import autocomplete
    from argcomplete.completers import SuppressCompleter
    from argcomplete.lexers import split_line

    _, _, _, words, _ = split_line(os.environ["COMP_LINE"], int(os.environ["COMP_POINT"]))
    made = opening()
    completers = dict(COMPLETERS)
    if len(words) > 1 and words[1] in commands:
        made = commands[words[1]]()
        os.environ[ASKED] = str(int(os.environ[ASKED]) + 1)  # the command's name belongs to the program's
    elif len(words) == 1:
        completers["image"] = lambda prefix: {**dict.fromkeys(commands, ""), **_images(prefix)}
    for action in made._actions:
        if not action.option_strings:
            action.nargs = None  # else an argument that may be missing could not follow an option
        if action.dest in completers:
            action.completer = _asked(completers[action.dest])  # type: ignore[attr-defined]
    autocomplete(made, always_complete_options=False, default_completer=SuppressCompleter())


def _asked(names: Callable[[str], Names]) -> Callable[..., Names]:
    """As argcomplete calls it."""

    def completer(prefix: str, **_: Any) -> Names:
        return names(prefix)

    return completer


# -- what may come next


def _files(prefix: str, suffixes: Iterable[str] = ()) -> Names:
    """The files and folders that begin with the prefix, in which ~ is the home folder."""
    from argcomplete.completers import FilesCompleter

    home = ""
    if prefix.startswith("~/"):
        home = str(Path("~").expanduser())
    found = FilesCompleter(suffixes)(home + prefix[1:] if home else prefix)
    return dict.fromkeys((f"~{file.removeprefix(home)}" if home else file for file in sorted(found)), "")


def _images(prefix: str) -> Names:
    from convtui.inputs import samples

    data = {f"{name}:{part}:": samples.describe_data(name) for name in samples.data_names() for part in PARTS}
    sessions = {path.stem: samples.first_comment(path) for path in samples.session_files()}
    images = {name: samples.describe(name) for name in samples.image_names()}
    return images | sessions | data | _files(prefix)


def _kernels(prefix: str) -> Names:
    from convtui.engine import kernels
    from convtui.inputs import samples

    named = {name: kernels.describe(name) for name in kernels.NAMES}
    files = {path.stem: samples.first_comment(path) for path in samples.kernel_files()}
    return named | files | _files(prefix)


def _layers(prefix: str) -> Names:
    from convtui.engine import presets
    from convtui.inputs import samples

    networks = {name: presets.preset(name).sentence for name in presets.NAMES}
    files = {path.stem: samples.first_comment(path) for path in samples.layer_files()}
    return networks | files | _files(prefix, ("txt", "toml"))


def _lessons(prefix: str) -> Names:
    from convtui.inputs import samples
    from convtui.lessons.course import lesson_files, name_of

    bundled = lesson_files(samples.lesson_folder())
    return {name_of(path): samples.first_comment(path) for path in bundled} | _files(prefix, ("toml",))


def _runs(prefix: str) -> Names:
    from convtui.training.runs.store import runs_and_damages

    runs, _ = runs_and_damages()
    return {run.number: f"began {run.began:%Y-%m-%d %H:%M}" for run in runs} | _files(prefix)


def _texts(prefix: str) -> Names:  # noqa: ARG001
    """The samples that `convtui samples` prints."""
    from convtui.cli.samples import text_files

    return dict.fromkeys(text_files(), "")


def _models(prefix: str) -> Names:
    """The files in which a model may be; what is in them only its own code tells, which is not run here."""
    return _files(prefix, ("py",))


def _data(prefix: str) -> Names:
    from convtui.inputs import samples

    return {name: samples.describe_data(name) for name in samples.data_names()} | _files(prefix)


def _paddings(_: str) -> Names:
    from convtui.engine.spec import PADDING_WORDS

    return dict.fromkeys(PADDING_WORDS, "")


def _padding_modes(_: str) -> Names:
    from convtui.engine.spec import PADDING_MODES

    return dict.fromkeys(PADDING_MODES, "")


def _ways(_: str) -> Names:
    return dict.fromkeys(("scatter", "gather"), "")


def _plots_of_runs(_: str) -> Names:
    from convtui.cli.runs import SHOWN

    return dict.fromkeys(SHOWN, "")


PARTS: Final = ("test", "train")  # of a data set
COMPLETERS: Final[Mapping[str, Callable[[str], Names]]] = {
    "data": _data,
    "image": _images,
    "inputs": _models,
    "kernel": _kernels,
    "layers": _layers,
    "lesson": _lessons,
    "model": _models,
    "name": _texts,
    "out": _files,
    "padding": _paddings,
    "padding_mode": _padding_modes,
    "resume": _runs,
    "run": _runs,
    "runs": _runs,
    "show": _plots_of_runs,
    "way": _ways,
    "weights": _files,
}
