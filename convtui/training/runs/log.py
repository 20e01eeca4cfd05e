"""What a run's log says, as far as it can be true of one run.

The file may be damaged, edited or somebody else's: a line whose values no run can have is left out and
told, so that whoever shows the rest can rely on every shape and range in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isfinite
from reprlib import repr as short_repr
from typing import Any, Final, TypeAlias

from convtui.engine.layers import ReLU
from convtui.engine.stack import summarize
from convtui.engine.window_layers import Conv
from convtui.inputs.names import printable
from convtui.training.messages import Message, decode
from convtui.training.protocol import (
    BINS,
    Begun,
    Epoch,
    Failed,
    Finished,
    Going,
    LayerStatistics,
    Paused,
    Prediction,
    Rate,
    Saved,
    Snapshot,
    Stepped,
    Stopped,
    Watched,
)

Line: TypeAlias = tuple[int, bytes]
Numbered: TypeAlias = tuple[int, Message]

LONGEST_LAYERS: Final = 10_000  # characters; those of the largest recipe take a tenth
MOST_STEPS: Final = 2**53  # beyond which a curve cannot tell one from the next
LARGEST_COUNT: Final = 2**53

_SAME_IN_A_RUN: Final = (
    "steps_per_epoch",
    "total_steps",
    "layers",
    "modules",
    "filters",
    "shape",
    "classes",
    "test_count",
)


@dataclass(frozen=True)
class Log:
    """The events of a log that fit their run, in order, and in a line what does not; "" if all do."""

    events: list[Message]
    left_out: str = ""


def decoded(lines: Iterable[Line]) -> Iterator[Numbered]:
    """The messages of the lines that hold one, each with its line's number."""
    for number, line in lines:
        with suppress(ValueError):
            yield number, decode(line)


def valid(events: Iterable[Message]) -> list[Message]:
    """Those that no later Begun voids."""
    kept: list[Message] = []
    for event in events:
        if isinstance(event, Begun):
            kept = [each for each in kept if getattr(each, "step", 0) <= event.step]
        kept.append(event)
    return kept


def outlined(lines: Iterable[Line]) -> Iterator[Line]:
    """Without snapshots, and of steps only the last before whatever else is told, and the last of all."""
    step: Line = (0, b"")
    for number, line in lines:
        if line.startswith(b'{"event":"step"'):
            step = (number, line) if line.endswith(b"}") else step
        elif not line.startswith(b'{"event":"snapshot"'):
            yield from (step, (number, line))
            step = (0, b"")
    yield step


def fitting(lines: Iterable[Line], is_outline: bool = False) -> Log:
    """What of these lines can be true of one run, and is not void; an outline has gaps between its steps.

    The run is that of the first Begun that adds up. What a kill tore off is nothing to tell of.
    """
    lines = [(number, line) for number, line in lines if line.strip()]
    misfits: dict[int, str] = {}
    found: list[Numbered] = []
    for number, line in lines:
        try:
            found.append((number, decode(line)))
        except ValueError as error:
            misfits[number] = str(error)
    for number in _torn(
        lines, misfits, {number for number, event in found if isinstance(event, Begun | Failed)}
    ):
        del misfits[number]
    frame = _frame(event for _, event in found if isinstance(event, Begun))
    for number, event in found:
        try:
            if frame is None:
                raise ValueError("nothing is known of the run that it is of")
            frame.check(event)
        except ValueError as error:
            misfits[number] = str(error)
    kept = [(number, event) for number, event in found if number not in misfits]
    if not is_outline:
        misfits |= _out_of_order(kept)
    return Log(valid(event for number, event in kept if number not in misfits), _told(misfits))


def _torn(lines: list[Line], misfits: Iterable[int], turns: set[int]) -> list[int]:
    """Lines that were being written when the process ended: the last, or that before the run was resumed."""
    following = [number for number, _ in lines[1:]]
    return [
        number
        for (number, line), after in zip(lines, [*following, None], strict=False)
        if number in misfits and not line.endswith(b"}") and (after is None or after in turns)
    ]


def _out_of_order(found: list[Numbered]) -> dict[int, str]:
    """Steps on their own before or after their time. Where others go on from there, a Begun was lost."""
    misfits: dict[int, str] = {}
    following = iter([event.step for _, event in found if isinstance(event, Stepped)][1:])
    last = 0
    for number, event in found:
        if isinstance(event, Begun):
            last = event.step
        elif isinstance(event, Stepped):
            after = next(following, None)
            is_early = after is not None and last < after <= event.step
            is_late = event.step <= last and after != event.step + 1
            if is_early or is_late:
                misfits[number] = f"step {event.step}: stands behind step {last}"
            else:
                last = event.step
    return misfits


