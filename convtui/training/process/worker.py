"""The training process: does one job after another, and obeys commands between any two steps.

It ends when its parent does. A run is saved whenever it holds or ends and every few seconds between, so that
whatever ends the process costs little; what it tells of a run is on the disk before anybody reads it.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections import deque
from contextlib import closing, suppress
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NoReturn

from convtui.inputs.names import printable
from convtui.training.architecture import layers_text, network
from convtui.training.datasets.minibatches import located, lowered, may_lower
from convtui.training.datasets.open_any import DataSet, fingerprint, load
from convtui.training.devices import chosen
from convtui.training.exploring import Ablate, Convolve, Explain, Explore, Follow
from convtui.training.measuring import POINTS, Measure, Measured, Measuring, landscape_count, noise_count
from convtui.training.messages import Message
from convtui.training.norm_looks import LOOKS, FeedNorm, ListNorms
from convtui.training.own_network import OwnNetwork
from convtui.training.process.active_run import UnderWay
from convtui.training.process.lr_finder import RATES
from convtui.training.process.pipes import Ended, Inbox, Outbox, ignore, take_stdin, take_stdout
from convtui.training.protocol import (
    JOBS,
    Begun,
    Continue,
    Failed,
    Find,
    Ready,
    Replay,
    Replayed,
    Stop,
    Stopped,
    Train,
)
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Checkpoint
from convtui.training.runs.measurements import Measurements, kept_in, known_of
from convtui.training.runs.store import Run, find_run, new_run

if TYPE_CHECKING:
    from convtui.training.process.loop import Training
    from convtui.training.process.norms import NormPasses

GOES_ON: Final = "it goes on with the code as it is now"
LAST_WORDS: Final = 2.0
NO_TORCH: Final = "training needs PyTorch: pip install torch"
NO_MEMORY: Final = "out of memory; a smaller mini-batch, fewer channels or smaller images need less"

_OF_MEMORY: Final = ("allocate memory", "out of memory", "failed to map segment")
_EXPECTED: Final = (ValueError, OSError, ImportError, MemoryError)  # a line says all there is to say


def main() -> NoReturn:
    """Work until stdin ends or SIGTERM comes; the user's network that may be run is the one argument."""
    named = OwnNetwork.from_dict(json.loads(sys.argv[1])) if sys.argv[1:] else None
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    outbox, inbox = Outbox(take_stdout()), Inbox(take_stdin())
    if named:
        outbox.leave_to_parent()
    worker = Worker(inbox, outbox, named)
    inbox.get_ready()
    signal.signal(signal.SIGTERM, lambda *_: inbox.end())
    outbox.send(Ready())
    with suppress(Ended):
        while True:
            worker.work()
    outbox.close(LAST_WORDS)
    os._exit(0)  # the interpreter's own end would wait for threads that wait for the pipes


def reason_of(error: Exception) -> str:
    """One line for the user on why a job cannot go on."""
    text = str(error).strip() or "no reason given"
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        return NO_TORCH
    if isinstance(error, MemoryError) or any(words in text for words in _OF_MEMORY):
        return NO_MEMORY
    if isinstance(error, OSError) and error.strerror:
        return f"{printable(str(error.filename))}: {error.strerror}" if error.filename else error.strerror
    line = printable(text.splitlines()[0])
    return line if isinstance(error, ValueError) else f"{type(error).__name__}: {line}"


