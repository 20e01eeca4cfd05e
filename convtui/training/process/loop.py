"""The training itself, in plain PyTorch; nothing else imports it.

What is shown of a run is measured here, beside the loop and without touching it: a run that is looked at ends
with the same bits as one that is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import OneCycleLR

from convtui.training.datasets.minibatches import MiniBatches, evenly_spaced, normalised, pictured
from convtui.training.datasets.open_any import DataSet
from convtui.training.devices import CPU, chosen
from convtui.training.messages import Message
from convtui.training.process.activation_stats import RANGE_OF_LAST, RANGE_OF_RELU, kernels, layer_statistics
from convtui.training.process.lr_finder import RATES, Finder
from convtui.training.process.network import devices_there, evaluating, model_of, to_array, to_tensor
from convtui.training.protocol import (
    Epoch,
    Finished,
    Prediction,
    Rate,
    Replay,
    Snapshot,
    Stepped,
    Suggested,
    Tried,
    Watched,
)
from convtui.training.recipe import Recipe, RecipeError
from convtui.training.runs.checkpoint import Checkpoint

SNAPSHOTS_A_RUN: Final = 250
LEAST_STEPS_A_SNAPSHOT: Final = 4
SECONDS_A_SNAPSHOT: Final = 0.05
CAPTURE_SHARE: Final = 0.05
EVALUATION_BATCH: Final = 500


def prepare() -> None:
    """Do now what PyTorch puts off until the first optimiser is made, which takes over a second."""
    torch.optim.SGD([nn.Parameter(torch.zeros(1))], 1.0)


class Training:
    """A run, one step after another, as events() is asked for the next.

    With a checkpoint of the same recipe and data it goes on from there, bit for bit. Without capture there
    are no snapshots and no watched weight.
    Raises ValueError for a recipe that this data cannot be trained by.
    """

    def __init__(
        self, recipe: Recipe, data: DataSet, checkpoint: Checkpoint | None = None, *, capture: bool = True
    ) -> None:
        _check(recipe, data)
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.recipe, self.data = recipe, data
        self.step, self.seconds = 0, 0.0
        self._batches = MiniBatches(data, recipe.seed, recipe.batch_size)
        self.steps_per_epoch = self._batches.an_epoch
        self.total_steps = recipe.epochs * self.steps_per_epoch
        self._device = torch.device(chosen(recipe.device, devices_there())[0])
        self.model = model_of(recipe, data).to(self._device)
        self._convolutions = {
            number: module for number, module in enumerate(self.model, 1) if isinstance(module, nn.Conv2d)
        }
        self._optimizer = _optimizer(recipe, self.model)
        self._scheduler = _scheduler(recipe, self._optimizer, self.total_steps)
        self._epoch_loss, self._epoch = 0.0, Epoch(0, 0, math.nan, math.nan, math.nan, 0.0, math.nan)
        self._captures, self._captured_step, self._next_capture = capture, -1, -math.inf
        self._activations: dict[int, Tensor] = {}
        self._pictured = pictured(data)
        middle = recipe.first_kernel_size // 2
        self.watch(1, (0, 0, middle, middle))
        if checkpoint:
            self._restore(checkpoint)
        if capture:
            self._keep_activations()

    def events(self) -> Iterator[Message]:
        """Train to the end: every Step, Snapshots now and then, every Epoch, Finished."""
        while True:
            epochs_done = self.step // self.steps_per_epoch
            if self._epoch.epoch < epochs_done:
                self._epoch = self._evaluated(epochs_done)
                yield self._epoch
            if self.step == self.total_steps:
                break
            yield self.train_step()
            if self._captures and self._snapshot_is_due:
                yield self.snapshot()
        yield Finished(self.step, self._epoch.validation_loss, self._epoch.accuracy, self.seconds)

    def train_step(self) -> Stepped:
        """Train on the next mini-batch."""
        began = perf_counter()
        if self.step % self.steps_per_epoch == 0:
            self._epoch_loss = 0.0
        images, labels = self._batches.after(self.step)
        loss = cross_entropy(
            self.model(self._on_device(to_tensor(images))), self._on_device(torch.tensor(labels))
        )
        self._optimizer.zero_grad()
        loss.backward()
        group = self._optimizer.param_groups[0]
        lr, momentum = group["lr"], (group["betas"][0] if "betas" in group else group["momentum"])
        before = self._watched_weight.item()
        self._optimizer.step()
        watched = self._update_since(before) if self._captures else None
        self.step += 1
        if self._scheduler and self.step < self.total_steps:  # one more would let the rate bounce up again
            self._scheduler.step()
        mean_loss = loss.item()
        self._epoch_loss += mean_loss
        self.seconds += perf_counter() - began
        epoch = 1 + (self.step - 1) // self.steps_per_epoch
        return Stepped(self.step, epoch, mean_loss, lr, momentum, self.seconds, watched)

    def snapshot(self) -> Snapshot:
        """The network now; the activations are those of the last step's mini-batch, before its update."""
        began = perf_counter()
        statistics = tuple(
            layer_statistics(
                number, activations.cpu().numpy(), to_array(self._convolutions[convolution].weight), span
            )
            for convolution, number, span in self._measured
            if (activations := self._activations.get(number)) is not None
        )
        first = kernels(to_array(self._convolutions[1].weight))
        snapshot = Snapshot(self.step, statistics, first, self._predictions())
        ended = perf_counter()
        self.seconds += ended - began
        self._captured_step = self.step
        self._next_capture = ended + max(SECONDS_A_SNAPSHOT, (ended - began) / CAPTURE_SHARE)
        return snapshot

    def watch(self, layer: int, index: tuple[int, int, int, int]) -> None:
        """Tell of this weight from the next step on. Raises ValueError if there is none."""
        if layer not in self._convolutions:
            known = ", ".join(map(str, self._convolutions))
            raise ValueError(f"layer {layer}: must be a convolution, {known}")
        shape = self._convolutions[layer].weight.shape
        if len(index) != 4 or not all(0 <= i < size for i, size in zip(index, shape, strict=True)):
            raise ValueError(f"weight {list(index)} of layer {layer}: must lie within {list(shape)}")
        self._watched = layer, index

    @property
    def max_lr(self) -> float:
        """The peak (or constant) rate of what remains of the schedule."""
        max_lr: float = self._optimizer.param_groups[0]["max_lr"]
        return max_lr

    def set_max_lr(self, max_lr: float) -> None:
        """Scale what remains of the schedule to this peak (or constant) rate. Raises RecipeError."""
        replace(self.recipe, max_lr=max_lr)
        for group in self._optimizer.param_groups:
            scale = max_lr / group["max_lr"]
            for name in {"lr", "initial_lr", "min_lr"} & group.keys():
                group[name] *= scale
            group["max_lr"] = max_lr

    def follow(self, rates: Sequence[Rate]) -> None:
        """Set the rates that were set after this step."""
        for each in rates:
            if each.step == self.step:
                self.set_max_lr(each.max_lr)

    # -- going on

    def checkpoint(self) -> Checkpoint:
        """All that Training needs to go on from here."""
        optimizer = self._optimizer.state_dict()
        return Checkpoint(
            step=self.step,
            weights={name: to_array(tensor) for name, tensor in self.model.state_dict().items()},
            optimizer={
                f"{i}.{name}": to_array(value)
                for i, state in optimizer["state"].items()
                for name, value in state.items()
                if isinstance(value, Tensor)
            },
            random_state=to_array(torch.get_rng_state()),
            about={
                "recipe": self.recipe.as_dict(),
                "groups": optimizer["param_groups"],
                "scheduler": self._scheduler and self._scheduler.state_dict(),
                "epoch_loss": self._epoch_loss,
                "epoch": vars(self._epoch),
                "seconds": self.seconds,
            },
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        about = checkpoint.about
        self.recipe.require_same(about.get("recipe", {}))
        try:
            checkpoint.require_fit(self.checkpoint(), self.total_steps)
            weights = {name: torch.tensor(each) for name, each in checkpoint.weights.items()}
            self.model.load_state_dict(weights)
            state = {"state": self._buffers(checkpoint), "param_groups": about["groups"]}
            self._optimizer.load_state_dict(state)
            if self._scheduler:
                self._scheduler.load_state_dict(about["scheduler"])
            torch.set_rng_state(torch.tensor(checkpoint.random_state))
            self._epoch = Epoch(**about["epoch"])
            self._epoch_loss, self.seconds = float(about["epoch_loss"]), float(about["seconds"])
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            reason = f"the checkpoint of step {checkpoint.step} does not match its recipe and data"
            raise ValueError(reason) from None
        self.step = checkpoint.step

    def _buffers(self, checkpoint: Checkpoint) -> dict[int, dict[str, Tensor]]:
        """The optimiser's, laid out in memory as the parameters are: the order decides how vectors round."""
        parameters = [each for group in self._optimizer.param_groups for each in group["params"]]
        buffers: dict[int, dict[str, Tensor]] = {}
        for name, array in checkpoint.optimizer.items():
            number, _, buffer = name.partition(".")
            parameter, kept = parameters[int(number)].detach(), torch.tensor(array)
            laid_out = torch.empty_like(parameter) if kept.shape == parameter.shape else kept.clone()
            buffers.setdefault(int(number), {})[buffer] = laid_out.copy_(kept)
        return buffers

    def _evaluated(self, epoch: int) -> Epoch:
        """Loss and accuracy on the validation set, and accuracy on as many training images."""
        began = perf_counter()
        data, count = self.data, len(self.data.test_images)
        loss, accuracy = self._measured_on(data.test_images, data.test_labels)
        some = evenly_spaced(len(data.train_images), count)
        _, train_accuracy = self._measured_on(data.train_images[some], data.train_labels[some])
        self.seconds += perf_counter() - began
        return Epoch(
            epoch=epoch,
            step=self.step,
            train_loss=self._epoch_loss / self.steps_per_epoch,
            validation_loss=loss,
            accuracy=accuracy,
            seconds=self.seconds,
            train_accuracy=train_accuracy,
        )

    def _measured_on(self, images: NDArray[Any], labels: NDArray[np.int64]) -> tuple[float, float]:
        """Mean loss and accuracy in evaluation mode."""
        loss, correct = 0.0, 0
        with evaluating(self.model):
            for i in range(0, len(images), EVALUATION_BATCH):
                outputs = self._outputs(images[i : i + EVALUATION_BATCH])
                wanted = self._on_device(torch.tensor(labels[i : i + EVALUATION_BATCH]))
                loss += cross_entropy(outputs, wanted, reduction="sum").item()
                correct += int((outputs.argmax(1) == wanted).sum())
        return loss / len(images), correct / len(images)

    def _outputs(self, images: NDArray[Any]) -> Tensor:
        inputs = self._on_device(to_tensor(normalised(images, self.data)))
        return self.model(inputs)  # type: ignore[no-any-return]

    def _on_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device)

    # -- what is shown

    @property
    def _measured(self) -> Iterator[tuple[int, int, tuple[float, float]]]:
        """Of every convolution: its number, that of the layer measured, the ends of the histogram."""
        for number in self._convolutions:
            has_relu = isinstance(self.model[number], nn.ReLU)
            yield (number, number + 1, RANGE_OF_RELU) if has_relu else (number, number, RANGE_OF_LAST)

    def _keep_activations(self) -> None:
        """Keep references, which cost nothing; they are measured when a snapshot is due."""

        def keep(number: int) -> Callable[[nn.Module, Any, Tensor], None]:
            def hook(module: nn.Module, _: Any, output: Tensor) -> None:
                if module.training:
                    self._activations[number] = output.detach()

            return hook

        for _, number, _ in self._measured:
            self.model[number - 1].register_forward_hook(keep(number))

    @property
    def _snapshot_is_due(self) -> bool:
        every = max(LEAST_STEPS_A_SNAPSHOT, math.ceil(self.total_steps / SNAPSHOTS_A_RUN))
        is_due = self.step % every == 0 and perf_counter() >= self._next_capture
        return self.step != self._captured_step and (is_due or self.step in (1, self.total_steps))

    @property
    def _watched_weight(self) -> Tensor:
        layer, index = self._watched
        return self._convolutions[layer].weight.detach()[index]

    def _update_since(self, before: float) -> Watched:
        layer, index = self._watched
        parameter, group = self._convolutions[layer].weight, self._optimizer.param_groups[0]
        assert parameter.grad is not None
        state, gradient = self._optimizer.state[parameter], parameter.grad[index].item()
        if self.recipe.optimizer == "adamw":
            buffer, squares = state["exp_avg"][index].item(), state["exp_avg_sq"][index].item()
        elif group["momentum"]:
            buffer, squares = state["momentum_buffer"][index].item(), None
        else:
            buffer, squares = gradient + group["weight_decay"] * before, None
        after = self._watched_weight.item()
        decay = -group["lr"] * group["weight_decay"] * before
        return Watched(layer, index, before, gradient, buffer, squares, decay, after - before, after)

    def _predictions(self) -> tuple[Prediction, ...]:
        with evaluating(self.model):
            outputs = self._outputs(self.data.test_images[self._pictured])
        probabilities, predicted = outputs.softmax(1).max(1)
        labels = self.data.test_labels[self._pictured]
        columns = self._pictured.tolist(), labels.tolist(), predicted.tolist(), probabilities.tolist()
        return tuple(Prediction(*row) for row in zip(*columns, strict=True))


