"""A norm over a mini-batch as PyTorch's module, with the layers before it, asserting what page 4 shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Final

import numpy as np

from convtui.engine.batchnorm import BatchNormState
from convtui.engine.layers import number_text
from convtui.engine.norms import SharedMean
from convtui.engine.snippet import assertion, cell_text, tensor
from convtui.engine.spec import Floats
from convtui.engine.torch_text import call_text
from convtui.export.data_code import NORMALISED, data_code, normalised
from convtui.export.stack_code import (
    ROUNDING,
    Model,
    WeightCode,
    drawn_weights,
    imports,
    model_of,
    read_weights,
)
from convtui.state.batchnorm import BatchNormSession
from convtui.state.learned_weights import LearnedWeights
from convtui.training.datasets.open_any import DataSet
from convtui.training.runs.store import Run

_AFTER: Final = ("running_mean", "running_var")


@dataclass(frozen=True, eq=False)
class NormShown:
    """What page 4 shows of an activation [image, channel, row, column] of a mini-batch.

    values: the activations [images, channels, ...] that the norm gets. mean, var: those that normalise it.
    output: what the norm makes of it. after: the batch norm after the mini-batch.
    """

    values: Floats
    index: tuple[int, ...]
    mean: float
    var: float
    output: float
    after: BatchNormState


@dataclass(frozen=True)
class NormWeights:
    """Where the weights of the network are from: a seed, or a run after a step."""

    seed: int = 0
    run: str = ""
    step: int = 0


def norm_code(
    session: BatchNormSession, data: DataSet, order_seed: int, weights: NormWeights, shown: NormShown
) -> str:
    """The code of the session's norm over its mini-batch of the data.

    order_seed: that of the order of the images. Raises ValueError where the weights are no longer kept.
    """
    rows = session.network.rows[: session.layer.input + 1]
    model = model_of([row.layer for row in rows[1:]], rows)
    given = _weights(session, weights, model)
    read, first = data_code(data, ("train",)), session.position.first
    lines = [
        *imports(*read.imports, *given.imports),
        "",
        *read.lines,
        "",
        f"# the mini-batch: images {first} to {first + session.batch_size - 1} of epoch "
        f"{session.position.epoch + 1}, {NORMALISED.removeprefix('# ')}",
        f"order = np.random.default_rng(({session.position.epoch + 1}, {order_seed}))"
        ".permutation(len(train_images))",
        f"images = train_images[order[{first} : {first + session.batch_size}]]",
        f"images = {normalised('images', data)}",
        "x = torch.from_numpy(images).double()",
        *(_before(session, model, given) if len(rows) > 1 else ()),
        "",
        *_module(session),
        "y = norm(x)",
        "",
        *_assertions(session, shown),
    ]
    return "\n".join(lines) + "\n"


def _weights(session: BatchNormSession, weights: NormWeights, model: Model) -> WeightCode:
    rows = session.network.rows[: session.layer.input + 1]
    if not weights.run:
        return drawn_weights(rows, weights.seed, model.weighted)
    Run(Path(weights.run)).keep_for_good(weights.step)  # the run may go on and forget it
    return read_weights(LearnedWeights(Path(weights.run), weights.step, {}))


def _before(session: BatchNormSession, model: Model, given: WeightCode) -> Iterator[str]:
    """The layers before the norm, and their output as x."""
    training = session.norm.training
    yield ""
    yield f"# layers 1 to {session.layer.input}, with the shapes of their outputs{given.about}"
    yield "model = nn.Sequential("
    yield from model.lines
    yield f").double().{'train' if training else 'eval'}()"
    yield from given.lines
    if not training:
        yield from _earlier_statistics(session, model)
    yield "with torch.no_grad():"
    yield "    x = model(x)"


def _earlier_statistics(session: BatchNormSession, model: Model) -> Iterator[str]:
    """The running statistics that the mini-batches so far have given the batch norms before."""
    before = session.network.norms_before(session.layer)
    for layer, norm in zip(before, session.earlier_norms, strict=True):
        own = session.network.norm_state(layer)
        for name in _AFTER:
            values = getattr(norm, name)
            if not np.array_equal(values, getattr(own, name)):
                yield f"model[{model.top[layer.number]}].{name} = {tensor(name, values)}"


def _module(session: BatchNormSession) -> Iterator[str]:
    """The module of the norm with its gamma and beta, in the mode of the session."""
    norm, choice = session.norm, session.choice
    shape = session.network.rows[session.layer.input].output_shape
    channels, eps = str(norm.num_features), f"{number_text(norm.eps)}"
    mode = "train" if norm.training else "eval"
    match choice.kind:
        case "batch":
            name = "nn.BatchNorm2d" if len(shape) == 3 else "nn.BatchNorm1d"
            momentum = "None" if norm.momentum is None else number_text(norm.momentum)
            call = call_text(name, channels, eps=eps, momentum=momentum)
        case "layer":
            call = call_text("nn.LayerNorm", str([*shape]), eps=eps)
        case "group":
            call = call_text("nn.GroupNorm", str(session.num_groups), channels, eps=eps)
        case "instance":
            call = call_text("nn.InstanceNorm2d", channels, eps=eps, affine="True")
    yield f"# {choice.title} in {'training' if norm.training else 'evaluation'} mode"
    yield f"norm = {call}.double().{mode}().requires_grad_(False)"
    spread = ""
    if choice.kind == "layer":  # which has one for each element: here all of a channel are alike
        spread = f".reshape({', '.join(['-1'] + ['1'] * (len(shape) - 1))}).expand({tuple(shape)})"
    for name, usual in (("weight", 1), ("bias", 0)):
        yield from _set(name, getattr(norm, name), usual, spread)
    if choice.is_batch:
        for name, usual in (("running_mean", 0), ("running_var", 1)):
            yield from _set(name, getattr(norm, name), usual)
        if norm.momentum is None:
            yield f"norm.num_batches_tracked.fill_({norm.num_batches_tracked})"


def _set(name: str, values: Floats, usual: float, spread: str = "") -> Iterator[str]:
    """The line that gives the norm an array, unless a new one has it already."""
    if (values != usual).any():
        yield f"norm.{name}.copy_({tensor(name, values)}{spread})"


def _assertions(session: BatchNormSession, shown: NormShown) -> Iterator[str]:
    """That mean and variance, the output of the activation, and the running statistics are as shown."""
    norm, channel = session.norm, session.channel
    most = float(np.abs(shown.values).max()) + abs(shown.mean)
    if session.choice.is_batch and not norm.training:
        mean, var = f"norm.running_mean[{channel}]", f"norm.running_var[{channel}]"
    else:
        yield "# the activations that share a mean with the one that is looked at"
        yield f"shared = x[{_members(session.shared, shown.index, session.choice.is_batch)}]"
        mean, var = "shared.mean()", "shared.var(correction=0)"
    yield assertion(mean, shown.mean, ROUNDING * most)
    yield assertion(var, shown.var, ROUNDING * (most**2 + abs(shown.var)))
    scale = abs(session.gamma) * most / sqrt(shown.var + norm.eps) + abs(session.beta)
    yield assertion(cell_text("y", shown.index), shown.output, ROUNDING * scale)
    if session.choice.is_batch and norm.training:
        for name, magnitude in (("running_mean", most), ("running_var", most**2)):
            after = float(getattr(shown.after, name)[channel])
            yield assertion(f"norm.{name}[{channel}]", after, ROUNDING * (magnitude + abs(after)))


def _members(shared: SharedMean, index: tuple[int, ...], is_batch: bool) -> str:
    """The index of the set in which an activation is, among the activations [images, channels, ...]."""
    image, channel = index[:2]
    _, channels = shared.members(image, channel)
    chosen = str(channel) if len(channels) == 1 else f"{channels.start}:{channels.stop}"
    return f"{':' if is_batch else image}, {chosen}"
