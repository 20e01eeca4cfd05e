"""Where the network of the Norms page comes from: weights drawn from a seed, or a run's checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from convtui.inputs.names import printable, run_number
from convtui.state.batchnorm_network import Network
from convtui.state.learned_weights import LearnedWeights
from convtui.training.architecture import layers_text
from convtui.training.datasets.open_any import DataSet, load
from convtui.training.own_network import OwnNetwork
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
        if self.is_own:
            assert recipe.network
            of = f"a run of your own network ({recipe.network.name})"
            raise RunError(f"{self.short_name}: {of}; only the app, which runs its code, shows its norms")
        data = self.data_set(known)
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
    def is_own(self) -> bool:
        """Whether it is a run of the user's network, whose code the training process runs."""
        return bool(self.run) and self.recipe.network is not None

    def data_set(self, known: tuple[NetworkSource, DataSet] | None = None) -> DataSet:
        """Its data set, not read again if it is that of the known source. Raises as load does."""
        if known and known[0]._data_set == self._data_set:
            return known[1]
        return load(self.recipe.data, self.recipe.image_size, self.recipe.data_axes)

    @property
    def _data_set(self) -> tuple[str, int, str]:
        return self.recipe.data, self.recipe.image_size, self.recipe.axes


def newest_run(own: OwnNetwork | None = None) -> NetworkSource | None:
    """The newest run of the bundled network, or of this one of the user's, that has a checkpoint."""
    for run in reversed(all_runs()):
        network = run.recipe.network
        is_known = network is None or (own is not None and network.is_named_by(own))
        checkpoint = run.checkpoint() if is_known else None
        if checkpoint:
            return NetworkSource(run.recipe, run=str(run.path), step=checkpoint.step)
    return None
