"""The learning-rate range test: which rates to try, when to stop, and which to suggest.

Source: Smith 2015, https://arxiv.org/abs/1506.01186; the suggestions and the limit are after fastai's,
https://docs.fast.ai/callback.schedule.html#learner.lr_find
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from convtui.training.protocol import Suggested, Tried

RATES: Final[tuple[float, ...]] = tuple(np.geomspace(1e-6, 10, 100).tolist())
BETA: Final = 0.9
LIMIT: Final = 4.0
SKIPPED: Final = len(RATES) // 10  # at the start, where an average of few losses is as noisy as they are
SKIPPED_LAST: Final = 5  # before the longest fall is looked for, as the loss explodes there


class Finder:
    """Takes the loss of one rate after another."""

    def __init__(self) -> None:
        self.has_exploded = False
        self._rates: list[float] = []
        self._smoothed: list[float] = []
        self._seen: list[Tried] = []  # the rate at which the loss explodes too
        self._average = 0.0

    def tried(self, lr: float, loss: float) -> Tried:
        """The loss [nats] of the mini-batch that was trained on at this rate."""
        self._average = BETA * self._average + (1 - BETA) * loss
        smooth = self._average / (1 - BETA ** (len(self._rates) + 1))
        self.has_exploded = not math.isfinite(smooth) or smooth > LIMIT * min([smooth, *self._smoothed])
        if not self.has_exploded:
            self._rates.append(lr)
            self._smoothed.append(smooth)
        self._seen.append(Tried(lr, loss, smooth))
        return self._seen[-1]

    def suggested(self) -> Suggested:
        """Where the smoothed loss falls fastest over the rate's logarithm, and other good rates."""
        end = int(np.argmin(self._smoothed)) + 1 if self._smoothed else 0
        losses, rates = self._smoothed[SKIPPED:end], self._rates[SKIPPED:end]
        if len(losses) < 2:
            return Suggested(None, None, None)
        slopes = np.gradient(losses, np.log(rates))
        return Suggested(rates[int(slopes.argmin())], rates[-1] / 10, self._valley())

    def _valley(self) -> float | None:
        """In the middle of the longest fall; the last five losses are left out, or those that are NaN."""
        seen = [each for each in self._seen if not math.isnan(each.smooth)]
        end = len(seen) if len(seen) < len(self._seen) else len(seen) - SKIPPED_LAST
        shown = seen[SKIPPED:end]
        at = middle_of_fall([each.smooth for each in shown])
        return None if at is None else shown[at].lr


def middle_of_fall(losses: Sequence[float]) -> int | None:
    """The index in the middle of the longest valley, as fastai's `valley` finds it; None if no loss falls.

    The valley ends at the first end of a longest strictly falling subsequence, and begins as many places
    before as that is long, wherever its members lie; a third and a sixth of it further is the middle.
    Source: https://docs.fast.ai/callback.schedule.html#valley
    """
    lengths: list[int] = []  # of the longest falling subsequence that ends here
    for loss in losses:
        before = (length for length, each in zip(lengths, losses, strict=False) if each > loss)
        lengths.append(1 + max(before, default=0))
    longest = max(lengths, default=1)
    if longest < 2:
        return None
    start, third = lengths.index(longest) - longest, longest / 3
    return max(start + int(third) + int(third / 2), 0)
