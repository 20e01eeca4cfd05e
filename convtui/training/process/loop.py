"""The training itself, in plain PyTorch; nothing else imports it.

What is shown of a run is measured here, beside the loop and without touching it: a run that is looked at ends
with the same bits as one that is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import pairwise
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
from convtui.training.process.activation_stats import (
    RANGE_OF_LAST,
    RANGE_OF_RELU,
    kernels,
    layer_statistics,
    not_measured,
    span_of,
)
from convtui.training.process.lr_finder import RATES, Finder
from convtui.training.process.network import devices_there, evaluating, model_of, to_array, to_tensor
from convtui.training.process.own_network import TheirError, make, theirs, unlike
from convtui.training.process.trial import measured_of, tried
from convtui.training.protocol import (
    Epoch,
    Finished,
    LayerStatistics,
    NamedModule,
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


@dataclass(frozen=True, eq=False)
class Layer:
    """A module, its weight, and whose output is measured, under which number, with which histogram.

    is_copied: what comes after changes that output in place. name is that of the weight in the module.
    """

    module: nn.Module
    weight: nn.Parameter
    measured: int
    source: nn.Module
    span: tuple[float, float]
    path: str = ""
    is_copied: bool = False
    name: str = "weight"


def in_four(weight: Tensor) -> Tensor:
    """A weight as [out, in, row, column], whatever its layer; planes of a volume lie below one another."""
    match weight.dim():
        case 0:
            return weight[None, None, None, None]
        case 1:
            return weight[:, None, None, None]
        case 2:
            return weight[:, :, None, None]
        case 3:
            return weight[:, :, None]
        case 4:
            return weight
    return weight.flatten(2, -2)


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
        self.changed, self.notice = "", ""  # of the user's code
        self.model: Any  # a Sequential, unless it is the user's
        self.model, self._layers = self._own(checkpoint is not None) if recipe.network else self._bundled()
        convolutions = [
            each.weight
            for each in self._layers.values()
            if isinstance(each.module, nn.Conv2d) and each.name == "weight"
        ]
        self._filters = convolutions[0] if convolutions else None  # shown as pictures
        self._optimizer = _optimizer(recipe, self.model)
        self._scheduler = _scheduler(recipe, self._optimizer, self.total_steps)
        self._epoch_loss, self._epoch = 0.0, Epoch(0, 0, math.nan, math.nan, math.nan, 0.0, math.nan)
        self._captures, self._captured_step, self._next_capture = capture, -1, -math.inf
        self._activations: dict[int, Tensor] = {}
        self._pictured = pictured(data)
        self._watched: tuple[int, tuple[int, int, int, int]] | None = None
        if self._layers:
            *_, rows, columns = in_four(self._layers[1].weight).shape
            self.watch(1, (0, 0, rows // 2, columns // 2))
        if checkpoint:
            self._restore(checkpoint)
        if capture:
            self._keep_activations()

    def _bundled(self) -> tuple[nn.Module, dict[int, Layer]]:
        """The network of the recipe, each convolution measured after its ReLU where it has one."""
        made, layers = model_of(self.recipe, self.data), {}
        for number, module in enumerate(made, 1):
            if isinstance(module, nn.Conv2d):
                after, weight = made[number], module.weight
                assert isinstance(weight, nn.Parameter)
                if isinstance(after, nn.ReLU):
                    layers[number] = Layer(module, weight, number + 1, after, RANGE_OF_RELU)
                else:
                    layers[number] = Layer(module, weight, number, module, RANGE_OF_LAST)
        return made.to(self._device), layers

    def _own(self, has_checkpoint: bool) -> tuple[nn.Module, dict[int, Layer]]:
        """The user's network, its modules with weights in the order in which they are called.

        The file that its first weights came from is not needed to go on from a checkpoint.
        """
        network = self.recipe.network
        assert network
        made, begun = make(replace(network, weights="") if has_checkpoint else network, self.recipe.seed)
        made = made.to(self._device)
        seen = tried(made, network, self.data, self._device)
        self.notice = seen.notice
        self.changed = network.changed_words(begun)
        if not network.digest:
            self.recipe = replace(self.recipe, network=begun)
        layers = {
            number: Layer(
                each.module,
                each.weight,
                number,
                each.module,
                span_of(each.reach, number == len(seen.modules)),
                each.path,
                each.is_overwritten,
                each.name,
            )
            for number, each in enumerate(seen.modules, 1)
        }
        return made, layers

    @property
    def modules(self) -> tuple[NamedModule, ...]:
        """Those of an own network that are measured; () for the bundled one."""
        if not self.recipe.network:
            return ()
        return tuple(
            NamedModule(
                number,
                each.path,
                type(each.module).__name__,
                _shape(in_four(each.weight)),
                each.name,
                tuple(each.weight.shape),
            )
            for number, each in self._layers.items()
        )

    @property
    def filters(self) -> tuple[int, ...]:
        """The shape of the filters that are shown."""
        return tuple(self._filters.shape) if self._filters is not None else ()

    @property
    def parameters(self) -> int:
        """How many numbers are trained or could be."""
        return sum(each.numel() for each in self.model.parameters())

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
        self._activations.clear()
        with self._theirs():
            outputs = self.model(self._on_device(self._to_tensor(images)))
            loss = cross_entropy(outputs, self._on_device(torch.tensor(labels)))
            self._optimizer.zero_grad()
            loss.backward()
        group = self._optimizer.param_groups[0]
        lr, momentum = group["lr"], (group["betas"][0] if "betas" in group else group["momentum"])
        before = self._watched_weight
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
        statistics = tuple(self._statistics(each) for each in self._layers.values() if self._activations)
        first = kernels(to_array(self._filters)) if self._filters is not None else ()
        snapshot = Snapshot(self.step, statistics, first, self._predictions())
        ended = perf_counter()
        self.seconds += ended - began
        self._captured_step = self.step
        self._next_capture = ended + max(SECONDS_A_SNAPSHOT, (ended - began) / CAPTURE_SHARE)
        return snapshot

    def _statistics(self, layer: Layer) -> LayerStatistics:
        """Of a module that the last pass did not call there is only the norm of its weight."""
        activations = self._activations.get(layer.measured)
        if activations is None:
            return not_measured(layer.measured, to_array(layer.weight), layer.span)
        values = activations.float() if activations.dtype == torch.bfloat16 else activations
        return layer_statistics(layer.measured, values.cpu().numpy(), to_array(layer.weight), layer.span)

    def watch(self, layer: int, index: tuple[int, int, int, int]) -> None:
        """Tell of this weight from the next step on. Raises ValueError if there is none."""
        if layer not in self._layers:
            known = ", ".join(map(str, self._layers))
            what = "a module with weights" if self.recipe.network else "a convolution"
            raise ValueError(f"layer {layer}: must be {what}, {known}")
        shape = in_four(self._layers[layer].weight).shape
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
        optimizer, is_own = self._optimizer.state_dict(), self.recipe.network is not None
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
                **({"spans": {name: each.span[1] for name, each in self._named.items()}} if is_own else {}),
            },
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        about, network = checkpoint.about, self.recipe.network
        self.recipe.require_same(about.get("recipe", {}))
        if network and (differs := unlike(self.model, checkpoint.weights)):
            raise TheirError(f"{network.name}: its weights are not those of the run: {differs}")
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
        if network:  # the first weights, which decided them, may be others now
            spans = about.get("spans", {})
            self._layers |= {
                each.measured: replace(each, span=(-high, high))
                for name, each in self._named.items()
                if (high := spans.get(name, RANGE_OF_LAST[1]))
            }

    @property
    def _named(self) -> dict[str, Layer]:
        """The layers of an own network by the names of their weights."""
        return {f"{each.path}.{each.name}": each for each in self._layers.values()}

    def _buffers(self, checkpoint: Checkpoint) -> dict[int, dict[str, Tensor]]:
        """The optimiser's, laid out in memory as the parameters are: the order decides how vectors round."""
        parameters = [each for group in self._optimizer.param_groups for each in group["params"]]
        buffers: dict[int, dict[str, Tensor]] = {}
        for name, array in checkpoint.optimizer.items():
            number, _, buffer = name.partition(".")
            parameter, kept = parameters[int(number)].detach(), torch.tensor(array)
            if kept.dim() and kept.shape != parameter.shape:
                raise ValueError(f"{name}: of another parameter")
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
            for start, end in pairwise(self._evaluation_batches(len(images))):
                outputs = self._outputs(images[start:end])
                wanted = self._on_device(torch.tensor(labels[start:end]))
                loss += cross_entropy(outputs, wanted, reduction="sum").item()
                correct += int((outputs.argmax(1) == wanted).sum())
        return loss / len(images), correct / len(images)

    def _evaluation_batches(self, count: int) -> list[int]:
        """Where batches begin and end. A norm of the user's that keeps no statistics refuses one image."""
        ends = [*range(0, count, EVALUATION_BATCH), count]
        if self.recipe.network and len(ends) > 2 and ends[-1] - ends[-2] == 1:
            del ends[-2]
        return ends

    def _outputs(self, images: NDArray[Any]) -> Tensor:
        inputs = self._on_device(self._to_tensor(normalised(images, self.data)))
        with self._theirs():
            outputs: Tensor = self.model(inputs)
        return outputs

    def _theirs(self) -> AbstractContextManager[None]:
        """Around what may be the user's code."""
        network = self.recipe.network
        return theirs(network, f"failed after step {self.step}") if network else nullcontext()

    def _to_tensor(self, images: NDArray[np.float32]) -> Tensor:
        """In the layout in memory that is fastest; a network of the user's may rely on the usual one."""
        return torch.from_numpy(images).contiguous() if self.recipe.network else to_tensor(images)

    def _on_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device)

    # -- what is shown

    def _keep_activations(self) -> None:
        """Keep references, which cost nothing; they are measured when a snapshot is due."""

        def keep(layer: Layer) -> Callable[[nn.Module, Any, Any], None]:
            def hook(module: nn.Module, _: Any, outputs: Any) -> None:
                output = measured_of(outputs)
                if module.training and output is not None:
                    kept = output.detach()
                    self._activations[layer.measured] = kept.clone() if layer.is_copied else kept

            return hook

        for layer in self._layers.values():
            layer.source.register_forward_hook(keep(layer))

    @property
    def _snapshot_is_due(self) -> bool:
        every = max(LEAST_STEPS_A_SNAPSHOT, math.ceil(self.total_steps / SNAPSHOTS_A_RUN))
        is_due = self.step % every == 0 and perf_counter() >= self._next_capture
        return self.step != self._captured_step and (is_due or self.step in (1, self.total_steps))

    @property
    def _watched_weight(self) -> float:
        """Its value, NaN if none is watched."""
        if self._watched is None:
            return math.nan
        layer, index = self._watched
        return in_four(self._layers[layer].weight.detach())[index].item()

    def _update_since(self, before: float) -> Watched | None:
        """The update of the watched weight; None if there was none, as of one that is frozen."""
        if self._watched is None:
            return None
        layer, index = self._watched
        parameter, group = self._layers[layer].weight, self._optimizer.param_groups[0]
        if parameter.grad is None:
            return None
        state, gradient = self._optimizer.state[parameter], in_four(parameter.grad)[index].item()
        if self.recipe.optimizer == "adamw":
            buffer, squares = (in_four(state[name])[index].item() for name in ("exp_avg", "exp_avg_sq"))
        elif group["momentum"]:
            buffer, squares = in_four(state["momentum_buffer"])[index].item(), None
        else:
            buffer, squares = gradient + group["weight_decay"] * before, None
        after = self._watched_weight
        decay = -group["lr"] * group["weight_decay"] * before
        return Watched(layer, index, before, gradient, buffer, squares, decay, after - before, after)

    def _predictions(self) -> tuple[Prediction, ...]:
        with evaluating(self.model):
            outputs = self._outputs(self.data.test_images[self._pictured])
        probabilities, predicted = outputs.softmax(1).max(1)
        labels = self.data.test_labels[self._pictured]
        columns = self._pictured.tolist(), labels.tolist(), predicted.tolist(), probabilities.tolist()
        return tuple(Prediction(*row) for row in zip(*columns, strict=True))


def for_search(recipe: Recipe, data: DataSet) -> Training:
    """A fresh network that find can train."""
    return Training(replace(recipe, schedule="constant"), data, capture=False)


def find(recipe: Recipe, data: DataSet, fresh: Training | None = None) -> Iterator[Tried | Suggested]:
    """Train a fresh network at ever greater rates until its loss explodes; nothing of it is kept."""
    training, finder = fresh or for_search(recipe, data), Finder()
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
    if training.changed:
        raise TheirError(f"{training.changed}: no step can be trained again")
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


def _shape(weight: Tensor) -> tuple[int, int, int, int]:
    out, into, rows, columns = weight.shape
    return out, into, rows, columns


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
