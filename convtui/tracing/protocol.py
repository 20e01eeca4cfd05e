"""What the tracing process is told and tells: one job in, events out, a line of JSON each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from convtui.engine.graph.operation import Graph, Op
from convtui.tracing.encoding import op_from_json, op_to_json

NO_IMAGE: Final = "the input is no image"


@dataclass(frozen=True)
class Job:
    """What is to be traced.

    target: `net.py:Net` or `package.module:factory`. arguments: for it, as they were typed. inputs: a
    function of theirs that makes the inputs, "" for an image of `shape` (without the batch).
    """

    target: str
    arguments: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    batch: int = 1
    inputs: str = ""
    weights: str = ""
    training: bool = False
    sizes: bool = False


@dataclass(frozen=True)
class Ready:
    """PyTorch is imported; a job is done at once."""


@dataclass(frozen=True)
class Loaded:
    """The model is made. notices: what the user should know about how, a line each."""

    notices: tuple[str, ...] = ()


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


Event: TypeAlias = Ready | Loaded | Done | Traced | Sizes | Forked | Refused | Finished
EVENTS: Final = {kind.__name__: kind for kind in (Ready, Loaded, Traced, Sizes, Forked, Refused, Finished)}


@dataclass(frozen=True)
class Outcome:
    """All that came of a job: the graph, as far as the pass went, and what was found out beside it.

    trouble: how the process ended before it was done; "" if it did not. refused: nothing was run.
    """

    graph: Graph | None = None
    sizes: Sizes | None = None
    notices: tuple[str, ...] = ()
    trouble: str = ""
    refused: Refused | None = None


def encode(message: Job | Event) -> bytes:
    """The message as a line."""
    values = {"op": op_to_json(message.op)} if isinstance(message, Done) else vars(message)
    text = json.dumps({"event": type(message).__name__, **values}, separators=(",", ":"), default=str)
    return f"{text}\n".encode()


def decode_job(line: bytes) -> Job:
    """The job that was encoded. Raises ValueError for another line."""
    values = _values(line)
    if values.pop("event", None) != "Job":
        raise ValueError("not a job")
    return Job(**{name: _tuples(value) for name, value in values.items()})


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
