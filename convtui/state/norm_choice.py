"""Which of the norms is looked at: a value that sessions, their files and the Norms page share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from convtui.engine.norms import NormKind, SharedMean

FIRST_GROUPS: Final = 2
MOST_GROUPS: Final = 2**16  # that anybody asks for
TITLES: Final[dict[NormKind, str]] = {
    "batch": "batch norm",
    "layer": "layer norm",
    "group": "group norm",
    "instance": "instance norm",
}


@dataclass(frozen=True)
class NormChoice:
    """A norm, and the groups that group norm makes of the channels, fewer where they cannot be divided so."""

    kind: NormKind = "batch"
    num_groups: int = FIRST_GROUPS

    @property
    def is_batch(self) -> bool:
        """Whether it has running statistics, and so two modes."""
        return self.kind == "batch"

    @property
    def title(self) -> str:
        return TITLES[self.kind]

    def groups_of(self, channels: int) -> int:
        """The most groups, not more than num_groups, that divide so many channels."""
        return next(n for n in range(min(self.num_groups, channels), 0, -1) if channels % n == 0)

    def shared(self, shape: tuple[int, ...]) -> SharedMean:
        """Which activations of this shape share a mean.

        Raises ValueError for those that PyTorch refuses in both modes: a single value of a mean. Those that
        only batch norm in training mode refuses are left to whoever knows the mode.
        """
        if self.is_batch:
            return SharedMean(shape, 1, over_images=True)
        return SharedMean.of(self.kind, shape, self.groups_of(shape[1]))


BATCH_NORM: Final = NormChoice()
