"""How every command of convtui reads its options, refuses them and prints its help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Final, NoReturn

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


class Parser(argparse.ArgumentParser):
    """Raises ValueError with a one-line message where argparse would print and exit."""

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
