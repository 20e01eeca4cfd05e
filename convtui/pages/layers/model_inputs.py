"""Which input of the user's own network is drawn as the image, and traced to."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from convtui.engine.graph.operation import Source
from convtui.inputs.images import Picture
from convtui.inputs.names import printable
from convtui.pages.base.memo import Memo
from convtui.pages.layers.model_figures import Seen, map_shape
from convtui.state.layer_opening import is_input, picture_of
from convtui.tracing.open_model import Fetched, OpenModel
from convtui.tracing.traced import Trace

ONLY_ONE: Final = "the network has one input; --inputs names a function of yours that makes several"
NO_OTHER: Final = "no other input has rows or columns, so that none is drawn"


class ShownInput:
    """The input that is drawn, and the trace with what is seen of it."""

    def __init__(self, model: OpenModel) -> None:
        self._model = model
        self._chosen: int | None = None
        self._channel = 0
        self._trace: Memo[Trace] = Memo()
        self._picture: Memo[Picture] = Memo()
        self._followed: Picture | None = None

    def is_to_follow(self, picture: Picture) -> bool:
        """Whether the network is to run on the picture that the user has opened, edited or brought back.

        The input of an operation that was opened on the Step page is none; told once of each.
        """
        before, self._followed = self._followed, picture
        now = self._model.picture
        if picture is before or picture is now or self._model.is_recorded:
            return False
        return not is_input(picture) and not np.array_equal(picture.pixels, now.pixels)

    def number(self, trace: Trace) -> int:
        """The chosen input, from 0; at first the user's image, where the network gets it."""
        graph, outcome = trace.graph, self._model.outcome
        if self._chosen is not None and self._chosen < len(graph.ops[0].outputs):
            return self._chosen
        given = outcome.image if outcome else 0
        if given is not None and Source(0, given) in graph.images:
            return given
        return graph.image.output if graph.image else 0

    def looked(self, trace: Trace) -> Trace:
        """The trace with what is seen of the chosen input."""
        source = Source(0, self.number(trace))
        if source not in trace.graph.images or source == trace.graph.image:
            return trace
        return self._trace.get((trace, source), lambda: replace(trace, image=source))

    def text(self, trace: Trace) -> str:
        """What it is called in a sentence."""
        if self.is_one_of_several(trace):
            return trace.graph.input_text(self.number(trace))
        return "the image" if self.is_photo(trace) else "the input"

    def is_one_of_several(self, trace: Trace | None) -> bool:
        """Whether another input can be drawn."""
        return trace is not None and len(trace.graph.images) > 1

    def is_photo(self, trace: Trace) -> bool:
        """Whether the chosen input is the user's image, as it was opened."""
        number = self.number(trace)
        if self._model.outcome is not None:
            return self._model.outcome.image == number
        return trace.graph.ops[0].outputs[number].shape[1:] == self._model.picture.pixels.shape

    def picture(self, trace: Trace) -> Picture:
        """What is drawn as the image: the user's, or what was given as the chosen input."""
        number = self.number(trace)
        if self.is_photo(trace):
            return self._model.picture
        shape = map_shape(trace.graph.ops[0].outputs[number].shape)
        name = trace.graph.input_text(number) if len(trace.graph.ops[0].outputs) > 1 else "input"
        found = self._model.input(number)
        return self._picture.get((found, shape, number), lambda: _drawn(found, shape, printable(name)))

    def channel(self, trace: Trace, picture: Picture, slice: int | None, seen: Seen) -> int | None:
        """The channel that is drawn; of the user's image the session's, of a volume one that is seen."""
        if picture is self._model.picture:
            return slice
        at = min(self._channel, len(picture.pixels) - 1)
        shape = trace.graph.ops[0].outputs[self.number(trace)].shape
        if seen.slices is None or seen.is_nothing or len(shape) != 5:
            return at
        channel, depth = divmod(at, shape[2])
        return channel * shape[2] + min(max(depth, seen.slices[0]), seen.slices[1])

    def next_channel(self, trace: Trace, by: int) -> bool:
        """The next channel of an input that is not the user's image; tells whether there is another."""
        count = len(self.picture(trace).pixels)
        self._channel = (min(self._channel, count - 1) + by) % count
        return count > 1

    def choose_next(self, trace: Trace, by: int) -> str:
        """Another input; says which, or why there is none."""
        inputs = trace.graph.ops[0].outputs
        numbers = [each.output for each in trace.graph.images]
        if len(inputs) < 2:
            return ONLY_ONE
        if len(numbers) < 2:
            return NO_OTHER
        now = self.number(trace)
        at = numbers.index(now) if now in numbers else 0
        self._chosen = numbers[(at + by) % len(numbers)]
        self._channel = 0
        return f"{trace.graph.input_text(self._chosen)}: fields are of this input now"


def _drawn(found: Fetched | None, shape: tuple[int, int, int], name: str) -> Picture:
    values = found.arrays.get("output") if found else None
    if values is None:
        return Picture(np.zeros(shape), f"{name} · {'no picture' if found else 'computing…'}", "", False)
    maps = values.reshape(shape)
    return picture_of(maps if np.isfinite(maps).all() else np.nan_to_num(maps, posinf=0.0, neginf=0.0), name)