def find(recipe: Recipe, data: DataSet) -> Iterator[Tried | Suggested]:
    """Train a fresh network at ever greater rates until its loss explodes; nothing of it is kept."""
    training, finder = Training(replace(recipe, schedule="constant"), data, capture=False), Finder()
    for lr in RATES:
        training.set_max_lr(lr)
        yield finder.tried(lr, training.train_step().loss)
        if finder.has_exploded:
            break
    yield finder.suggested()


def replay(
    recipe: Recipe, data: DataSet, checkpoint: Checkpoint | None, rates: Sequence[Rate], job: Replay
) -> Iterator[Stepped]:
    """Train a run again from a checkpoint, or from its start, to the job's last step.

    rates are those that were set in the run: a checkpoint has those of its own step already.
    """
    training = Training(recipe, data, checkpoint)
    training.watch(job.layer, job.index)
    if checkpoint is None:
        training.follow(rates)
    while training.step < job.last:
        yield training.train_step()
        training.follow(rates)


def _check(recipe: Recipe, data: DataSet) -> None:
    if len(data.train_images) < recipe.batch_size:
        legal = f"at most {len(data.train_images)}, the number of training images"
        raise RecipeError("batch_size", recipe.batch_size, legal)
    for label in np.union1d(data.train_labels, data.test_labels):
        if not 0 <= label < len(data.classes):
            raise ValueError(f"label {label}: must be 0 to {len(data.classes) - 1}, one of the classes")


