"""Weights for the user's model from a file, without running any code that is in it."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from convtui.engine.words import a, counted, verb
from convtui.inputs.names import printable
from convtui.tracing.file_kinds import (
    ARCHIVE,
    EXPORTED_NETWORK,
    OLD_ARCHIVE,
    PICKLE,
    SAFETENSORS,
    TORCHSCRIPT,
    has_advice,
    kind_of,
)
from convtui.tracing.process.problems import SAVE_WEIGHTS, LoadError, code_words, error_words
from convtui.tracing.saved import no_such_file

USUAL: Final = ("state_dict", "model_state_dict", "model", "net", "weights", "module", "ema")
DEPTH: Final = 3  # of dicts in which weights are looked for
MOST_LINES: Final = 18  # on a small screen the reason stays in sight below them
MOST_NAMED: Final = 6
RIGHT: Final = 'name what torch.save(model.state_dict(), "weights.pth") wrote, or a .safetensors'

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Found:
    """Weights by name, under which key of the file they were, and what stood before all of their names."""

    weights: Mapping[str, torch.Tensor]
    under: str = ""
    prefix: str = ""

    @property
    def shapes(self) -> Shapes:
        """The shape of each, without the prefix."""
        return {name[len(self.prefix) :]: tuple(each.shape) for name, each in self.weights.items()}


def load_weights(model: nn.Module, name: str) -> tuple[str, ...]:
    """Put the weights of a file into the model; what the user should know about it, a line each.

    Of several dicts of weights in the file the one that fits best is taken. Raises LoadError with what does
    not fit, side by side.
    """
    shown = f"--weights {printable(name)}"
    state = model.state_dict()
    lazy = [key for key, value in state.items() if is_lazy(value)]  # which take the shape that the file has
    own = {key: () if key in lazy else tuple(value.shape) for key, value in state.items()}
    tries = sorted(
        (_without_prefix(each, own) for each in read_weights(Path(name))),
        key=lambda each: (len(_unlike(own, each.shapes)), _rank(each.under)),
    )
    found = tries[0]
    own |= {key: found.shapes[key] for key in lazy if key in found.shapes}
    lines = differences(own, found.shapes)
    if lines:
        left_out = len(lines) - 1 - MOST_LINES
        told = [*lines[: MOST_LINES + 1], f"and {left_out:,} more"] if left_out > 0 else lines
        raise LoadError(f"{shown}: {_what_differs(own, found.shapes)}", told)
    others = [repr(each.under) for each in tries[1:] if not _unlike(own, each.shapes)]
    notices = []
    if found.under or others:
        as_well = f"; {' and '.join(others)} would fit as well" if others else ""
        notices = [f"{printable(name)}: the weights under {found.under!r} were taken{as_well}"]
    if found.prefix:
        notices.append(f"the file's names begin with {found.prefix!r}, which was left out")
    model.load_state_dict({each[len(found.prefix) :]: value for each, value in found.weights.items()})
    return tuple(notices)


def _rank(under: str) -> int:
    return USUAL.index(under) if under in USUAL else len(USUAL)


def _unlike(own: Shapes, there: Shapes) -> set[str]:
    return {key for key in {*own, *there} if own.get(key) != there.get(key)}


def _what_differs(own: Shapes, there: Shapes) -> str:
    """As `3 weights do not fit the model: 1 has another shape, the file lacks 2`."""
    unlike = _unlike(own, there)
    lacking = sum(key not in there for key in unlike)
    unknown = sum(key not in own for key in unlike)
    others = len(unlike) - lacking - unknown
    parts = [f"{others:,} of another shape"] if others else []
    parts += [f"{lacking:,} missing in the file"] if lacking else []
    parts += [f"{unknown:,} missing in the model"] if unknown else []
    count = len(unlike)
    do = f"{counted(count, 'weight')} {verb(count, 'does', 'do')}"
    return f"{do} not fit the model: {', '.join(parts)}{_hint(own, there)}"


def _hint(own: Shapes, there: Shapes) -> str:
    """A clause, if the model's names are the file's with something before them."""
    for prefix in _prefixes(own):
        if all(f"{prefix}{key}" in own for key in there):
            return f"; the names of the model begin with {prefix!r}, those in the file do not"
    return ""


def differences(own: Mapping[str, tuple[int, ...]], there: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The keys of the model and of the file that differ, side by side under a header; nothing if none do."""
    pairs = [(key, own.get(key), there.get(key)) for key in [*own, *(key for key in there if key not in own)]]
    pairs = [(key, one, other) for key, one, other in pairs if one != other]
    if not pairs:
        return []
    cells = [("weight", "the model", "the file")]
    cells += [(key, weight_shape_text(one), weight_shape_text(other)) for key, one, other in pairs]
    widths = [max(len(row[i]) for row in cells) for i in range(3)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def weight_shape_text(shape: tuple[int, ...] | None) -> str:
    """As 8x3x3x3; "one number" for no axes, "missing" for a weight that there is not."""
    if shape is None:
        return "missing"
    return "x".join(map(str, shape)) or "one number"


def read_weights(path: Path) -> list[Found]:
    """The weights by name, of each dict of them that is in the file. Raises LoadError if there is none."""
    shown = f"--weights {printable(str(path))}"
    if why := no_such_file(path):
        raise LoadError(f"{shown}: {why}")
    try:
        kind = kind_of(path)
    except OSError as error:
        raise LoadError(f"{shown}: cannot be read ({error.strerror or error})") from None
    if kind == SAFETENSORS:
        return [Found(_read_safetensors(path, shown))]
    if kind == TORCHSCRIPT:
        raise LoadError(f"{shown}: is {kind}, which carries code; where it was made, save {SAVE_WEIGHTS}")
    if kind == EXPORTED_NETWORK:
        raise LoadError(f"{shown}: is {kind}; name it in place of the class: convtui trace net.pt2")
    if kind and kind not in (ARCHIVE, OLD_ARCHIVE, PICKLE):
        raise LoadError(f"{shown}: is {kind}{'' if has_advice(kind) else f'; {RIGHT}'}")
    held = _unpickled(path, shown, kind)
    found = list(_dicts_of_weights(held))
    if found:
        return found
    if isinstance(held, Mapping):
        names = ", ".join(printable(str(each)) for each in list(held)[:MOST_NAMED])
        but = f", but {names}" if names else ""
        raise LoadError(f"{shown}: has no weights by name{but}; save {SAVE_WEIGHTS}")
    raise LoadError(f"{shown}: has no weights by name, but {a(type(held).__name__)}; save {SAVE_WEIGHTS}")


def _read_safetensors(path: Path, shown: str) -> dict[str, torch.Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise LoadError(f"{shown}: reading it needs safetensors: pip install safetensors") from None
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise LoadError(f"{shown}: is {SAFETENSORS} that is cut off or damaged ({error})") from None


def _unpickled(path: Path, shown: str, kind: str) -> Any:
    is_misnamed = path.suffix == ".safetensors"  # by which PyTorch would go
    for mmap in (True, False):  # files from before PyTorch 1.6 cannot be mapped
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of pickles that are told below
                if mmap and not is_misnamed:
                    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
                with path.open("rb") as file:
                    return torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            if "GLOBAL" in str(error):
                raise LoadError(f"{shown}: {code_words(str(error))}") from None
            break
        except Exception as error:  # whatever a damaged file makes of it
            if not mmap and (is_memory := error_words(error)).startswith("not enough memory"):
                raise LoadError(f"{shown}: {is_memory}") from None
    if kind in (ARCHIVE, OLD_ARCHIVE):
        raise LoadError(f"{shown}: is {kind}, but cut off or damaged; PyTorch cannot read it")
    raise LoadError(f"{shown}: is {kind or 'no file that torch.save or safetensors wrote'}; {RIGHT}")


def _dicts_of_weights(held: Any, under: str = "", depth: int = 0) -> Iterator[Found]:
    if not isinstance(held, Mapping) or depth > DEPTH:
        return
    tensors = {key: value for key, value in held.items() if isinstance(value, torch.Tensor)}
    if tensors and all(isinstance(key, str) for key in tensors):
        yield Found(tensors, under)
    for key, value in held.items():
        if isinstance(key, str):
            yield from _dicts_of_weights(value, key, depth + 1)


def _prefixes(names: Iterable[str]) -> list[str]:
    """What stands before all names, up to a point, the shortest first: `module.`, `module.net.`."""
    parts = [name.split(".")[:-1] for name in names]
    alike = takewhile(lambda each: len(set(each)) == 1, zip(*parts, strict=False))
    return [f"{each}." for each in accumulate((each[0] for each in alike), "{}.{}".format)]


def _without_prefix(found: Found, own: Shapes) -> Found:
    """Without what a wrapper puts before all names, if the names then fit better."""
    tries = [found, *(replace(found, prefix=each) for each in _prefixes(found.weights))]
    return max(tries, key=lambda each: len({*each.shapes} & {*own}))
