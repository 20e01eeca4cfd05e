"""A norm of the user's own network with what goes into it, to be looked at on the Norms page.

It has a history of its own: whatever is tried with it, the norm that the page showed before stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod
from typing import Final

import numpy as np

from convtui.engine.batchnorm import EPS, MOMENTUM, BatchNormState
from convtui.engine.graph.operation import Op, Shape, shape_text
from convtui.engine.spec import Floats
from convtui.state.batch_measurement import BatchMeasurement, NormInput
from convtui.state.batchnorm import BatchNormSession
from convtui.state.batchnorm_network import Network, NormModule
from convtui.state.history import Document
from convtui.state.norm_choice import NormChoice

NORMS: Final = frozenset(("batch_norm", "group_norm", "layer_norm", "instance_norm"))


@dataclass(frozen=True, eq=False)
class OpenedNorm:
    """What is done with a norm over the values [images, channels, rows, columns] that went into it."""

    values: Floats
    session: BatchNormSession

    def with_session(self, session: BatchNormSession) -> OpenedNorm:
        """With another session; itself if it is the same."""
        return self if session is self.session else replace(self, session=session)

    @cached_property
    def measurement(self) -> BatchMeasurement:
        """What the norm gets: always the same input, or as many images of it as the mini-batch has."""
        return _measured(_Values(self.values), self.session.position.first, self.session.batch_size)


OPENED_NORM: Final = Document[OpenedNorm]("opened norm")


class _Values:
    """An array that is the same as another if it is the very same one."""

    def __init__(self, array: Floats) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Values) and other.array is self.array

    def __hash__(self) -> int:
        return id(self.array)


@lru_cache(maxsize=4)
def _measured(values: _Values, first: int, size: int) -> BatchMeasurement:
    batch = values.array[first : first + size]
    given = NormInput.of(batch, least=1)
    training = given if given.statistics.count > 1 else given.without_statistics()
    return BatchMeasurement(training, given, np.arange(first, first + size), (), given)


def opened_norm(op: Op, arrays: Mapping[str, Floats], given: Shape, image: str) -> OpenedNorm:
    """An operation with the tensors that it was given by role, as they are in the user's network.

    given: the shape of its input; image: the name of what the network looked at. Raises ValueError for what
    the Norms page cannot show.
    """
    kind = op.kind.removesuffix("_norm")
    values = _laid_out(op, arrays["input"].reshape(given))
    if not np.isfinite(values).all():
        raise ValueError(f"{op.kind}: its input has values that are not finite")
    channels = values.shape[1]
    training = bool(op.settings.get("training", True))
    choice = NormChoice()
    if kind == "group":
        choice = NormChoice("group", _whole(op.settings["num_groups"]))
    elif kind == "layer":
        choice = NormChoice("layer")
    elif kind == "instance" and training:
        choice = NormChoice("instance")
    weights = {
        "weight": _by_channel(op, arrays.get("weight"), values.shape, 1.0),
        "bias": _by_channel(op, arrays.get("bias"), values.shape, 0.0),
        "running_mean": arrays.get("running_mean", np.zeros(channels)),
        "running_var": arrays.get("running_var", np.ones(channels)),
    }
    momentum = op.settings.get("momentum", MOMENTUM)
    norm = BatchNormState(
        channels,
        float(_number(op.settings.get("eps", EPS))),
        None if momentum is None else float(_number(momentum)),
        training=training,
        num_batches_tracked=int(arrays.get("num_batches_tracked", np.zeros(()))),
        weight=weights["weight"],
        bias=weights["bias"],
        running_mean=weights["running_mean"],
        running_var=weights["running_var"],
    )
    module = NormModule(
        name=op.path or f"operation {op.number}",
        kind=op.module or op.kind,
        given=f"{shape_text(given)} of {image}",
        dtype=op.output.dtype,
        is_batch=kind == "batch",
        is_training=training,
        has_running="running_mean" in arrays,
        tracked=norm.num_batches_tracked,
        shape=given,
    )
    network = Network.of(
        module.name, "bn", values.shape[1:], weights={1: weights}, batches_tracked=module.tracked
    )
    network = replace(network, module=module)
    session = BatchNormSession(
        network, len(values), network.norm_layers[0], norm, len(values), choice=choice
    ).checked()
    made = OpenedNorm(values, session)
    module = replace(module, difference=_difference(made, arrays["output"]))
    return OpenedNorm(values, replace(session, network=replace(network, module=module)))


def _laid_out(op: Op, values: Floats) -> Floats:
    """Its input as [images, channels, rows, columns], so that what shares a mean is what the page frames."""
    if op.kind == "layer_norm":
        shape = op.settings["normalized_shape"]
        assert isinstance(shape, tuple)
        if len(shape) == 1:  # each place has a mean over its features
            return values.reshape(-1, shape[0], 1, 1)
        if len(shape) != values.ndim - 1:
            raise ValueError(
                f"layer_norm over the last {len(shape)} axes of {shape_text(values.shape)}: the Norms page "
                "shows one over features, or over all of an image"
            )
    if values.ndim < 2:
        raise ValueError(f"{op.kind}: its input {shape_text(values.shape)} has no channels to show")
    images, channels, *places = values.shape
    rows = places[0] if len(places) == 2 else prod(places[:-1])
    return values.reshape(images, channels, rows, places[-1] if places else 1)


def _by_channel(op: Op, weight: Floats | None, shape: Shape, default: float) -> Floats:
    """Gamma or beta for each channel. Raises ValueError where a channel has several."""
    channels = shape[1]
    if weight is None:
        return np.full(channels, default)
    each = weight.reshape(channels, -1)
    if (each != each[:, :1]).any():
        raise ValueError(
            f"{op.kind}: it has a gamma and a beta for each of {weight.size:,} elements; "
            "the Norms page shows them by channel"
        )
    return each[:, 0]


def _difference(opened: OpenedNorm, output: Floats) -> float:
    """How far the page's output is from the module's own at most."""
    session, norm = opened.session, opened.session.norm
    if session.choice.is_batch:
        made = norm(opened.values)
    else:
        shared = session.shared
        normalised = shared.normalised(opened.values, shared.statistics(opened.values), norm.eps)
        made = norm.scaled(normalised)
    return float(np.abs(made - output.reshape(made.shape)).max())


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return value
