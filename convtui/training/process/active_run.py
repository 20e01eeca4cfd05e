"""A run under way: goes on, holds or ends as it is told, and is saved in time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from time import monotonic
from typing import TYPE_CHECKING, Final

from convtui.training.messages import Message, encode
from convtui.training.process.pipes import Ended, Inbox, Outbox, ignore
from convtui.training.protocol import (
    JOBS,
    Begun,
    Epoch,
    Finished,
    Go,
    Going,
    OneStep,
    Pause,
    Paused,
    Rate,
    Saved,
    SetRate,
    Stepped,
    Stop,
    Stopped,
    Watch,
)
from convtui.training.runs.moments import moment_steps, most_moments

if TYPE_CHECKING:
    from convtui.training.process.loop import Training
    from convtui.training.runs.store import Run

SAVE_EVERY: Final = 10.0


class _Stopping(Exception):
    """The user wants no more steps."""


class UnderWay:
    """A run and how many steps it may take before it holds.

    A command is obeyed after the present step, and after the epoch's evaluation where that ends an epoch.
    """

    def __init__(
        self,
        training: Training,
        run: Run,
        inbox: Inbox,
        outbox: Outbox,
        later: Callable[[Message], None],
    ) -> None:
        self._training, self._run, self._inbox, self._outbox = training, run, inbox, outbox
        self._later = later  # takes the jobs that come in meanwhile
        self._steps_left = math.inf
        self._held_at: int | None = None
        self._saver = ThreadPoolExecutor(1)  # so that no step waits for the disk
        self._saving: tuple[int, Future[None]] | None = None
        self._saved_at, self._saved_step = monotonic(), -1
        self._moments = frozenset(_moments_of(training))
        self._keeping: deque[Future[None]] = deque()  # the moments that are being written

    def do(self, begun: Begun, paused: bool) -> None:
        """Train until the run is finished or is to stop. Raises Ended once the run is saved."""
        self._steps_left = 0 if paused else math.inf
        with self._saver:
            self._train(begun)

    def _train(self, begun: Begun) -> None:
        try:
            self._run.drop_moments_after(begun.step)
            self._tell(begun)
            self._tell(Rate(begun.step, self._training.max_lr))  # of its checkpoint; the log may not know it
            self._keep_moment()
            self._obey()
            for event in self._training.events():
                self._take(event)
        except _Stopping:
            self._stop()
        except Ended:
            self._stop()
            raise
        except Exception:
            with suppress(Exception):  # what is on the disk by now is told of all the same
                self._end_saving()
            raise

    def _take(self, event: Message) -> None:
        if isinstance(event, Finished):
            self._save()
        self._tell(event)
        if isinstance(event, Stepped):
            self._steps_left -= 1
            self._keep_moment()
        if isinstance(event, Epoch):
            self._begin_to_save()
        is_last = self._training.step == self._training.total_steps
        is_epochs_end = self._training.step % self._training.steps_per_epoch == 0
        if not is_last and isinstance(event, Epoch if is_epochs_end else Stepped):
            self._obey()

    def _obey(self) -> None:
        """Do what has been asked; return when another step may be taken."""
        self._note_kept()
        if self._saving and self._saving[1].done():
            self._end_saving()
        while True:
            if self._steps_left == 0 and self._held_at != self._training.step:
                self._hold()
            message = self._inbox.get() if self._steps_left == 0 else self._inbox.get_waiting()
            if message is None:
                break
            self._do(message)
        if monotonic() - self._saved_at > SAVE_EVERY:
            self._begin_to_save()

    def _do(self, message: Message) -> None:
        match message:
            case Pause():
                self._steps_left = 0
            case Go():
                if self._steps_left != math.inf:
                    self._tell(Going(self._training.step))
                self._steps_left, self._held_at = math.inf, None
            case OneStep():
                self._steps_left = 1 if self._steps_left == math.inf else self._steps_left + 1
            case Stop():
                raise _Stopping
            case SetRate():
                self._set_rate(message)
            case Watch(layer, index):
                try:
                    self._training.watch(layer, index)
                except ValueError as error:
                    ignore(f"{message.kind}: {error}")
            case _ if isinstance(message, JOBS):
                self._later(message)

    def _set_rate(self, command: SetRate) -> None:
        """Saved before it is told: what the log says is so, or is told with the next Begun."""
        try:
            self._training.set_max_lr(command.max_lr)
        except ValueError as error:
            ignore(f"{command.kind}: {error}")
        else:
            self._keep_moment()
            self._save(has_changed=True)
            self._tell(Rate(self._training.step, command.max_lr))

    def _hold(self) -> None:
        self._save()
        self._tell(self._training.snapshot())
        self._tell(Paused(self._training.step))
        self._held_at = self._training.step

    def _stop(self) -> None:
        self._save()
        self._tell(Stopped(self._training.step))

    def _save(self, has_changed: bool = False) -> None:
        """Keep the run as it is now; it is on the disk when this returns."""
        self._end_saving()
        if has_changed or self._training.step != self._saved_step:
            self._begin_to_save()
            self._end_saving()

    def _begin_to_save(self) -> None:
        """Have the run as it is now kept, while it goes on."""
        self._end_saving()
        checkpoint = deepcopy(self._training.checkpoint())  # what it is about is shared with what goes on
        self._saving = checkpoint.step, self._saver.submit(self._run.save, checkpoint)
        self._saved_at = monotonic()

    def _end_saving(self) -> None:
        """Wait for what is being saved, and tell of it. Raises RunError if it could not be."""
        if self._saving is None:
            return
        (step, written), self._saving = self._saving, None
        written.result()
        self._note_kept()
        self._saved_step = step
        self._tell(Saved(step))

    def _keep_moment(self) -> None:
        """Have the run as it is now kept to go back to, if this is a step for that.

        At most all moments of a run wait to be written, which take no more memory than room on the disk.
        """
        if self._training.step in self._moments:
            checkpoint = deepcopy(self._training.checkpoint())
            self._keeping.append(self._saver.submit(self._run.keep_moment, checkpoint))

    def _note_kept(self) -> None:
        """Pass over the moments that are on the disk. Raises RunError if one could not be written."""
        while self._keeping and self._keeping[0].done():
            self._keeping.popleft().result()

    def _tell(self, event: Message) -> None:
        line = encode(event)
        self._run.append(event, line)
        self._outbox.send(event, line)


def _moments_of(training: Training) -> tuple[int, ...]:
    """The steps after which the run keeps what is needed to go back to them."""
    checkpoint, recipe = training.checkpoint(), training.recipe
    weights = sum(each.nbytes for each in checkpoint.weights.values())
    buffers = 2 if recipe.optimizer == "adamw" else 1
    size = (1 + buffers) * weights + checkpoint.random_state.nbytes
    return moment_steps(training.total_steps, most_moments(size))
