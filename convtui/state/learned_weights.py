"""The weights that a run has learned, as a value that the session's layers can carry.

The weights are PyTorch's, in single precision; everything computed with them here is in double precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convtui.engine.spec import Floats
from convtui.engine.stack import Summary
from convtui.inputs.images import InputError, Picture
from convtui.inputs.names import printable, run_name

NORMALISED = ":normalised"


@dataclass(frozen=True)
class LearnedWeights:
    """The weights of a run's network after a step; equal if run, step and digest are.

    run: the run's folder. weights: by layer number and PyTorch's names, as FeatureMaps takes them.
    batches_tracked: the number of mini-batches that the running statistics of its batch norms come from.
    digest: the checkpoint file's.
    """

    run: Path
    step: int
    weights: Mapping[int, Mapping[str, Floats]] = field(compare=False, repr=False)
    batches_tracked: int = field(compare=False, default=0)
    digest: str = ""

    @classmethod
    def from_state_dict(
        cls, run: Path, step: int, arrays: Mapping[str, NDArray[Any]], digest: str = ""
    ) -> LearnedWeights:
        """From the state_dict of an nn.Sequential, whose "0.weight" is layer 1's.

        Raises InputError for arrays of no network, and for weights that are not finite, because the
        run has diverged.
        """
        weights: dict[int, dict[str, Floats]] = {}
        tracked = 0
        for name, array in arrays.items():
            index, _, parameter = name.partition(".")
            if not index.isdecimal() or array.dtype.kind not in "fiu":
                raise InputError(f"{run_name(run)}: {printable(name)} is not an array of a network")
            if parameter == "num_batches_tracked":
                tracked = int(array.max(initial=0))
                continue
            with np.errstate(invalid="ignore"):  # of a signalling NaN
                values = np.array(array, dtype=np.float64)
            values.setflags(write=False)
            weights.setdefault(int(index) + 1, {})[parameter] = values
        learned = cls(run, step, dict(sorted(weights.items())), tracked, digest)
        for number, parameters in weights.items():
            for parameter, values in parameters.items():
                if not np.isfinite(values).all():
                    what = f"{parameter} of layer {number} is no longer finite"
                    raise InputError(f"{learned}: {what}, because the run diverged; open an earlier run")
        return learned

    @property
    def run_name(self) -> str:
        """The run's name, such as "run 12"."""
        return run_name(self.run)

    def __str__(self) -> str:
        return f"{self.run_name}, step {self.step}"

    def within(self, summary: Summary) -> dict[int, Mapping[str, Floats]]:
        """The weights of the layers in the summary, which ends early if the stack does not fit its image."""
        return {number: arrays for number, arrays in self.weights.items() if number < len(summary.rows)}

    def fits(self, summary: Summary) -> bool:
        """Whether these are all weights of the layers in the summary, and no others."""
        found = {
            number: {name: values.shape for name, values in arrays.items()}
            for number, arrays in self.within(summary).items()
        }
        needed = {row.number: shapes for row in summary.rows if (shapes := row.weight_shapes)}
        return found == needed


def is_normalised(picture: Picture) -> bool:
    """Whether the picture is a data set's, normalised as a network is trained on it."""
    return picture.source.endswith(NORMALISED)
