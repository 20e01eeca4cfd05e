"""Words that can be clicked, and lines of text that repaint without a new layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from rich.style import Style as RichStyle
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widgets import Static

KEY_STYLE = "bold $accent"


def link(text: str, action: str, style: str = "") -> Content:
    """Text that runs an action when clicked."""
    return Content.styled(text, style).stylize(Style.from_meta({"@click": action}))


class TextLine(Static):
    """Text on lines of its own; what is shown already is not drawn again."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._shown: object = None
        self._drawn: tuple[Region, list[Strip]] | None = None

    @property
    def link_style(self) -> RichStyle:
        """None that all links share: a key and its word keep their own."""
        return RichStyle.null()

    def refresh(self, *regions: Region, **how: bool) -> Self:
        self._drawn = None
        return super().refresh(*regions, **how)

    def render_lines(self, crop: Region) -> list[Strip]:
        """As they were, if nothing has changed: Textual asks for them with every frame of other widgets."""
        if self._drawn is None or self._drawn[0] != crop:
            self._drawn = crop, super().render_lines(crop)
        return self._drawn[1]

    def show(self, text: str) -> None:
        """Draw this text, if it differs."""
        self.draw(text, lambda: Content(text))

    def draw(self, shown: object, make: Callable[[], Content]) -> None:
        """Draw what `make` makes, if what is `shown` differs."""
        if shown != self._shown:
            self._shown = shown
            self.update(make(), layout=False)
