"""The same training by five programs: python -m tests.benchmarks.arms ARM --seed 0 runs one and prints JSON.

All have the default recipe, one thread, the images in memory as one normalised tensor, and batches taken from
it by one index. Imports, reading the data and building the network are not timed; the evaluation after every
epoch is.
"""

import argparse
import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from convtui.training.datasets.open_any import DataSet, load
from convtui.training.process.client import WorkerProcess
from convtui.training.process.loop import Training
from convtui.training.protocol import Begun, Epoch, Failed, Finished, Train
from convtui.training.recipe import Recipe

BATCH_OF_EVALUATION: Final = 500


class Laps:
    """Seconds since the start and accuracy on the test images, after every epoch."""

    def __init__(self) -> None:
        self.laps: list[tuple[float, float]] = []

    def start(self) -> None:
        self._started = perf_counter()

    def epoch(self, accuracy: float) -> None:
        self.laps.append((perf_counter() - self._started, accuracy))


@dataclass(frozen=True)
class Tensors:
    """Images [N, 1, rows, columns], normalised by the training images' mean and deviation, and labels [N]."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    @classmethod
    def of(cls, data: DataSet) -> "Tensors":
        train, test = (
            (torch.from_numpy(images).float() - data.mean) / data.std
            for images in (data.train_images, data.test_images)
        )
        return cls(train, torch.from_numpy(data.train_labels), test, torch.from_numpy(data.test_labels))


def network(recipe: Recipe) -> nn.Sequential:
    """The recipe's network for 28x28 gray images of ten classes, with batch norm."""
    layers: list[nn.Module] = []
    before, size = 1, recipe.first_kernel_size
    for channels in recipe.channels:
        convolution = nn.Conv2d(before, channels, size, stride=2, padding=size // 2)
        layers += [convolution, nn.ReLU(), nn.BatchNorm2d(channels)]
        before, size = channels, 3
    convolution = nn.Conv2d(before, 10, 3, stride=2, padding=1)
    return nn.Sequential(*layers, convolution, nn.BatchNorm2d(10), nn.Flatten())


def plain_pytorch(recipe: Recipe, laps: Laps) -> None:
    """The loop as a PyTorch user writes it, keeping every step's loss."""
    tensors, model = Tensors.of(load(recipe.data)), network(recipe)
    groups: list[dict[str, Any]] = [
        {"params": [each for each in model.parameters() if each.ndim >= 2]},
        {"params": [each for each in model.parameters() if each.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups, betas=(recipe.momentum, recipe.beta2), eps=recipe.eps, weight_decay=recipe.weight_decay
    )
    count = len(tensors.train_images)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.max_lr,
        total_steps=recipe.epochs * (count // recipe.batch_size),
        pct_start=recipe.pct_start,
        div_factor=recipe.div_factor,
        final_div_factor=recipe.final_div_factor,
        base_momentum=recipe.low_momentum,
        max_momentum=recipe.high_momentum,
    )
    losses: list[float] = []
    laps.start()
    for _ in range(recipe.epochs):
        model.train()
        for batch in torch.randperm(count).split(recipe.batch_size):
            if len(batch) < recipe.batch_size:
                continue
            loss = cross_entropy(model(tensors.train_images[batch]), tensors.train_labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) < scheduler.total_steps:
                scheduler.step()
        laps.epoch(accuracy_of(model, tensors))


@torch.no_grad()
def accuracy_of(model: nn.Module, tensors: Tensors) -> float:
    """The share of the test images that the model, in evaluation mode, gets right; their loss is paid too."""
    model.eval()
    right = loss = 0.0
    batches = zip(
        tensors.test_images.split(BATCH_OF_EVALUATION),
        tensors.test_labels.split(BATCH_OF_EVALUATION),
        strict=True,
    )
    for images, labels in batches:
        scores = model(images)
        loss += cross_entropy(scores, labels).item()
        right += (scores.argmax(1) == labels).sum().item()
    return right / len(tensors.test_labels)


def own_bare_loop(recipe: Recipe, laps: Laps) -> None:
    """convtui's loop with nothing captured, in this process."""
    training = Training(recipe, load(recipe.data), capture=False)
    laps.start()
    for event in training.events():
        if isinstance(event, Epoch):
            laps.epoch(event.accuracy)


def own_run(recipe: Recipe, laps: Laps) -> None:
    """convtui's run as the Train page has it: in its worker, everything captured, logged and checkpointed."""

    async def run() -> None:
        worker = await WorkerProcess.start()
        worker.send(Train(recipe))
        try:
            async for event in worker.events():
                match event:
                    case Begun():
                        laps.start()
                    case Epoch(accuracy=accuracy):
                        laps.epoch(accuracy)
                    case Finished():
                        return
                    case Failed(reason=reason):
                        raise SystemExit(reason)
            raise SystemExit(worker.cause)
        finally:
            await worker.end()

    asyncio.run(run())


def fastai_bare(recipe: Recipe, laps: Laps) -> None:
    """fit_one_cycle with no progress bar and no log."""
    fit_by_fastai(recipe, laps, [])


def fastai_stats(recipe: Recipe, laps: Laps) -> None:
    """fit_one_cycle with ActivationStats: of every layer with parameters, at every step, with histograms."""
    from fastai.callback.hook import ActivationStats

    fit_by_fastai(recipe, laps, [ActivationStats(with_hist=True)])


def fit_by_fastai(recipe: Recipe, laps: Laps, callbacks: list[Any]) -> None:
    """fastai's AdamW and one-cycle schedule; its own DataLoader gives whole batches by one index."""
    import fastai.callback.schedule  # noqa: F401 - gives Learner its fit_one_cycle
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Learner
    from fastai.metrics import accuracy
    from fastai.optimizer import Adam

    class EveryEpoch(Callback):  # type: ignore[misc]  # fastai has no types
        order = 90  # after the Recorder

        def after_epoch(self) -> None:
            laps.epoch(self.recorder.values[-1][-1])

    def batches(images: Tensor, labels: Tensor, size: int, training: bool) -> DataLoader:
        return DataLoader(
            list(range(len(images))),
            bs=size,
            shuffle=training,
            drop_last=training,
            num_workers=0,
            create_batch=lambda indices: (images[indices], labels[indices]),
            retain=lambda batch, _: batch,
        )

    tensors = Tensors.of(load(recipe.data))
    learner = Learner(
        DataLoaders(
            batches(tensors.train_images, tensors.train_labels, recipe.batch_size, training=True),
            batches(tensors.test_images, tensors.test_labels, BATCH_OF_EVALUATION, training=False),
            device=torch.device("cpu"),
        ),
        network(recipe),
        loss_func=cross_entropy,
        opt_func=Adam,
        metrics=[accuracy],
        cbs=callbacks,
        moms=(recipe.high_momentum, recipe.low_momentum, recipe.high_momentum),
    )
    with learner.no_bar(), learner.no_logging():
        laps.start()
        learner.fit_one_cycle(
            recipe.epochs,
            recipe.max_lr,
            div=recipe.div_factor,
            div_final=recipe.div_factor * recipe.final_div_factor,
            pct_start=recipe.pct_start,
            wd=recipe.weight_decay,
            cbs=[EveryEpoch()],
        )


ARMS: Final[dict[str, Callable[[Recipe, Laps], None]]] = {
    "plain-pytorch": plain_pytorch,
    "convtui-bare": own_bare_loop,
    "convtui-run": own_run,
    "fastai-bare": fastai_bare,
    "fastai-stats": fastai_stats,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.arms", description=__doc__)
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    recipe = Recipe(seed=options.seed)
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    random.seed(recipe.seed)  # fastai draws its batches by it
    laps = Laps()
    ARMS[options.arm](recipe, laps)
    print(json.dumps(laps.laps))


if __name__ == "__main__":
    main()
