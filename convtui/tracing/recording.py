"""Traces of the bundled sample models, recorded: what the tracing process told of them, beside their files.

A lesson shows these at once, the same everywhere, without PyTorch; running the file again shows the numbers.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from convtui.engine.graph.operation import Shape, shape_text
from convtui.inputs import samples
from convtui.inputs.images import Picture
from convtui.inputs.names import did_you_mean, printable
from convtui.tracing import client
from convtui.tracing.client import Told
from convtui.tracing.open_model import Opening, OpenModel
from convtui.tracing.protocol import Done, Event, Job, Outcome, Sizes, Traced, decode, encode
from convtui.tracing.traced import Trace

SUFFIX: Final = ".jsonl"
KEPT: Final = (Done, Traced, Sizes)  # what is recorded of what the process tells


@dataclass(frozen=True)
class Recording:
    """A pass of a sample model, such as shape_bug:Net, on an image of a shape [channels, rows, columns]."""

    name: str
    shape: Shape
    events: tuple[Event, ...]

    @property
    def target(self) -> str:
        """What is named to run it: the path of its file, and the class."""
        file, _, kind = self.name.partition(":")
        return f"{samples.model_folder() / file}.py:{kind}"

    def opened(self, picture: Picture, row: int | None = None) -> OpenModel:
        """What page 3 shows of it: the recording, until the file is run again. row: is selected first."""
        return OpenModel(Opening(self.target), picture, self.outcome, row)

    @cached_property
    def outcome(self) -> Outcome:
        told = Told(self.target)
        for event in self.events:
            told.take(event)
        return told.outcome()

    @cached_property
    def trace(self) -> Trace:
        graph = self.outcome.graph
        assert graph is not None
        return Trace(graph, self.outcome.sizes)


@lru_cache(maxsize=16)
def recorded(name: str, shape: Shape) -> Recording:
    """The recording of a sample model on an image of that shape. Raises ValueError if there is none."""
    known = sorted(each.stem.rsplit("-", 1)[0].replace("-", ":") for each in _folder().glob(f"*{SUFFIX}"))
    if name not in known:  # not even where there is such a file: it would be run at R
        names = did_you_mean(name, known) or f"; there are {', '.join(dict.fromkeys(known))}"
        raise ValueError(f"{printable(name)}: no sample model{names}")
    path = path_of(name, shape)
    if not path.is_file():
        files = _folder().glob(f"{_stem(name)}-*{SUFFIX}")
        shapes = ", ".join(sorted(each.stem.rsplit("-", 1)[1] for each in files))
        raise ValueError(f"{name}: not recorded on an image of {shape_text(shape)}, but of {shapes}")
    return Recording(name, shape, tuple(map(decode, path.read_bytes().splitlines())))


def fresh(name: str, shape: Shape) -> Recording:
    """A trace of it made now, in a process of its own. Raises OSError where none starts."""
    events: list[Event] = []

    def take(event: Event) -> None:
        if isinstance(event, Traced):
            event = Traced({**event.rest, "name": name})  # in place of the path, which is this machine's
        if isinstance(event, KEPT):
            events.append(event)

    asyncio.run(client.trace(Job(Recording(name, shape, ()).target, shape=shape, sizes=True), tell=take))
    return Recording(name, shape, tuple(events))


def encoded(recording: Recording) -> bytes:
    """The file of a recording."""
    return b"".join(map(encode, recording.events))


def path_of(name: str, shape: Shape) -> Path:
    """Where it is kept."""
    return _folder() / f"{_stem(name)}-{shape_text(shape)}{SUFFIX}"


def _stem(name: str) -> str:
    return name.replace(":", "-")


def _folder() -> Path:
    return samples.model_folder() / "recorded"
