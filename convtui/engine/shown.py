"""What the public API returns shows itself in a notebook, though the engine knows nothing of drawing.

What draws stands on a floor above and is found by its name only when a notebook asks, as the API itself is.
"""

from importlib import import_module
from typing import Any


class Shown:
    """A value that a notebook shows as text and as a picture."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The forms that IPython chooses from, by their types."""
        del include, exclude  # it leaves out by itself what it does not want
        bundle: dict[str, str] = notebook().mimebundle(self)
        return bundle


def notebook() -> Any:
    """The module that draws."""
    return import_module("convtui.export.notebook")
