"""A run in the middle of its training, as arrays and plain values, so that it is kept without pickling."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

Arrays = dict[str, NDArray[Any]]

_OPTIMIZER: Final = "optimizer."
_RANDOM_STATE: Final = "random_state"
_ABOUT: Final = "convtui"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that training needs to go on after a step, bit for bit.

    weights are the model's arrays by PyTorch's names; the optimizer's are named by parameter number and
    buffer, as "0.exp_avg". about is of JSON's types.
    """

    step: int
    weights: Arrays
    optimizer: Arrays
    random_state: NDArray[np.uint8]
    about: dict[str, Any]

    def require_step(self, most: int) -> None:
        """Raises ValueError unless it is of a step of a run that has so many."""
        if not 0 <= self.step <= most:
            raise ValueError(f"step {self.step}: must be 0 to {most}")

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
