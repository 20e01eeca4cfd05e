"""The app's side of training: one worker process, the run that it works on, and those that wait.

It folds the worker's events into histories and tells whoever listens that something has changed, a few times
a second at most, however fast events arrive. It knows no screen.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol, TypeVar

from convtui.inputs.confinement import ConfinedError, confinement
from convtui.training.campaign import Campaign, Job, Measurement, Task
from convtui.training.exploration import Exploration
from convtui.training.exploring import Ablate, Convolve, Explain, Explore, Explored, Follow
from convtui.training.measuring import Measure, Measured
from convtui.training.messages import Message
from convtui.training.norm_looking import NormLook
from convtui.training.norm_looks import LOOKED, FeedNorm, ListNorms
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import (
    JOBS,
    Begun,
    Continue,
    Failed,
    Find,
    Finished,
    Go,
    Going,
    OneStep,
    Pause,
    Paused,
    Ready,
    Replay,
    Replayed,
    SetRate,
    Stop,
    Stopped,
    Suggested,
    Train,
    Watch,
)
from convtui.training.recipe import SCHEDULES, Recipe
from convtui.training.replays import Replaying
from convtui.training.runs.history import RunHistory, Search, State
from convtui.training.runs.store import number_of
from convtui.training.scratch import Scratch

Look = TypeVar("Look", Replaying, NormLook)

TOLD_EVERY: Final = 0.1  # seconds
AT_ONCE: Final = 0.01  # seconds for what belongs together to arrive
BATCH: Final = 0.005  # seconds of events after which keys have their turn
COMPARED: Final = 4  # runs: every schedule without and with batch norm
PATIENCE: Final = 2.0  # seconds for a last checkpoint when all ends
THEIR_PATIENCE: Final = 5.0  # seconds for a step of the user's code to end that is to be the last
SLOWER: Final = 3.0  # times as long as its longest step so far

_NAMES: Final = {
    RunHistory: "a run",
    Search: "a search for a rate",
    Measurement: "a measurement",
    Exploration: "a look into a run",
}
_TURNS: Final = (
    *(Ready, Begun, Paused, Going, Stopped, Finished, Failed, Suggested, Replayed),
    *(Measured, Explored),
)


class TrainerError(ValueError):
    """What cannot be done now, and what can."""


class WorkerHandle(Protocol):
    """The training process, as convtui.training.process.client has it."""

    @property
    def cause(self) -> str:
        """How it ended, with the last words of its error stream."""

    def send(self, message: Message) -> None:
        """Give it a job or a command."""

    def events(self) -> AsyncIterator[Message]:
        """What it tells, until it ends."""

    def kill(self) -> None:
        """End it at once; a run keeps its last checkpoint."""

    async def end(self) -> None:
        """Have it end, by force if it will not."""


async def start_worker(network: OwnNetwork | None = None) -> WorkerHandle:
    """A training process of its own; of the user's code it runs this network's alone."""
    from convtui.training.process import client

    return await client.WorkerProcess.start(network)


class Trainer:
    """Runs one job at a time in a worker that is started when first needed.

    Without a way to start a worker it only shows what it is given. theirs is the user's network whose code
    the worker runs: it is killed where that does not come to an end.
    `current` is the last run worked on, `looked_at` a kept one that is shown instead, `histories` has the
    runs of this session by folder, and `comparison` the runs compared, in order; a run that never began is
    not among them. `measurement` is the last one that was begun, `campaign` the last series of jobs.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[WorkerHandle]] | None = start_worker,
        theirs: OwnNetwork | None = None,
    ) -> None:
        self.current: RunHistory | None = None
        self.looked_at: RunHistory | None = None
        self.search: Search | None = None
        self.exploration: Exploration | None = None  # the last of a kept run
        self.histories: dict[str, RunHistory] = {}
        self.comparison: list[RunHistory] = []
        self.campaign: Campaign | None = None
        self.measurement: Measurement | None = None
        self.is_ready = False
        self.trouble = ""  # why there is no worker, or why the last run did not begin
        self.theirs = theirs
        self.scratch = Scratch()
        self._start = start
        self._worker: WorkerHandle | None = None
        self._outbox: list[Message] = []  # for a worker that is on its way
        self._serving: asyncio.Task[None] | None = None
        self._job: RunHistory | Search | Measurement | Exploration | None = None
        self._compares = False  # whether the campaign is a comparison
        self._shown_before: RunHistory | None = None  # the job's run
        self._is_chosen = False  # whether the job has been told which weight to watch
        self._replays: deque[Replaying | NormLook] = deque()  # that are not over
        self._idle = asyncio.Event()
        self.to_watch: Callable[[RunHistory], Watch | None] = lambda _: None  # in a job
        self._listeners: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self._is_ending = False
        self._limit: asyncio.TimerHandle | None = None  # when a visitor's job is stopped
        self._overtime: asyncio.TimerHandle | None = None  # when their code has had its time to stop
        self._is_told_to_stop = False  # by the user, who ends it by saying so again
        self._killed_after: float | None = None  # so many seconds

    # -- listening

    def listen(self, told: Callable[[], None]) -> None:
        """Have this called when something has changed."""
        self._listeners.append(told)

    def _changed(self, turn: bool = True) -> None:
        """Tell the listeners: of a turn of things at once, of mere progress when it is time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + AT_ONCE
        if not turn:
            due = max(due, self._told_at + TOLD_EVERY)
        if self._timer is None or due < self._timer.when():
            if self._timer:
                self._timer.cancel()
            self._timer = loop.call_at(due, self._tell)

    def _tell(self) -> None:
        self._timer, self._told_at = None, asyncio.get_running_loop().time()
        for told in tuple(self._listeners):
            told()

    # -- jobs

    @property
    def is_busy(self) -> bool:
        return self._job is not None

    @property
    def active(self) -> RunHistory | None:
        """The run that is worked on."""
        history = self.current
        return history if history and history.is_active and self.is_busy else None

    @property
    def shown(self) -> RunHistory | None:
        """The run that pages show."""
        return self.looked_at or self.current

    def look_at(self, history: RunHistory) -> None:
        """Show a run, as it is now if it is the current one."""
        is_current = self.current is not None and self.current.run == history.run
        self.looked_at = None if is_current else history

    def start(self, recipe: Recipe, paused: bool = False) -> RunHistory:
        """Begin a run; paused: hold before its first step. Raises TrainerError while another job is on."""
        self._require_idle()
        _require_bounded([recipe])
        self.comparison = []
        return self._begin(recipe, paused)

    def resume(self, history: RunHistory) -> None:
        """Go on with a run from its last checkpoint. Raises TrainerError while another job is on."""
        self._require_idle()
        if history.state is State.FINISHED:
            raise TrainerError("this run is finished: space starts a new one")
        if history.state is State.ELSEWHERE:
            raise TrainerError("another process is training this run: stop it there first")
        self._resume(history)

    def _resume(self, history: RunHistory) -> None:
        history.state, history.reason = State.STARTING, ""
        self.histories[history.run] = history
        self._take_up(history, Continue(history.run))

    def find(self, recipe: Recipe) -> Search:
        """Search for a learning rate. Raises TrainerError while another job is on."""
        self._require_idle()
        _require_bounded([recipe])
        self.search = self._job = Search(recipe)
        self._idle.clear()
        self._send(Find(recipe))
        self._changed()
        return self.search

    def explore(self, run: str, step: int | None = None) -> Exploration:
        """Find what excites the filters of the run in this folder after a step.

        Raises TrainerError while another job is on.
        """
        return self._explore(Explore(run, step))

    def ablate(self, run: str, step: int | None, layer: int) -> Exploration:
        """Measure accuracy without each filter of a convolution. Raises TrainerError as explore does."""
        return self._explore(Ablate(run, step, layer))

    def explain(
        self, run: str, step: int | None, label: int, image: int | None = None, pixels: str = ""
    ) -> Exploration:
        """Find on which pixels a class depends, as Explain says. Raises TrainerError as explore does."""
        return self._explore(Explain(run, step, label, image, pixels))

    def follow(self, run: str, step: int | None) -> Exploration:
        """Find the convolutions of the user's network. Raises TrainerError as explore does."""
        return self._explore(Follow(run, step))

    def convolve(self, run: str, step: int | None, layer: int, pixels: str) -> Exploration:
        """The output of a convolution of the user's network for the pixels in a file.

        Raises TrainerError as explore does.
        """
        return self._explore(Convolve(run, step, layer, pixels))

    def _explore(self, job: Message) -> Exploration:
        self._require_idle()
        if self._start is None:
            raise TrainerError("there is no training process")
        self.exploration = self._job = Exploration(job)
        self._idle.clear()
        self._send(job)
        self._changed()
        return self.exploration

    def compare(self, recipe: Recipe) -> None:
        """The recipe without and with batch norm under a constant and a one-cycle rate, run by run.

        Raises TrainerError while another job is on.
        """
        self._require_idle()
        _require_bounded([recipe])
        recipes = (
            replace(recipe, schedule=schedule, batch_norm=batch_norm)
            for schedule in sorted(SCHEDULES)
            for batch_norm in (False, True)
        )
        self._begin_campaign(map(Task, recipes), compares=True)

    @property
    def waiting(self) -> tuple[Recipe, ...]:
        """The recipes of the comparison that are still to come."""
        is_on = self.campaign is not None and self._compares
        return tuple(task.recipe for task in self.campaign.waiting) if self.campaign and is_on else ()

    def measure(self, history: RunHistory, step: int | None = None) -> Measurement:
        """Measure a run after a step, the last one kept if none is named; what is known is told again.

        Raises TrainerError while another job is on, and for a run that another process trains.
        """
        self._require_idle()
        if history.state is State.ELSEWHERE:
            raise TrainerError("another process is training this run: stop it there first")
        return self._measure(history, step)

    def undertake(self, tasks: Iterable[Task]) -> Campaign:
        """Do these tasks one after another; `planned` in campaign.py says which are left to do.

        The first job that fails ends the campaign and is told as `trouble`, and so does `stop`; planned
        again it goes on from there. Raises TrainerError while another job is on.
        """
        self._require_idle()
        tasks = tuple(tasks)
        _require_bounded([task.recipe for task in tasks])
        return self._begin_campaign(tasks)

    def _begin_campaign(self, tasks: Iterable[Task], compares: bool = False) -> Campaign:
        self.comparison, self._compares = [], compares
        self.campaign = campaign = Campaign(tasks)
        self._do_next(campaign)
        return campaign

    def _do_next(self, campaign: Campaign) -> None:
        job, task = campaign.next(), campaign.task
        if job is None or task is None:
            return
        if job is Job.TRAIN:
            history = self._begin(task.recipe)
            if self._compares:
                self.comparison.append(history)
            campaign.has_begun(history)
        elif task.history:
            self._resume(task.history) if job is Job.RESUME else self._measure(task.history)

    def _measure(self, history: RunHistory, step: int | None = None) -> Measurement:
        self.trouble = ""
        self.measurement = self._job = Measurement(history)
        self._idle.clear()
        self._send(Measure(history.run, step))
        self._changed()
        return self.measurement

    def replay(self, job: Replay) -> Replaying:
        """Train some steps of a kept run again. Raises TrainerError while another job is on.

        A job that is begun meanwhile ends it.
        """
        self._require_idle()
        if self._start is None:
            raise TrainerError("there is no training process")
        return self._begin_look(Replaying(job))

    def look(self, job: ListNorms | FeedNorm) -> NormLook:
        """Look at the norms of a kept run of the user's network; what goes in is written to `scratch`.

        Raises TrainerError while a job is on.
        """
        self._require_idle()
        if self._start is None:
            raise TrainerError("there is no training process")
        if isinstance(job, FeedNorm):
            try:
                job = replace(job, folder=str(self.scratch.folder))
            except OSError as error:
                raise TrainerError(f"no folder for temporary files: {error.strerror or error}") from None
        return self._begin_look(NormLook(job))

    def _begin_look(self, look: Look) -> Look:
        self._replays.append(look)
        self._send(look.job)
        return look

    def forget(self, history: RunHistory) -> None:
        """The run is deleted."""
        self.histories.pop(history.run, None)
        self.comparison = [each for each in self.comparison if each.run != history.run]
        if self.current and self.current.run == history.run:
            self.current = None
        if self.looked_at and self.looked_at.run == history.run:
            self.looked_at = None
        self._changed()

    def _require_idle(self) -> None:
        if self._job is not None:
            raise TrainerError(f"{_NAMES[type(self._job)]} is active: x stops it")

    def _begin(self, recipe: Recipe, paused: bool = False) -> RunHistory:
        history = RunHistory(recipe)
        self._take_up(history, Train(recipe, paused))
        return history

    def _take_up(self, history: RunHistory, job: Message) -> None:
        self._shown_before, self.trouble = self.shown, ""
        self.current = self._job = history
        self.looked_at = None
        self._idle.clear()
        self._send(job)
        self._is_chosen = False
        self._choose(history)
        self._changed()

    def _choose(self, history: RunHistory) -> None:
        """Have the job tell of the weight that is looked at, as soon as it is known where that is."""
        watch = None if self._is_chosen else self.to_watch(history)
        if watch is not None:
            self._send(watch)
            self._is_chosen = True

    # -- commands

    def pause(self) -> None:
        self._command(Pause())

    def go(self) -> None:
        self._command(Go())

    def one_step(self) -> None:
        """One more step, then hold."""
        self._command(OneStep())

    def stop(self) -> None:
        """End the job, and a campaign with it; the run is saved and can be continued.

        A run that was lost under way is let go of. The user's code that does not come to the end of its step
        is killed after a while, and at once if it is to be stopped once more.
        """
        if self._job is None and self.shown and self.shown.is_lost:
            self.shown.let_go()
            return
        if self.is_stopping:
            self._kill(0.0)
            return
        self.ask_to_stop()
        self._is_told_to_stop = self._overtime is not None

    def ask_to_stop(self) -> None:
        """End the job as stop does; the user's code is given its time, however often it is asked."""
        if self._overtime:
            return
        self._end_campaign()
        if self._job is None and self._replays:
            self._send(Stop())
        else:
            self._command(Stop())
        if self.theirs:
            gap = self._job.longest_step if isinstance(self._job, RunHistory) else 0.0
            seconds = max(THEIR_PATIENCE, SLOWER * gap)
            self._overtime = asyncio.get_running_loop().call_later(seconds, self._kill, seconds)

    @property
    def is_stopping(self) -> bool:
        """Whether the user has told their code to stop, and would kill it by telling it once more."""
        return self._is_told_to_stop

    def _kill(self, seconds: float) -> None:
        """End the process, whose code did not stop in so many seconds; 0: the user did not wait."""
        self._wait_no_longer()
        if self._worker is not None and (self._job is not None or self._replays):
            self._killed_after = seconds
            self._worker.kill()

    def _wait_no_longer(self) -> None:
        if self._overtime:
            self._overtime.cancel()
        self._overtime, self._is_told_to_stop = None, False

    def set_rate(self, max_lr: float) -> None:
        """Another peak (or constant) rate for the steps to come."""
        self._command(SetRate(max_lr))
        if isinstance(self._job, RunHistory):
            self._job.asked_lr = max_lr

    def watch(self, layer: int, index: tuple[int, int, int, int]) -> None:
        """Have this weight told of at every step."""
        self._command(Watch(layer, index))

    def _command(self, message: Message) -> None:
        if self._job is None:
            raise TrainerError("no run is active: space starts one")
        if not isinstance(self._job, RunHistory) and not isinstance(message, Stop):
            self._require_idle()
        self._send(message)

    # -- the worker

    def prewarm(self) -> None:
        """Start the worker, if there is none, so that it has PyTorch imported when it is needed."""
        if self._serving is None and self._start and not self._is_ending:
            self.trouble = ""
            self._serving = asyncio.get_running_loop().create_task(self._serve(self._start))

    def _send(self, message: Message) -> None:
        self.prewarm()
        if isinstance(message, JOBS):
            self._bound_in_time()
        if self._worker is None:
            self._outbox.append(message)
        else:
            self._worker.send(message)

    def _bound_in_time(self) -> None:
        """A visitor's job is stopped when its time is over; a comparison is, as a whole, as one job."""
        limits = confinement()
        if limits is None or (self.campaign is not None and self.campaign.is_active and self._limit):
            return
        self._unbind()
        loop = asyncio.get_running_loop()
        self._limit = loop.call_later(limits.most_seconds, self._time_is_over, limits.most_seconds)

    def _unbind(self) -> None:
        if self._limit:
            self._limit.cancel()
            self._limit = None

    def _time_is_over(self, seconds: float) -> None:
        self._limit = None
        if self._job is not None or self._replays:
            self._end_campaign()
            self._send(Stop())
            self.trouble = f"stopped after {seconds:.0f} s, the most for one job here; g resumes a run"
            self._changed()

    async def _serve(self, start: Callable[[], Awaitable[WorkerHandle]]) -> None:
        """Start a worker, give it what waits for it, and listen to it until it ends."""
        cause = "was given up"
        try:
            self._worker = worker = await start()
            try:
                for message in self._outbox:
                    worker.send(message)
                self._outbox.clear()
                if not self._is_ending:
                    await self._listen_to(worker)
            finally:
                await worker.end()
            cause = worker.cause
        except OSError as error:
            cause = f"cannot be started: {error}"
        except Exception as error:
            cause = f"was given up: {type(error).__name__}: {error}"
            raise
        finally:
            self._worker = self._serving = None
            self._outbox.clear()
            self.is_ready = False
            self._died(f"the training process {cause}")

    async def _listen_to(self, worker: WorkerHandle) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()
        async for event in worker.events():
            self._took(event)
            if loop.time() - since > BATCH:
                await asyncio.sleep(0)
                since = loop.time()

    def _took(self, event: Message) -> None:
        if isinstance(event, Ready):
            self.is_ready = True
        elif self._replays:  # they come before the events of a job that was begun since
            self._replay_took(event)
        elif self._job is not None:
            self._job.take(event)
            if isinstance(event, Begun) and isinstance(self._job, RunHistory):
                self.histories[event.run] = self._job
                self._choose(self._job)
            if not self._job.is_active:
                self._job_is_over(self._job)
        self._changed(turn=isinstance(event, _TURNS))

    def _replay_took(self, event: Message) -> None:
        self._replays[0].take(event)
        if isinstance(event, (Replayed, Failed, *LOOKED)):
            self._replays.popleft().end()
            if not self._replays and self._job is None:
                self._wait_no_longer()

    def _job_is_over(self, job: RunHistory | Search | Measurement | Exploration) -> None:
        self._job = None
        self._idle.set()
        self._wait_no_longer()
        if isinstance(job, RunHistory) and job.begun is None:
            self.current, self.trouble = self._shown_before, job.reason
            self.comparison = [each for each in self.comparison if each is not job]
        if isinstance(job, Measurement) and job.reason:
            self.trouble = job.reason
        if self.campaign is None or not self.campaign.is_active or isinstance(job, Search | Exploration):
            self._unbind()
            return
        if job.state is State.FINISHED:
            self.campaign.has_done(job.history if isinstance(job, Measurement) else job)
            self._do_next(self.campaign)
        else:
            self._end_campaign(job.reason)

    def _end_campaign(self, reason: str = "") -> None:
        if self.campaign:
            self.campaign.end(reason)

    def _died(self, reason: str) -> None:
        seconds, self._killed_after = self._killed_after, None
        if seconds is not None and self.theirs:
            how = (
                f"did not stop within {seconds:.0f} s and was ended"
                if seconds
                else "was ended while it worked"
            )
            reason = f"{self.theirs.name} {how}"
        while self._replays:
            self._replay_took(Failed(reason))
        if self._job is None:
            self.trouble = reason
        else:
            if seconds is not None and isinstance(self._job, RunHistory | Search):
                self._job.stop(reason)
            else:
                self._job.fail(reason)
            self._job_is_over(self._job)
        self._changed()

    @property
    def parting(self) -> str | None:
        """What to say when all ends while a run is active: how it is resumed."""
        if not isinstance(self._job, RunHistory) or not self._job.run:
            return None
        number, network = number_of(Path(self._job.run)), self._job.recipe.network
        named = f" {network.as_option()}" if network else ""
        return f"run {number} is saved: convtui train --resume {number}{named} resumes it"

    async def end(self) -> None:
        """Have the run saved and the worker end; nothing is told any more."""
        self._is_ending = True
        self._listeners.clear()
        self._end_campaign()
        if self._job is not None and self._worker is not None:
            self._worker.send(Stop())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), PATIENCE)
        serving = self._serving
        try:
            if self._worker is not None:
                await self._worker.end()
            if serving is not None:
                await serving
        finally:
            self.scratch.remove()
        for timer in filter(None, (self._timer, self._limit)):
            timer.cancel()


def _require_bounded(recipes: Iterable[Recipe]) -> None:
    """Raises TrainerError for a run that a visitor may not begin."""
    limits = confinement()
    if limits is None:
        return
    try:
        for recipe in recipes:
            limits.check_recipe(recipe)
    except ConfinedError as error:
        raise TrainerError(str(error)) from None