class Worker:
    """Takes jobs from the inbox, those first that came in while another was done."""

    def __init__(self, inbox: Inbox, outbox: Outbox, named: OwnNetwork | None = None) -> None:
        self._inbox, self._outbox, self._named = inbox, outbox, named
        self._jobs: deque[Message] = deque()
        self._loop = _import_loop()
        self._norms: tuple[tuple[str, int], NormPasses] | None = None  # that are looked at

    def work(self) -> None:
        """Do the next job. Whatever goes wrong with it is told, and the next one can come. Raises Ended."""
        job = self._jobs.popleft() if self._jobs else self._inbox.get()
        if not isinstance(job, JOBS):
            ignore(f"{job.kind}: no job is running")
            return
        try:
            self._do(job)
        except Exception as error:
            if not isinstance(error, _EXPECTED) and self._named is None:  # beside the prints of their code
                traceback.print_exc()
            self._outbox.send(Failed(reason_of(error)))

    def _do(self, job: Message) -> None:
        if isinstance(self._loop, Exception):
            raise self._loop
        if not isinstance(job, LOOKS):
            self._norms = None
        match job:
            case Train(recipe, paused, keep_batch_size):
                recipe = self._allowed(recipe)
                data = load(recipe.data, recipe.image_size, recipe.data_axes)
                recipe, told = _fitted(recipe, data, keep_batch_size)
                training = self._loop.Training(located(recipe, data), data)
                with new_run(training.recipe, fingerprint(data)).locked() as run:
                    self._run(training, run, paused, notice=told)
            case Continue(folder):
                with find_run(folder).locked() as run:
                    data = load(run.recipe.data, run.recipe.image_size, run.recipe.data_axes)
                    run.check_data(fingerprint(data))
                    recipe = self._allowed(run.recipe, run)
                    training = self._loop.Training(recipe, data, checkpoint := run.checkpoint())
                    told = f"{training.changed}: {GOES_ON}" if training.changed else ""
                    self._run(training, run, lost=checkpoint is None and bool(run.checkpoints()), notice=told)
            case Find(recipe, keep_batch_size):
                recipe = self._allowed(recipe)
                data = load(recipe.data, recipe.image_size, recipe.data_axes)
                recipe, told = _fitted(recipe, data, keep_batch_size)
                self._find(recipe, data, told)
            case Replay():
                self._replay(job)
            case Measure(folder, step):
                with find_run(folder).locked() as run:
                    recipe = self._allowed(run.recipe, run)
                    data = load(run.recipe.data, run.recipe.image_size, run.recipe.data_axes)
                    run.check_data(fingerprint(data))
                    self._measure(run, recipe, data, run.kept_checkpoint(step))
            case ListNorms():
                self._outbox.send(self._passes(job.run, job.step).listed())
            case FeedNorm():
                self._outbox.send(self._passes(job.run, job.step).fed(job))
            case Explore() | Ablate() | Explain() | Follow() | Convolve():
                self._look_into(job)

    def _allowed(self, recipe: Recipe, run: Run | None = None) -> Recipe:
        """The recipe, if its network may be run: one of the user's only where the command line names it.

        That of a run may have moved since. Raises ValueError.
        """
        network, named = recipe.network, self._named
        if network is None:
            return recipe
        if why := network.refusal(f"run {printable(run.number)}" if run else "this recipe", named):
            raise ValueError(why)
        assert named
        weights = named.weights or network.weights
        known = (network.digest, network.files) if run else ("", ())  # a run begins with the code as it is
        digest, files = known
        return replace(recipe, network=replace(named, weights=weights, digest=digest, files=files))

    def _run(
        self, training: Training, run: Run, is_paused: bool = False, lost: bool = False, notice: str = ""
    ) -> None:
        begun = _begun(
            training.recipe, training.data, training.step, training.total_steps, str(run.path), training
        )
        told = "; ".join(filter(None, (notice or training.data.named_notice, training.notice)))
        begun = replace(begun, lost=lost, notice=told)
        try:
            UnderWay(training, run, self._inbox, self._outbox, self._jobs.append).do(begun, is_paused)
        except Exception as error:
            with suppress(OSError, ValueError):
                run.append(Failed(reason_of(error)))
            raise

    def _replay(self, job: Replay) -> None:
        """Tell of the steps from where the run can be taken up; any other job ends it."""
        run = find_run(job.run)
        data = load(run.recipe.data, run.recipe.image_size, run.recipe.data_axes)
        run.check_data(fingerprint(data))
        recipe = self._allowed(run.recipe, run)
        near = run.checkpoint_near(job.first - 1)
        step = near.step if near else 0
        for event in self._loop.replay(recipe, data, near, run.rates(), job):
            self._outbox.send(event)
            step = event.step
            while message := self._inbox.get_waiting():
                if isinstance(message, JOBS):
                    self._jobs.append(message)
                elif not isinstance(message, Stop):
                    ignore(f"{message.kind}: a replay can only be stopped")
                    continue
                self._outbox.send(Replayed(step))
                return
        self._outbox.send(Replayed(step))

    def _passes(self, folder: str, step: int) -> NormPasses:
        """Those through a run's network after a step; of the one that was looked at last they are there."""
        from convtui.training.process.norms import NormPasses  # which imports PyTorch
        from convtui.training.process.restored import restored

        if self._norms and self._norms[0] == (folder, step):
            return self._norms[1]
        run = find_run(folder)
        recipe = self._allowed(run.recipe, run)
        data = load(recipe.data, recipe.image_size, recipe.data_axes)
        run.check_data(fingerprint(data))
        passes = NormPasses(restored(recipe, data, run.kept_checkpoint(step).weights, step), data)
        self._norms = (folder, step), passes
        return passes

    def _look_into(self, job: Explore | Ablate | Explain | Follow | Convolve) -> None:
        features = importlib.import_module("convtui.training.process.features")  # once there is PyTorch
        run = find_run(job.run)
        own = self._allowed(run.recipe, run).network
        data = load(run.recipe.data, run.recipe.image_size, run.recipe.data_axes)
        run.check_data(fingerprint(data))
        with closing(features.look_into(run, data, job, own)) as events:
            for event in events:
                if event is not None:
                    self._outbox.send(event)
                if self._is_to_stop("a look into a run"):
                    self._outbox.send(Stopped(0))
                    return

    def _find(self, recipe: Recipe, data: DataSet, notice: str) -> None:
        fresh = self._loop.for_search(recipe, data) if recipe.network else None
        self._outbox.send(replace(_begun(recipe, data, 0, len(RATES), training=fresh), notice=notice))
        for count, event in enumerate(self._loop.find(recipe, data, fresh), 1):
            self._outbox.send(event)
            if self._is_to_stop("a learning-rate search"):
                self._outbox.send(Stopped(count))
                return

    def _measure(self, run: Run, recipe: Recipe, data: DataSet, checkpoint: Checkpoint) -> None:
        """Each figure is on the disk before anybody reads it."""
        from convtui.training.process.laboratory import Laboratory  # which imports PyTorch
        from convtui.training.process.restored import restored

        began = perf_counter()
        subject = restored(recipe, data, checkpoint.weights, checkpoint.step)
        measuring, known = _known(run, data, checkpoint, subject.source)
        measuring = replace(measuring, notice=subject.notice)
        for event in (measuring, *known.events):
            self._outbox.send(event)
        if not known.is_complete:
            laboratory = Laboratory(recipe, data, checkpoint.weights, known, subject)
            with kept_in(run) as keeper:
                keeper.keep(measuring)
                for figure in laboratory.figures(known):
                    if figure is not None:
                        keeper.keep(figure)
                        self._outbox.send(figure)
                    if self._is_to_stop("a measurement"):
                        self._outbox.send(Stopped(checkpoint.step))
                        return
        self._outbox.send(Measured(perf_counter() - began))

    def _is_to_stop(self, what: str) -> bool:
        """Whether the present job, which can only be stopped, has been; other jobs wait."""
        while message := self._inbox.get_waiting():
            if isinstance(message, Stop):
                return True
            if isinstance(message, JOBS):
                self._jobs.append(message)
            else:
                ignore(f"{message.kind}: {what} can only be stopped")
        return False


