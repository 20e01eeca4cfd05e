"""A diagram: what is drawn where, in which colours, and when. Its writers know nothing of convolutions.

Lengths are in units of which a screen has one a pixel; the origin is at the top left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from convtui.paint.colours import RGB

MARK: Final = "convtui diagram"  # in a GIF or PNG, from which convtui knows it again
ADVANCE: Final = 0.602  # the width of a character of the font, as a share of its size
RISE: Final = 0.364  # from the middle of a digit down to the line it stands on, as a share of its size

Anchor = Literal["start", "middle", "end"]
Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """A filled rectangle."""

    x: int
    y: int
    width: int
    height: int
    fill: RGB


@dataclass(frozen=True)
class Outline:
    """The edge of a rectangle, so many units thick, inside it."""

    x: int
    y: int
    width: int
    height: int
    colour: RGB
    thickness: int = 2


@dataclass(frozen=True)
class Label:
    """A line of text; y is the line it stands on, and x where it begins, has its middle, or ends."""

    x: float
    y: float
    text: str
    size: float
    colour: RGB
    anchor: Anchor = "start"


@dataclass(frozen=True)
class Line:
    """Straight from point to point (right and down of x, y); filled, the area that they go round.

    dashes are the lengths that are drawn and left out in turn; none: it is drawn throughout.
    """

    x: int
    y: int
    points: tuple[tuple[float, float], ...]
    colour: RGB
    thickness: float = 1.5
    dashes: tuple[int, int] | None = None
    is_filled: bool = False


Shape: TypeAlias = Box | Outline | Label | Line


@dataclass(frozen=True)
class Frame:
    """What one moment shows: what is new and stays until the end, and what is gone with the next frame."""

    seconds: float
    staying: tuple[Shape, ...] = ()
    passing: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Mover:
    """Shapes that lie elsewhere in each frame: moved from where they are drawn, right and down."""

    shapes: tuple[Shape, ...]
    places: tuple[Place, ...]  # one a frame


@dataclass(frozen=True)
class Diagram:
    """A drawing, and the frames through which it goes; a still has one.

    base lies below what stays, that below the movers, and these below what passes.
    """

    width: int
    height: int
    background: RGB
    title: str
    base: tuple[Shape, ...]
    frames: tuple[Frame, ...]
    movers: tuple[Mover, ...] = ()

    @property
    def seconds(self) -> float:
        """How long all frames take."""
        return sum(frame.seconds for frame in self.frames)

    def still(self, at: int = -1) -> Diagram:
        """The diagram as it is in one frame, by default the last."""
        at %= len(self.frames)
        staying = [shape for frame in self.frames[: at + 1] for shape in frame.staying]
        moved = [_moved(shape, mover.places[at]) for mover in self.movers for shape in mover.shapes]
        shapes = (*self.base, *staying, *moved, *self.frames[at].passing)
        return Diagram(self.width, self.height, self.background, self.title, shapes, (Frame(1.0),))


def _moved(shape: Shape, place: Place) -> Shape:
    right, down = place
    if isinstance(shape, Label):
        return replace(shape, x=shape.x + right, y=shape.y + down)
    return replace(shape, x=shape.x + right, y=shape.y + down)


def text_width(text: str, size: float) -> float:
    """How wide a line of text is."""
    return len(text) * size * ADVANCE
