"""A look into a kept run that the training process makes, as far as it has been told of."""

from __future__ import annotations

from convtui.training.exploring import Explored
from convtui.training.messages import Message
from convtui.training.protocol import Failed, Stopped
from convtui.training.runs.explored import Found, taken
from convtui.training.runs.history import ACTIVE, State


class Exploration:
    """A job and what it has found; `found` grows while it is at work, and is a new value each time."""

    def __init__(self, job: Message) -> None:
        self.job = job
        self.state = State.STARTING
        self.reason = ""  # why it failed
        self.found: Found | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much; (0, 0) until it has begun."""
        return self.found.progress if self.found is not None else (0, 0)

    def take(self, event: Message) -> None:
        """Add what an event tells."""
        match event:
            case Explored():
                self.state = State.FINISHED
            case Stopped():
                self.state = State.STOPPED
            case Failed():
                self.fail(event.reason)
            case _:
                self.state = State.TRAINING
                self.found = taken(self.found, event)

    def fail(self, reason: str) -> None:
        self.state, self.reason = State.FAILED, reason