def _optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """Weights of two dimensions and more decay; biases and norms do not."""
    weights = [each for each in model.parameters() if each.dim() >= 2]
    others = [each for each in model.parameters() if each.dim() < 2]
    groups = [
        {"params": weights, "weight_decay": recipe.weight_decay, "max_lr": recipe.max_lr},
        {"params": others, "weight_decay": 0.0, "max_lr": recipe.max_lr},
    ]
    is_fused = all(each.device.type == CPU for each in model.parameters())
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, recipe.max_lr, recipe.momentum, fused=is_fused)
    betas = recipe.momentum, recipe.beta2
    return torch.optim.AdamW(groups, recipe.max_lr, betas, recipe.eps, fused=is_fused)


def _scheduler(recipe: Recipe, optimizer: torch.optim.Optimizer, total_steps: int) -> OneCycleLR | None:
    if recipe.schedule == "constant":
        return None
    pct_start = recipe.pct_start
    if pct_start * total_steps == 1:  # a rise of no steps, by whose length OneCycleLR divides
        pct_start = math.nextafter(pct_start, 0)
    return OneCycleLR(
        optimizer,
        recipe.max_lr,
        total_steps,
        pct_start=pct_start,
        base_momentum=recipe.low_momentum,
        max_momentum=recipe.high_momentum,
        div_factor=recipe.div_factor,
        final_div_factor=recipe.final_div_factor,
    )
