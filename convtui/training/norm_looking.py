"""A look at the norms of a kept run, as another thread waits for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from convtui.training.messages import Message
from convtui.training.norm_looks import LOOKED
from convtui.training.protocol import Failed


@dataclass
class NormLook:
    """What was asked for, and what was told of it; reason says why it failed."""

    job: Message
    told: Message | None = None
    reason: str = ""
    over: Event = field(default_factory=Event)

    def take(self, event: Message) -> None:
        """Keep what an event tells."""
        if isinstance(event, Failed):
            self.reason = event.reason
        elif isinstance(event, LOOKED):
            self.told = event

    def end(self) -> None:
        """Nothing more is told."""
        self.over.set()
