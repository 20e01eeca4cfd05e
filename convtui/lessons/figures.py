"""The figures that a lesson can name: what the engine computes of the session, the network and the run.

Sources: what each figure means is said where it is computed, in the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from convtui.engine.kernels import nearest_edge
from convtui.engine.matrices import matrix_of
from convtui.inputs.names import printable
from convtui.lessons.expressions import ExpressionError, Value, evaluated, unknown_name
from convtui.lessons.operation_figures import NotOfThis, Operated
from convtui.lessons.trace_figures import OF_OPERATIONS, OF_TRACES
from convtui.paint.text import significant
from convtui.state.session import Session

if TYPE_CHECKING:
    from convtui.engine.stack import Row
    from convtui.state.batchnorm import BatchNormSession, PastBatch
    from convtui.tracing.traced import Trace

UNKNOWN: Final = "–"  # in words, for a figure of a run that there is not yet


_FORM: Final = re.compile(r",?(\.[0-9]{1,2})?[feg%]")


class UnknownYet(ExpressionError):
    """A figure of a run or a batch norm that is not there yet."""


@dataclass(frozen=True)
class RunFigures:
    """What is known of the run on the Train page; accuracy (0 to 1) and loss are those of its last epoch.

    train_accuracy is that on training images, gap by how much it is above accuracy. steps_to_95 are the steps
    up to the end of the first epoch with an accuracy of 95% or more. peak_step is that with the highest
    planned rate, counted from 1; start_lr and end_lr are the planned rates of the first and the last step.
    weight_norm is the L2 norm of all convolutions' weights.
    likeness is how like the named edge kernels the filters of the first convolution are on average,
    first_likeness how like they were when they were told of first, after one step.
    """

    state: str
    steps: int
    epochs: int
    accuracy: float | None
    loss: float | None
    train_loss: float | None
    best_accuracy: float | None
    max_lr: float
    batch_norm: bool
    schedule: str
    momentum: float
    weight_decay: float
    is_finished: bool
    data: str = ""
    optimizer: str = ""
    channels: tuple[int, ...] = ()
    batch_size: int = 0
    seed: int = 0
    total_epochs: int = 0
    total_steps: int = 0
    train_accuracy: float | None = None
    gap: float | None = None
    steps_to_95: int | None = None
    peak_step: int | None = None
    start_lr: float | None = None
    end_lr: float | None = None
    weight_norm: float | None = None
    first_likeness: float | None = None
    likeness: float | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """All that figures are computed from."""

    session: Session
    run: RunFigures | None = None
    batchnorm: BatchNormSession | None = None
    trace: Trace | None = None  # of the sample model on show

    @cached_property
    def of(self) -> Operated:
        """The operation that is stepped through."""
        return Operated(self.session)

    def value(self, name: str, index: tuple[int, ...] | None) -> Value:
        """The figure of that name, at an index if it needs one. Raises ExpressionError."""
        if index is None:
            if name not in FIGURES:
                if name in INDEXED:
                    raise ExpressionError(f"{name}: needs an index, such as {INDEXED[name][1]}")
                raise unknown_name(name, KNOWN)
            figure = self._read(name, FIGURES[name])
            if figure is None:
                raise ExpressionError(f"{name}: cannot be counted here")
            return _plain(figure)
        if name not in INDEXED:
            if name in FIGURES:
                raise ExpressionError(f"{name}: takes no index")
            raise unknown_name(name, KNOWN)
        read, example = INDEXED[name]
        try:
            if any(at < 0 for at in index):
                raise IndexError
            return _plain(self._read(name, read, *index))
        except (IndexError, TypeError):
            at = ", ".join(map(str, index))
            raise ExpressionError(f"{name}: there is no [{at}] here; written as {example}") from None

    def _read(self, name: str, read: Callable[..., Any], *index: int) -> Any:
        try:
            return read(self, *index)
        except NotOfThis as error:
            raise ExpressionError(f"{name}: {error}") from None


def filled(text: str, seen: Seen) -> str:
    """The text with the value of each {expression} in it; {{ and }} stand for braces.

    Raises ExpressionError.
    """
    parts: list[str] = []
    for literal, expression in _pieces(text):
        parts.append(literal)
        if expression is not None:
            parts.append(_worded(expression, seen))
    return "".join(parts)


def shown(value: Value) -> str:
    """A value as words have it: 1,437, 0.2784, [1, 28, 28]."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}".replace("-", "−")
        case float():
            return significant(value).replace("-", "−") if np.isfinite(value) else str(value)
        case tuple():
            return f"[{', '.join(map(_in_a_list, value))}]"
    return value


