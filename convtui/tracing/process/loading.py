"""Makes the user's model as `python net.py` would: by the name of a class or function in a file or module.

Only what is named on the command line is run. Whatever their code does wrong is told in their frames.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

import torch
from torch import nn

from convtui.engine.graph.operation import shape_text
from convtui.engine.words import a
from convtui.inputs.names import did_you_mean, printable
from convtui.tracing.process.arguments import parse_arguments, why_not_taken
from convtui.tracing.process.problems import LoadError, bytes_asked, error_words
from convtui.tracing.process.their_code import file_name, frames_of
from convtui.tracing.saved import EXPORTED, MOST_NEAR, OTHERS, SAVED, no_such_file, refusal, state_dict_words

MOST_MODELS: Final = 4  # that are named where none was
MOST_TOLD: Final = 6  # tensors where something was raised
PACKAGES: Final = {  # those that are not installed by the name by which they are imported
    "cv2": "opencv-python",
    "PIL": "Pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def load_model(target: str, arguments: Sequence[str]) -> nn.Module:
    """The model that `net.py:Net` or `package.module:factory` names. Raises LoadError."""
    if Path(target).suffix.lower() == EXPORTED and Path(target).is_file():
        if arguments:
            raise LoadError(f"{printable(target)}: is an exported network, which takes no arguments")
        from convtui.tracing.process.exported import load_exported

        return load_exported(Path(target))
    where, _, name = _parted(target)
    module = load_code(where)
    if not name:
        examples = _examples(where, module)
        what = "name the class, or a function that makes the model: " if examples else ""
        raise LoadError(f"{printable(where)}: {what}{examples or _no_model(where)}")
    made = _named(module, name, where)
    if isinstance(made, nn.Module):
        if arguments:
            raise LoadError(f"{printable(target)}: is a model already, which takes no arguments")
        return made
    if isinstance(made, Mapping):
        raise LoadError(f"{printable(target)}: {state_dict_words(where)}")
    if not callable(made):
        raise LoadError(f"{printable(target)}: is {a(type(made).__name__)}, not a class, function or model")
    positional, named = parse_arguments(arguments)
    if why := why_not_taken(made, positional, named):
        raise LoadError(f"{printable(target)}: {why}")
    try:
        model = made(*positional, **named)
    except BaseException as error:
        given = f" with {printable(' '.join(arguments))}" if arguments else ""
        raise _theirs(error, f"{printable(target)}: cannot be made{given}") from None
    if isinstance(model, nn.Module):
        return model
    if isinstance(model, Mapping):
        raise LoadError(f"{printable(target)}: gives {state_dict_words(where)}")
    raise LoadError(f"{printable(target)}: gives {a(type(model).__name__)}, not a torch.nn.Module")


def is_called(target: str) -> bool:
    """Whether what names a model that was loaded makes it when it is called; else it is the model itself."""
    if target.lower().endswith(EXPORTED):
        return False
    where, _, name = _parted(target)
    return not isinstance(_named(load_code(where), name, where), nn.Module)


def load_inputs(
    target: str, image: torch.Tensor | None = None
) -> tuple[tuple[Any, ...], dict[str, Any], bool]:
    """What a function of theirs gives, as arguments for the model: a tensor, several, or a dict by name.

    A function that takes an argument gets the image [1, channels, rows, columns]; the last tells whether it
    does. Raises LoadError.
    """
    where, _, name = _parted(target)
    if not name:
        raise LoadError(f"--inputs {printable(target)}: name the function, as net.py:make_inputs")
    made = _named(load_code(where), name, where)
    needed = _needed(made) if callable(made) else []
    shown = f"--inputs {printable(target)}"
    if len(needed) > 1:
        raise LoadError(f"{shown}: takes {', '.join(needed)}; it is given the image alone, or nothing")
    if needed and image is None:
        raise LoadError(f"{shown}: takes an image; --input 3x224x224 gives it one of random numbers")
    given_image = (image,) if needed else ()
    is_taken = bool(needed)
    if callable(made) and (why := why_not_taken(made, given_image, {})):
        raise LoadError(f"{shown}: {why.partition(';')[0]}; it is given the image alone, or nothing")
    try:
        given = made(*given_image) if callable(made) else made
    except BaseException as error:
        raise _theirs(error, f"--inputs {printable(target)}: failed") from None
    if isinstance(given, torch.Tensor):
        return (given,), {}, is_taken
    if isinstance(given, tuple | list):
        if len(given) == 2 and isinstance(given[0], tuple) and isinstance(given[1], dict):
            return given[0], given[1], is_taken
        return tuple(given), {}, is_taken
    if isinstance(given, dict) and all(isinstance(name, str) for name in given):
        return (), given, is_taken
    kind = a(type(given).__name__)
    raise LoadError(f"--inputs {printable(target)}: gives {kind}, not a tensor, several, or a dict of them")


def load_code(where: str) -> ModuleType:
    """The module in a file, with its folder first on sys.path, or an installed one. Raises LoadError."""
    if not where:
        raise LoadError("name a file or a module before the colon: net.py:Net")
    path = Path(where)
    is_package = where.isidentifier() and (path / "__init__.py").is_file()
    if path.suffix != ".py" and (is_package or not path.exists()):
        if path.suffix in (*SAVED, *OTHERS, EXPORTED) or os.sep in where:
            raise LoadError(f"{printable(where)}: {no_such_file(path)}")
        _first_on_path(Path.cwd())
        try:
            return importlib.import_module(where)
        except BaseException as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and f"{where}.".startswith(f"{missing}."):
                close = did_you_mean(missing, _modules_like(missing))
                raise LoadError(f"{printable(where)}: there is no such module or file{close}") from None
            raise _theirs(error, f"{printable(where)}: cannot be imported", where) from None
    if path.is_dir():
        raise LoadError(f"{printable(where)}: is a folder; name a file, as {where.rstrip('/')}/net.py:Net")
    if path.suffix != ".py":
        no_code = f"{printable(where)}: is no Python file; name one and a class in it: net.py:Net"
        raise LoadError(refusal(where) or no_code)
    if why := no_such_file(path):
        raise LoadError(f"{printable(where)}: {why}")
    path = path.resolve()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == str(path) and getattr(module, "__convtui__", False):
            return module
    _first_on_path(path.parent)
    sys.argv = [where]
    name = path.stem if path.stem.isidentifier() and not _is_taken(path.stem, path) else "__convtui_model__"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    module.__convtui__ = True  # type: ignore[attr-defined]
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        raise _theirs(error, f"{printable(where)}: cannot be run", where) from None
    return module


def _parted(target: str) -> tuple[str, str, str]:
    where, colon, name = target.rpartition(":")
    if not colon or os.sep in name:  # a drive letter, or no name
        return target, "", ""
    return where, colon, name


def _named(module: ModuleType, name: str, where: str) -> Any:
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            close = did_you_mean(part, _models_like(found))
            examples = _examples(where, module)
            there = f"; there is {examples}" if examples else f"; it {_no_model(where)}"
            raise LoadError(f"{printable(where)}: has no {printable(name)}{close or there}") from None
    return found


def _models_like(holder: Any) -> list[str]:
    """What could be meant in a module or a class: its models, classes and functions."""
    return [
        name
        for name, value in getattr(holder, "__dict__", {}).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, nn.Module))
    ]


def _examples(where: str, module: ModuleType) -> str:
    """The models in a module, as they can be named; "" if there is none."""
    names = [
        name
        for name, value in vars(module).items()
        if (isinstance(value, nn.Module) or (inspect.isclass(value) and issubclass(value, nn.Module)))
        and getattr(value, "__module__", "") == module.__name__
    ]
    told = " or ".join(f"{where}:{name}" for name in names[:MOST_MODELS])
    more = len(names) - MOST_MODELS
    return f"{told} (and {more} more)" if more > 0 else told


def _needed(made: Callable[..., Any]) -> list[str]:
    """The arguments that a function does not do without."""
    with suppress(TypeError, ValueError):
        return [
            each.name
            for each in inspect.signature(made).parameters.values()
            if each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
    return []


def _no_model(where: str) -> str:
    return f"has no nn.Module of its own; name a function that makes the model: {where}:make"


def _theirs(error: BaseException, what: str, where: str = "") -> LoadError:
    """What their code raised, with the frames of theirs. where: the file or module that was run."""
    frames = (*frames_of(error.__traceback__), *_shapes_at(error.__traceback__))
    if isinstance(error, SyntaxError) and error.filename:
        at = f"{file_name(error.filename)}:{error.lineno}"
        return LoadError(f"{what}: {at}: {error.msg}", [*frames, (error.text or "").strip()])
    helped = _help(error, where)
    return LoadError(f"{what}: {error_words(error)}{f'; {helped}' if helped else ''}", frames)


def _help(error: BaseException, where: str) -> str:
    """What the user can do about it, in a clause; "" where nothing more is known."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.partition(".")[0]
        if top in sys.modules:
            return ""  # the package is there, without this module
        package = PACKAGES.get(top, top)
        return f"if it is a package, install it where convtui is: {sys.executable} -m pip install {package}"
    if isinstance(error, ImportError) and "relative import" in str(error) and where.endswith(".py"):
        return _as_module(Path(where).resolve())
    if isinstance(error, EOFError):
        return "its input() has nobody to answer: give what it asks for as arguments after --"
    if bytes_asked(error):
        return _largest(error.__traceback__)
    return ""


