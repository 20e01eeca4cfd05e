"""Runs that are wanted, one after another: each is trained where it is not yet, and measured if asked for.

A campaign says what comes next and how far it is; the trainer does it. What is done is kept with the runs
themselves, so that a campaign that was stopped, planned again, goes on where it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from time import monotonic

from convtui.training.datasets.minibatches import located, lowered, may_lower
from convtui.training.datasets.open_any import DataSet, fingerprint
from convtui.training.laboratory import arms_of_run, as_arm
from convtui.training.measuring import Measured, Measuring
from convtui.training.messages import Message
from convtui.training.protocol import Failed, Stopped
from convtui.training.recipe import Recipe
from convtui.training.runs.history import ACTIVE, RunHistory, State
from convtui.training.runs.measurements import Measurements, measurements_of
from convtui.training.runs.store import Run


class Job(Enum):
    """What is done of a run at one go."""

    TRAIN = "train"
    RESUME = "resume"
    MEASURE = "measure"


@dataclass(frozen=True, eq=False)
class Task:
    """A run that is wanted: by this recipe, begun already if there is a history, measured if to_measure."""

    recipe: Recipe
    history: RunHistory | None = None
    to_measure: bool = False

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What is still to be done, in order."""
        if self.history is None:
            first: tuple[Job, ...] = (Job.TRAIN,)
        else:
            first = () if self.history.state is State.FINISHED else (Job.RESUME,)
        return (*first, Job.MEASURE) if self.to_measure else first


def as_begun(recipe: Recipe, data: DataSet) -> Recipe:
    """The recipe as a run keeps it that is begun by it: named by where its data lies, and fitted to that."""
    if may_lower(recipe):
        recipe, _ = lowered(recipe, len(data.train_images))
    return located(recipe, data)


def planned(
    recipes: Iterable[Recipe], data: DataSet, runs: Iterable[Run], to_measure: bool = False
) -> list[Task]:
    """What is left to do for a finished run of every recipe, in their order; [] if all is done.

    Of the runs those count that are of the same arm, with the same seed, kept their rate, and have the same
    data: the last finished one, or the last that was interrupted. It reads the logs of these. Raises RunError
    if one cannot be read.
    """
    mark = fingerprint(data)
    alike = [run for run in runs if run.fingerprint == mark]
    tasks = (_task(as_begun(recipe, data), alike, to_measure) for recipe in recipes)
    return [task for task in tasks if task.jobs]


def _task(recipe: Recipe, runs: Iterable[Run], to_measure: bool) -> Task:
    arm = as_arm(recipe)
    same = [run for run in runs if arm in arms_of_run(run.recipe) and run.recipe.seed == recipe.seed]
    alike = [(run, RunHistory.of_run(run, outline=True)) for run in same]
    found = [(run, history) for run, history in alike if len(history.rates_used) == 1]
    for run, history in reversed(found):
        if history.state is State.FINISHED:
            known = measurements_of(run) if to_measure else None
            return Task(recipe, history, to_measure and not (known and known.is_complete))
    for run, history in reversed(found):
        if history.saved and history.state in (State.STOPPED, State.FAILED):
            return Task(recipe, RunHistory.of_run(run), to_measure)  # with the curves that it goes on with
    return Task(recipe, None, to_measure)


class Measurement:
    """A measurement of a run as far as it has been told of; `known` is None until it has begun."""

    def __init__(self, history: RunHistory) -> None:
        self.history = history
        self.state = State.STARTING
        self.reason = ""  # why it failed
        self.notice = ""  # what the user should know of it
        self.known: Measurements | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    def take(self, event: Message) -> None:
        """Add what an event tells."""
        match event:
            case Measuring():
                self.state, self.known = State.TRAINING, Measurements.begun(event)
                self.notice = event.notice
            case Measured():
                self.state = State.FINISHED
            case Stopped():
                self.state = State.STOPPED
            case Failed(reason):
                self.fail(reason)
            case _ if self.known:
                self.known = self.known.with_event(event)

    def fail(self, reason: str) -> None:
        self.state, self.reason = State.FAILED, reason


class Campaign:
    """Tasks of which one job is done at a time; `task` and `job` are the present ones.

    The first job that fails or is stopped ends it. done and total count jobs: to train a run is one, to
    measure it another. clock tells seconds.
    """

    def __init__(self, tasks: Iterable[Task], clock: Callable[[], float] = monotonic) -> None:
        self.waiting = deque(task for task in tasks if task.jobs)
        self.total, self.done = sum(len(task.jobs) for task in self.waiting), 0
        self.task: Task | None = None
        self.job: Job | None = None
        self.reason = ""  # why it ended early
        self._left: deque[Job] = deque()  # of the present task
        self._clock, self._began = clock, 0.0
        self._seconds: dict[Job, list[float]] = {job: [] for job in Job}  # of the jobs done

    @property
    def is_active(self) -> bool:
        return self.job is not None

    def next(self) -> Job | None:
        """The next job, which is the present one from now on; None when all is done."""
        if not self._left and self.waiting:
            self.task = self.waiting.popleft()
            self._left = deque(self.task.jobs)
        self.job = self._left.popleft() if self._left else None
        self._began = self._clock()
        return self.job

    def has_begun(self, history: RunHistory) -> None:
        """The present task's run, as it is worked on."""
        assert self.task
        self.task = replace(self.task, history=history)

    def has_done(self, history: RunHistory) -> None:
        """The present job is done, of this run."""
        assert self.task
        assert self.job
        self._seconds[self.job].append(self._clock() - self._began)
        self.task = replace(self.task, history=history)
        self.done += 1

    def end(self, reason: str = "") -> None:
        """Nothing more is done."""
        self.job, self.reason = None, reason
        self.waiting.clear()
        self._left.clear()

    @property
    def seconds_left(self) -> float | None:
        """By the mean of the jobs of each kind that are done; None while it cannot be told.

        A run that is trained now tells by its speed what is left of it. To measure is taken to last as long
        as to train, and to resume, until the first of these is done.
        """
        if self.job is None:
            return None
        present = self._present_seconds_left()
        later = [*self._left, *(job for task in self.waiting for job in task.jobs)]
        each = [present, *(self._mean(job) for job in later)]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known) if len(known) == len(each) else None

    def _present_seconds_left(self) -> float | None:
        assert self.job
        history = self.task.history if self.task else None
        if self.job is not Job.MEASURE and history is not None and history.seconds_left is not None:
            return history.seconds_left
        mean = self._mean(self.job)
        return None if mean is None else max(mean - (self._clock() - self._began), 0.0)

    def _mean(self, job: Job) -> float | None:
        seconds = self._seconds[job] or self._seconds[Job.TRAIN] or self._seconds[Job.RESUME]
        return sum(seconds) / len(seconds) if seconds else self._whole_run()

    def _whole_run(self) -> float | None:
        """How long the present run takes at its speed, from its first step to its last."""
        history = self.task.history if self.task else None
        speed = history.speed if history else None
        return history.total_steps / speed if history and speed else None
