"""What a run's events come to: the curves, figures and pictures that a screen shows.

A history grows in place, cheaply for every event, so that it keeps up with any run and is drawn when the
screen likes. The same events give the same history, live or from the log of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from itertools import groupby
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from convtui.training.messages import Message
from convtui.training.protocol import (
    Begun,
    Epoch,
    Failed,
    Finished,
    Going,
    Paused,
    Rate,
    Saved,
    Snapshot,
    Stepped,
    Stopped,
    Suggested,
    Tried,
    Watched,
)
from convtui.training.recipe import Recipe
from convtui.training.schedule import schedule

if TYPE_CHECKING:
    from convtui.training.runs.store import Run

Array = NDArray[np.float64]

SMOOTHING: Final = 0.98
WINDOW: Final = 1.0  # seconds over which the speed is measured


class State(Enum):
    """How a run stands."""

    STARTING = "starting"
    TRAINING = "training"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"
    ELSEWHERE = "elsewhere"  # by another process, which this one does not listen to


ACTIVE: Final = (State.STARTING, State.TRAINING, State.PAUSED)


class Columns:
    """Named columns of numbers that grow a row at a time."""

    def __init__(self, *names: str) -> None:
        self._at = {name: at for at, name in enumerate(names)}
        self._values = np.empty((len(names), 256))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> Array:
        """A column as it is now; later rows are not in it."""
        return self._values[self._at[name], : self._count]

    def append(self, *row: float) -> None:
        if self._count == self._values.shape[1]:
            self._values = np.concatenate([self._values, np.empty_like(self._values)], axis=1)
        self._values[:, self._count] = row
        self._count += 1

    def cut(self, count: int) -> None:
        """Forget all rows but the first `count`; columns taken before keep theirs."""
        if count < self._count:
            self._values, self._count = self._values.copy(), count


class Smoothed:
    """fastai's smoothed loss: an exponential average, each value weighing 0.02, corrected for its start at 0.

    A loss that is no finite number is passed on and left out of the average.
    Source: https://docs.fast.ai/learner.html#avgsmoothloss
    """

    def __init__(self) -> None:
        self._average, self._count = 0.0, 0

    def add(self, loss: float) -> float:
        """The average once this loss is in it."""
        if not isfinite(loss):
            return loss
        self._count += 1
        self._average = SMOOTHING * self._average + (1 - SMOOTHING) * loss
        return self._average / (1 - SMOOTHING**self._count)


_FIGURES: Final = ("before", "gradient", "buffer", "squares", "decay", "update", "after")


class WeightTrace:
    """One weight over the steps in which it was watched without a break, as Watched names its figures."""

    def __init__(self, layer: int, index: tuple[int, int, int, int]) -> None:
        self.layer, self.index = layer, index
        self.columns = Columns("step", *_FIGURES)

    def is_at(self, layer: int, index: tuple[int, int, int, int]) -> bool:
        return (self.layer, self.index) == (layer, index)

    def row_of(self, step: int) -> int:
        """The row of that step, -1 if it is not there."""
        steps = self.columns["step"]
        row = int(np.searchsorted(steps, step))
        return row if row < len(steps) and steps[row] == step else -1

    def append(self, step: int, watched: Watched) -> None:
        figures = (getattr(watched, name) for name in _FIGURES)
        self.columns.append(step, *(nan if figure is None else figure for figure in figures))


class RunHistory:
    """A run as far as it has been told of; `run` is its folder, "" until it has one."""

    def __init__(self, recipe: Recipe, run: str = "") -> None:
        self.recipe, self.run = recipe, run
        self.is_outline = False  # it has its epochs and the last step, but lacks steps and snapshots
        self.left_out = ""  # which lines of its log do not fit it
        self.state = State.STARTING
        self.reason = ""  # why it failed or was stopped
        self.failed_under_way = False  # and not before its job had begun
        self.begun: Begun | None = None
        self.finished: Finished | None = None
        self.steps = Columns("step", "epoch", "loss", "smooth", "lr", "momentum", "seconds")
        self.epochs: list[Epoch] = []
        self.snapshots: list[Snapshot] = []  # those with statistics, which there are none of before a step
        self.picture: Snapshot | None = None  # the last of all
        self.rates: list[Rate] = []
        self.asked_lr: float | None = None  # the peak rate that was asked for last, until it is set
        self.trace: WeightTrace | None = None
        self.saved = 0  # the step of the last checkpoint
        self.diverged_at: int | None = None  # the step from which on no loss is a finite number
        self._paced_from = 0  # the first step since it went on last, of those made
        self._smoothed = Smoothed()

    @classmethod
    def of(cls, events: Iterable[Message], recipe: Recipe, run: str = "") -> RunHistory:
        """The history of a log; a run that nobody works on is stopped, if it did not end."""
        history = cls(recipe, run)
        for event in events:
            history.take(event)
        if history.state in ACTIVE:
            history.state = State.STOPPED
            history.reason = "interrupted" if history.begun else "never begun"
        return history

    @classmethod
    def of_run(cls, run: Run, outline: bool = False) -> RunHistory:
        """The history of a kept run; an outline is made at once, and lacks the curves.

        Raises RunError if its log cannot be read.
        """
        log = run.log(outline)
        history = cls.of(log.events, run.recipe, str(run.path))
        history.is_outline, history.left_out = outline, log.left_out
        if history.state is not State.FINISHED and run.is_held:
            history.state, history.reason = State.ELSEWHERE, ""
        return history

    # -- what it comes to

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_lost(self) -> bool:
        """Whether it failed under way, and can be resumed."""
        return self.state is State.FAILED and self.failed_under_way and self.saved > 0

    @property
    def has_curves(self) -> bool:
        """Whether it has begun, and its steps are known."""
        return self.begun is not None and not self.is_outline

    @property
    def step(self) -> int:
        """The last step made, 0 before the first."""
        if self.finished:
            return self.finished.step
        return int(self.steps["step"][-1]) if len(self.steps) else 0

    @property
    def total_steps(self) -> int:
        """0 until the run has begun."""
        return self.begun.total_steps if self.begun else 0

    @property
    def seconds(self) -> float:
        """Of training so far."""
        if self.finished:
            return self.finished.seconds
        return float(self.steps["seconds"][-1]) if len(self.steps) else 0.0

    @property
    def speed(self) -> float | None:
        """Steps a second, over the last second or so since it went on last; None while too few are known."""
        seconds = self.steps["seconds"][self._paced_from :]
        if len(seconds) < 2:
            return None
        first = min(int(np.searchsorted(seconds, seconds[-1] - WINDOW)), len(seconds) - 2)
        passed = float(seconds[-1] - seconds[first])
        return (len(seconds) - 1 - first) / passed if passed > 0 else None

    @property
    def longest_step(self) -> float:
        """Seconds from a step to the next, an evaluation between them included; 0 before there are two."""
        return float(np.diff(self.steps["seconds"]).max(initial=0.0))

    @property
    def seconds_left(self) -> float | None:
        """At the present speed."""
        speed = self.speed
        return (self.total_steps - self.step) / speed if speed else None

    @property
    def last(self) -> Finished | Epoch | None:
        """The last evaluation on the validation set."""
        return self.finished or (self.epochs[-1] if self.epochs else None)

    @property
    def accuracy(self) -> float | None:
        """On the validation set after the last epoch; a diverged run has none, being right by chance."""
        return None if self.is_diverged or not self.last else self.last.accuracy

    @property
    def train_accuracy(self) -> float | None:
        """On training images after the last epoch; None as for accuracy, and where the log has none."""
        return None if self.is_diverged or not self.epochs else self.epochs[-1].train_accuracy

    @property
    def is_diverged(self) -> bool:
        """Whether its last loss is no finite number; of an outline the last that is known."""
        if self.diverged_at is not None:
            return True
        return not len(self.steps) and self.last is not None and not isfinite(self.last.validation_loss)

    @property
    def max_lr(self) -> float:
        """The peak (or constant) rate as it was last set."""
        return self.rates[-1].max_lr if self.rates else self.recipe.max_lr

    @property
    def rates_used(self) -> list[float]:
        """The peak (or constant) rates that its steps had, one after another."""
        last_of_step = {0: self.recipe.max_lr} | {each.step: each.max_lr for each in self.rates}
        return [rate for rate, _ in groupby(last_of_step.values())]

    def planned(self) -> tuple[Array, Array]:
        """Learning rate and momentum of every step: of those made as they were, of others as they will be."""
        lrs, momenta = schedule(self.recipe, self.total_steps)
        lrs *= self.max_lr / self.recipe.max_lr
        done = min(len(self.steps), self.total_steps)
        lrs[:done], momenta[:done] = self.steps["lr"][:done], self.steps["momentum"][:done]
        return lrs, momenta

    # -- events

    def take(self, event: Message) -> None:
        """Add what an event tells; what a history does not show is passed over."""
        fold = _FOLDS.get(type(event))
        if fold is not None:
            fold(self, event)

    def fail(self, reason: str) -> None:
        self.failed_under_way = self.state in (State.TRAINING, State.PAUSED)
        self.state, self.reason = State.FAILED, reason

    def stop(self, reason: str) -> None:
        """It was stopped in the middle of a step; what came after its last checkpoint is lost."""
        self.state, self.reason = State.STOPPED, reason

    def let_go(self) -> None:
        """A lost run is one that was interrupted."""
        self.state, self.reason = State.STOPPED, "interrupted"

    def _begin(self, event: Begun) -> None:
        self.begun, self.run, self.recipe = event, event.run, event.recipe
        self.reason, self.finished = "", None
        self.saved, self.asked_lr = event.step, None
        self._cut(event.step)
        self._go()

    def _go(self) -> None:
        self.state, self._paced_from = State.TRAINING, len(self.steps)

    def _cut(self, step: int) -> None:
        """Forget what came after this step."""
        if self.step > step:
            self.steps.cut(int(np.searchsorted(self.steps["step"], step, side="right")))
            self._smoothed = Smoothed()
            self.diverged_at = None
            for at, loss in zip(self.steps["step"], self.steps["loss"], strict=True):
                self._note(int(at), float(loss))
        if self.trace:
            kept = int(np.searchsorted(self.trace.columns["step"], step, side="right"))
            self.trace.columns.cut(kept)
        self.epochs = [each for each in self.epochs if each.step <= step]
        self.snapshots = [each for each in self.snapshots if each.step <= step]
        self.rates = [each for each in self.rates if each.step <= step]
        if self.picture and self.picture.step > step:
            self.picture = self.snapshots[-1] if self.snapshots else None

    def _step(self, event: Stepped) -> None:
        if event.step <= self.step:  # the Begun before it was lost
            self._cut(event.step - 1)
        smooth = self._note(event.step, event.loss)
        self.steps.append(
            event.step, event.epoch, event.loss, smooth, event.lr, event.momentum, event.seconds
        )
        watched = event.watched
        if watched:
            if self.trace is None or not self.trace.is_at(watched.layer, watched.index):
                self.trace = WeightTrace(watched.layer, watched.index)
            self.trace.append(event.step, watched)

    def _note(self, step: int, loss: float) -> float:
        """The smoothed loss once this one is in it."""
        if isfinite(loss):
            self.diverged_at = None
        elif self.diverged_at is None:
            self.diverged_at = step
        return self._smoothed.add(loss)

    def _snapshot(self, event: Snapshot) -> None:
        self.picture = event
        if not event.statistics:
            return
        if self.snapshots and self.snapshots[-1].step == event.step:
            self.snapshots[-1] = event
        else:
            self.snapshots.append(event)

    def _epoch(self, event: Epoch) -> None:
        if self.epochs and self.epochs[-1].epoch == event.epoch:
            self.epochs[-1] = event
        else:
            self.epochs.append(event)

    def _save(self, event: Saved) -> None:
        self.saved = event.step

    def _rate(self, event: Rate) -> None:
        self.rates.append(event)
        if event.max_lr == self.asked_lr:
            self.asked_lr = None

    def _finish(self, event: Finished) -> None:
        self.state, self.finished = State.FINISHED, event

    def _stand(self, state: State) -> None:
        self.state = state


class Search:
    """A learning-rate search: the loss at ever greater rates."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.state = State.STARTING
        self.reason = ""
        self.begun: Begun | None = None
        self.tried = Columns("lr", "loss", "smooth")
        self.steepest: float | None = None
        self.suggestion: float | None = None
        self.valley: float | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    def take(self, event: Message) -> None:
        """Add what an event tells."""
        match event:
            case Begun():
                self.state, self.begun = State.TRAINING, event
            case Tried():
                self.tried.append(event.lr, event.loss, event.smooth)
            case Suggested():
                self.state = State.FINISHED
                self.steepest, self.suggestion, self.valley = event.steepest, event.tenth, event.valley
            case Stopped():
                self.state = State.STOPPED
            case Failed():
                self.fail(event.reason)

    def fail(self, reason: str) -> None:
        self.state, self.reason = State.FAILED, reason

    def stop(self, reason: str) -> None:
        self.state, self.reason = State.STOPPED, reason


_FOLDS: Final[dict[type[Message], Callable[[RunHistory, Any], None]]] = {
    Begun: RunHistory._begin,
    Stepped: RunHistory._step,
    Snapshot: RunHistory._snapshot,
    Epoch: RunHistory._epoch,
    Saved: RunHistory._save,
    Rate: RunHistory._rate,
    Paused: lambda history, _: history._stand(State.PAUSED),
    Going: lambda history, _: history._go(),
    Stopped: lambda history, _: history._stand(State.STOPPED),
    Finished: RunHistory._finish,
    Failed: lambda history, event: history.fail(event.reason),
}
