"""The figures of the run on the Train page, as lessons name them."""

from __future__ import annotations

from convtui.lessons.figures import RunFigures
from convtui.training.runs.history import RunHistory, State


def figures_of(history: RunHistory) -> RunFigures:
    """What is known of a run so far."""
    recipe, epochs = history.recipe, history.epochs
    last = epochs[-1] if epochs else None
    accuracies = [epoch.accuracy for epoch in epochs]
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
    )
