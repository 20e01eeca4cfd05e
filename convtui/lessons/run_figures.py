"""The figures of the run on the Train page, as lessons name them."""

from __future__ import annotations

from math import hypot
from typing import Final

import numpy as np

from convtui.engine.kernels import nearest_edge
from convtui.lessons.figures import RunFigures
from convtui.training.protocol import Snapshot
from convtui.training.runs.history import RunHistory, State

TARGET: Final = 0.95  # the accuracy that steps_to_95 are counted to


def figures_of(history: RunHistory) -> RunFigures:
    """What is known of a run so far."""
    recipe, epochs = history.recipe, history.epochs
    last = epochs[-1] if epochs else None
    accuracies = [epoch.accuracy for epoch in epochs]
    accuracy, train_accuracy = history.accuracy, history.train_accuracy
    lrs = history.planned()[0] if history.total_steps else None
    return RunFigures(
        state=history.state.value,
        steps=history.step,
        epochs=len(epochs),
        accuracy=last.accuracy if last else None,
        loss=last.validation_loss if last else None,
        train_loss=last.train_loss if last else None,
        best_accuracy=max(accuracies) if accuracies else None,
        max_lr=recipe.max_lr,
        batch_norm=recipe.batch_norm,
        schedule=recipe.schedule,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        is_finished=history.state is State.FINISHED,
        data=recipe.data,
        optimizer=recipe.optimizer,
        channels=recipe.channels,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        total_epochs=recipe.epochs,
        total_steps=history.total_steps,
        train_accuracy=train_accuracy,
        gap=None if accuracy is None or train_accuracy is None else train_accuracy - accuracy,
        steps_to_95=_steps_to_target(history),
        peak_step=None if lrs is None else int(lrs.argmax()) + 1,
        start_lr=None if lrs is None else float(lrs[0]),
        end_lr=None if lrs is None else float(lrs[-1]),
        weight_norm=_weight_norm(history.snapshots[-1]) if history.snapshots else None,
        first_likeness=_likeness(history.snapshots[0]) if history.snapshots else None,
        likeness=_likeness(history.picture) if history.picture else None,
    )


def _weight_norm(snapshot: Snapshot) -> float:
    """The L2 norm of the weights of all convolutions together."""
    return hypot(*(each.weight_norm for each in snapshot.statistics))


def _likeness(snapshot: Snapshot) -> float | None:
    """How like the named edge kernels its filters are on average; None if there are none of their size."""
    try:
        return float(np.mean([nearest_edge(np.array(kernel, float))[1] for kernel in snapshot.kernels]))
    except ValueError:
        return None


def _steps_to_target(history: RunHistory) -> int | None:
    """Accuracy is known at the ends of epochs alone; None while it has not been reached."""
    return next((epoch.step for epoch in history.epochs if epoch.accuracy >= TARGET), None)
