"""What replays have told: single weights of kept runs, in steps that were trained again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from convtui.training.devices import replaying_words
from convtui.training.messages import Message
from convtui.training.protocol import Failed, Rate, Replay, Stepped, Watched
from convtui.training.runs.history import RunHistory, WeightTrace

AHEAD: Final = 16  # steps that are trained beyond the one that is asked for, which is often the next
BEFORE: Final = 8  # steps before it, for the plots
MOST_WEIGHTS: Final = 64  # that are remembered

Index = tuple[int, int, int, int]
_Of = tuple[str, tuple[Rate, ...], int, Index]  # a run as it went, and a weight


def replay_of(history: RunHistory, step: int, layer: int, index: Index) -> Replay:
    """The job that tells of a weight in a step, and in those around it."""
    return Replay(history.run, max(step - BEFORE, 1), min(step + AHEAD, history.step), layer, index)


@dataclass
class Replaying:
    """A replay that was asked for; reason says why it failed."""

    job: Replay
    is_over: bool = False
    reason: str = ""
    told: dict[int, Watched] = field(default_factory=dict)

    def end(self) -> None:
        """Nothing more is told."""
        self.is_over = True

    def take(self, event: Message) -> None:
        """Add what an event tells."""
        match event:
            case Stepped(step=step, watched=Watched() as watched):
                self.told[step] = watched
            case Failed(reason=reason):
                self.reason = reason


class Replays:
    """The weights that were replayed. What it lacks it asks for, one replay at a time."""

    def __init__(self, ask: Callable[[Replay], Replaying]) -> None:
        """ask: begins a replay; it raises ValueError where none can be begun."""
        self._ask = ask
        self._told: dict[_Of, dict[int, Watched]] = {}
        self._asked: tuple[_Of, Replaying] | None = None

    def trace(
        self, history: RunHistory, step: int, layer: int, index: Index
    ) -> tuple[WeightTrace | None, str]:
        """A weight over this step and those known around it; else why it is not known, or not yet."""
        of = history.run, tuple(history.rates), layer, index
        self._take_in()
        known = self._told.get(of, {})
        if step in known:
            return _around(step, known, layer, index), ""
        words = replaying_words(history.recipe.device, step)
        return None, self._missing(of, replay_of(history, step, layer, index), words)

    def _take_in(self) -> None:
        """Remember what the replay has told that is over."""
        if self._asked and self._asked[1].is_over:
            of, replay = self._asked
            self._told[of] = self._told.pop(of, {}) | replay.told
            while len(self._told) > MOST_WEIGHTS:
                del self._told[next(iter(self._told))]
            if not replay.reason:
                self._asked = None

    def _missing(self, of: _Of, job: Replay, words: str) -> str:
        if self._asked is not None:
            asked, replay = self._asked
            if not replay.is_over:
                return words
            if asked == of and replay.job == job:
                return replay.reason
        try:
            self._asked = of, self._ask(job)
        except ValueError as error:
            return f"not watched in this step; {error}"
        return words


def _around(step: int, known: Mapping[int, Watched], layer: int, index: Index) -> WeightTrace:
    """The weight in all steps known that follow one another, this one among them."""
    first = last = step
    while first - 1 in known:
        first -= 1
    while last + 1 in known:
        last += 1
    trace = WeightTrace(layer, index)
    for each in range(first, last + 1):
        trace.append(each, known[each])
    return trace
