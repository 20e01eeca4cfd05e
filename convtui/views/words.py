"""Words that can be clicked, and lines of text that repaint without a new layout."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

KEY = "bold $accent"


def link(text: str, action: str, style: str = "") -> Content:
    """Text that runs an action when clicked."""
    return Content.styled(text, style).stylize(Style.from_meta({"@click": action}))


class Line(Static):
    """Text on lines of its own; what is shown already is not drawn again."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._shown: object = None

    def show(self, shown: object, content: Content | None = None) -> None:
        """Draw `content`, or `shown` as plain text; `shown` tells whether anything differs."""
        if shown != self._shown:
            self._shown = shown
            self.update(Content(str(shown)) if content is None else content, layout=False)
