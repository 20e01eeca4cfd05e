"""Every key and what the mouse does, from the same table as the bindings."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from convtui.keys import EDIT_KEYS, MOUSE, PAGES, SECTIONS
from convtui.views.words import KEY

INTRODUCTION = """\
A kernel slides over an image. In each step it covers a window of the image: every pixel in the window \
is multiplied by the weight above it, the products are added up, then the bias, and that is one cell of \
the output. This is what deep learning calls convolution (cross-correlation: the kernel is not flipped)."""


def help_text() -> Content:
    """The page as aligned lines."""
    tables = {name: [(key.written, key.does) for key in keys] for name, keys in SECTIONS.items()}
    for page, keys in PAGES.items():
        tables[f"{page.capitalize()} page"] = [(key.written, key.does) for key in keys]
    tables["Editing (e)"] = list(EDIT_KEYS)
    tables["Mouse"] = list(MOUSE)
    lines = [Content(INTRODUCTION)]
    for name, rows in tables.items():
        wide = max(12, max(len(shown) for shown, _ in rows)) + 2
        lines += [Content(), Content.styled(name, "bold")]
        lines += [Content.assemble((shown.ljust(wide), KEY), does) for shown, does in rows]
    end = Content("ctrl+p finds every command, sample, kernel and theme by name.")
    return Content("\n").join([*lines, Content(), end])


class HelpScreen(ModalScreen[None]):
    """A page to scroll; escape, q or ? closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,f1,enter", "app.pop_screen", "Close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as page:
            page.border_title = "convtui · keys"
            page.border_subtitle = "escape closes"
            yield Static(help_text())