def _in_a_list(number: float) -> str:
    return str(number) if isinstance(number, int) else shown(number)


def _worded(expression: str, seen: Seen) -> str:
    body, colon, form = expression.rpartition("|")
    try:
        value = evaluated(body if colon else expression, seen)
    except UnknownYet:
        return UNKNOWN
    if not colon:
        return shown(value)
    if isinstance(value, bool | str | tuple):
        raise ExpressionError(f"{printable(expression)}: only a number has a form such as |.2f or |.1%")
    if not _FORM.fullmatch(form.strip()):
        raise ExpressionError(f"{printable(expression)}: no form of numbers, such as |.2f or |.1%")
    return format(value, form.strip()).replace("-", "−")


def _pieces(text: str) -> list[tuple[str, str | None]]:
    """Literal text and the expression behind it, in order; the last may have none."""
    pieces: list[tuple[str, str | None]] = []
    literal, at = "", 0
    while at < len(text):
        if text[at : at + 2] in ("{{", "}}"):
            literal, at = literal + text[at], at + 2
        elif text[at] == "{":
            end = text.find("}", at)
            if end < 0:
                begin = printable(text[at : at + 20])
                raise ExpressionError(f"{begin}…: a brace without its end; {{{{ is a brace itself")
            pieces.append((literal, text[at + 1 : end].strip()))
            literal, at = "", end + 1
        elif text[at] == "}":
            raise ExpressionError("}: a brace without its beginning; }} is a brace itself")
        else:
            literal, at = literal + text[at], at + 1
    return [*pieces, (literal, None)]


def _plain(value: Any) -> Value:
    """Numpy's numbers as Python's."""
    if isinstance(value, np.generic):
        plain: Value = value.item()
        return plain
    if isinstance(value, list | tuple):
        return tuple(each.item() if isinstance(each, np.generic) else each for each in value)
    kept: Value = value
    return kept


def _both(pair: tuple[int, int]) -> int | tuple[int, int]:
    return pair[0] if pair[0] == pair[1] else pair


def _pad(seen: Seen) -> int | tuple[int, ...]:
    (top, bottom), (left, right) = seen.of.pads
    sides = (top, bottom, left, right)
    return top if len({*sides}) == 1 else sides


def _row(seen: Seen, number: int | None = None) -> Row:
    stack = seen.session.stack
    return stack.row if number is None else stack.summary.rows[number]


def _run(seen: Seen) -> RunFigures:
    if seen.run is None:
        raise UnknownYet("run: there is no run yet")
    return seen.run


def _of_run(name: str) -> Callable[[Seen], Any]:
    def read(seen: Seen) -> Any:
        value = getattr(_run(seen), name)
        if value is None:
            raise UnknownYet(f"run.{name}: not known yet")
        return value

    return read


def _of_trace(read: Callable[..., Any]) -> Callable[..., Any]:
    def value(seen: Seen, *index: int) -> Any:
        if seen.trace is None:
            raise NotOfThis("this step shows no model")
        return read(seen.trace, *index)

    return value


def _batchnorm(seen: Seen) -> BatchNormSession:
    if seen.batchnorm is None:
        raise UnknownYet("batchnorm: no network is open yet")
    return seen.batchnorm


def _edge(seen: Seen, number: int) -> tuple[str, float]:
    """The named edge kernel that is most like a filter of the session, and how like it is."""
    try:
        return nearest_edge(seen.session.convolution.weight[number])
    except ValueError as error:
        raise ExpressionError(f"edge: {error}") from None


def _edge_likenesses(seen: Seen) -> list[float]:
    return [_edge(seen, number)[1] for number in range(len(seen.session.convolution.weight))]


def _of_last_batch(read: Callable[[PastBatch, int], Any]) -> Callable[[Seen], Any]:
    """A figure of the mini-batch that went through last, in the channel on show."""

    def value(seen: Seen) -> Any:
        session = _batchnorm(seen)
        if not session.past:
            raise UnknownYet("batchnorm.last: no mini-batch has gone through yet")
        return read(session.past[-1], session.channel)

    return value


def _of_channel(name: str) -> Callable[[Seen], Any]:
    def read(seen: Seen) -> Any:
        session = _batchnorm(seen)
        return getattr(session.norm, name)[session.channel]

    return read


