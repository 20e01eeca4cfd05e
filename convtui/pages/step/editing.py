"""Editing the kernel, the bias or the image in place: where the cursor is and what it sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from convtui.pages.base.step_grids import Pointer
from convtui.paint.drawing import Cell
from convtui.paint.text import significant
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
        """At the kernel's first entry."""
        return cls("kernel").within(session)

    @property
    def pointer(self) -> Pointer:
        """The cell as what the user points at."""
        cell = (self.row, self.column)
        return Pointer(
            pixel=cell if self.target == "image" else None, entry=cell if self.target == "kernel" else None
        )

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
        target = TARGETS[(TARGETS.index(self.target) + 1) % len(TARGETS)]
        if target == "image":
            step = session.step
            return Editing(target, int(step.rows[0]), int(step.columns[0])).within(session)
        return Editing(target)

    def clicked(self, on_image: bool, cell: Cell, session: Session) -> Editing:
        """At a cell of the image's grid, which has the padding too, or of the kernel's."""
        if on_image:
            down, across = session.convolution.axes
            return Editing("image", cell[0] - down.before, cell[1] - across.before).within(session)
        return Editing("kernel", *cell).within(session)

    def name(self, session: Session) -> str:
        """The cell's name in PyTorch's terms."""
        o = session.position[0]
        if self.target == "kernel":
            return f"weight[{o}, {session.slice}, {self.row}, {self.column}]"
        if self.target == "image":
            return f"image[{session.channel}, {self.row}, {self.column}]"
        return f"bias[{o}]"

    def question(self, session: Session) -> str:
        """The cell's name and its value now."""
        convolution, o = session.convolution, session.position[0]
        if self.target == "kernel":
            value = convolution.weight[o, session.slice, self.row, self.column]
        elif self.target == "image":
            value = convolution.image[session.channel, self.row, self.column]
        else:
            value = 0.0 if convolution.bias is None else convolution.bias[o]
        return f"{self.name(session)} = {significant(float(value))}"

    def transition(self, text: str) -> Callable[[Session], Session]:
        """Sets the cell to what was typed; raises in the transition where that is no number."""

        def make(session: Session) -> Session:
            value = parse_number(self.name(session), text)
            o = session.position[0]
            if self.target == "kernel":
                return session.with_weight_value(o, session.slice, self.row, self.column, value)
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
