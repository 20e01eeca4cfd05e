"""The learning-rate range test: which rates to try, when to stop, and which to suggest.

Source: Smith 2015, https://arxiv.org/abs/1506.01186; both suggestions and the limit are after fastai's.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from convtui.training.protocol import Suggested, Tried

RATES: Final[tuple[float, ...]] = tuple(np.geomspace(1e-6, 10, 100).tolist())
BETA: Final = 0.9
LIMIT: Final = 4.0
SKIPPED: Final = len(RATES) // 10


class Finder:
    """Takes the loss of one rate after another."""

    def __init__(self) -> None:
        self.has_exploded = False
        self._rates: list[float] = []
        self._smoothed: list[float] = []
        self._average = 0.0

    def tried(self, lr: float, loss: float) -> Tried:
        """The loss [nats] of the mini-batch that was trained on at this rate."""
        self._average = BETA * self._average + (1 - BETA) * loss
        smooth = self._average / (1 - BETA ** (len(self._rates) + 1))
        self.has_exploded = not math.isfinite(smooth) or smooth > LIMIT * min([smooth, *self._smoothed])
        if not self.has_exploded:
            self._rates.append(lr)
            self._smoothed.append(smooth)
        return Tried(lr, loss, smooth)

    def suggested(self) -> Suggested:
        """Where the smoothed loss falls fastest over the rate's logarithm, and a tenth of where it is least.

        The first tenth of the rates is left out: the average of few losses is as noisy as they are.
        """
        end = int(np.argmin(self._smoothed)) + 1 if self._smoothed else 0
        losses, rates = self._smoothed[SKIPPED:end], self._rates[SKIPPED:end]
        if len(losses) < 2:
            return Suggested(None, None)
        slopes = np.gradient(losses, np.log(rates))
        return Suggested(rates[int(slopes.argmin())], rates[-1] / 10)
