"""How every command of convtui reads its options, refuses them and prints its help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from convtui.engine.spec import SpecError

ASKED: Final = "_ARGCOMPLETE"  # what a shell sets to ask for completions

formatter = partial(argparse.RawDescriptionHelpFormatter, max_help_position=26, width=80)


def add_axes(group: argparse._ArgumentGroup) -> None:
    """The two options that say where the channels of an array stand."""
    only = group.add_mutually_exclusive_group()
    for axes, shape in (
        ("channels-first", "channels, rows, columns"),
        ("channels-last", "rows, columns, channels"),
    ):
        only.add_argument(
            f"--{axes}",
            dest="axes",
            action="store_const",
            const=axes,
            help=f"read an array as [{shape}] (default: by its shape; a notice tells a guess)",
        )


def as_options(error: SpecError, options: Mapping[str, str]) -> str:
    """What is said of a parameter that is refused, with the options that set parameters, and their values, as
    they are typed: `--kernel-size 3: …; nearest legal: --padding 1,2`.
    """
    option = options.get(error.parameter)
    if option is None:
        return error.plain
    from convtui.inputs.names import printable

    reason, near = error.reason, f"; nearest legal: {error.legal}" if error.legal else ""
    legal = error.legal if near and error.plain.endswith(near) else ""  # else the reason names it already
    value = _plain_pairs(str(error.value))
    value = f'"{printable(value)}"' if " " in value else printable(value)
    for pattern in (r"\b(operation) ([a-z]+[^;]*)(?= has$)", r"\b(layers) (conv .*)$"):
        reason = re.sub(pattern, _quoted, reason)
    reason = re.sub(r"\b[a-z]+_[a-z]+\b", lambda found: options.get(found[0], found[0]), reason)
    names = "|".join(sorted(options, key=len, reverse=True))
    if error.parameter != "operation":  # whose parameters are no options
        reason = re.sub(rf"\b({names})=", lambda found: f"{options[found[1]]} ", reason)
    legal = re.sub(r"\b(operation) ([a-z]+ [^;]+)$", _quoted, legal)
    legal = re.sub(rf"(?<!-)\b({names}) (?=[\w(])", lambda found: f"{options[found[1]]} ", legal)
    nearest = _plain_pairs(legal).replace("'", "")
    return f"{option} {value}: {reason}{f'; nearest legal: {nearest}' if nearest else ''}"


def _quoted(found: re.Match[str]) -> str:
    return f'--{found[1]} "{found[2]}"' if " " in found[2] else f"--{found[1]} {found[2]}"


def _plain_pairs(text: str) -> str:
    """As in a shell, which has another use for brackets: 3,5 of (3, 5)."""
    return re.sub(r"\([0-9(), ]+\)", lambda found: re.sub("[() ]", "", found[0]), text)


class Parser(argparse.ArgumentParser):
    """Raises ValueError with a one-line message where argparse would print and exit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._negative_number_matcher = re.compile(r"-[0-9.].*", re.DOTALL)  # -1x3 and -1,2 are values, too

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see {self.prog} --help")

    def parsed(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The parsed options. Raises ValueError that suggests the nearest option for an unknown one."""
        options, unknown = self.parse_known_intermixed_args(arguments)
        if unknown:
            from convtui.inputs.names import did_you_mean, printable

            name = unknown[0].partition("=")[0]
            close = did_you_mean(name, self._option_string_actions) if name.startswith("-") else ""
            self.error(f"unknown argument {printable(name)}{close}")
        return options
