"""What the tracing process is told and tells: one job in, events out, a line of JSON each.

A process that stays is then asked for tensors, which travel as files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from convtui.engine.graph.operation import Graph, Op
from convtui.tracing.encoding import op_from_json, op_to_json

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=str)
NO_IMAGE: Final = "the input is no image"


@dataclass(frozen=True)
class Job:
    """What is to be traced.

    target: `net.py:Net` or `package.module:factory`. arguments: for it, as they were typed. The input is an
    image of random numbers of `shape` (without the batch); or image, a .npy file [channels, rows, columns],
    from which mean is subtracted, one number or one for each channel, and which is divided by std. inputs: a
    function of theirs that makes the inputs, of that image if it takes one; "" for the image alone. folder:
    where tensors are written that are asked for after the pass; the process stays for that, if it has one.
    """

    target: str
    arguments: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    batch: int = 1
    inputs: str = ""
    weights: str = ""
    training: bool = False
    sizes: bool = False
    image: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    folder: str = ""


@dataclass(frozen=True)
class Fetch:
    """Run the pass again and write an operation's output to the folder; and what goes into it, if asked.

    output: which of several.
    """

    op: int
    inputs: bool = False
    output: int = 0


@dataclass(frozen=True)
class Look:
    """Run the model on another image, a .npy file as that of the job, and tell all of it anew."""

    image: str


@dataclass(frozen=True)
class Ready:
    """PyTorch is imported; a job is done at once."""


@dataclass(frozen=True)
class Loaded:
    """The model and its inputs are made. notices: what the user should know about how, a line each.

    image: which input is the image; None if none is. takes_image: whether what makes the inputs gets it.
    is_called: whether what is named was called to make the model; else it is the model itself.
    """

    notices: tuple[str, ...] = ()
    image: int | None = 0
    takes_image: bool = True
    is_called: bool = True


@dataclass(frozen=True)
class Done:
    """An operation is done."""

    op: Op


@dataclass(frozen=True)
class Traced:
    """The pass has ended: all that is known of it but its operations, as JSON."""

    rest: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sizes:
    """Which image sizes were tried, rows and columns, and which of them work. why: it was not searched."""

    tried: tuple[tuple[int, int], ...] = ()
    work: tuple[tuple[int, int], ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Settled:
    """The job is done; the process waits for what it is asked for."""


@dataclass(frozen=True)
class Tensors:
    """What was fetched: .npy files by role, "output" among them, without the axis of the batch.

    why: there are none.
    """

    op: int
    inputs: bool = False
    output: int = 0
    files: dict[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Forked:
    """Their code has forked the process."""


@dataclass(frozen=True)
class Refused:
    """The job cannot be done: why, in a line; what led there, a line each."""

    reason: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finished:
    """There is no more to come."""


Event: TypeAlias = Ready | Loaded | Done | Traced | Sizes | Settled | Tensors | Forked | Refused | Finished
EVENTS: Final = {
    kind.__name__: kind
    for kind in (Ready, Loaded, Traced, Sizes, Settled, Tensors, Forked, Refused, Finished)
}


@dataclass(frozen=True)
class Outcome:
    """All that came of a job: the graph, as far as the pass went, and what was found out beside it.

    trouble: how the process ended before it was done; "" if it did not. refused: nothing was run. image,
    takes_image, is_called: as of Loaded.
    """

    graph: Graph | None = None
    sizes: Sizes | None = None
    notices: tuple[str, ...] = ()
    trouble: str = ""
    refused: Refused | None = None
    image: int | None = 0
    takes_image: bool = True
    is_called: bool = True


def without_batch(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a tensor of one image without the axis of the batch, if it has that."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape


def encode(message: Job | Fetch | Look | Event) -> bytes:
    """The message as a line."""
    values = {"op": op_to_json(message.op)} if isinstance(message, Done) else vars(message)
    return f"{_ENCODER.encode({'event': type(message).__name__, **values})}\n".encode()


def decode_job(line: bytes) -> Job:
    """The job that was encoded. Raises ValueError for another line."""
    values = _values(line)
    if values.pop("event", None) != "Job":
        raise ValueError("not a job")
    return Job(**{name: _tuples(value) for name, value in values.items()})


def decode_asked(line: bytes) -> Fetch | Look:
    """What is asked for. Raises ValueError for another line."""
    values = _values(line)
    match values.pop("event", None):
        case "Fetch":
            return Fetch(**values)
        case "Look":
            return Look(**values)
    raise ValueError("asks for nothing")


def decode(line: bytes) -> Event:
    """The event that was encoded. Raises ValueError for another line."""
    values = _values(line)
    event = values.pop("event", None)
    try:
        if event == "Done":
            return Done(op_from_json(values["op"]))
        if event == "Traced":
            return Traced(values["rest"])
        made: Event = EVENTS[event](**{name: _tuples(value) for name, value in values.items()})
        return made
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event: {line[:80]!r} ({error})") from None


def _values(line: bytes) -> dict[str, Any]:
    values = json.loads(line)
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return values


def _tuples(value: Any) -> Any:
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value
