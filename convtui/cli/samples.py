"""`convtui samples`: what is bundled, by the names that the other commands take, and the text of a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Final

from convtui.cli.options import Parser, formatter
from convtui.cli.output import printing

ABOUT: Final = """\
List the bundled images, kernels, layers, sessions and models. With NAME, print
the file of one that is a text, so that you can change a copy of it:

  convtui samples shape_bug > net.py
"""


def list_samples(arguments: Sequence[str]) -> int:
    """Print the samples, with a sentence on each; or the file of one. Raises ValueError for what is none."""
    name = parser().parsed(arguments).name
    text = None if name is None else _text_of(name)
    with printing():
        if text is None:
            _print_all()
        else:
            print(text, end="")
    return 0


def parser() -> Parser:
    """No options but --help."""
    made = Parser(prog="convtui samples", description=ABOUT, formatter_class=formatter, allow_abbrev=False)
    made.add_argument("name", metavar="NAME", nargs="?", help="a model, session, stack of layers or kernel")
    return made


def text_files() -> dict[str, Path]:
    """The samples that are texts, by name."""
    from convtui.inputs import samples

    files = (samples.kernel_files(), samples.layer_files(), samples.session_files(), samples.model_files())
    return {path.stem: path for each in files for path in each}


def _text_of(name: str) -> str:
    """The file of a sample. Raises ValueError if there is none, or it is no text."""
    from convtui.inputs import samples
    from convtui.inputs.names import did_you_mean, printable

    files = text_files()
    if name in samples.image_names() or name in samples.data_names():
        raise ValueError(f"{printable(name)}: is opened by its name: convtui {name}; only texts are printed")
    if name not in files:
        raise ValueError(f"{printable(name)}: no such sample{did_you_mean(name, files)}")
    return files[name].read_text("utf-8")


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
    models = {path.stem: samples.docstring(path) for path in samples.model_files()}
    print_list("PyTorch models (convtui samples NAME > net.py; convtui net.py:Net cat-64):", models)


def print_list(title: str, entries: Mapping[str, str]) -> None:
    """Print names with a sentence on each."""
    print(title)
    for name, sentence in entries.items():
        print(fill(sentence, 80, initial_indent=f"  {name:<17} ", subsequent_indent=" " * 20))
    print()
