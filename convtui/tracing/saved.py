"""Why a file that is no code has no graph to show, from a look into it that runs nothing of it."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final

from convtui.inputs.names import did_you_mean, printable
from convtui.tracing.file_kinds import (
    ARCHIVE,
    EXPORTED_NETWORK,
    OLD_ARCHIVE,
    OLD_BEGINS,
    OTHER_ARCHIVE,
    SAFETENSORS,
    TORCHSCRIPT,
    has_advice,
    kind_of,
)

EXPORTED: Final = ".pt2"
SAVED: Final = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".torchscript")
OTHERS: Final = (".onnx", ".h5", ".keras", ".tflite", ".pb", ".ipynb")
EXPORT: Final = 'torch.export.save(torch.export.export(model, (x,)), "net.pt2")'
WEIGHTS: Final = 'torch.save(model.state_dict(), "weights.pth")'

MOST_NEAR: Final = 2000  # names in a folder among which one is looked for
_MOST_READ: Final = 2**24  # bytes of a pickle that are looked at
_BEFORE_OLD: Final = 3  # pickles of such a file before that of what was saved
_OF_MODULES: Final = frozenset({"_modules", "_parameters"})  # attributes of every nn.Module


@dataclass(frozen=True)
class _Pickled:
    """What stands in a pickle: the first class or function that it names, and whether modules are in it."""

    first: str
    has_modules: bool


def refusal(text: str) -> str:
    """One line on why a saved network cannot be traced and what can; "" of a .pt2 and of other files."""
    path = Path(text)
    suffix = path.suffix.lower()
    if suffix in (*SAVED, *OTHERS, EXPORTED) and not path.exists():
        found = [each.name for each in path.parent.glob(f"*{path.suffix}")] if path.parent.is_dir() else []
        return f"{printable(text)}: there is no such file{did_you_mean(path.name, found)}"
    if suffix not in (*SAVED, *OTHERS, EXPORTED) or not path.is_file():
        return ""
    if suffix == EXPORTED and _may_be_exported(path):
        return ""
    return f"{printable(text)}: {_words(path, suffix)}"


def no_such_file(path: Path) -> str:
    """Why there is no file of that name to be read; "" if there is."""
    try:
        if path.is_file():
            return ""
        if path.is_dir():
            return "is a folder; name a file in it"
        if path.exists():
            return "is no file but a device, a pipe or a socket"
        names = [each.name for each in islice(path.parent.iterdir(), MOST_NEAR)]
    except (OSError, ValueError):  # a folder that is none or may not be read; a NUL in the name
        names = []
    alike = [each for each in names if Path(each).suffix == path.suffix]
    return f"there is no such file{did_you_mean(path.name, alike) or did_you_mean(path.name, names)}"


def state_dict_words(where: str) -> str:
    """Of weights alone."""
    return (
        "a state dict: weights by name, without the code that uses them, so there is no graph to show; "
        f"name the class: net.py:Net --weights {printable(where)}"
    )


def _may_be_exported(path: Path) -> bool:
    """Whether it is a zip archive of some kind that torch.save did not write; a closer look is PyTorch's."""
    try:
        return kind_of(path) in (EXPORTED_NETWORK, OTHER_ARCHIVE)
    except OSError:
        return False


def _words(path: Path, suffix: str) -> str:
    if suffix == ".onnx":
        return f"ONNX files are not read; where it was made, save the model for PyTorch as well: {EXPORT}"
    if suffix in OTHERS:
        return f"a {suffix} file cannot be traced; name the class in its code: net.py:Net"
    try:
        kind = kind_of(path)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    if kind == TORCHSCRIPT:
        return (
            "a TorchScript file: its operations cannot be followed to lines of your code; "
            f"name the class that it was made from: net.py:Net, or save the model as {EXPORT}"
        )
    if kind == EXPORTED_NETWORK:
        return f"{kind}; give it a name that ends in {EXPORTED}"
    with suppress(Exception):  # whatever is wrong with a damaged file
        found = _pickled(path)
        if found.has_modules:
            module, _, name = found.first.partition(" ")
            named = f"{module}:{name}" if module != "__main__" else f"net.py:{name}"
            return (
                f"a whole model ({printable(found.first.replace(' ', '.'))}), whose code would run "
                f"when it is opened, so it is not; name the class: {printable(named)}, "
                f"with --weights of what {WEIGHTS} wrote where it was made"
            )
        return state_dict_words(str(path))
    if kind == SAFETENSORS:
        return state_dict_words(str(path))
    is_of_torch = kind in (ARCHIVE, OLD_ARCHIVE)
    what = f"is {kind or 'no file that PyTorch wrote'}{', but cut off or damaged' if is_of_torch else ''}"
    if has_advice(kind):
        return what
    return f"{what}; name a Python file and a class in it: net.py:Net"


def _pickled(path: Path) -> _Pickled:
    """Raises ValueError, KeyError or OSError of a file that torch.save did not write."""
    with path.open("rb") as file:
        if file.read(len(OLD_BEGINS)) == OLD_BEGINS:
            file.seek(0)
            for _ in range(_BEFORE_OLD):
                for _ in pickletools.genops(file):
                    pass
            return _looked_at(file)
    with zipfile.ZipFile(path) as archive:
        name = next((each for each in archive.namelist() if each.endswith("data.pkl")), "")
        with archive.open(name) as pickle:
            return _looked_at(pickle)


def _looked_at(file: IO[bytes]) -> _Pickled:
    first, texts = "", set[str]()
    for name, text, at in _texts(file):
        if at > _MOST_READ:
            break
        first = first or name
        texts.add(text)
    return _Pickled(first, texts >= _OF_MODULES)


def _texts(file: IO[bytes]) -> Iterator[tuple[str, str, int]]:
    """What a pickle names, as `module name`, and its texts, each with its place; nothing is run."""
    last = ["", ""]
    begin = -1
    for opcode, argument, at in pickletools.genops(file):
        begin = at or 0 if begin < 0 else begin
        place = (at or 0) - begin
        if opcode.name == "GLOBAL":
            yield str(argument), "", place
        elif opcode.name == "STACK_GLOBAL":
            yield " ".join(last), "", place
        elif isinstance(argument, str):
            last = [last[1], argument]
            yield "", argument, place
