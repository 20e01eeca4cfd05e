"""A run in the middle of its training, as arrays and plain values, so that it is kept without pickling.

Its file is named by its step and its own digest, so that damage is seen and no other is taken for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from convtui.inputs.atomic import read_regular

Arrays = dict[str, NDArray[Any]]

_OPTIMIZER: Final = "optimizer."
_RANDOM_STATE: Final = "random_state"
_ABOUT: Final = "convtui"
_SUFFIX: Final = ".safetensors"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that training needs to go on after a step, bit for bit.

    weights are the model's arrays by PyTorch's names; the optimizer's are named by parameter number and
    buffer, as "0.exp_avg". about is of JSON's types. digest is that of the file it was read from.
    """

    step: int
    weights: Arrays
    optimizer: Arrays
    random_state: NDArray[np.uint8]
    about: dict[str, Any]
    digest: str = ""

    def require_fit(self, first: Checkpoint, most: int) -> None:
        """Raises ValueError or LookupError unless it is of the run that `first` begins, of so many steps.

        Another version of PyTorch may tell of more or fewer settings of its own; what there is must be alike.
        """
        groups, schedule = self.about["groups"], self.about["scheduler"]
        rates = [group[name] for group in groups for name in ("lr", "max_lr")]
        parameters = {str(number) for group in groups for number in group["params"]}
        remembered = {name.partition(".")[0] for name in self.optimizer}
        is_own = bool(first.about["recipe"].get("network"))  # in which some may be frozen or unused
        has_all = remembered == parameters or (is_own and bool(remembered) and remembered <= parameters)
        if not (
            0 <= self.step <= most
            and _is_like(self.about, first.about)
            and all(map(isfinite, (*rates, self.about["seconds"])))
            and (first.about["scheduler"] is None or schedule["last_epoch"] == min(self.step, most - 1))
            and has_all == (self.step > 0 and _has_buffers(first.about["recipe"]))
        ):
            raise ValueError(f"from another run: step {self.step}")

    def to_bytes(self) -> bytes:
        """A safetensors file: the weights by their names, the rest beside them and in its header."""
        arrays = self.weights | {f"{_OPTIMIZER}{name}": each for name, each in self.optimizer.items()}
        about = json.dumps({"step": self.step, **self.about})
        return save({**arrays, _RANDOM_STATE: self.random_state}, {_ABOUT: about})

    @classmethod
    def from_bytes(cls, data: bytes) -> Checkpoint:
        """What to_bytes wrote. Raises ValueError for what it did not."""
        try:
            arrays = load(data)
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            about = json.loads(header["__metadata__"][_ABOUT])
            random_state = arrays.pop(_RANDOM_STATE)
            optimizer = {name: arrays.pop(name) for name in list(arrays) if name.startswith(_OPTIMIZER)}
            return cls(
                step=int(about.pop("step")),
                weights=arrays,
                optimizer={name.removeprefix(_OPTIMIZER): each for name, each in optimizer.items()},
                random_state=random_state,
                about=about,
            )
        except (SafetensorError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"not a checkpoint: {error}") from None


def _is_like(value: object, model: object) -> bool:
    """Whether numbers, lists and names of JSON's types stand where they do in the model."""
    match model:
        case Mapping():
            return isinstance(value, Mapping) and all(
                _is_like(value[name], each) for name, each in model.items() if name in value
            )
        case list() | tuple():
            if not isinstance(value, list | tuple) or len(value) != len(model):
                return False
            return all(map(_is_like, value, model))
        case int() | float() if not isinstance(model, bool):
            return isinstance(value, int | float) and not isinstance(value, bool)
    return True


def _has_buffers(recipe: Mapping[str, Any]) -> bool:
    """Whether the optimiser remembers anything after a step: SGD without momentum does not."""
    momentum = recipe["high_momentum" if recipe["schedule"] == "one-cycle" else "momentum"]
    return bool(recipe["optimizer"] == "adamw" or momentum > 0)


def file_name(step: int, data: bytes) -> str:
    """The name of the file of a checkpoint after that step, which is these bytes."""
    return f"step-{step:06d}-{_digest(data)}{_SUFFIX}"


def step_of(file: Path) -> int:
    """The step in the name of a checkpoint's file."""
    return int(file.name.split("-")[1])


def files_in(folder: Path) -> list[Path]:
    """The files of the checkpoints in a folder by step, then by age; some may be damaged."""
    found = []
    for path in folder.glob(f"step-*-*{_SUFFIX}"):
        with suppress(ValueError, OSError):  # one of another name; deleted meanwhile
            found.append((step_of(path), path.stat().st_mtime_ns, path))
    return [path for _, _, path in sorted(found)]


def first_whole(files: Iterable[Path]) -> Checkpoint | None:
    """The first that is what its name says."""
    for path in files:
        with suppress(OSError, ValueError):
            data = read_regular(path)
            if digest_of(path) == _digest(data):
                return replace(Checkpoint.from_bytes(data), digest=digest_of(path))
    return None


def digest_of(file: Path) -> str:
    """The digest in the name of a checkpoint's file: 16 hexadecimal digits (blake2b)."""
    return file.stem.rpartition("-")[2]


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()
