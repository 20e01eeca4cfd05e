"""The filters of the user's own network that a run has trained, as they are looked at on the Layers page.

They have a history of their own: whatever is chosen here, the layers that the page showed before stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.engine.spec import Floats
from convtui.engine.words import counted
from convtui.inputs.images import InputError, Picture
from convtui.inputs.names import printable, run_name
from convtui.state.history import Document
from convtui.state.session import View


@dataclass(frozen=True)
class OwnWeights:
    """The weights of the user's network after a step; equal if run, step and digest are.

    run: the run's folder. network: as it is told, `net.py:Net`. digest: the checkpoint file's. weights: those
    with four axes, which may be filters, by PyTorch's names.
    """

    run: Path
    step: int
    digest: str
    network: str = field(compare=False, default="")
    weights: Mapping[str, Floats] = field(compare=False, repr=False, default_factory=dict)

    @classmethod
    def from_state_dict(
        cls, run: Path, step: int, digest: str, network: str, arrays: Mapping[str, NDArray[Any]]
    ) -> OwnWeights:
        """Raises InputError for weights that are not finite, because the run has diverged."""
        weights: dict[str, Floats] = {}
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                what = f"{printable(name)} of step {step} is no longer finite"
                raise InputError(f"{run_name(run)}: {what}, because the run diverged; open an earlier run")
            if array.ndim == 4 and array.dtype.kind == "f":
                weights[name] = values = array.astype(np.float64)
                values.setflags(write=False)
        return cls(run, step, digest, network, weights)

    def __str__(self) -> str:
        return f"{run_name(self.run)}, step {self.step}"


@dataclass(frozen=True, eq=False)
class OpenedFeatures:
    """The filter that is looked at, of which convolution in the order in which they run, over which image.

    The convolutions that have no pictures come after the others; how many there are is known once the
    network was followed, so that `convolution` and `filter` may lie beyond the last.
    """

    weights: OwnWeights
    picture: Picture
    convolution: int = 0
    filter: int = 0
    view: View = field(default_factory=View)

    def at(self, convolution: int, filter: int = 0) -> OpenedFeatures:
        return replace(self, convolution=max(convolution, 0), filter=max(filter, 0))

    def with_view(self, **changes: Any) -> OpenedFeatures:
        return replace(self, view=replace(self.view, **changes))

    def with_picture(self, picture: Picture) -> OpenedFeatures:
        """Over another image. Raises InputError for one of other channels."""
        channels, others = len(self.picture.pixels), len(picture.pixels)
        if others != channels:
            has = counted(others, "channel")
            raise InputError(f"{picture.name}: has {has}; {self.weights.network} reads {channels}")
        return replace(self, picture=picture, view=replace(self.view, explained=None))


OPENED_FEATURES: Final = Document[OpenedFeatures]("opened features")
