"""A training process that is none and tells of the norms of a made-up run of a network of the user's."""

import os
from pathlib import Path
from tempfile import mkstemp

import numpy as np

from convtui.training.datasets.open_any import fingerprint, load
from convtui.training.messages import Message
from convtui.training.norm_looks import FeedNorm, ListNorms, NormFed, NormPlace, NormsListed
from convtui.training.own_network import OwnNetwork
from convtui.training.protocol import Failed
from convtui.training.recipe import Recipe
from convtui.training.runs.checkpoint import Arrays, Checkpoint
from convtui.training.runs.history import RunHistory
from convtui.training.runs.store import Run, new_run
from convtui.training.trainer import Trainer
from tests.support.workers import FakeWorker

STEP = 33
NORMS = (
    NormPlace("features.stem.norm", "BatchNorm2d", (4, 6, 6), momentum=0.05, eps=1e-3),
    NormPlace("features.blocks.0.norm", "BatchNorm2d", (4, 3, 3), calls=2),
    NormPlace("head.norm", "BatchNorm1d", (8,)),
)
CONVOLUTIONS = (
    NormPlace("features.stem.conv", "Conv2d", (4, 6, 6), False),
    NormPlace("features.blocks.0.conv", "Conv2d", (4, 3, 3), False),
)


class NormWorker(FakeWorker):
    """It answers each look at once; files: those that it wrote. refuses: why it does not."""

    def __init__(self, places: tuple[NormPlace, ...] = NORMS, notice: str = "") -> None:
        super().__init__()
        self.places, self.notice, self.refuses = places, notice, ""
        self.files: list[Path] = []

    def send(self, message: Message) -> None:
        super().send(message)
        if self.refuses and isinstance(message, ListNorms | FeedNorm):
            self.tell(Failed(self.refuses))
        elif isinstance(message, ListNorms):
            self.tell(NormsListed(self.places, 512, self.notice))
        elif isinstance(message, FeedNorm):
            self.tell(self._fed(message))

    def _fed(self, job: FeedNorm) -> NormFed:
        """Values that depend on the images and the place alone, a little apart in evaluation mode."""
        place, before = self.places[job.place], [each for each in self.places[: job.place] if each.is_norm]
        values = np.stack(
            [np.random.default_rng((job.place, image)).normal(0.3, 1, place.shape) for image in job.images]
        )
        count = sum(each.shape[0] for each in before)
        handle, file = mkstemp(".npz", dir=job.folder)
        with os.fdopen(handle, "wb") as out:
            np.savez(
                out,
                training=values,
                evaluation=1.1 * values - 0.1,
                means=np.full(count, 0.5),
                variances=np.full(count, 1.5),
            )
        self.files.append(Path(file))
        return NormFed(file)


def made_up_run(places: tuple[NormPlace, ...] = NORMS) -> Run:
    """A run of a network of the user's, with the weights of these norms."""
    network = OwnNetwork("/home/me/net.py:Net").begun([])
    recipe = Recipe(data="digits-8x8", network=network, max_lr=0.001)
    weights: Arrays = {}
    for at, place in enumerate(places if places[0].is_norm else ()):
        channels = np.arange(place.shape[0], dtype=np.float32)
        weights |= {
            f"{place.path}.weight": 1 + channels / 10,
            f"{place.path}.bias": channels / 10 - 0.2,
            f"{place.path}.running_mean": 0.25 + channels / 20 + at,
            f"{place.path}.running_var": 1.1 + channels / 10,
            f"{place.path}.num_batches_tracked": np.array(STEP),
        }
    run = new_run(recipe, fingerprint(load(recipe.data)))
    with run.locked():
        about = {"recipe": recipe.as_dict()}
        run.save(Checkpoint(STEP, weights, {}, np.zeros(8, np.uint8), about))
    return run


def trainer_with(worker: NormWorker, run: Run) -> Trainer:
    """It shows the run."""

    async def start() -> NormWorker:
        return worker

    trainer = Trainer(start)
    trainer.current = RunHistory(run.recipe, str(run.path))
    trainer.current.saved = STEP
    return trainer