FIGURES: Final[Mapping[str, Callable[[Seen], Any]]] = {
    "image.name": lambda seen: seen.session.picture.name,
    "image.shape": lambda seen: seen.session.convolution.image_shape,
    "image.channels": lambda seen: seen.session.convolution.image_shape[0],
    "image.rows": lambda seen: seen.session.convolution.image_shape[1],
    "image.columns": lambda seen: seen.session.convolution.image_shape[2],
    "kernel.name": lambda seen: seen.session.kernel.name,
    "kernel.rows": lambda seen: seen.of.spec.kernel_size[0],
    "kernel.columns": lambda seen: seen.of.spec.kernel_size[1],
    "weight.shape": lambda seen: seen.of.weight.shape,
    "weight.count": lambda seen: seen.of.weight.size,
    "weight.sum": lambda seen: seen.of.weight.sum(),
    "weight.magnitude": lambda seen: abs(seen.of.weight).sum(),
    "filters": lambda seen: seen.session.convolution.weight_shape[0],
    "slices": lambda seen: seen.session.convolution.weight_shape[1],
    "parameters": lambda seen: seen.of.parameters,
    "bias": lambda seen: seen.of.sum_step.bias,
    "operation": lambda seen: seen.session.kind,
    "way": lambda seen: seen.session.way,
    "stride": lambda seen: _both(seen.of.spec.stride),
    "padding": _pad,
    "padding_mode": lambda seen: seen.session.spec.padding_mode,
    "dilation": lambda seen: _both(seen.of.spec.dilation),
    "groups": lambda seen: seen.session.spec.groups,
    "span": lambda seen: _both(seen.of.span),
    "output_padding": lambda seen: _both(seen.of.output_padding),
    "output.shape": lambda seen: seen.of.output_shape,
    "output.channels": lambda seen: seen.of.output_shape[0],
    "output.rows": lambda seen: seen.of.output_shape[1],
    "output.columns": lambda seen: seen.of.output_shape[2],
    "output.count": lambda seen: prod(seen.of.output_shape),
    "output.min": lambda seen: seen.of.output.min(),
    "output.max": lambda seen: seen.of.output.max(),
    "unread.rows": lambda seen: seen.of.unused[0],
    "unread.columns": lambda seen: seen.of.unused[1],
    "at": lambda seen: seen.session.position,
    "at.channel": lambda seen: seen.session.position[0],
    "at.row": lambda seen: seen.session.position[1],
    "at.column": lambda seen: seen.session.position[2],
    "at.step": lambda seen: seen.session.index + 1,
    "filled": lambda seen: seen.session.filled,
    "value": lambda seen: seen.of.value,
    "products.count": lambda seen: seen.of.products,
    "padding.count": lambda seen: int(seen.of.step.is_padding.sum()),
    "multiply_adds": lambda seen: seen.of.multiply_adds,
    "window.rows": lambda seen: seen.of.window_size[0],
    "window.columns": lambda seen: seen.of.window_size[1],
    "window.max": lambda seen: seen.of.pixels.max(),
    "window.sum": lambda seen: seen.of.pixels.sum(),
    "window.mean": lambda seen: seen.of.pixels.mean(),
    "winner": lambda seen: seen.of.winner,
    "winner.row": lambda seen: seen.of.winner[0],
    "winner.column": lambda seen: seen.of.winner[1],
    "divisor": lambda seen: seen.of.divisor,
    "gradient.count": lambda seen: np.count_nonzero(seen.of.gradient),
    "landed": lambda seen: seen.of.landed,
    "overlap": lambda seen: seen.of.overlap,
    "overlap.least": lambda seen: seen.of.inner_overlaps[0],
    "overlap.most": lambda seen: seen.of.inner_overlaps[1],
    "slice": lambda seen: seen.session.slice,
    "matrix.rows": lambda seen: matrix_of(seen.session.operation).shape[0],
    "matrix.columns": lambda seen: matrix_of(seen.session.operation).shape[1],
    "matrix.count": lambda seen: prod(matrix_of(seen.session.operation).shape),
    "matrix.places": lambda seen: matrix_of(seen.session.operation).places,
    "matrix.nonzeros": lambda seen: matrix_of(seen.session.operation).nonzeros,
    "matrix.transposed": lambda seen: seen.session.view.transposed,
    "layers.count": lambda seen: len(seen.session.stack.summary.rows) - 1,
    "layer": lambda seen: seen.session.stack.layer,
    "layer.shape": lambda seen: _row(seen).output_shape,
    "layer.channels": lambda seen: _row(seen).output_shape[0],
    "layer.parameters": lambda seen: _row(seen).parameters,
    "layer.field": lambda seen: _row(seen).field.size[0],
    "activation": lambda seen: seen.session.stack.activation,
    "network.name": lambda seen: seen.session.stack.name,
    "network.parameters": lambda seen: seen.session.stack.summary.parameters,
    "network.multiply_adds": lambda seen: seen.session.stack.summary.multiply_adds,
    **{name: _of_trace(read) for name, read in OF_TRACES.items()},
    **{f"run.{each.name}": _of_run(each.name) for each in fields(RunFigures)},
    "batchnorm.norm": lambda seen: _batchnorm(seen).choice.kind,
    "batchnorm.batch": lambda seen: _batchnorm(seen).number,
    "batchnorm.batch_size": lambda seen: _batchnorm(seen).batch_size,
    "batchnorm.channel": lambda seen: _batchnorm(seen).channel,
    "batchnorm.training": lambda seen: _batchnorm(seen).norm.training,
    "batchnorm.gamma": _of_channel("weight"),
    "batchnorm.beta": _of_channel("bias"),
    "batchnorm.running_mean": _of_channel("running_mean"),
    "batchnorm.running_variance": _of_channel("running_var"),
    "batchnorm.last_mean": _of_last_batch(lambda batch, channel: batch.statistics.mean[channel]),
    "batchnorm.last_variance": _of_last_batch(lambda batch, channel: batch.statistics.unbiased_var[channel]),
    "batchnorm.last_running_mean": _of_last_batch(lambda batch, channel: batch.norm.running_mean[channel]),
    "edge.likeness": lambda seen: np.mean(_edge_likenesses(seen)),
    "edge.best": lambda seen: int(np.argmax(_edge_likenesses(seen))),
}

