"""Makes the user's model as `python net.py` would: by the name of a class or function in a file or module.

Only what is named on the command line is run. Whatever their code does wrong is told in their frames.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

import torch
from torch import nn

from convtui.engine.graph.operation import shape_text
from convtui.inputs.names import did_you_mean, printable
from convtui.tracing.process.problems import LoadError
from convtui.tracing.process.their_code import first_line, frames_of
from convtui.tracing.saved import EXPORTED, OTHERS, SAVED, refusal, state_dict_words

MOST_MODELS: Final = 4  # that are named where none was
MOST_TOLD: Final = 6  # tensors where something was raised


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
        raise LoadError(
            f"{printable(target)}: name the class, or a function that makes the model: {examples}"
        )
    made = _named(module, name, where)
    if isinstance(made, nn.Module):
        if arguments:
            raise LoadError(f"{printable(target)}: is a model already, which takes no arguments")
        return made
    if isinstance(made, Mapping):
        raise LoadError(f"{printable(target)}: {state_dict_words(where)}")
    if not callable(made):
        raise LoadError(f"{printable(target)}: is a {type(made).__name__}, not a class, function or model")
    positional, named = parse_arguments(arguments)
    try:
        model = made(*positional, **named)
    except BaseException as error:
        needs = _needs(made, positional, named) if isinstance(error, TypeError) else ""
        raise _theirs(error, f"{printable(target)}: cannot be made", needs) from None
    if isinstance(model, nn.Module):
        return model
    if isinstance(model, Mapping):
        raise LoadError(f"{printable(target)}: gives {state_dict_words(where)}")
    raise LoadError(f"{printable(target)}: gives a {type(model).__name__}, not a torch.nn.Module")


def load_inputs(target: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a function of theirs gives, as arguments for the model: a tensor, several, or a dict by name.

    Raises LoadError.
    """
    where, _, name = _parted(target)
    if not name:
        raise LoadError(f"--inputs {printable(target)}: name the function, as net.py:make_inputs")
    made = _named(load_code(where), name, where)
    try:
        given = made() if callable(made) else made
    except BaseException as error:
        raise _theirs(error, f"--inputs {printable(target)}: failed") from None
    if isinstance(given, torch.Tensor):
        return (given,), {}
    if isinstance(given, tuple | list):
        if len(given) == 2 and isinstance(given[0], tuple) and isinstance(given[1], dict):
            return given[0], given[1]
        return tuple(given), {}
    if isinstance(given, dict) and all(isinstance(name, str) for name in given):
        return (), given
    kind = type(given).__name__
    raise LoadError(f"--inputs {printable(target)}: gives a {kind}, not a tensor, several, or a dict of them")


def load_code(where: str) -> ModuleType:
    """The module in a file, with its folder first on sys.path, or an installed one. Raises LoadError."""
    path = Path(where)
    if path.suffix != ".py" and not path.exists():
        if path.suffix in (*SAVED, *OTHERS, EXPORTED) or os.sep in where:
            raise LoadError(f"{printable(where)}: there is no such file")
        _first_on_path(Path.cwd())
        try:
            return importlib.import_module(where)
        except BaseException as error:
            if isinstance(error, ModuleNotFoundError) and error.name and where.startswith(error.name):
                close = did_you_mean(where, _python_files())
                raise LoadError(f"{printable(where)}: there is no such module or file{close}") from None
            raise _theirs(error, f"{printable(where)}: cannot be imported") from None
    if path.is_dir():
        raise LoadError(f"{printable(where)}: is a folder; name a file, as {where.rstrip('/')}/net.py:Net")
    if path.suffix != ".py":
        no_code = f"{printable(where)}: is no Python file; name one and a class in it: net.py:Net"
        raise LoadError(refusal(where) or no_code)
    if not path.exists():
        raise LoadError(
            f"{printable(where)}: there is no such file{did_you_mean(path.name, _python_files(path.parent))}"
        )
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
        raise _theirs(error, f"{printable(where)}: cannot be run") from None
    return module


def parse_arguments(arguments: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """`10 depth=18 "name=resnet"`: values as Python writes them, and as text where they are none."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if equals and name.isidentifier():
            named[name] = _value(text)
        else:
            positional.append(_value(argument))
    return positional, named


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


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
            close = did_you_mean(part, [each for each in vars(module) if not each.startswith("_")])
            examples = "" if close else f"; there is {_examples(where, module)}"
            raise LoadError(f"{printable(where)}: has no {printable(name)}{close or examples}") from None
    return found


def _examples(where: str, module: ModuleType) -> str:
    """The models in a module, as they can be named."""
    names = [
        name
        for name, value in vars(module).items()
        if (isinstance(value, nn.Module) or (inspect.isclass(value) and issubclass(value, nn.Module)))
        and getattr(value, "__module__", "") == module.__name__
    ]
    if not names:
        return f"no nn.Module in it; write one as {where}:Net"
    told = " or ".join(f"{where}:{name}" for name in names[:MOST_MODELS])
    more = len(names) - MOST_MODELS
    return f"{told} (and {more} more)" if more > 0 else told


def _needs(made: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> str:
    """What arguments a class or a function takes; "" if it took those that it was given."""
    try:
        signature = inspect.signature(made)
    except (TypeError, ValueError):
        return ""
    with suppress(TypeError):
        signature.bind(*positional, **named)
        return ""
    values = [
        f"{each.name}=…" if each.default is each.empty else f"{each.name}={each.default!r}"
        for each in signature.parameters.values()
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if not values:
        return "; it takes no arguments"
    return f"; its arguments follow after --: -- {' '.join(values)}"


def _theirs(error: BaseException, what: str, help_words: str = "") -> LoadError:
    """What their code raised, with the frames of theirs."""
    frames = (*frames_of(error.__traceback__), *_shapes_at(error.__traceback__))
    if isinstance(error, SystemExit):
        return LoadError(f"{what}: it ended the process with sys.exit({error.code!r})", frames)
    if isinstance(error, SyntaxError) and error.filename:
        at = f"{Path(error.filename).name}:{error.lineno}"
        return LoadError(f"{what}: {at}: {error.msg}", [*frames, (error.text or "").strip()])
    name, words = type(error).__name__, first_line(error)
    reason = name if words == name else f"{name}: {words}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        reason += (
            f"; install it where convtui is: {sys.executable} -m pip install {error.name.partition('.')[0]}"
        )
    return LoadError(f"{what}: {reason}{help_words}", frames)


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


def _python_files(folder: Path | None = None) -> list[str]:
    with suppress(OSError):
        return [each.name for each in (folder or Path.cwd()).glob("*.py")][:2000]
    return []
