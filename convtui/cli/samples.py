"""`convtui samples`: what is bundled, by the names that the other commands take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

from convtui.cli.options import Parser
from convtui.cli.output import printing


def list_samples(arguments: Sequence[str]) -> int:
    """Print the samples, with a sentence on each. Raises ValueError for any option."""
    parser().parsed(arguments)
    with printing():
        _print_all()
    return 0


def parser() -> Parser:
    """No options but --help."""
    about = "List the bundled images, kernels, layers and sessions."
    return Parser(prog="convtui samples", description=about, allow_abbrev=False)


def _print_all() -> None:
    from convtui.engine import kernels, presets
    from convtui.inputs import samples

    print_list("Images (convtui NAME):", {name: samples.describe(name) for name in samples.image_names()})
    data = {name: samples.describe_data(name) for name in samples.data_names()}
    print_list("Data sets (convtui NAME:test:17 or NAME:train:0 opens one image):", data)
    kernel_files = {path.stem: samples.first_comment(path) for path in samples.kernel_files()}
    named = {name: kernels.describe(name) for name in kernels.NAMES}
    print_list("Kernels (--kernel NAME):", {**named, **kernel_files})
    networks = {name: presets.preset(name).sentence for name in presets.NAMES}
    layer_files = {path.stem: samples.first_comment(path) for path in samples.layer_files()}
    print_list("Layers (--layers NAME):", {**networks, **layer_files})
    sessions = {path.stem: samples.first_comment(path) for path in samples.session_files()}
    print_list("Sessions (convtui NAME):", sessions)


def print_list(title: str, entries: Mapping[str, str]) -> None:
    """Print names with a sentence on each."""
    print(title)
    for name, sentence in entries.items():
        print(fill(sentence, 80, initial_indent=f"  {name:<17} ", subsequent_indent=" " * 20))
    print()
