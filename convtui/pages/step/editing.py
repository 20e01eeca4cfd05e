"""Editing the kernel, the bias or the image in place: where the cursor is and what it sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from convtui.engine.pooling import Pooling
from convtui.pages.base.step_grids import Pointer, frame_of, nearest_pixel
from convtui.paint.drawing import Cell
from convtui.paint.text import significant
from convtui.state.operation import GATHER
from convtui.state.session import Session
from convtui.state.settings import parse_number

TARGETS: Final = ("kernel", "bias", "image")
MOVES: Final = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


class Editing(NamedTuple):
    """What is edited and the cell the cursor is on, in the kernel's or the image's own frame."""

    target: str
    row: int = 0
    column: int = 0

    @classmethod
    def begun(cls, session: Session) -> Editing:
        """At the kernel's first entry, or in the window of an operation without weights."""
        return cls(targets(session)[-1]).switched(session)

    def pointer(self, session: Session) -> Pointer:
        """The cell as what the user points at."""
        if self.target == "image":
            return Pointer(pixel=(self.row, self.column))
        return Pointer(entry=self._turned(session) if self.target == "kernel" else None)

    def within(self, session: Session) -> Editing:
        """The nearest cell that is still there."""
        rows, columns = self._shape(session)
        return self._replace(
            row=min(max(self.row, 0), rows - 1), column=min(max(self.column, 0), columns - 1)
        )

    def moved(self, rows: int, columns: int, session: Session) -> Editing:
        return self._replace(row=self.row + rows, column=self.column + columns).within(session)

    def switched(self, session: Session) -> Editing:
        """The next target; on the image the cursor starts in the window."""
        own = targets(session)
        target = own[(own.index(self.target) + 1) % len(own)]
        if target == "image":
            return Editing(target, *session.window_start).within(session)
        return Editing(target)

    def clicked(self, on_image: bool, cell: Cell, session: Session) -> Editing:
        """At a cell of the image's grid, which has the padding too, or of the kernel's."""
        if on_image:
            return Editing("image", *nearest_pixel(frame_of(session.operation), cell)).within(session)
        if "kernel" not in targets(session):
            return self
        return Editing("kernel", *Editing("kernel", *cell)._turned(session)).within(session)

    def _turned(self, session: Session) -> Cell:
        """The entry of the kernel where it is shown: flipped, if it is."""
        if session.way != GATHER:
            return self.row, self.column
        rows, columns = session.spec.kernel_size
        return rows - 1 - self.row, columns - 1 - self.column

    def name(self, session: Session) -> str:
        """The cell's name in PyTorch's terms."""
        o = session.output_channel
        if self.target == "kernel" and session.way:
            filters = len(session.convolution.weight) // session.spec.groups
            return f"weight[{session.channel}, {o % filters}, {self.row}, {self.column}]"
        if self.target == "kernel":
            return f"weight[{o}, {session.slice}, {self.row}, {self.column}]"
        if self.target == "image":
            return f"image[{session.channel}, {self.row}, {self.column}]"
        return f"bias[{o}]"

    def question(self, session: Session) -> str:
        """The cell's name and its value now."""
        convolution, o = session.convolution, session.output_channel
        if self.target == "kernel":
            value = convolution.weight[o, _slice(session), self.row, self.column]
        elif self.target == "image":
            value = convolution.image[session.channel, self.row, self.column]
        else:
            value = 0.0 if convolution.bias is None else convolution.bias[o]
        return f"{self.name(session)} = {significant(float(value))}"

    def transition(self, text: str) -> Callable[[Session], Session]:
        """Sets the cell to what was typed; raises in the transition where that is no number."""

        def make(session: Session) -> Session:
            value = parse_number(self.name(session), text)
            o = session.output_channel
            if self.target == "kernel":
                return session.with_weight_value(o, _slice(session), self.row, self.column, value)
            if self.target == "image":
                return session.with_pixel_value(session.channel, self.row, self.column, value)
            return session.with_bias_value(o, value)

        return make

    def _shape(self, session: Session) -> tuple[int, int]:
        if self.target == "kernel":
            return session.spec.kernel_size
        if self.target == "image":
            return session.convolution.image_shape[1:]
        return 1, 1


def targets(session: Session) -> tuple[str, ...]:
    """What can be edited: a pooling has no weights."""
    return ("image",) if isinstance(session.operation, Pooling) else TARGETS


def _slice(session: Session) -> int:
    """The slice of the convolution's filter that is shown."""
    return session.channel - session.convolution.channels_read(session.output_channel).start