def _as_module(path: Path) -> str:
    """How a file of a package is named so that its relative imports work."""
    folder, parts = path.parent.parent, [path.parent.name, path.stem]
    while (folder / "__init__.py").exists():
        folder, parts = folder.parent, [folder.name, *parts]
    if not all(part.isidentifier() for part in parts):
        return ""
    there = "" if folder == Path.cwd() else f", in the folder {printable(str(folder))}"
    return f"it is part of a package: name it as the module {'.'.join(parts)}{there}"


def _largest(traceback: TracebackType | None) -> str:
    """The module of PyTorch that was being made for which there was no memory, with its numbers."""
    told = ""
    while traceback is not None:
        values = traceback.tb_frame.f_locals
        if traceback.tb_frame.f_code.co_name == "__init__" and isinstance(values.get("self"), nn.Module):
            numbers = [f"{name}={value}" for name, value in values.items() if type(value) is int]
            told = f"for {type(values['self']).__name__}({', '.join(numbers)})"
        traceback = traceback.tb_next
    return told


def _shapes_at(traceback: TracebackType | None) -> list[str]:
    """The tensors where it was raised, or in the nearest code above that has some: `input 1x3x32x32`."""
    found: list[str] = []
    while traceback is not None:
        tensors = {
            name: value
            for name, value in traceback.tb_frame.f_locals.items()
            if isinstance(value, torch.Tensor) and not nn.parameter.is_lazy(value)
        }
        told = [f"{name} {shape_text(tuple(each.shape))}" for name, each in tensors.items()]
        found = told[:MOST_TOLD] or found
        traceback = traceback.tb_next
    return [f"tensors there: {', '.join(found)}"] if found else []


def _first_on_path(folder: Path) -> None:
    text = str(folder)
    if sys.path[:1] != [text]:
        sys.path.insert(0, text)


def _is_taken(name: str, path: Path) -> bool:
    """Whether something else is imported by this name already, as torch.py would be."""
    module = sys.modules.get(name)
    return module is not None and getattr(module, "__file__", None) != str(path)


def _modules_like(where: str) -> list[str]:
    """The files here, and the modules of the package that is named, if there is one."""
    package = sys.modules.get(where.rpartition(".")[0])
    found = pkgutil.iter_modules(getattr(package, "__path__", []))
    here = [each.name for each in islice(Path.cwd().glob("*.py"), MOST_NEAR)]
    return [*here, *(f"{where.rpartition('.')[0]}.{each.name}" for each in found)]
