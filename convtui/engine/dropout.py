"""Dropout: off in evaluation, and in training a mask that a seed draws.

Source: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html;
https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convtui.engine.activations import written
from convtui.engine.layers import Activation
from convtui.engine.spec import Floats, SpecError, real_number


@dataclass(frozen=True, init=False)
class Dropout(Activation):
    """torch.nn.Dropout: in training each number becomes 0 with probability p, and the others 1/(1 - p) times.

    Raises SpecError for a p that is no probability.
    """

    kind = "dropout"
    p: float

    def __init__(self, p: float = 0.5) -> None:
        probability = real_number("p", p)
        if not 0 <= probability <= 1:
            raise SpecError("p", p, "must be from 0 to 1", "0" if probability < 0 else "1")
        self._set(p=probability)

    def of(self, x: Floats) -> Floats:
        """The same numbers, as in evaluation."""
        return x

    def mask(self, shape: Sequence[int], seed: int) -> Floats:
        """What numbers of this shape are multiplied by in training: 0 or 1/(1 - p)."""
        kept = np.random.default_rng(seed).random(shape) >= self.p
        return kept / (1 - self.p) if self.p < 1 else np.zeros(shape)

    def __str__(self) -> str:
        return written(self.kind, self.p, 0.5)
