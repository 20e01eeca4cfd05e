"""Every key and what the mouse does, from the same table as the bindings."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from convtui.keys import EDIT_KEYS, MOUSE, SECTIONS

INTRODUCTION = """\
A kernel slides over an image. In each step it covers a window of the image: every pixel in the window is \
multiplied by the weight above it, the products are added up, then the bias, and that is one cell of the output. \
This is what deep learning calls convolution (cross-correlation: the kernel is not flipped)."""


def help_text() -> str:
    """The page as aligned lines."""
    tables = {name: [(key.written, key.does) for key in keys if key.does] for name, keys in SECTIONS.items()}
    tables["Editing (e)"] = list(EDIT_KEYS)
    tables["Mouse"] = list(MOUSE)
    lines = [INTRODUCTION]
    for name, rows in tables.items():
        wide = max(12, max(len(shown) for shown, _ in rows)) + 2
        lines += ["", name, *(f"  {shown:<{wide}}{does}" for shown, does in rows)]
    return "\n".join([*lines, "", "ctrl+p finds every command, sample, kernel and theme by name."])


class HelpScreen(ModalScreen[None]):
    """A page to scroll; escape, q or ? closes it."""

    BINDINGS = [("escape,q,question_mark,f1,enter", "app.pop_screen", "Close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as page:
            page.border_title = "convtui · keys"
            page.border_subtitle = "escape closes"
            yield Static(Content(help_text()))
