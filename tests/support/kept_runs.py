"""Runs that are over in a moment, kept as the training process keeps them."""

from convtui.training.datasets.open_any import fingerprint, load
from convtui.training.process.loop import Training
from convtui.training.recipe import Recipe
from convtui.training.runs.store import Run, new_run

SMALL = Recipe(data="digits-8x8", channels=(4, 6), first_kernel_size=3, epochs=1, batch_size=256)


def kept_run(recipe: Recipe = SMALL) -> tuple[Run, Training]:
    """A run to its end, with a checkpoint there, and the training that it was."""
    data = load(recipe.data)
    training = Training(recipe, data, capture=False)
    run = new_run(recipe, fingerprint(data))
    for _ in training.events():
        pass
    with run.locked():
        run.save(training.checkpoint())
    return run, training