def _told(misfits: dict[int, str]) -> str:
    if not misfits:
        return ""
    number = min(misfits)
    reason = printable(misfits[number].partition("\n")[0])
    if len(misfits) == 1:
        return f"line {number} of its log does not fit and is left out: {reason}"
    return (
        f"{len(misfits):,} lines of its log do not fit and are left out; the first is line {number}: {reason}"
    )


# -- what events of one run have in common


def _frame(begun: Iterable[Begun]) -> _Frame | None:
    for each in begun:
        with suppress(ValueError):
            return _Frame.of(each)
    return None


@dataclass(frozen=True)
class _Frame:
    """A run's bounds: the shapes of its layers' weights by number, the layers measured, filters shown."""

    begun: Begun
    weights: dict[int, tuple[int, ...]]
    measured: tuple[int, ...]
    filters: tuple[int, ...]

    @classmethod
    def of(cls, begun: Begun) -> _Frame:
        """Raises ValueError for a Begun that does not add up."""
        epochs = begun.recipe.epochs
        _require("steps_per_epoch", begun.steps_per_epoch, 1, MOST_STEPS)
        if begun.total_steps != epochs * begun.steps_per_epoch or begun.total_steps > MOST_STEPS:
            total = short_repr(begun.total_steps)
            product = f"{epochs} x {begun.steps_per_epoch}"
            raise ValueError(f"total_steps {total}: must be epochs x steps_per_epoch, {product}")
        if not begun.classes:
            raise ValueError("classes: there must be some")
        for name in ("train_count", "test_count", "parameters"):
            _require(name, getattr(begun, name), name != "parameters", LARGEST_COUNT)
        if begun.recipe.network:
            own = {each.number: each.shape for each in begun.modules}
            if [*own] != [*range(1, len(begun.modules) + 1)] or any(min(each) < 1 for each in own.values()):
                raise ValueError("modules: must be counted from 1, with weights of at least one number")
            if begun.filters and begun.filters not in own.values():
                raise ValueError(f"filters {short_repr(begun.filters)}: must be those of a module")
            return cls(begun, dict(own), tuple(own), begun.filters)
        weights, measured = _convolutions(begun.layers, begun.shape)
        return cls(begun, weights, measured, next(iter(weights.values())))

    def check(self, event: Message) -> None:
        """Raises ValueError that says what cannot be of this run."""
        check = _CHECKS.get(type(event))
        if check is not None:
            check(self, event)

    def begins(self, event: Begun) -> None:
        for name in _SAME_IN_A_RUN:
            if getattr(event, name) != getattr(self.begun, name):
                value = short_repr(getattr(event, name))
                raise ValueError(
                    f"{name} {value}: the run was begun with {short_repr(getattr(self.begun, name))}"
                )
        if event.recipe.epochs != self.begun.recipe.epochs:
            raise ValueError(
                f"epochs {event.recipe.epochs}: the run was begun with {self.begun.recipe.epochs}"
            )
        self.stands(event)

    def stands(self, event: Any) -> None:
        _require("step", event.step, 0, self.begun.total_steps)

    def steps(self, event: Stepped) -> None:
        _require("step", event.step, 1, self.begun.total_steps)
        _require("epoch", event.epoch, 1, self.begun.recipe.epochs)
        _require_loss("loss", event.loss)
        _require_finite("lr", event.lr)
        _require("momentum", event.momentum, 0, 0.9999)
        _require_finite("seconds", event.seconds)
        if event.watched:
            self.watches(event.watched)

    def watches(self, watched: Watched) -> None:
        shape = self.weights.get(watched.layer)
        if shape is None or not all(0 <= at < size for at, size in zip(watched.index, shape, strict=True)):
            where = f"layer {short_repr(watched.layer)}, weight {short_repr(list(watched.index))}"
            raise ValueError(f"{where}: the network has none there")
        if watched.squares is not None:
            _require_loss("squares", watched.squares)

    def looks(self, event: Snapshot) -> None:
        _require("step", event.step, 0, self.begun.total_steps)
        layers = tuple(each.layer for each in event.statistics)
        if layers and layers != self.measured:
            raise ValueError(f"statistics of the layers {short_repr(layers)}: must be {self.measured}")
        for each in event.statistics:
            _check_statistics(each)
        if not self.filters and event.kernels:
            raise ValueError("kernels: the network has no convolution")
        filters, *shape = self.filters or (0,)
        _require("kernels", len(event.kernels), min(1, filters), filters)
        if not all(_has_shape(kernel, shape) for kernel in event.kernels):
            raise ValueError(f"kernels: each must be {shape}")
        for prediction in event.predictions:
            self.predicts(prediction)

    def predicts(self, prediction: Prediction) -> None:
        _require("image", prediction.image, 0, self.begun.test_count - 1)
        _require("label", prediction.label, 0, len(self.begun.classes) - 1)
        _require("predicted", prediction.predicted, 0, len(self.begun.classes) - 1)
        _require_share("probability", prediction.probability)

    def ends_epoch(self, event: Epoch) -> None:
        _require("epoch", event.epoch, 1, self.begun.recipe.epochs)
        _require("step", event.step, 1, self.begun.total_steps)
        _require_loss("train_loss", event.train_loss)
        if event.train_accuracy is not None:
            _require_share("train_accuracy", event.train_accuracy)
        self.evaluates(event)

    def evaluates(self, event: Epoch | Finished) -> None:
        _require("step", event.step, 1, self.begun.total_steps)
        _require_loss("validation_loss", event.validation_loss)
        _require_share("accuracy", event.accuracy)
        _require_finite("seconds", event.seconds)

    def rates(self, event: Rate) -> None:
        self.stands(event)
        replace(self.begun.recipe, max_lr=event.max_lr)


