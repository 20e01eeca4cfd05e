"""The networks that the BatchNorm page looks at: a seeded one, or that of a run at its last checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from convtui.inputs.names import printable
from convtui.state.batchnorm import Network
from convtui.training.architecture import layers_text
from convtui.training.datasets.open_any import DataSet, load
from convtui.training.recipe import Recipe
from convtui.training.runs.store import all_runs, find_run


@dataclass(frozen=True)
class Source:
    """What a network is made from: the recipe with a seed, or a run's folder with its last step saved."""

    recipe: Recipe
    seed: int = 0
    run: str = ""
    step: int = 0

    def open(self, known: tuple[Source, DataSet] | None) -> tuple[DataSet, Network]:
        """The data set, that of the known source if it is the same, and the network; a run is only read.

        Raises ValueError (DataError, RunError and LayerError are such) or OSError in one line.
        """
        recipe = self.recipe
        if known and _data_of(known[0]) == _data_of(self):
            data = known[1]
        else:
            data = load(recipe.data, recipe.image_size)
        layers = layers_text(recipe, data.shape, len(data.classes))
        if not self.run:
            name = f"a random network, seed {self.seed}"
            return data, Network.of(name, layers, data.shape, self.seed)
        from convtui.state.learned_weights import Trained

        run = find_run(self.run)
        trained = Trained.of(run.path, *run.latest_weights())
        return data, Network.of(
            printable(str(trained)),
            layers,
            data.shape,
            weights=trained.weights,
            batches_tracked=trained.batches_tracked,
        )


def newest_run() -> Source | None:
    """The newest kept run that has a checkpoint."""
    for run in reversed(all_runs()):
        checkpoint = run.checkpoint()
        if checkpoint:
            return Source(run.recipe, run=str(run.path), step=checkpoint.step)
    return None


def _data_of(source: Source) -> tuple[str, int]:
    return source.recipe.data, source.recipe.image_size
