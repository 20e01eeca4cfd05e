"""What the public API returns shows itself in a notebook, though the engine knows nothing of drawing.

What draws stands on a floor above and is found by its name only when it is asked for, as the API itself is.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypedDict, Unpack


class How(TypedDict, total=False):
    """The keyword arguments of `animate`."""

    steps: Sequence[int]
    fps: float
    theme: str
    panes: Sequence[str]
    way: str


class Shown:
    """A value that a notebook shows as text, and as a picture or a table; and rich as text."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The forms that IPython chooses from, by their types."""
        del include, exclude  # it leaves out by itself what it does not want
        bundle: dict[str, str] = _notebook().mimebundle(self)
        return bundle

    def __rich__(self) -> Any:
        """What rich prints."""
        return _notebook().rich_text(self)


class Animated(Shown):
    """An operation that is also drawn step by step."""

    def animate(self, path: str | Path, **how: Unpack[How]) -> None:
        """Draw the window sliding, the sums and the output filling up to a .gif or .svg file.

        steps: those to go through, of one output channel, counted from 1; by default all of the first one,
        or 64 of them. fps: frames a second. theme: dark or light.
        panes: of image, kernel, output, sum and matrix.
        way: of a transposed convolution, gather, or scatter to go through the pixels of the image.
        Raises ValueError for what cannot be drawn, and if the file cannot be written.
        """
        _notebook().animate(self, path, **how)


def _notebook() -> Any:
    """The module that draws."""
    return import_module("convtui.export.notebook")