def _import_loop() -> Any:
    """The module that imports PyTorch, or the error that says why it cannot be had."""
    try:
        loop = importlib.import_module("convtui.training.process.loop")
        loop.prepare()
        return loop
    except Exception as error:
        return error


def _known(run: Run, data: DataSet, checkpoint: Checkpoint, source: str) -> tuple[Measuring, Measurements]:
    """What to tell of a measurement that begins, and what is known already of the same weights and code."""
    train_count = len(data.train_images)
    images_seen = run.recipe.epochs * (train_count // run.recipe.batch_size) * run.recipe.batch_size
    measuring = Measuring(
        run=str(run.path),
        step=checkpoint.step,
        digest=checkpoint.digest,
        noise_images=noise_count(len(data.test_images)),
        landscape_images=landscape_count(images_seen, train_count),
        points=POINTS,
        source=source,
    )
    known = known_of(run, measuring)
    return replace(measuring, points=POINTS - known.count), known


def _fitted(recipe: Recipe, data: DataSet, keep_batch_size: bool) -> tuple[Recipe, str]:
    """The recipe for this data set, and what to tell of how that was read and of what was changed."""
    from convtui.training.process.network import devices_there  # which imports PyTorch

    device, of_device = chosen(recipe.device, devices_there())
    recipe, told = replace(recipe, device=device), ""
    if not keep_batch_size and may_lower(recipe):
        recipe, told = lowered(recipe, len(data.train_images))
    return recipe, "; ".join(filter(None, (data.named_notice, told, of_device)))


def _begun(
    recipe: Recipe,
    data: DataSet,
    step: int,
    total_steps: int,
    run: str = "",
    training: Training | None = None,
) -> Begun:
    """What is told at the start; of a network of the user's only its training knows the modules."""
    begun = Begun(
        recipe=recipe,
        run=run,
        step=step,
        steps_per_epoch=len(data.train_images) // recipe.batch_size,
        total_steps=total_steps,
        layers="",
        shape=data.shape,
        classes=data.classes,
        train_count=len(data.train_images),
        test_count=len(data.test_images),
        parameters=0,
    )
    if recipe.network and training:
        parameters, modules = training.parameters, training.modules
        return replace(begun, parameters=parameters, modules=modules, filters=training.filters)
    layers = layers_text(recipe, data.shape, len(data.classes))
    parameters = network(recipe, data.shape, len(data.classes)).parameters
    return replace(begun, layers=layers, parameters=parameters)