# Those that need an index, and how they are written.
INDEXED: Final[Mapping[str, tuple[Callable[..., Any], str]]] = {
    "pixel": (lambda seen, c, r, q: seen.session.convolution.image[c, r, q], "pixel[0, 4, 18]"),
    "weight": (lambda seen, o, s, i, j: seen.of.weight[o, s, i, j], "weight[0, 0, 1, 1]"),
    "output": (lambda seen, o, r, q: seen.of.output[o, r, q], "output[0, 4, 18]"),
    "window": (lambda seen, s, i, j: seen.of.step.window[s, i, j], "window[0, 1, 1]"),
    "product": (lambda seen, s, i, j: seen.of.sum_step.products[s, i, j], "product[0, 1, 1]"),
    "slice.sum": (lambda seen, s: seen.of.sum_step.slice_sums[s], "slice[0].sum"),
    "gradient": (lambda seen, i, j: seen.of.gradient[i, j], "gradient[0, 1]"),
    "pixel.gradient": (lambda seen, c, r, q: seen.of.pixel_gradient(c, r, q), "pixel[0, 4, 18].gradient"),
    "addend": (lambda seen, f, i, j: seen.of.scatter.addends[f, i, j], "addend[0, 1, 1]"),
    "overlap": (lambda seen, r, q: seen.of.overlap_at(r, q), "overlap[4, 18]"),
    "layer.shape": (lambda seen, number: _row(seen, number).output_shape, "layer[3].shape"),
    "layer.channels": (lambda seen, number: _row(seen, number).output_shape[0], "layer[3].channels"),
    "layer.parameters": (lambda seen, number: _row(seen, number).parameters, "layer[3].parameters"),
    "layer.field": (lambda seen, number: _row(seen, number).field.size[0], "layer[3].field"),
    **{name: (_of_trace(read), example) for name, (read, example) in OF_OPERATIONS.items()},
    "edge.name": (lambda seen, number: _edge(seen, number)[0], "edge.name[0]"),
    "edge.likeness": (lambda seen, number: _edge(seen, number)[1], "edge.likeness[0]"),
    "layer.multiply_adds": (lambda seen, number: _row(seen, number).multiply_adds, "layer[3].multiply_adds"),
}

KNOWN: Final[Mapping[str, object]] = {**FIGURES, **INDEXED}


def is_of_a_run(name: str) -> bool:
    """Whether the figure is measured by training or by a batch norm, and so not the same everywhere."""
    return name.startswith(("run.", "batchnorm."))
