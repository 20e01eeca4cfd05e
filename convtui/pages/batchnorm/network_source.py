"""Where the network of the Norms page comes from: weights drawn from a seed, or a run's checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from convtui.inputs.names import printable, run_number
from convtui.state.batchnorm_network import Network
from convtui.state.learned_weights import LearnedWeights
from convtui.training.architecture import layers_text
from convtui.training.datasets.open_any import DataSet, load
from convtui.training.recipe import Recipe
from convtui.training.runs.store import RunError, all_runs, find_run


@dataclass(frozen=True)
class NetworkSource:
    """A recipe's network with random weights, or, where `run` is the folder of a run, with that run's.

    step: that of the run's last checkpoint, so that a newer checkpoint makes another source.
    """

    recipe: Recipe
    seed: int = 0
    run: str = ""
    step: int = 0

    @property
    def short_name(self) -> str:
        """Such as "seed 0" or "run 12"."""
        return f"run {printable(run_number(self.run))}" if self.run else f"seed {self.seed}"

    def load(self, known: tuple[NetworkSource, DataSet] | None = None) -> tuple[DataSet, Network]:
        """The data set, not read again if it is that of the known source, and the network.

        A run's files are only read. Raises ValueError (DataError, RunError and LayerError are such) or
        OSError, each with one line.
        """
        recipe = self.recipe
        if recipe.network and self.run:
            of = f"a run of your own network ({recipe.network.name})"
            raise RunError(f"{self.short_name}: {of}; its norms cannot be shown here yet")
        if known and known[0]._data_set == self._data_set:
            data = known[1]
        else:
            data = load(recipe.data, recipe.image_size, recipe.data_axes)
        layers = layers_text(recipe, data.shape, len(data.classes))
        if not self.run:
            bundled = "the bundled network, " if recipe.network else ""  # which is not what trains next
            return data, Network.of(
                f"{bundled}random weights, seed {self.seed}", layers, data.shape, self.seed
            )
        run = find_run(self.run)
        learned = LearnedWeights.from_state_dict(run.path, *run.latest_weights())
        name = printable(str(learned))
        return data, Network.of(
            name, layers, data.shape, weights=learned.weights, batches_tracked=learned.batches_tracked
        )

    @property
    def _data_set(self) -> tuple[str, int, str]:
        return self.recipe.data, self.recipe.image_size, self.recipe.axes


def newest_run() -> NetworkSource | None:
    """The newest run of the bundled network that has a checkpoint."""
    for run in reversed(all_runs()):
        checkpoint = None if run.recipe.network else run.checkpoint()
        if checkpoint:
            return NetworkSource(run.recipe, run=str(run.path), step=checkpoint.step)
    return None