def _check_failure(_: _Frame, event: Failed) -> None:
    if not event.reason.isprintable():
        raise ValueError(f"reason {short_repr(event.reason)}: must be a line of text")


_CHECKS: Final[dict[type[Message], Callable[[_Frame, Any], None]]] = {
    Begun: _Frame.begins,
    Stepped: _Frame.steps,
    Snapshot: _Frame.looks,
    Epoch: _Frame.ends_epoch,
    Finished: _Frame.evaluates,
    Rate: _Frame.rates,
    Failed: _check_failure,
    **dict.fromkeys((Saved, Paused, Going, Stopped), _Frame.stands),
}


@lru_cache(maxsize=16)
def _convolutions(
    layers: str, shape: tuple[int, int, int]
) -> tuple[dict[int, tuple[int, ...]], tuple[int, ...]]:
    """The shapes of its convolutions' weights by number, and the numbers of the layers that are measured.

    Raises ValueError for layers that do not fit the image or have no convolution in the first place.
    """
    if len(layers) > LONGEST_LAYERS:
        raise ValueError(f"layers of {len(layers):,} characters: a run's have at most {LONGEST_LAYERS:,}")
    summary = summarize(layers, shape)
    if summary.error:
        raise summary.error
    rows = summary.rows
    weights = {row.number: row.parameter_shapes["weight"] for row in rows if isinstance(row.layer, Conv)}
    if 1 not in weights:
        raise ValueError("layers: the first must be a convolution")
    relus = {row.inputs[0]: row.number for row in rows if isinstance(row.layer, ReLU)}
    return weights, tuple(relus.get(number, number) for number in weights)


def _check_statistics(each: LayerStatistics) -> None:
    for name in ("std", "weight_norm"):
        _require_loss(name, getattr(each, name))
    _require_share("near_zero", each.near_zero)
    if not (isfinite(each.low) and isfinite(each.high) and each.low < each.high):
        raise ValueError(f"bins from {each.low} to {each.high}: must be finite, the lowest first")
    if len(each.counts) != BINS:
        raise ValueError(f"{len(each.counts)} counts: there must be {BINS}")
    _require("count", min(each.counts), 0, LARGEST_COUNT)
    _require("count", max(each.counts), 0, LARGEST_COUNT)


def _has_shape(values: Any, shape: list[int]) -> bool:
    if not shape:
        return isinstance(values, float)
    return len(values) == shape[0] and all(_has_shape(each, shape[1:]) for each in values)


def _require(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} {short_repr(value)}: must be {least:,} to {most:,}")


def _require_finite(name: str, value: float) -> None:
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"{name} {value}: must be a finite number, 0 or more")


def _require_loss(name: str, value: float) -> None:
    """Of a run that has diverged it may be infinite, or no number."""
    if value < 0:
        raise ValueError(f"{name} {value}: must not be negative")


def _require_share(name: str, value: float) -> None:
    """Of a run that has diverged it may be no number."""
    if value < 0 or value > 1:
        raise ValueError(f"{name} {value}: must be 0 to 1")
